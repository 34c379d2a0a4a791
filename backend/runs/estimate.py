"""A rough estimate of what a run will cost, made before it starts: the strategy itself is run
without models.

A stand-in policy writes solutions of a typical length, a stand-in verifier gives every path a score
made of its key, and the calls are counted. So the estimate follows the real control flow of every
strategy and needs no formula of its own. It is rough where lengths or scores decide the course of
the search."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import count

import numpy as np

from backend.core.errors import ArboretumError, BudgetExhausted
from backend.core.ports import END, STEP, Sampling, Until, VerifierTokens
from backend.core.registry import STRATEGIES
from backend.core.spec import RunSpec
from backend.core.types import Finish, Kind, Node, Score
from backend.problems.extraction import extract_answer

ANSWER = "The answer is \\boxed{1}."
"""How a dry solution ends: strategies that compare answers find one."""
MOST_CALLS = 4000
"""Dry calls after which the estimate stops and says "at least"."""


@dataclass(frozen=True)
class Typical:
    """What a solution is assumed to look like: `steps` steps of `tokens` tokens; and how fast the
    engine is.

    `tokens_per_s` is throughput in a batch, `round_s` the seconds a sequential round takes beyond
    that.
    """

    steps: int = 6
    tokens: int = 20
    tokens_per_s: float = 1500.0
    round_s: float = 0.05


@dataclass(frozen=True)
class Estimate:
    """About what a run will spend, budget taken into account; `note` is a sentence for the
    reader.
    """

    generated_tokens: int
    model_calls: int
    verifier_calls: int
    rounds: int
    seconds: float
    note: str


class _Dry:
    """Policy and verifier without models, which count what they are asked for."""

    def __init__(self, typical: Typical, budget: dict[str, float]) -> None:
        self.typical, self._budget = typical, budget
        self.tokens_made = self.calls = self.scores = self.batches = 0
        self._ids = count()

    sampling = Sampling()
    tokens = VerifierTokens(0, 0)

    def _room(self) -> None:
        if self.calls >= MOST_CALLS:
            raise BudgetExhausted("model_calls", MOST_CALLS)
        for axis, spent in (
            ("generated_tokens", self.tokens_made),
            ("model_calls", self.calls),
            ("verifier_calls", self.scores),
        ):
            if spent >= self._budget.get(axis, float("inf")):
                raise BudgetExhausted(axis, self._budget[axis])

    def _child(self, node: Node, until: Until, kind: Kind) -> Node:
        number = next(self._ids)
        solution = max(1, self.typical.steps + (number * 7919) % 3 - 1)
        here = min(solution, node.depth + until.steps) if until.steps else solution
        written = until.tokens or max(1, here - node.depth) * self.typical.tokens
        self.calls += 1
        self.tokens_made += written
        done = here >= solution
        return Node(
            ANSWER if done else "x\n\n",
            (),
            None,
            node,
            here,
            done,
            Finish.END if done else Finish.STEP,
            kind=kind,
            key=str(number),
        )

    async def extend(
        self,
        nodes: Sequence[Node],
        n: int = 1,
        *,
        until: Until = STEP,
        sampling: Sampling | None = None,
        kind: Kind = Kind.STEP,
    ) -> list[list[Node]]:
        self._room()
        self.batches += 1
        return [
            [node] if node.done else [self._child(node, until, kind) for _ in range(n)]
            for node in nodes
        ]

    async def race(
        self,
        nodes: Sequence[Node],
        n: int = 1,
        *,
        until: Until = END,
        sampling: Sampling | None = None,
        kind: Kind = Kind.STEP,
    ) -> AsyncGenerator[tuple[int, Node]]:
        for index, group in enumerate(
            await self.extend(nodes, n, until=until, sampling=sampling, kind=kind)
        ):
            for node in group:
                yield index, node

    async def open(self, prompt: str, about: Sequence[Node] = ()) -> Node:
        return Node(prompt, kind=Kind.ASIDE)

    async def inject(self, node: Node, text: str, reason: str) -> Node:
        return Node(text, parent=node, depth=node.depth + 1, kind=Kind.INJECTED)

    async def log_likelihoods(self, pairs: Sequence[tuple[Node, Sequence[Node]]]) -> list[float]:
        self._room()
        self.batches += 1
        self.calls += len(pairs)
        return [0.0] * len(pairs)

    def answer(self, node: Node) -> str | None:
        return extract_answer(node.solution_text())

    async def score(self, nodes: Sequence[Node]) -> list[Score]:
        self._room()
        self.scores += len(nodes)
        return [Score(0.4 + 0.2 * ((int(node.key, 36) * 2654435761) % 97) / 97) for node in nodes]


async def estimate(spec: RunSpec, typical: Typical) -> Estimate:
    """About what `spec` will spend. Raises `BadInput` for an unknown strategy or wrong parameters;
    never touches a model."""
    entry = STRATEGIES[spec.strategy]
    dry, rounds, cut = _Dry(typical, spec.budget), 0, ""
    most_rounds = spec.budget.get("rounds", float("inf"))
    steps = entry.run(
        Node("question", key="0"), dry, dry, entry.parse(spec.params), np.random.default_rng(0)
    )
    try:
        async with aclosing(steps) as running:
            async for step in running:
                rounds += step.rounds
                if rounds >= most_rounds:
                    break
    except ArboretumError:
        cut = (
            " It ends with its budget."
            if dry.calls < MOST_CALLS
            else " It is a long search: the figures are a lower bound."
        )
    tokens = int(min(dry.tokens_made, spec.budget.get("generated_tokens", float("inf"))))
    seconds = tokens / typical.tokens_per_s + dry.batches * typical.round_s
    seconds = min(seconds, spec.budget.get("seconds", float("inf")))
    what = (
        f"{tokens:,} tokens, {dry.calls:,} model calls, {dry.scores:,} scores, "
        f"{seconds:.0f} seconds"
    )
    note = f"About {what}, for solutions of {typical.steps} steps."
    return Estimate(tokens, dry.calls, dry.scores, rounds, round(seconds, 1), note + cut)
