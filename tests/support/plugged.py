"""Plug-ins as somebody else would write them, one of each family, in one file and by no other name
than their own. `plugged` puts one in for a while."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from pydantic import Field

from backend.core.cards import card_beside
from backend.core.ports import Verifier, VerifierTokens
from backend.core.registry import Params, Registry
from backend.core.types import Node, Score
from backend.engines.entry import EngineEntry
from backend.engines.scripted.engine import ScriptedEngine
from backend.judging.scorers import VerifierEntry, VerifierInputs
from backend.problems.base import Grade, Problem, Verdict, answer_step
from backend.problems.exact import canonical
from backend.review.labelling import KNOWN_ANSWER, LabellerEntry, StepLabel, StepPath

Entry = TypeVar("Entry")


@contextmanager
def plugged(registry: Registry[Entry], name: str, entry: Entry) -> Iterator[Entry]:
    """Inside, the registry knows the entry."""
    list(registry)  # those of the project come first, whoever asks first
    registry.add(name, entry)
    try:
        yield entry
    finally:
        registry.remove(name)


async def load_abacus(model: str, *, beads: int) -> ScriptedEngine:
    """The language model of the engine."""
    assert (model, beads) == ("wooden", 10)
    return ScriptedEngine()


ABACUS = EngineEntry(
    name="abacus",
    title="An abacus",
    policy="tests.support.plugged:load_abacus",
    scored_by="scripted",
    place="here",
    models=("wooden", "steel"),
    default_model=lambda settings, role: "wooden",
    options=lambda settings, role: {"beads": 10},
)


class CoinParams(Params):
    bias: float = Field(0.5, ge=0.0, le=1.0, description="the score of every path")


class Coin:
    """The same score for every path."""

    tokens = VerifierTokens(0, 0)

    def __init__(self, params: CoinParams, inputs: VerifierInputs) -> None:
        self._bias = params.bias

    async def score(self, nodes: Sequence[Node]) -> list[Score]:
        return [Score(self._bias, (self._bias,)) for _ in nodes]


def coin(params: CoinParams, inputs: VerifierInputs) -> Verifier:
    return Coin(params, inputs)


COIN = VerifierEntry("coin", coin, CoinParams, (), False, card_beside(__file__, "coin"))


class ParrotSet:
    """Sums of three numbers; the answer counts whatever is written around it."""

    name = "parrot"
    title = "Parrot: add and repeat"
    levels: Sequence[int] = (1, 2)
    kinds: Sequence[str] = ("silent",)
    pupils: Sequence[str] = ()

    def problem(self, level: int, seed: int) -> Problem:
        numbers = [level, seed % 50 + 2, 7]
        question = f"What is {' + '.join(map(str, numbers))}?"
        name = f"{self.name}/{level}/{seed}"
        return Problem(name, self.name, level, seed, question, str(sum(numbers)))

    def grade(self, problem: Problem, answer: str | None) -> Grade:
        right = answer is not None and problem.answer in answer
        return Grade(right, f"the parrot {'nods' if right else 'shrieks'}")

    def form(self, answer: str) -> str:
        return canonical(answer)

    def check(self, problem: Problem, steps: Sequence[str]) -> list[Verdict]:
        return [
            Verdict(bool(step), None if step else "silent", "the parrot listens") for step in steps
        ]

    def solution(self, problem: Problem, rng: random.Random, pupil: str | None = None) -> list[str]:
        return [answer_step(problem.answer or "")]

    def self_correction(self, problem: Problem, rng: random.Random) -> list[str]:
        return self.solution(problem, rng)


def find_fault(path: StepPath) -> list[StepLabel]:
    """Right, then wrong, then it loses interest."""
    labels = [StepLabel(True), StepLabel(False, "it looked twice", "dull")]
    return [*labels, *(StepLabel(None) for _ in path.steps)][: len(path.steps)]


CRITIC = LabellerEntry(
    "critic", "The tired critic", "Never content.", find_fault, needs=(KNOWN_ANSWER,)
)
