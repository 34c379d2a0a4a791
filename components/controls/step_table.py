"""The tree as a table: the keyboard's way to every node, always on the same node as the picture."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from components.links import put_in_address
from components.prose import visible
from components.tables import TreeRow


def table_of(rows: Sequence[TreeRow]) -> pd.DataFrame:
    """One line a node, in order of creation."""
    columns = ["node", "parent", "step", "state", "score", "tokens", "mean log p", "text"]
    lines = [(row.id, row.parent, row.depth, row.state, row.score, row.tokens, row.logprob, visible(row.text.strip())[:300]) for row in rows]
    return pd.DataFrame(lines, columns=columns)


def step_table(rows: Sequence[TreeRow], selected: int | None, run_id: int) -> None:
    """Draw the table; choosing a line chooses the node for the whole page."""
    ids = [row.id for row in rows]
    key = f"steps.{run_id}.{selected}"
    at = [ids.index(selected)] if selected in ids else []

    def choose() -> None:
        picked = st.session_state[key]["selection"]["rows"]
        if picked and picked[0] < len(ids):
            put_in_address(node=ids[picked[0]])

    st.dataframe(
        table_of(rows),
        key=key,
        hide_index=True,
        height=300,
        on_select=choose,
        selection_mode="single-row",
        selection_default={"selection": {"rows": at}} if at else None,
        column_config={
            "score": st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="%.3f", width="small"),
            "mean log p": st.column_config.NumberColumn(format="%.2f", width="small"),
            "text": st.column_config.TextColumn(width="large"),
            **{name: st.column_config.NumberColumn(width="small") for name in ("node", "parent", "step", "tokens")},
        },
    )


def neighbours(rows: Sequence[TreeRow], selected: int | None) -> tuple[int | None, int | None]:
    """The node before and the node after in order of creation; from nowhere, the first."""
    ids = [row.id for row in rows]
    if selected not in ids:
        return None, ids[0] if ids else None
    at = ids.index(selected)
    return (ids[at - 1] if at else None), (ids[at + 1] if at + 1 < len(ids) else None)


def step_buttons(rows: Sequence[TreeRow], selected: int | None) -> None:
    """Previous and next node, up to the parent, to the answer; with keys."""
    before, after = neighbours(rows, selected)
    parent = next((row.parent for row in rows if row.id == selected), None)
    answer = next((row.id for row in rows if row.chosen), None)
    with st.container(horizontal=True, gap="small"):
        for label, node, key in (("Previous", before, "K"), ("Next", after, "J"), ("Parent", parent, "P"), ("Answer", answer, "A")):
            st.button(
                label, key=f"walk.{label}", shortcut=key, disabled=node is None, on_click=put_in_address, kwargs={"node": node}, width="content"
            )
