"""How much of an engine's speed a search keeps: tokens per second of beam search and particle
filtering against the bare engine.

Equal traffic for all: N sequences of `--steps` blocks of `--tokens` forced tokens from one prompt,
scores that cost nothing, no store. On vLLM the other side is `raw_vllm` on the very same engine; on
torch it is the engine's own `generate`. Sides alternate in one sitting; the table shows the median
of the pairwise ratios with their range. Absolute speeds belong to the machine, ratios travel.

    python -m benchmarks.orchestration --engine torch --model backend/classroom/policy
    python -m benchmarks.orchestration --engine vllm --model backend/classroom/policy
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import NamedTuple

from backend.core.ports import STEP, Engine, Request, Sampling, Until, VerifierTokens
from backend.core.records import NullSink
from backend.core.registry import STRATEGIES
from backend.core.types import Kind, Node, Score
from backend.runs.budget import Meter
from backend.runs.context import RunContext
from backend.runs.control import Control
from backend.runs.driver import stream
from backend.runs.paid import NOTHING_PAID
from backend.runs.policy import LivePolicy
from backend.runs.recorder import Recorder

QUESTION = (
    "Ana has 7 apples. Ben has 5 more apples than Ana. Cara has twice as many apples as Ben. "
    "How many apples does Cara have?"
)
SAMPLING = Sampling(temperature=0.8)


class SearchSize(NamedTuple):
    """N sequences of `steps` blocks of `tokens` tokens."""

    n: int
    steps: int
    tokens: int


class SearchTraffic(NamedTuple):
    """What was generated and how long it took."""

    tokens: int
    seconds: float


Side = Callable[[SearchSize, int], Awaitable[SearchTraffic]]


class BlockPolicy(LivePolicy):
    """The real policy, but every step is a block of forced tokens."""

    block = 16

    async def extend(
        self,
        nodes: Sequence[Node],
        n: int = 1,
        *,
        until: Until = STEP,
        sampling: Sampling | None = None,
        kind: Kind = Kind.STEP,
    ) -> list[list[Node]]:
        return await super().extend(
            nodes,
            n,
            until=Until(steps=0, tokens=self.block, forced=True),
            sampling=sampling,
            kind=kind,
        )


class FreeVerifier:
    """Scores that cost nothing and differ from node to node."""

    tokens = VerifierTokens(0, 0)

    async def score(self, nodes: Sequence[Node]) -> list[Score]:
        return [Score(0.3 + 0.4 * (sum(node.token_ids) % 97) / 97) for node in nodes]


def search(
    engine: Engine, strategy: str, params: Callable[[SearchSize], dict[str, object]]
) -> Side:
    """A strategy under the real driver parts, without a store."""
    entry = STRATEGIES[strategy]

    async def side(size: SearchSize, seed: int) -> SearchTraffic:
        recorder = Recorder(NullSink())
        meter = Meter({}, lambda: 0.0)
        policy = BlockPolicy(
            engine, RunContext(Control(), meter, recorder, NOTHING_PAID, seed), SAMPLING
        )
        policy.block = size.tokens
        root = await policy.root(QUESTION)
        started = time.perf_counter()
        async with aclosing(
            entry.run(
                root, policy, FreeVerifier(), entry.parse(params(size)), stream(seed, "strategy")
            )
        ) as steps:
            async for step in steps:
                recorder.step(step, 0)
                recorder.flush()
        return SearchTraffic(meter.ledger.generated_tokens, time.perf_counter() - started)

    return side


def one_shot(engine: Engine) -> Side:
    """The engine's own `generate`, all tokens in one go."""

    async def side(size: SearchSize, seed: int) -> SearchTraffic:
        prompt = await engine.prompt(QUESTION, None)
        until = Until(steps=0, tokens=size.steps * size.tokens, forced=True)
        requests = [
            Request(f"{seed}-{i}", prompt.text, prompt.token_ids, seed * 1000 + i, until, SAMPLING)
            for i in range(size.n)
        ]
        started, made = time.perf_counter(), 0
        async with aclosing(engine.generate(requests)) as completions:
            async for completion in completions:
                made += len(completion.token_ids)
        return SearchTraffic(made, time.perf_counter() - started)

    return side


async def compare(name: str, ours: Side, other: Side, size: SearchSize, pairs: int) -> None:
    """Alternate both sides, after one warm-up of each, and print the ratio of their speeds."""
    await other(size, 900), await ours(size, 901)
    ratios, speeds = [], []
    for pair in range(pairs):
        theirs, mine = await other(size, pair), await ours(size, pair)
        expected = size.n * size.steps * size.tokens
        assert theirs.tokens == mine.tokens == expected, (
            f"unequal traffic: {theirs.tokens} and {mine.tokens}, expected {expected}"
        )
        speeds.append(theirs.tokens / theirs.seconds)
        ratios.append(theirs.seconds / mine.seconds)
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    print(
        (
            f"| {name} | {size.n} | {statistics.median(ratios):.2f} | {spread} | "
            f"{statistics.median(speeds):,.0f} |"
        ),
        flush=True,
    )


STRATEGY_PARAMS: dict[str, Callable[[SearchSize], dict[str, object]]] = {
    "beam_search": lambda size: {"n": size.n, "beam_width": 4, "max_steps": size.steps},
    "particle_filter": lambda size: {"particles": size.n, "max_steps": size.steps},
}


async def torch_table(model: str, sizes: Sequence[SearchSize], pairs: int) -> None:
    from backend.engines.torch.engine import TorchEngine

    engine = TorchEngine.load(Path(model))
    for size in sizes:
        for name, params in STRATEGY_PARAMS.items():
            await compare(
                f"{name} / torch one-shot",
                search(engine, name, params),
                one_shot(engine),
                size,
                pairs,
            )
    await engine.close()


async def vllm_table(model: str, sizes: Sequence[SearchSize], pairs: int) -> None:
    from backend.engines.vllm.engine import VllmEngine
    from benchmarks import raw_vllm

    engine = await VllmEngine.load(model)
    prompt = await engine.prompt(QUESTION, None)

    def raw(run: Callable[..., Awaitable[raw_vllm.RawTraffic]]) -> Side:
        async def side(size: SearchSize, seed: int) -> SearchTraffic:
            return SearchTraffic(*await run(engine.core, prompt.token_ids, *size))

        return side

    for size in sizes:
        await compare(
            "raw step by step / raw one-shot",
            raw(raw_vllm.step_by_step),
            raw(raw_vllm.one_shot),
            size,
            pairs,
        )
        for name, params in STRATEGY_PARAMS.items():
            await compare(
                f"{name} / raw step by step",
                search(engine, name, params),
                raw(raw_vllm.step_by_step),
                size,
                pairs,
            )
    await engine.close()


TABLES = {"torch": torch_table, "vllm": vllm_table}
"""The engines that are measured here, each with what it is compared with."""


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--engine", choices=list(TABLES), default="torch")
    options.add_argument("--model", default="backend/classroom/policy")
    options.add_argument("--sequences", type=int, nargs="+", default=[16, 64])
    options.add_argument("--steps", type=int, default=8)
    options.add_argument("--tokens", type=int, default=16)
    options.add_argument("--pairs", type=int, default=5)
    given = options.parse_args()
    print(
        "| comparison | N | ratio (median) | range | tokens/s of the other side "
        "|\n|---|---|---|---|---|"
    )
    sizes = [SearchSize(n, given.steps, given.tokens) for n in given.sequences]
    asyncio.run(TABLES[given.engine](given.model, sizes, given.pairs))


if __name__ == "__main__":
    main()
