"""A node's headline, its text raw or rendered, and the whole path to it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend.api.schemas import NodeDetail
from components.prose import path_html, plain_markdown, rendered_markdown, visible
from components.tables import TreeRow, path_to


def headline(node: NodeDetail, row: TreeRow | None) -> None:
    """Number, state and the most important figures in one line; below, why there is no score where there is none."""
    facts = [f"step {node.depth}", f"{node.n_tokens} tokens"]
    if row is not None and row.score is not None:
        facts.insert(0, f"score {row.score:.3f}")
    if row is not None and row.visits:
        facts.append(f"{row.visits} visit{'s' if row.visits != 1 else ''}")
    if node.mean_logprob is not None:
        facts.append(f"mean log p {node.mean_logprob:.2f}")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f"**Node {node.id}**", width="content")
        st.badge(row.state if row else "not yet written", color="gray")
        st.caption(" \u00b7 ".join(facts), width="content")
    if row is not None and row.reason:
        st.warning(f"No score: {plain_markdown(row.reason)}", icon=":material/warning:")


def text_panel(node: NodeDetail) -> None:
    """The text of the node, exactly as written unless rendering is asked for."""
    rendered = st.toggle(
        "Rendered",
        key="inspector.rendered",
        help="Formulas and formatting; images are never loaded. Off: exactly what was written.",
        persist_state="session",
    )
    if rendered:
        with st.container(border=True):
            st.markdown(rendered_markdown(node.text))
    else:
        st.code(visible(node.text) or " ", language=None, wrap_lines=True)


def path_panel(rows: Sequence[TreeRow], node: NodeDetail) -> None:
    """All steps from the problem to this node, numbered, this one set off."""
    steps = [step for step in path_to(rows, node.id) if step.parent is not None]
    if steps:
        st.html(path_html([step.text for step in steps], len(steps) - 1))
    else:
        st.text("This is the problem itself; steps begin below it.")
