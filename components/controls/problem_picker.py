"""Choosing a problem: a set, a level and a seed, or one's own text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from backend.api.schemas import ProblemSetInfo

OWN = "own"
FIRST_HELD_OUT_SEED = 1_000_000


@dataclass(frozen=True)
class Chosen:
    """A problem id, or a question of one's own with its answer if known. Neither: nothing has been written yet."""

    problem: str | None = None
    question: str | None = None
    answer: str | None = None


def problem_id(name: str, level: int | None, seed: int) -> str:
    """ledger/3/17, or curated/4 for a set without levels."""
    return f"{name}/{seed}" if level is None else f"{name}/{level}/{seed}"


def problem_picker(sets: Sequence[ProblemSetInfo]) -> Chosen:
    """Draw the picker; first choice: an unseen problem of middling difficulty from the first set."""
    titles = {entry.name: entry.title for entry in sets}
    name = st.selectbox(
        "Problem", [*titles, OWN], format_func=lambda value: titles.get(value, "Your own text"), key="form.set", persist_state="session"
    )
    if name == OWN:
        question = st.text_area(
            "Question", key="form.question", height=120, max_chars=20_000, placeholder="What is 17 * 23?", persist_state="session"
        )
        answer = st.text_input("Right answer, if known", key="form.answer", max_chars=2_000, persist_state="session")
        return Chosen(question=question.strip() or None, answer=answer.strip() or None)
    entry = next(entry for entry in sets if entry.name == name)
    level = None
    if entry.levels:
        first = entry.levels[min(2, len(entry.levels) - 1)]
        level = st.segmented_control(
            "Level",
            entry.levels,
            default=first,
            required=True,
            key=f"form.level.{name}",
            persist_state="session",
            help="1 is easy, the last one is hard for the shipped model",
        )
    return Chosen(problem=problem_id(entry.name, level, _seed(entry)))


def _seed(entry: ProblemSetInfo) -> int:
    key = f"form.problem_seed.{entry.name}"
    low, first = (1, 1) if entry.size is not None else (0, FIRST_HELD_OUT_SEED + 17)
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    with right:
        st.button("Next", key="form.next", on_click=_next, args=(key, first, low, entry.size), width="stretch", help="The next problem of this kind")
    with left:
        seed = st.number_input(
            "Number" if entry.size else "Problem seed",
            min_value=low,
            max_value=entry.size or 2**53 - 1,
            value=first,
            step=1,
            key=key,
            persist_state="session",
            help="The same set, level and seed is the same problem for ever. The shipped model never saw seeds from 1,000,000 up.",
        )
    return int(seed)


def _next(key: str, first: int, low: int, size: int | None) -> None:
    after = int(st.session_state.get(key, first)) + 1
    st.session_state[key] = low if size is not None and after > size else after
