"""Searches made of searches: Gibbs over the filter, tempering over chains, best-of over anything.

An inner search is a function of a policy, a verifier and a random source. `in_turn` runs such
functions one after the other, `side_by_side` at the same time, and both forward the steps of each
under its track, give each a random source of its own, and close all of them when they are left.

Searches side by side take turns in the order of their tracks, each until it waits for a model. Once
all of them wait, their calls go out together as one batch a kind. So an engine sees full batches,
while who asks for what, and in which order, never depends on how fast a model answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Hashable,
    Iterable,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias, cast

import numpy as np

from backend.core.ports import END, STEP, Policy, Rng, Sampling, Until, Verifier, VerifierTokens
from backend.core.steps import Step
from backend.core.types import Kind, Node, Score

Search: TypeAlias = Callable[[Policy, Verifier, Rng], AsyncGenerator[Step]]
Send: TypeAlias = Callable[[Sequence[Node]], Awaitable[Sequence[object]]]

INSIDE = ", "
"""Between the name of a part and the track inside it."""


class InnerSearch(NamedTuple):
    """An inner search under a name such as "chain 2", which no other part of the same composition
    bears, and which holds no comma."""

    track: str
    search: Search


def spawner(rng: Rng) -> Callable[[str], Rng]:
    """Random sources by name: each depends on the state of `rng` and on its name only, not on the
    other names or their order."""
    entropy = rng.integers(0, 2**32, size=4).tolist()
    return lambda name: np.random.default_rng([*entropy, *name.encode()])


def under(track: str, step: Step) -> Step:
    """The step of a part, on the part's track: "chain 2", or "chain 2, iteration 1" where the part
    is itself composed."""
    return replace(step, track=f"{track}{INSIDE}{step.track}" if step.track else track)


async def in_turn(
    parts: Iterable[InnerSearch], policy: Policy, verifier: Verifier, rng: Rng
) -> AsyncGenerator[Step]:
    """Run the parts one after the other. `parts` is asked for the next part when the last one is
    over, so the next may depend on how the last one ended."""
    spawn = spawner(rng)
    for track, search in parts:
        async with aclosing(search(policy, verifier, spawn(track))) as steps:
            async for step in steps:
                yield under(track, step)


async def side_by_side(
    parts: Sequence[InnerSearch], policy: Policy, verifier: Verifier, rng: Rng
) -> AsyncGenerator[Step]:
    """Run all parts at the same time. An error in one of them ends all. Rounds that several parts
    end together count once."""
    assert len({part.track for part in parts}) == len(parts), (
        "two parts with the same name would draw the same numbers"
    )
    spawn = spawner(rng)
    seats = [_Seat(part, policy, verifier, spawn(part.track)) for part in parts]
    try:
        while not all(seat.over for seat in seats):
            counted = 0
            for seat in seats:
                own = 0
                while (step := await seat.go_on()) is not None:
                    own += step.rounds
                    yield replace(under(seat.track, step), rounds=max(0, own - counted))
                    counted = max(counted, own)
            await _serve([seat.call for seat in seats if seat.call is not None])
    finally:
        for seat in seats:
            await seat.leave()


class Gathered:
    """The candidates of all parts for which `counts(name)` holds, as they stood in the latest step
    of each: the candidates of the composition."""

    def __init__(self, counts: Callable[[str], bool] = lambda name: True) -> None:
        self._counts = counts
        self._latest: dict[str, Step] = {}

    def __call__(self, step: Step) -> Step:
        """The step with the candidates of the composition in place of its own."""
        name = step.track.partition(INSIDE)[0]
        if self._counts(name):
            self._latest[name] = step
        return replace(step, nodes=self.nodes, values=self.values)

    @property
    def nodes(self) -> Sequence[Node]:
        """All candidates; those of a single part stay the list they are."""
        lists = [latest.nodes for latest in self._latest.values()]
        return lists[0] if len(lists) == 1 else [node for nodes in lists for node in nodes]

    @property
    def values(self) -> Sequence[float | None]:
        """The values of the candidates, one a candidate."""
        lists = [latest.values for latest in self._latest.values()]
        return lists[0] if len(lists) == 1 else [value for values in lists for value in values]


def repeat(search: Search, count: int) -> Search:
    """`count` independent runs of one search side by side, with the candidates of all of them:
    best-of over any strategy."""

    async def runs(policy: Policy, verifier: Verifier, rng: Rng) -> AsyncGenerator[Step]:
        gathered = Gathered()
        async with aclosing(
            side_by_side(
                [InnerSearch(f"run {n + 1}", search) for n in range(count)], policy, verifier, rng
            )
        ) as steps:
            async for step in steps:
                yield gathered(step)

    return runs


@dataclass
class _RoutedCall:
    """A call that waits for those of the other searches; calls of the same kind go out together.
    `found` holds one result a node once served."""

    kind: Hashable
    nodes: Sequence[Node]
    send: Send
    returned: asyncio.Future[Sequence[object]]
    found: Sequence[object] = ()


async def _serve(calls: Sequence[_RoutedCall]) -> None:
    """Send the waiting calls, one batch a kind, kinds and nodes in the order of the calls."""
    for kind in dict.fromkeys(call.kind for call in calls):
        group = [call for call in calls if call.kind == kind]
        results = await group[0].send([node for call in group for node in call.nodes])
        at = 0
        for call in group:
            call.found = results[at : at + len(call.nodes)]
            at += len(call.nodes)


class _Seat:
    """A search that runs beside others, with the policy and the verifier that it is handed: these
    put its calls together with those of the others."""

    def __init__(self, part: InnerSearch, policy: Policy, verifier: Verifier, rng: Rng) -> None:
        self.track, self._policy, self._verifier = part.track, policy, verifier
        self._steps = part.search(self, self, rng)
        self._going: asyncio.Task[Step | None] | None = None
        self._waits: asyncio.Future[None]
        self.call: _RoutedCall | None = None
        self.over = False

    async def go_on(self) -> Step | None:
        """Run the search to its next step. Returns None where it waits for a call to be served, or
        is over."""
        if self.over:
            return None
        self._waits = asyncio.get_running_loop().create_future()
        if self.call is not None:
            self.call.returned.set_result(self.call.found)
            self.call = None
        self._going = self._going or asyncio.create_task(self._next())
        await asyncio.wait((self._going, self._waits), return_when=asyncio.FIRST_COMPLETED)
        if not self._going.done():
            return None
        ended, self._going = self._going, None
        step = ended.result()
        self.over = step is None
        return step

    async def leave(self) -> None:
        """Close the search where it stands."""
        if self._going is not None:
            self._going.cancel()
            await asyncio.gather(self._going, return_exceptions=True)
        await self._steps.aclose()

    async def _next(self) -> Step | None:
        return await anext(self._steps, None)

    async def _ask(self, kind: Hashable, nodes: Sequence[Node], send: Send) -> Sequence[object]:
        assert self.call is None, "a search makes one call at a time"
        self.call = _RoutedCall(kind, nodes, send, asyncio.get_running_loop().create_future())
        self._waits.set_result(None)
        return await self.call.returned

    @property
    def sampling(self) -> Sampling:
        return self._policy.sampling

    @property
    def tokens(self) -> VerifierTokens:
        return self._verifier.tokens

    async def extend(
        self,
        nodes: Sequence[Node],
        n: int = 1,
        *,
        until: Until = STEP,
        sampling: Sampling | None = None,
        kind: Kind = Kind.STEP,
    ) -> list[list[Node]]:
        def send(batch: Sequence[Node]) -> Awaitable[Sequence[object]]:
            return self._policy.extend(batch, n, until=until, sampling=sampling, kind=kind)

        return cast(list[list[Node]], await self._ask((n, until, sampling, kind), nodes, send))

    async def score(self, nodes: Sequence[Node]) -> list[Score]:
        return cast(list[Score], await self._ask("score", nodes, self._verifier.score))

    def race(
        self,
        nodes: Sequence[Node],
        n: int = 1,
        *,
        until: Until = END,
        sampling: Sampling | None = None,
        kind: Kind = Kind.STEP,
    ) -> AsyncGenerator[tuple[int, Node]]:
        return self._policy.race(nodes, n, until=until, sampling=sampling, kind=kind)

    async def open(self, prompt: str, about: Sequence[Node] = ()) -> Node:
        return await self._policy.open(prompt, about)

    async def inject(self, node: Node, text: str, reason: str) -> Node:
        return await self._policy.inject(node, text, reason)

    def answer(self, node: Node) -> str | None:
        return self._policy.answer(node)

    async def log_likelihoods(self, pairs: Sequence[tuple[Node, Sequence[Node]]]) -> list[float]:
        return await self._policy.log_likelihoods(pairs)
