"""What is asked and what came out, side by side: the problem, and the given answer beside the right
one with why they count as equal."""

from __future__ import annotations

import re

import streamlit as st

from backend.messages.runs import OVER, Run
from components.frame.prose import plain_markdown, visible
from components.run.words import STATES, CostWords, costs

_ICONS = {True: ":material/check_circle:", False: ":material/cancel:", None: ":material/help:"}
_HEIGHT = 158
_SOFT_END = re.compile(r"(?<!\n)\n(?!\n)")
_COLORS = {True: "green", False: "orange", None: "gray"}


def problem_card(name: str, question: str) -> None:
    """The question as plain text under its id; a single line end reads as a space, so that a
    question of many short facts fits."""
    with st.container(border=True, height=_HEIGHT, gap="xsmall"):
        st.caption(f"Problem \u00b7 {plain_markdown(name)}")
        st.text(visible(_SOFT_END.sub(" ", question)))


def answer_card(run: Run | None) -> None:
    """The answer beside the right answer, or why there is none."""
    with st.container(border=True, height=_HEIGHT, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption("Answer" if run is None else f"Answer \u00b7 run {run.id}")
            if run is not None and run.answer is not None:
                st.badge(
                    plain_markdown(run.grade), icon=_ICONS[run.correct], color=_COLORS[run.correct]
                )
        if run is None:
            st.text("Press Run: the search starts and its answer appears here.")
        elif run.status == "failed":
            failure(run)
        elif run.answer is None:
            st.text(nothing_yet(run))
        else:
            _answers(run)


def _answers(run: Run) -> None:
    st.code(
        f"given  {visible(run.answer or '')}\nright  {visible(run.right_answer or 'not known')}",
        language=None,
        wrap_lines=True,
    )
    if run.grade_reason:
        st.caption(plain_markdown(run.grade_reason))


def nothing_yet(run: Run) -> str:
    """Why there is no answer, and what to do."""
    if run.status == "crashed":
        return (
            "No answer: the service ended while this run was under way. Resume it on Solve; "
            "what it has is not paid for again."
        )
    if run.status in OVER:
        why = (run.reason or STATES[run.status][1]).replace("_", " ")
        return f"No solution was finished ({why}). A larger budget or more steps may help."
    return f"None yet: the run is {STATES[run.status][0]}. {STATES[run.status][1].capitalize()}."


def failure(run: Run) -> None:
    """Why a run failed, and what to do."""
    said = run.error or run.reason or "The run failed."
    st.error(plain_markdown(said), icon=":material/error:")
    if run.remedy:
        st.text(f"What to do: {visible(run.remedy)}")


def ledger_row(run: Run) -> None:
    """The totals of the ledger in one quiet row."""
    found = costs(run.ledger)
    if "imported" in run.spec and "generated_tokens" not in run.ledger:
        found = [CostWords("Generated tokens", "not recorded"), *found]
    if not found:
        return
    with st.container(horizontal=True, gap="medium"):
        for cost in found:
            st.metric(plain_markdown(cost.name), cost.value, width="content")


def name_of(run: Run) -> str:
    """The id of the run's problem; a question of one's own has none."""
    return (run.problem.id if run.problem else "") or "own text"
