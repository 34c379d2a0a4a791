"""Choosing a problem: a set, a level and a seed, or one's own text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import streamlit as st

from backend.messages.runs import ProblemSetInfo
from components.form.start_form import MOST, FormStart

OWN = "own"
FIRST_HELD_OUT_SEED = 1_000_000


@dataclass(frozen=True)
class ProblemChoice:
    """A problem id, or a question of one's own with its answer if known. Neither: nothing has been
    written yet."""

    problem: str | None = None
    question: str | None = None
    answer: str | None = None


class ProblemPlace(NamedTuple):
    """Where a problem stands: its set, its level (None in a set without levels), its seed or
    number."""

    set: str
    level: int | None
    seed: int


class Numbers(NamedTuple):
    """Seeds of a set: smallest and greatest accepted, and the one to begin with."""

    low: int
    high: int
    first: int


def problem_id(name: str, level: int | None, seed: int) -> str:
    """ledger/3/17, or curated/4 for a set without levels."""
    return f"{name}/{seed}" if level is None else f"{name}/{level}/{seed}"


def numbers(entry: ProblemSetInfo) -> Numbers:
    """The numbers of a finite set count from 1; an endless set begins with a seed that the shipped
    model never saw."""
    return (
        Numbers(0, MOST, FIRST_HELD_OUT_SEED + 17)
        if entry.size is None
        else Numbers(1, entry.size, 1)
    )


def first_place(entry: ProblemSetInfo) -> ProblemPlace:
    """An unseen problem of middling difficulty."""
    return ProblemPlace(
        entry.name,
        entry.levels[min(2, len(entry.levels) - 1)] if entry.levels else None,
        numbers(entry).first,
    )


def first_problem(entry: ProblemSetInfo) -> str:
    return problem_id(*first_place(entry))


def place_problem(problem: str, sets: Sequence[ProblemSetInfo]) -> ProblemPlace | None:
    """Where the problem of an id stands among the sets; None where none of them holds it."""
    entry = next((entry for entry in sets if problem.startswith(entry.name + "/")), None)
    parts = problem.removeprefix(entry.name + "/").split("/") if entry else []
    if (
        entry is None
        or not all(part.isdecimal() for part in parts)
        or len(parts) != (2 if entry.levels else 1)
    ):
        return None
    level, seed = int(parts[0]) if entry.levels else None, int(parts[-1])
    low, high, _ = numbers(entry)
    return (
        ProblemPlace(entry.name, level, seed)
        if low <= seed <= high and (level is None or level in entry.levels)
        else None
    )


def problem_picker(sets: Sequence[ProblemSetInfo], start: FormStart) -> ProblemChoice:
    """Draw the picker; it begins with the problem or the text of the start."""
    titles = {entry.name: entry.title for entry in sets}
    given = (
        None
        if start.spec.problem is None
        else place_problem(start.spec.problem, sets) or first_place(sets[0])
    )
    if given is not None and problem_id(*given) != start.spec.problem:
        start.lose("problem", start.spec.problem)
    options = [*titles, OWN]
    name = st.selectbox(
        "Problem",
        options,
        format_func=lambda value: titles.get(value, "Your own text"),
        key="form.set",
        persist_state="session",
        **start.choice("form.set", options, OWN if given is None else given.set, "problem set"),
    )
    if name == OWN:
        return _own(start)
    entry = next(entry for entry in sets if entry.name == name)
    return _choose_number(
        entry, given if given is not None and given.set == name else first_place(entry), start
    )


def _own(start: FormStart) -> ProblemChoice:
    question = st.text_area(
        "Question",
        key="form.question",
        height=120,
        max_chars=20_000,
        placeholder="What is 17 * 23?",
        persist_state="session",
        **start.first("form.question", value=start.spec.question or ""),
    )
    answer = st.text_input(
        "Right answer, if known",
        key="form.answer",
        max_chars=2_000,
        persist_state="session",
        **start.first("form.answer", value=start.spec.answer or ""),
    )
    return ProblemChoice(question=question.strip() or None, answer=answer.strip() or None)


def _choose_number(entry: ProblemSetInfo, first: ProblemPlace, start: FormStart) -> ProblemChoice:
    level = None
    if entry.levels:
        key = f"form.level.{entry.name}"
        level = st.segmented_control(
            "Level",
            entry.levels,
            format_func=lambda level: f"{level:d}",
            required=True,
            key=key,
            persist_state="session",
            help="1 is easy, the last one is hard for the shipped model",
            **start.first(key, default=first.level),
        )
    return ProblemChoice(problem=problem_id(entry.name, level, _seed(entry, first.seed, start)))


def _seed(entry: ProblemSetInfo, first: int, start: FormStart) -> int:
    key = f"form.problem_seed.{entry.name}"
    low, high, _ = numbers(entry)
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    with right:
        stepped = st.button(
            "Next",
            key="form.next",
            on_click=_next,
            args=(key, first, low, high),
            width="stretch",
            help="The next problem of this kind",
        )
    with left:
        seed = st.number_input(
            "Number" if entry.size else "Problem seed",
            min_value=low,
            max_value=high,
            step=1,
            key=key,
            persist_state="session",
            help=(
                "The same set, level and seed is the same problem for ever. The shipped model "
                "never saw seeds from 1,000,000 up."
            ),
            **({} if stepped else start.first(key, value=first)),
        )
    return int(seed)


def _next(key: str, first: int, low: int, high: int) -> None:
    after = int(st.session_state.get(key, first)) + 1
    st.session_state[key] = low if after > high else after
