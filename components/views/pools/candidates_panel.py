"""The view of how the answers of whole solutions vote."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from backend.core.events import AnswerChanged
from backend.core.tree import up_to
from backend.problems import grade
from backend.problems.exact import canonical
from backend.problems.extraction import reader_of
from components.frame.prose import plain_markdown
from components.run.log import answer_of
from components.run.reached import text_down_to
from components.views.choosing_panel import clickable, slide
from components.views.pools.candidates import (
    Candidate,
    candidate_figure,
    candidate_info,
    candidates,
)
from components.views.pools.growth import growth_figure, growth_info
from components.views.registry import view
from components.views.view_data import ViewData, plural


@view("Answers", order=150, needs=("answer",), serves=("candidates",))
def draw_candidates(data: ViewData) -> None:
    found = candidates(data.rows, data.events, data.until)
    right = _right(data, found)
    read = partial(answer_of, reader=data.reader)
    every = candidate_info(data.rows, found, read, data.selector, right)
    if not every.classes:
        _unread(every.unread)
        st.text("No finished solution gives an answer yet.")
        return
    at = slide(
        "Samples",
        len(found),
        "sample",
        "how many candidates count, in the order in which the final rule met them",
    )
    info = candidate_info(data.rows, found[:at], read, data.selector, right)
    _unread(info.unread)
    hidden = f"{plural(info.omitted, 'weaker answer')} not shown. " if info.omitted else ""
    known = " None of them is known to be right." if not right else ""
    st.caption(
        f"{hidden}The rule {plain_markdown(data.selector)} compares equal answers by: {plain_markdown(info.measure)}. "
        f"A star marks the run's answer.{known}"
    )
    clickable(
        candidate_figure(info),
        "Answers of the finished solutions and what they count",
        "view.answers",
    )
    if len(found) > 1:
        growth = growth_info(data.rows, found, read, data.selector, right)
        settled = (
            f" After sample {growth.settled} the leading answer did not change any more."
            if growth.settled
            else ""
        )
        st.caption(f"What each answer counted after so many samples.{settled}")
        clickable(
            growth_figure(growth, at),
            "What each answer counted as the samples came in",
            "view.growth",
        )


def _unread(count: int) -> None:
    if count:
        st.caption(f"{plural(count, 'finished solution')} without a readable answer.")


def _right(data: ViewData, found: Sequence[Candidate]) -> set[str]:
    """The answers known to be right, in compared form: by the grader of the problem, as far as it
    decides without algebra, and by the verdicts of the log."""
    by_id = {row.id: row for row in data.rows}
    given = {
        candidate.node: reader_of(data.reader)(text_down_to(by_id, candidate.node)).answer
        for candidate in found
    }
    forms = {
        canonical(answer): answer
        for answer in given.values()
        if answer is not None and answer.strip()
    }
    right = {form for form, answer in forms.items() if grade(data.problem, answer).correct}
    for event in up_to(data.events, data.until):
        match event.body:
            case AnswerChanged(answer=str() as answer, correct=True) if answer:
                right.add(canonical(answer))
    return right
