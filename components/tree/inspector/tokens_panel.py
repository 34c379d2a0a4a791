"""The tokens of a node: how likely each was, and what else could have stood in its place."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backend.messages.runs import NodeDetail, Run
from components.frame.address import address, page
from components.frame.browser_component import mount
from components.frame.theme import NOTHING
from components.tree.inspector.tokens import TokenRow, strip_data, token_rows

_STRIP = mount("tree/inspector", "token_strip")


def tokens_panel(node: NodeDetail, run: Run) -> None:
    """Draw the heatmap, and the same numbers as a table where asked for."""
    if not node.tokens:
        st.text(
            "The model is not loaded, so token texts are not at hand."
            if node.token_ids
            else "Nobody sampled this text, so it has no token probabilities."
        )
        return
    rows = token_rows(node.tokens, node.logprobs, node.token_ids, node.alternatives)
    _STRIP(key="tokens", data=strip_data(rows, bool(node.alternatives)))
    if not node.alternatives and node.logprobs is not None:
        _how_to_keep(run)
    if st.toggle("Values", key="inspector.values", persist_state="session"):
        _table(rows, node)


def _how_to_keep(run: Run) -> None:
    st.caption(
        "This run kept no alternatives. To see what else could have stood at each token, set "
        "**alternatives** above 0 in the form, "
        "under *Budget, seed, sampling and steps*, and run again."
    )
    st.page_link(
        page("solve"),
        label="Open the form with the settings of this run",
        icon=":material/tune:",
        query_params=address(like=run.id),
    )


def _table(rows: list[TokenRow], node: NodeDetail) -> None:
    table = pd.DataFrame(
        [
            {
                "position": row.position,
                "id": token_id,
                "token": row.text,
                "p": row.probability,
                "log p": row.logprob,
                "rank": row.rank,
                "alternatives": "  ".join(
                    f"{choice.text!r} {choice.probability:.3f}" for choice in row.choices
                ),
            }
            for row, token_id in zip(rows, node.token_ids, strict=True)
        ]
    )
    st.dataframe(
        table,
        hide_index=True,
        placeholder=NOTHING,
        height=260,
        column_config={
            "p": st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.3f"),
            "log p": st.column_config.NumberColumn(format="%.3f"),
        },
    )
