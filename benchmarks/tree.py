"""Bookkeeping cost of the tree searches: milliseconds a node that are not spent by a model.

A scripted engine and a scripted verifier grow trees of 1,000, 10,000 and 50,000 nodes under MCTS
and A*. What is timed is all of ours that runs for a node: strategy, driver, policy and verifier
wrappers, selector and recorder (with a sink that forgets everything), less the time spent inside
the scripted calls, in processor time. Sizes take turns in one sitting, so that a machine that is
busy for a while slows all of them; the table shows medians over the turns, and how much more a node
costs in the largest tree than in the smallest (median of the ratios of a turn, with their range).
That should be at most 1.15, and a node below 0.1 ms.

    python -m benchmarks.tree
    python -m benchmarks.tree --sizes 1000 20000 --turns 3
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from backend import problems
from backend.core.errors import MissingCapability
from backend.core.ports import (
    Capabilities,
    Completion,
    EngineInfo,
    EngineStats,
    Given,
    Likelihood,
    Prompt,
    Request,
    VerifierTokens,
)
from backend.core.records import NullSink
from backend.core.spec import RunSpec
from backend.core.types import Finish, Node, Score
from backend.problems.base import Problem
from backend.problems.classes import classes_of
from backend.runs.budget import Meter
from backend.runs.context import RunContext
from backend.runs.control import Control
from backend.runs.driver import Driver
from backend.runs.paid import NOTHING_PAID
from backend.runs.policy import LivePolicy
from backend.runs.recorder import Recorder
from backend.runs.verifier import LiveVerifier

SIZES = (1_000, 10_000, 50_000)
WIDTH = 4
DEPTH = 12
PROBLEM = Problem("own", "own", None, None, "question", "1")


class TwoTokenEngine:
    """Distinct texts of two tokens, an answer at depth 12; `seconds` is the time spent inside."""

    def __init__(self) -> None:
        self.made, self.seconds = 0, 0.0

    @property
    def info(self) -> EngineInfo:
        return EngineInfo("scripted", "none", "0", "none", 0, 4096, "\n\n", Capabilities())

    async def prompt(self, question: str, system: str | None) -> Prompt:
        return Prompt(question, (0,))

    async def generate(self, requests: Sequence[Request]) -> AsyncGenerator[Completion]:
        for request in requests:
            started = time.process_time()
            self.made += 1
            ends = len(request.token_ids) >= 2 * DEPTH - 1
            text = f"\\boxed{{{self.made % 50}}}" if ends else f"step {self.made}\n\n"
            finish = Finish.END if ends else Finish.STEP
            completion = Completion(
                request.key, text, (self.made, 1), (-0.5, -0.1), finish, len(request.token_ids)
            )
            self.seconds += time.process_time() - started
            yield completion

    async def likelihoods(self, asked: Sequence[Given]) -> list[Likelihood]:
        raise MissingCapability("the engine of this benchmark generates only")

    async def take_aborted(self, keys: Sequence[str]) -> list[Completion]:
        return []

    async def encode(self, text: str) -> tuple[int, ...]:
        return (0,)

    async def tokens(self, token_ids: Sequence[int]) -> list[str]:
        return [str(token) for token in token_ids]

    async def stats(self) -> EngineStats:
        return EngineStats(0, 0, 0, 0, 0)

    async def close(self) -> None:
        return None


class RandomScores:
    """A verifier whose scores are uniform draws; `seconds` is the time spent inside."""

    tokens = VerifierTokens(0, 0)

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self.seconds = 0.0

    async def score(self, nodes: Sequence[Node]) -> list[Score]:
        started = time.process_time()
        scores = [Score(value) for value in self._rng.random(len(nodes)).tolist()]
        self.seconds += time.process_time() - started
        return scores


class NodeCost(NamedTuple):
    """Nodes of the tree, finished ones among them, and milliseconds a node."""

    nodes: int
    finished: int
    mean_ms: float


def case(name: str, size: int) -> RunSpec:
    """A search that only its budget of `size` calls ends."""
    params = {
        "mcts": {"simulations": 1_000_000, "children": WIDTH, "max_steps": DEPTH + 1},
        "a_star": {
            "expansions": 1_000_000,
            "branching": WIDTH,
            "max_steps": DEPTH + 1,
            "open_limit": 100_000,
            "goals": 4096,
        },
    }[name]
    return RunSpec(
        strategy=name, params=dict(params), question="question", budget={"model_calls": size}
    )


async def measure(name: str, size: int, seed: int = 0) -> NodeCost:
    """Grow a tree of `size` nodes and time what is ours."""
    spec, engine, verifier = case(name, size), TwoTokenEngine(), RandomScores(seed)
    recorder = Recorder(NullSink())
    desk = RunContext(Control(), Meter(spec.budget, lambda: 0.0), recorder, NOTHING_PAID, seed)
    policy = LivePolicy(engine, desk, spec.sampling.sampling())
    driver = Driver(
        spec,
        PROBLEM,
        problems.grade,
        desk,
        policy,
        LiveVerifier(verifier, desk, "scripted"),
        classes_of(PROBLEM),
    )
    started = time.process_time()
    await driver.drive()
    ours = time.process_time() - started - engine.seconds - verifier.seconds
    return NodeCost(recorder.node_count, len(policy.finished), 1000.0 * ours / recorder.node_count)


def turn(name: str, sizes: Sequence[int], seed: int) -> list[NodeCost]:
    """A tree of each size, one after the other."""
    return [asyncio.run(measure(name, size, seed)) for size in sizes]


def lines(name: str, turns: Sequence[Sequence[NodeCost]]) -> Iterator[str]:
    """The lines of a table, one a size: medians over the turns."""
    for costs in zip(*turns, strict=True):
        times = [cost.mean_ms for cost in costs]
        yield (
            f"| {name} | {costs[0].nodes:,} | {costs[0].finished:,} "
            f"| {statistics.median(times):.4f} | {min(times):.4f} to {max(times):.4f} |"
        )


def growth(name: str, turns: Sequence[Sequence[NodeCost]]) -> str:
    """How much more a node costs in the largest tree than in the smallest."""
    ratios = [costs[-1].mean_ms / costs[0].mean_ms for costs in turns]
    return (
        f"{name}: a node costs {statistics.median(ratios):.2f} times as much with "
        f"{turns[0][-1].nodes:,} nodes as with {turns[0][0].nodes:,} "
        f"({min(ratios):.2f} to {max(ratios):.2f})"
    )


def main() -> None:
    """Print the tables and how flat they are."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="nodes of the trees")
    options.add_argument("--turns", type=int, default=5, help="trees of each size")
    given = options.parse_args()
    print("| strategy | nodes | finished | ms a node | range |\n|---|---|---|---|---|")
    grown = []
    for name in ("mcts", "a_star"):
        turn(name, given.sizes[:1], 0)  # what is loaded only once
        turns = [turn(name, given.sizes, 0) for _ in range(given.turns)]
        print("\n".join(lines(name, turns)), flush=True)
        grown.append(growth(name, turns))
    print("\n" + "\n".join(grown))


if __name__ == "__main__":
    main()
