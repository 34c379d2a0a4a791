"""What an author says of the step at hand, by button or key."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from backend.client import Client
from backend.messages.annotations import Annotation, TaskStep
from backend.review.annotate.labels import NO_ERROR, Kind
from backend.review.annotate.steps import words_of
from components.annotate.label_marks import FIRST_WRONG, NONE_WRONG, VERDICT_SIGNS
from components.annotate.queue_panel import go_to
from components.annotate.run_panel import (
    SPAN,
    LabelDesk,
    category_name,
    go_to_step,
    path_name,
    step_now,
)
from components.frame.prose import plain_markdown, visible
from components.frame.service import refusals

ButtonType = Literal["primary", "secondary"]
STEP, RUN, MARKED = "this step", "the whole run", "the marked text"
KEYS = {"good": "G", "neutral": "N", "bad": "B"}


def label_panel(service: Client, desk: LabelDesk) -> None:
    """Verdict, first wrong step, categories and note, and the way on."""
    if desk.step is not None:
        _verdicts(service, desk, desk.task.steps[desk.step])
        _first_wrong(service, desk)
        _span(desk, desk.task.steps[desk.step])
    about = _target_choice(desk)
    _categories(service, desk, about)
    _onwards(service, desk)
    _note(service, desk, about)


def _verdicts(service: Client, desk: LabelDesk, step: TaskStep) -> None:
    given = {label.label for label in own(desk, "verdict", step.node, step.number)}
    st.caption(
        f"Step {step.number + 1} is \u2026",
        help="good and neutral go on to the next step; the same again takes it back",
    )
    with st.container(horizontal=True, gap="xsmall"):
        for verdict, key in KEYS.items():
            kind: ButtonType = "primary" if verdict in given else "secondary"
            asked = (service, desk, "verdict", verdict, STEP)
            st.button(
                VERDICT_SIGNS[verdict],
                shortcut=key,
                key=f"verdict.{verdict}",
                type=kind,
                on_click=_give,
                args=asked,
            )


def _first_wrong(service: Client, desk: LabelDesk) -> None:
    now = _first_of(desk)
    with st.container(horizontal=True, gap="xsmall"):
        for text, key, none in ((FIRST_WRONG, "F", False), (NONE_WRONG, "0", True)):
            given = now is not None and now.step == (NO_ERROR if none else desk.step)
            kind: ButtonType = "primary" if given else "secondary"
            st.button(
                text,
                shortcut=key,
                key=f"first.{key}",
                type=kind,
                on_click=_first,
                args=(service, desk, none),
            )


def _first_of(desk: LabelDesk) -> Annotation | None:
    """What the author says of the first wrong step of the path."""
    return next(
        (
            label
            for label in desk.task.labels
            if mine(label, desk) and (label.kind, label.node) == ("first_error", desk.task.node)
        ),
        None,
    )


def _span(desk: LabelDesk, step: TaskStep) -> None:
    """The marked stretch, chosen by selecting text or, without a mouse, word by word."""
    words = words_of(step.text)
    with st.popover("Mark words", icon=":material/format_ink_highlighter:"):
        if len(words) < 2:
            st.text("The step has one word: label the step.")
        else:
            st.caption("Select text in the step, or set the first and last word here.")
            first, last = st.select_slider(
                "Words",
                range(len(words)),
                (0, len(words) - 1),
                key=f"words.{path_name(desk.task)}.{step.number}",
                format_func=lambda at: f"{at + 1}: {visible(step.text[slice(*words[at])])[:24]}",
            )
            marked = (path_name(desk.task), step.number, words[first][0], words[last][1])
            st.button(
                "Mark these words",
                key="words.mark",
                on_click=st.session_state.__setitem__,
                args=(SPAN, marked),
            )
    if desk.span is not None:
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            st.text(f"Marked: \u201c{visible(step.text[slice(*desk.span)])}\u201d", width="content")
            st.button("Unmark", key="words.unmark", on_click=_unmark, width="content")


def _categories(service: Client, desk: LabelDesk, about: str) -> None:
    node, step, span = target(desk, about)
    given = {label.label for label in own(desk, "category", node, step) if _span_of(label) == span}
    active = [each for each in desk.book.categories if not each.retired]
    with st.container(horizontal=True, gap="xsmall"):
        for at, category in enumerate(active):
            kind: ButtonType = "primary" if category.key in given else "secondary"
            st.button(
                plain_markdown(category_name(category, desk.book)),
                key=f"category.{category.key}",
                type=kind,
                help=plain_markdown(category.description) or None,
                shortcut=str(at + 1) if at < 9 else None,
                on_click=_give,
                args=(service, desk, "category", category.key, about),
            )


def _target_choice(desk: LabelDesk) -> str:
    choices = [
        *([STEP] if desk.step is not None else []),
        *([MARKED] if desk.span is not None else []),
        RUN,
    ]
    start = MARKED if desk.span is not None else choices[0]
    found = st.segmented_control(
        "Category and note of",
        choices,
        default=start,
        required=True,
        key=f"target.{desk.span}.{desk.step is None}",
    )
    return str(found)


def target(desk: LabelDesk, choice: str) -> tuple[int | None, int | None, tuple[int, int] | None]:
    """Node, step and span of what a category or a note is about."""
    if choice == RUN or desk.step is None:
        return None, None, None
    at = step_now(desk)
    step = desk.task.steps[desk.step if at is None else at]
    return step.node, step.number, desk.span if choice == MARKED and at == desk.step else None


def _note(service: Client, desk: LabelDesk, about: str) -> None:
    place = target(desk, about)
    now = next(
        (label for label in own(desk, "note", place[0], place[1]) if _span_of(label) == place[2]),
        None,
    )
    with st.form(f"note.{path_name(desk.task)}.{place}", clear_on_submit=False, border=False):
        text = st.text_area(
            "Note",
            value=now.note or "" if now else "",
            height=80,
            max_chars=10_000,
            placeholder="what goes wrong here?",
        )
        if st.form_submit_button("Save note"):
            with refusals():
                if text.strip():
                    service.annotations.label(
                        desk.task.run_id,
                        desk.seat.author,
                        "note",
                        node=place[0],
                        step=place[1],
                        span=place[2],
                        note=text,
                    )
                elif now is not None:
                    service.annotations.remove(now.id, desk.seat.author)
                st.rerun()


def _onwards(service: Client, desk: LabelDesk) -> None:
    own_labels = [label for label in desk.task.labels if mine(label, desk)]
    if desk.task.hidden:
        st.button(
            "Done: show what was hidden",
            shortcut="Enter",
            key="annotate.done",
            type="primary",
            disabled=not own_labels,
            width="stretch",
            help="labels that you give after this are not blind"
            if own_labels
            else "label the run first",
            on_click=_reveal,
            args=(service, desk),
        )
    else:
        after = desk.seat.after
        st.button(
            "Next run",
            shortcut="Enter",
            key="annotate.next",
            type="primary",
            disabled=after is None,
            width="stretch",
            on_click=go_to,
            args=(after,),
        )


def _give(service: Client, desk: LabelDesk, kind: Kind, label: str, about: str) -> None:
    """Keep a label of the step that the author is at, or take it back where it is given already; a
    verdict but bad goes on to the next step."""
    node, step, span = target(desk, about)
    given = next(
        (
            each
            for each in own(desk, kind, node, step)
            if each.label == label and _span_of(each) == span
        ),
        None,
    )
    onwards = (
        given is None
        and kind == "verdict"
        and label != "bad"
        and step is not None
        and step + 1 < len(desk.task.steps)
    )
    go_to_step(desk, (step or 0) + 1 if onwards else step_now(desk))
    with refusals():
        if given is not None:
            service.annotations.remove(given.id, desk.seat.author)
        else:
            service.annotations.label(
                desk.task.run_id, desk.seat.author, kind, label, node=node, step=step, span=span
            )


def _first(service: Client, desk: LabelDesk, none: bool) -> None:
    step, now = NO_ERROR if none else step_now(desk) or 0, _first_of(desk)
    go_to_step(desk, step_now(desk))
    with refusals():
        if now is not None and now.step == step:
            service.annotations.remove(now.id, desk.seat.author)
        else:
            service.annotations.label(
                desk.task.run_id,
                desk.seat.author,
                "first_error",
                str(step),
                node=desk.task.node,
                step=step,
            )


def _reveal(service: Client, desk: LabelDesk) -> None:
    with refusals():
        service.annotations.reveal(desk.task.run_id, desk.seat.author)


def _unmark() -> None:
    st.session_state.pop(SPAN, None)


def own(desk: LabelDesk, kind: Kind, node: int | None, step: int | None) -> list[Annotation]:
    """The author's labels of a kind at a place."""
    return [
        label
        for label in desk.task.labels
        if mine(label, desk) and (label.kind, label.node, label.step) == (kind, node, step)
    ]


def mine(label: Annotation, desk: LabelDesk) -> bool:
    """Whether a label is the author's."""
    return label.author == desk.seat.author


def _span_of(label: Annotation) -> tuple[int, int] | None:
    return None if label.span is None else (label.span.start, label.span.end)
