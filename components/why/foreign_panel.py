"""Why, for a run that another program made: one short section with what its file says."""

from __future__ import annotations

from functools import partial

import streamlit as st

from backend.client import Client
from backend.core.grades import foreign_source
from backend.messages.runs import Run
from backend.messages.why import Why
from components.frame.address import address, page
from components.frame.prose import plain_markdown, visible
from components.frame.service import require
from components.history.run_header_panel import source_of

COLORS = {"right": "green", "wrong": "orange"}


def is_foreign(run: Run) -> bool:
    """Whether another program made the run."""
    return foreign_source(run.manifest) is not None


def why_foreign(service: Client, run: Run) -> None:
    """Draw what can be said of the run, and why there is no more."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.page_link(page("why"), label="All runs", icon=":material/arrow_back:")
        st.markdown(f"**Run {run.id}**", width="content")
        st.caption(plain_markdown(f"imported from {source_of(run.manifest)}"), width="content")
        st.page_link(
            page("trace"),
            label="Open on Trace",
            icon=":material/account_tree:",
            query_params=address(run.id),
        )
    found = require(partial(service.why, run.id), f"The cause for run {run.id}")
    with st.container(border=True):
        draw_foreign(run, found)


def draw_foreign(run: Run, found: Why) -> None:
    """The verdict, the sentence, the way to the node, and what cannot be said."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.badge(plain_markdown(run.grade), color=COLORS.get(run.grade, "gray"))
        st.text(answer_words(run), width="content")
    st.markdown(plain_markdown(found.sentence))
    if found.node is not None:
        st.page_link(
            page("trace"),
            label=f"Open node {found.node} on Trace",
            icon=":material/my_location:",
            query_params=address(run.id, found.node, found.seq),
        )
    st.caption(
        "The file does not tell how the program scored, pruned and chose in a way that could be "
        "repeated here: no other rule or setting is tried on this run."
    )


def answer_words(run: Run) -> str:
    """The answer beside the right one."""
    given = "no answer" if run.answer is None else f"answer {visible(run.answer)}"
    return f"{given} (right: {visible(run.right_answer or 'not known')})"


__all__ = ["answer_words", "draw_foreign", "is_foreign", "why_foreign"]
