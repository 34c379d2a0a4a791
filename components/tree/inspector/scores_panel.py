"""What the verifier said of a node and of the way to it, in the order in which it said it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from backend.core.records import EventRecord
from backend.core.tree import TreeRow
from components.frame.prose import visible
from components.frame.theme import NOTHING
from components.tree.inspector.path_scores import PathScoring, path_figure, path_scores, scorings


def scores_panel(node_id: int, rows: Sequence[TreeRow], log: Sequence[EventRecord]) -> None:
    """The scores along the path as a chart, and every score of this node, oldest first."""
    found = scorings(node_id, log)
    info = path_scores(rows, node_id, found[-1] if found else None)
    if any(value is not None for _, _, value in info.path) or info.steps:
        st.plotly_chart(
            path_figure(info),
            key="inspector.path_scores",
            alt="Scores of the steps on the path to this node",
        )
    if not found:
        st.text("No verifier has scored this node up to the moment shown.")
        return
    st.caption(
        f"Scored {'once' if len(found) == 1 else f'{len(found)} times'}, as far as the "
        "moment shown."
    )
    score = st.column_config.ProgressColumn(
        min_value=0.0, max_value=1.0, format="%.3f", width="small"
    )
    st.dataframe(
        _table(found), hide_index=True, placeholder=NOTHING, column_config={"score": score}
    )


def _table(found: Sequence[PathScoring]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "event": one.seq,
                "verifier": visible(one.scorer),
                "score": one.value,
                "step by step": "  ".join(f"{value:.3f}" for value in one.steps),
                "why none": visible(one.reason),
            }
            for one in found
        ]
    )
