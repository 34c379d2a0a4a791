"""A run before an author: the problem, a path of it as steps, and where he stands in it."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from backend.client import Client
from backend.messages.annotations import CategoryShown, Codebook, LabelTask, PathChoice
from components.annotate.label_marks import mark_steps
from components.annotate.queue_panel import Seat
from components.annotate.step_reader_panel import step_reader
from components.frame.address import address, number_in_address, page, put_in_address
from components.frame.prose import plain_markdown, visible
from components.frame.service import require
from components.history.run_cards_panel import problem_card
from components.run.words import grade_word

AT, SPAN = "annotate.at", "annotate.span"
"""Where the session keeps the author's place and the marked span."""


@dataclass
class LabelPlace:
    """The step of a path that the author is at; `moved` until the address says so too.

    One object a session, which callbacks change in place: at every access to the session and every
    write to the address Streamlit may break off a callback for the next key, and a key that was
    taken has to be carried out whole.
    """

    path: str = ""
    step: int | None = None
    moved: bool = False


@dataclass(frozen=True)
class LabelDesk:
    """What lies before the author: the task, the step he is at (None where the path has none), the
    codebook, and a marked span of that step."""

    seat: Seat
    task: LabelTask
    place: LabelPlace
    step: int | None
    book: Codebook
    span: tuple[int, int] | None

    @property
    def names(self) -> dict[str, str]:
        """Every category by key, as it is shown."""
        return category_names(self.book)


def category_names(book: Codebook) -> dict[str, str]:
    return {each.key: category_name(each, book) for each in book.categories}


def category_name(category: CategoryShown, book: Codebook) -> str:
    return f"{book.marks.get(category.mark, '')} {visible(category.name)}" + (
        " (retired)" if category.retired else ""
    )


def open_desk(service: Client, seat: Seat, run: int, book: Codebook) -> LabelDesk:
    """Open the run for the author, as blind as he is, at the path and step of the address."""
    node = number_in_address("node")
    task = require(
        lambda: service.annotations.open(run, seat.author, blind=seat.blind, node=node),
        f"Run {run}",
    )
    place: LabelPlace = st.session_state.setdefault(AT, LabelPlace())
    step = _step_at_hand(task, place)
    marked = st.session_state.get(SPAN)
    span = marked[2:] if marked and marked[:2] == (path_name(task), step) else None
    return LabelDesk(seat, task, place, step, book, span)


def go_to_step(desk: LabelDesk, step: int | None) -> None:
    """Put the author at a step; the address follows when the page is drawn."""
    if step is not None and 0 <= step < len(desk.task.steps):
        desk.place.path, desk.place.step, desk.place.moved = path_name(desk.task), step, True


def step_now(desk: LabelDesk) -> int | None:
    """The step that the author is at by now: a key may come before the page shows where the last
    one led."""
    return desk.place.step if desk.place.path == path_name(desk.task) else desk.step


def _step_at_hand(task: LabelTask, place: LabelPlace) -> int | None:
    """The step at hand: where a key has led, else what the address says. None where the path has no
    steps."""
    number = number_in_address("step") or 0
    if place.moved and place.path == path_name(task) and place.step is not None:
        number = place.step
        put_in_address(step=number)
    step = None if not task.steps else min(number, len(task.steps) - 1)
    place.path, place.step, place.moved = path_name(task), step, False
    return step


def path_name(task: LabelTask) -> str:
    """What tells one path of one run from all others."""
    return f"{task.run_id}.{task.node}"


def task_header(task: LabelTask) -> None:
    """Which run this is, what is hidden, and once nothing is: what became of the answer."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f"**Run {task.run_id}**", width="content")
        others = (
            f"labelled by {task.others} other{'' if task.others == 1 else 's'}"
            if task.others
            else ""
        )
        facts = [task.strategy.replace("_", " "), task.problem_id or "own text", task.model, others]
        st.caption(plain_markdown(" \u00b7 ".join(filter(None, facts))), width="content")
        if task.hidden:
            st.badge(
                "blind: scores, verdict, others' labels hidden",
                icon=":material/visibility_off:",
                color="gray",
            )
        else:
            st.badge("all is shown", icon=":material/visibility:", color="gray")
            st.text(_verdict(task), width="content")
            st.page_link(
                page("trace"),
                label="Trace",
                icon=":material/account_tree:",
                query_params=address(task.run_id, task.node),
            )
    problem_card(task.problem_id or "own text", task.question)


def _verdict(task: LabelTask) -> str:
    if task.answer is None:
        return "no answer can be read"
    beside = (
        ""
        if task.correct or task.right_answer is None
        else f" (right: {visible(task.right_answer)})"
    )
    return f"answer {visible(task.answer)}, {grade_word(task.correct, task.right_answer)}{beside}"


def path_picker(task: LabelTask) -> None:
    """Choose the path to read; that of the chosen answer comes first."""
    choices = {choice.node: choice for choice in task.paths}
    if task.node not in choices:
        choices[task.node] = PathChoice(
            node=task.node, steps=len(task.steps), chosen=False, done=False
        )
    key = f"annotate.path.{path_name(task)}"
    st.selectbox(
        f"Path ({len(choices)} to choose from)",
        list(choices),
        index=list(choices).index(task.node),
        key=key,
        format_func=lambda node: path_words(choices[node]),
        on_change=lambda: put_in_address(node=st.session_state[key], step=None),
    )


def path_words(choice: PathChoice) -> str:
    what = "the chosen answer" if choice.chosen else "finished" if choice.done else "unfinished"
    return f"to node {choice.node}: {what}, {choice.steps} step{'' if choice.steps == 1 else 's'}"


def steps_of_task(desk: LabelDesk) -> None:
    """The steps with their labels. A click goes to a step, a selection marks a stretch of it."""
    task = desk.task
    if desk.step is None:
        st.text("Nothing is written on this path. Choose another.")
        return
    marked = mark_steps(
        task.steps, task.labels, path=task.node, author=desk.seat.author, names=desk.names
    )
    events = step_reader(path_name(task), marked, desk.step, key="annotate.steps")
    if events.marked is not None:
        number, start, end = events.marked
        st.session_state[SPAN] = (path_name(task), number, start, end)
        go_to_step(desk, number)
        st.rerun()
    if events.picked is not None and events.picked != desk.step:
        go_to_step(desk, events.picked)
        st.rerun()
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for label, by, key in (("Previous step", -1, "K"), ("Next step", 1, "J")):
            outside = not 0 <= desk.step + by < len(task.steps)
            st.button(
                label,
                shortcut=key,
                key=f"annotate.{key}",
                disabled=outside,
                on_click=_move,
                args=(desk, by),
                width="content",
            )
        st.caption(
            f"Step {desk.step + 1} of {len(task.steps)}. Select text in a step to mark it.",
            width="content",
        )


def _move(desk: LabelDesk, by: int) -> None:
    go_to_step(desk, (step_now(desk) or 0) + by)
