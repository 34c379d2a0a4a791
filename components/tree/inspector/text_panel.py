"""A node's text rendered, and the whole path to it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend.core.tree import TreeRow, path_to
from components.frame.prose import path_html
from components.frame.rendered import prepare_markdown


def draw_rendered(row: TreeRow) -> None:
    """Formulas and formatting of the text; images are never loaded."""
    with st.container(border=True):
        st.markdown(prepare_markdown(row.text))


def path_panel(rows: Sequence[TreeRow], node_id: int) -> None:
    """All steps from the problem to this node, numbered, this one set off."""
    steps = [step for step in path_to(rows, node_id) if step.parent is not None]
    if steps:
        st.html(path_html([step.text for step in steps], len(steps) - 1))
    else:
        st.text("This is the problem itself; steps begin below it.")
