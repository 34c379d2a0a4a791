"""The tree as a table: the keyboard's way to every node, always on the same node as the picture.
Its filter stands in the address."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from backend.core.tree import TreeRow
from components.frame.prose import visible
from components.frame.theme import NOTHING
from components.run.chosen import TABLE, choose, fragment, node_to_show, walk_to
from components.tree.steps import FATES, SORTS, StepFilter, matching, page_of, page_with, pages


def table_of(rows: Sequence[TreeRow]) -> pd.DataFrame:
    """One line a node, in the order given."""
    columns = ["node", "parent", "step", "state", "score", "tokens", "mean log p", "text"]
    lines = [
        (
            row.id,
            row.parent,
            row.depth,
            row.state,
            row.score,
            row.tokens,
            row.logprob,
            visible(row.text.strip())[:300],
        )
        for row in rows
    ]
    return pd.DataFrame(lines, columns=columns)


@fragment(TABLE)
def step_table(rows: Sequence[TreeRow], run_id: int) -> None:
    """Draw the filter and one page of what it finds; choosing a line chooses the node for the whole
    page."""
    selected = node_to_show(rows)
    found = matching(rows, step_filter(max((row.depth for row in rows), default=0)))
    if not found:
        st.text("No node fits. Clear a field above." if rows else "Nothing is written yet.")
        return
    count = pages(found)
    _turn_to(found, selected, count)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{len(found)} of {len(rows)} nodes", width="content")
        number = st.pagination(count, key="steps", bind="query-params") if count > 1 else 1
    _page(page_of(found, number), selected, f"steps.{run_id}.{number}.{selected}")


def _turn_to(found: Sequence[TreeRow], selected: int | None, count: int) -> None:
    """Turn to the page of a node that was chosen since the last time; otherwise the page stays."""
    before = st.session_state.get("steps.chosen", selected)
    st.session_state["steps.chosen"] = selected
    if count > 1 and before != selected:
        st.session_state["steps"] = page_with(found, selected)


def step_filter(deepest: int) -> StepFilter:
    """The inputs of the filter; `deepest` is the greatest step there is."""
    words, fate, score, depth, sort, falling = st.columns(
        [3, 1.4, 2, 2, 1.4, 1.2], vertical_alignment="bottom", gap="small"
    )
    wanted = words.text_input(
        "Find in the text", key="find", placeholder="all these words", bind="query-params"
    )
    kind = fate.selectbox("Fate", list(FATES), key="fate", bind="query-params")
    low, high = score.slider("Score", 0.0, 1.0, (0.0, 1.0), 0.01, key="score", bind="query-params")
    least, most = depth.slider(
        "Step", 0, max(1, deepest), (0, max(1, deepest)), key="step", bind="query-params"
    )
    by = sort.selectbox("Sort by", list(SORTS), key="sort", bind="query-params")
    down = falling.toggle("Falling", key="falling", bind="query-params")
    return StepFilter(
        wanted, kind, (low, high), (least or None, most if most < deepest else None), by, down
    )


def _page(rows: Sequence[TreeRow], selected: int | None, key: str) -> None:
    ids = [row.id for row in rows]
    at = [ids.index(selected)] if selected in ids else []

    def choose_row() -> None:
        picked = st.session_state[key]["selection"]["rows"]
        if picked and picked[0] < len(ids):
            choose(ids[picked[0]])

    st.dataframe(
        table_of(rows),
        key=key,
        hide_index=True,
        height=300,
        placeholder=NOTHING,
        on_select=choose_row,
        selection_mode="single-row",
        selection_default={"selection": {"rows": at}} if at else None,
        column_config={
            "score": st.column_config.ProgressColumn(
                min_value=0.0, max_value=1.0, format="%.3f", width="small"
            ),
            "mean log p": st.column_config.NumberColumn(format="%.2f", width="small"),
            "text": st.column_config.TextColumn(width="large"),
            **{
                name: st.column_config.NumberColumn(width="small")
                for name in ("node", "parent", "step", "tokens")
            },
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
        for label, node, key in (
            ("Previous", before, "K"),
            ("Next", after, "J"),
            ("Parent", parent, "P"),
            ("Answer", answer, "A"),
        ):
            st.button(
                label,
                key=f"walk.{label}",
                shortcut=key,
                disabled=node is None,
                on_click=walk_to,
                args=(node,),
                width="content",
            )
