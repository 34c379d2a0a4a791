"""The line above a trace: which run this is, what became of it, and what it was asked."""

from __future__ import annotations

import streamlit as st

from backend.api.schemas import Run
from components.controls.run_again import again_link
from components.controls.run_cards import failure, ledger_row, name_of
from components.prose import visible
from components.run_words import MARKS, clock, state_word


def run_header(run: Run) -> None:
    """One line of facts, the question folded away, and the failure if there is one."""
    facts = [run.strategy.replace("_", " "), name_of(run), f"seed {run.seed}", clock(run.created_at)]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f"**Run {run.id}**", width="content")
        st.badge(state_word(run.status), color="gray")
        st.caption(" \u00b7 ".join(facts), width="content")
        if run.answer is not None:
            st.text(_verdict(run), width="content")
        with st.popover("Question and settings", icon=":material/info:"):
            st.text(visible(run.question))
            if run.grade_reason:
                st.text(f"Graded: {visible(run.grade_reason)}")
            ledger_row(run)
            st.json(
                {
                    "params": run.params,
                    "engine": run.engine,
                    "model": run.model,
                    "verifier": run.verifier,
                    "aggregation": run.aggregation,
                    "selector": run.selector,
                    "selector_params": run.spec.get("selector_params", {}),
                    "budget": run.budget,
                    "sampling": run.sampling,
                },
                expanded=1,
            )
        again_link(run.id)
    if run.status == "failed":
        failure(run)


def _verdict(run: Run) -> str:
    beside = "" if run.correct else f" (right: {visible(run.right_answer or 'not known')})"
    return f"answer {visible(run.answer or '')}, {MARKS[run.correct]}{beside}"
