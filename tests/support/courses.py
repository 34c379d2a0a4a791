"""Every possible course of a small search, with its exact probability: expectations without
sampling error.

A search is played again and again with a tape that decides what chance decides: which step the toy
language writes, and the uniform numbers of the strategy. Where the tape ends, the search goes on
with stand-ins, and the first open decision is split into all its outcomes. The outcomes of a draw
are read off its note, which holds the weights; a uniform number stands for all those that decide
alike.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from backend.core.ports import Sampling
from backend.core.statistics.resampling import certain_copies
from backend.core.statistics.weights import softmax
from backend.core.steps import Note, Referenced, Resampled, Step
from tests.support.enumerable import Language, Piece, ToyPolicy


class Option(NamedTuple):
    """One outcome of a decision: its probability, and what brings it about (the number of a piece,
    or uniform numbers)."""

    probability: float
    chosen: Any


class Course(NamedTuple):
    """A way that a search can go."""

    probability: float
    steps: list[Step]


class Tape:
    """Decisions given in advance; `asked` collects what each one was about: the probabilities of
    pieces, or None for a draw of the strategy."""

    def __init__(self, given: Sequence[Any]) -> None:
        self._given = given
        self.asked: list[list[float] | None] = []

    def _next(self, about: list[float] | None, stand_in: Any) -> Any:
        self.asked.append(about)
        return self._given[len(self.asked) - 1] if len(self.asked) <= len(self._given) else stand_in

    def piece(self, probabilities: list[float]) -> int:
        return int(self._next(probabilities, 0))

    def random(self, size: int | None = None) -> Any:
        """`numpy.random.Generator.random`."""
        drawn = self._next(None, [0.5] * (1 if size is None else size))
        return drawn[0] if size is None else np.asarray(drawn, dtype=np.float64)


class TapedPolicy(ToyPolicy):
    """The toy policy, its steps decided by a tape."""

    def __init__(self, language: Language, tape: Tape) -> None:
        super().__init__(language)
        self._tape = tape

    def _drawn(self, path: str, key: str, ordinal: int, sampling: Sampling) -> Piece:
        pieces = self._language(path)
        return pieces[self._tape.piece([piece.probability for piece in pieces])]


def between(breaks: Sequence[float]) -> list[Option]:
    """The intervals into which numbers cut [0, 1), each with a number inside."""
    ends = [0.0, *sorted(point for point in breaks if 0.0 < point < 1.0), 1.0]
    return [
        Option(high - low, (low + high) / 2)
        for low, high in itertools.pairwise(ends)
        if high - low > 1e-12
    ]


def every(single: Sequence[list[Option]]) -> list[Option]:
    """Independent numbers, one from each list, taken together."""
    return [
        Option(math.prod(o.probability for o in picked), [o.chosen for o in picked])
        for picked in itertools.product(*single)
    ]


def outcomes(note: Note) -> list[Option]:
    """What a draw could have been: cells of uniform numbers with their probabilities."""
    assert isinstance(note, Resampled | Referenced)
    weights = softmax(note.log_weights)
    n, edges = len(weights), np.cumsum(weights)
    if isinstance(note, Referenced):
        return every([between(edges)])
    if note.scheme == "systematic":
        return every([between([n * edge - slot for edge in edges for slot in range(n)])])
    if note.scheme == "stratified":
        return every([between([n * edge - slot for edge in edges]) for slot in range(n)])
    if note.scheme == "residual":
        left = np.clip(n * weights - certain_copies(weights), 0.0, None)
        return (
            every([between(np.cumsum(left) / left.sum())] * len(note.uniforms))
            if len(note.uniforms)
            else [Option(1.0, [])]
        )
    return every([between(edges)] * len(note.uniforms))


async def courses(play: Callable[[Tape], Awaitable[list[Step]]]) -> list[Course]:
    """All courses of `play`, which runs a search whose policy and random source are made from the
    tape."""
    found: list[Course] = []
    open_: list[tuple[float, list[Any]]] = [(1.0, [])]
    while open_:
        probability, given = open_.pop()
        tape = Tape(given)
        steps = await play(tape)
        if len(tape.asked) <= len(given):
            found.append(Course(probability, steps))
            continue
        about, draws = (
            tape.asked[len(given)],
            [
                note
                for step in steps
                for note in step.notes
                if isinstance(note, Resampled | Referenced)
            ],
        )
        split = (
            outcomes(draws[tape.asked[: len(given)].count(None)])
            if about is None
            else [Option(p, i) for i, p in enumerate(about)]
        )
        open_ += [
            (probability * option.probability, [*given, option.chosen])
            for option in split
            if option.probability > 0.0
        ]
    return found


def expected(found: Sequence[Course], value: Callable[[list[Step]], float]) -> float:
    """The expectation over all courses, whose probabilities sum to 1."""
    total = math.fsum(course.probability for course in found)
    assert abs(total - 1.0) < 1e-9, total
    return math.fsum(course.probability * value(course.steps) for course in found)
