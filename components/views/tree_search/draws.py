"""How Thompson draws led to each answer of a tree of answers: at every node the draw for a new
answer, the draw for going on below, and where that was the greater, one for each child; beside each
the scores that its arm had by then, and the posterior that the draw came from, where the log has
it.

Everything is computed from the events `drawn` and `backed`. A score counts for the arm of its
answer and for GEN of the node that it was made at; of every answer above for its arm, and for CONT
of the node above that (AB-MCTS-A, arXiv 2503.04412).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TypeAlias

import pandas as pd

from backend.core.events import Backed, Drawn, StepEnded
from backend.core.records import EventRecord
from backend.core.tree import up_to
from components.views.tree_search.beliefs import BeliefSpread, spread

NEW, ON, CHILD = "new answer here", "go on below", "child"


@dataclass(frozen=True)
class ThompsonArm:
    """An arm at a node: what it stands for, the child it leads to if it is one's, what it drew, how
    many scores it had and their mean, and the spread of the posterior that it drew from, None
    in runs that did not record it."""

    kind: str
    child: int | None
    draw: float
    count: int
    mean: float | None
    won: bool
    spread: BeliefSpread | None = None


@dataclass(frozen=True)
class ThompsonLevel:
    """The arms at a node; the children draw only where going on won."""

    node: int
    arms: tuple[ThompsonArm, ...]


@dataclass(frozen=True)
class ThompsonDescent:
    """The draws that led to one answer, from the top down. `answer` is the node that came of it
    with its `score`, where the log tells it for sure."""

    number: int
    levels: tuple[ThompsonLevel, ...]
    answer: int | None = None
    score: float | None = None


@dataclass
class _ArmScores:
    """The scores of the arms so far: (number, sum) by what they stand for."""

    sums: dict[tuple[str, int], tuple[int, float]] = field(default_factory=dict)
    answers: set[int] = field(default_factory=set)

    def add(self, path: Sequence[int], score: float) -> None:
        branches = [
            node
            for place, node in enumerate(path)
            if place in (0, len(path) - 1) or node in self.answers
        ]
        self.answers.add(path[-1])
        self._add((CHILD, branches[-1]), score)
        self._add((NEW, branches[-2]), score)
        for above, node in pairwise(branches[:-1]):
            self._add((CHILD, node), score)
            self._add((ON, above), score)

    def arm(
        self, kind: str, at: int, draw: float, won: bool, child: int | None = None
    ) -> ThompsonArm:
        count, total = self.sums.get((kind, at if child is None else child), (0, 0.0))
        return ThompsonArm(kind, child, draw, count, total / count if count else None, won)

    def _add(self, key: tuple[str, int], score: float) -> None:
        count, total = self.sums.get(key, (0, 0.0))
        self.sums[key] = (count + 1, total + score)


def descents(events: Iterable[EventRecord], until: int | None = None) -> list[ThompsonDescent]:
    """The descents of the log up to event `until`. The first answer has none: there is nothing to
    go on below."""
    scores = _ArmScores()
    found: list[ThompsonDescent] = []
    asked: list[ThompsonDescent] = []
    made: list[tuple[int, float]] = []
    top: int | None = None
    for event in up_to(events, until):
        match event.body:
            case Drawn() as note:
                top = note.node if top is None else top
                level = _level(scores, note)
                if note.node == top:
                    asked.append(ThompsonDescent(len(found) + len(asked) + 1, (level,)))
                elif asked:
                    asked[-1] = replace(asked[-1], levels=(*asked[-1].levels, level))
            case Backed(path=path, value=value):
                scores.add(path, value)
                made.append((path[-1], value))
            case StepEnded():
                sure = len(made) == len(asked)
                found += [
                    replace(one, answer=made[at][0], score=made[at][1]) if sure else one
                    for at, one in enumerate(asked)
                ]
                asked, made = [], []
    return found + asked


def _level(scores: _ArmScores, note: Drawn[int]) -> ThompsonLevel:
    node, children, draws = note.node, note.children, note.draws
    scores.answers |= set(children)
    top = max(range(len(draws)), key=draws.__getitem__, default=None)
    arms = [
        scores.arm(NEW, node, note.gen, not children),
        scores.arm(ON, node, note.cont, bool(children)),
    ]
    arms += [
        scores.arm(CHILD, node, draw, place == top, child)
        for place, (child, draw) in enumerate(zip(children, draws, strict=True))
    ]
    beliefs: Sequence[Mapping[str, float]] = note.beliefs or [{}] * len(arms)
    return ThompsonLevel(
        node,
        tuple(
            replace(arm, spread=spread(belief)) for arm, belief in zip(arms, beliefs, strict=True)
        ),
    )


def node_of_arm(level: ThompsonLevel, arm: ThompsonArm) -> int:
    """The node that an arm is about: its child, else the node at which it stands."""
    return level.node if arm.child is None else arm.child


def arm_label(arm: ThompsonArm) -> str:
    """The arm in words, with the star of the one that won."""
    name = arm.kind if arm.child is None else f"child {arm.child}"
    return ("\u2605 " if arm.won else "") + name


Lane: TypeAlias = tuple[ThompsonLevel, ThompsonArm]


def lanes(one: ThompsonDescent) -> list[Lane]:
    """The arms of a descent in the order that they are drawn in, from above."""
    return [(level, arm) for level in one.levels for arm in level.arms]


def reach(found: Sequence[Lane]) -> tuple[float, float]:
    """From where to where scores are drawn: the scores themselves, from 0 to 1, and every
    posterior; without these, every draw. A posterior of one score has long tails, so that a single
    draw can lie far outside."""
    spreads = [arm.spread for _, arm in found if arm.spread is not None]
    outer = [end for one in spreads for end in (one.low, one.high)] or [
        arm.draw for _, arm in found
    ]
    low, high = min([0.0, *outer]), max([1.0, *outer])
    return low - 0.03 * (high - low), high + 0.03 * (high - low)


def draw_table(one: ThompsonDescent) -> pd.DataFrame:
    columns = ["at node", "arm", "draw", "5 %", "median", "95 %", "scores", "their mean"]
    lines = [
        (
            level.node,
            arm_label(arm),
            arm.draw,
            *(arm.spread or (None, None, None)),
            arm.count,
            arm.mean,
        )
        for level, arm in lanes(one)
    ]
    return pd.DataFrame(lines, columns=columns).dropna(axis="columns", how="all")
