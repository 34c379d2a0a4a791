"""The policy that a strategy is handed: metered, cached, traced, and answered from the store where
an earlier attempt paid for the call.

Each call has a key made of the role, the parent's key, its ordinal among that parent's calls, and
its settings. The request's seed derives from the run's seed and that key, never from the order of
arrival, so batches of any shape and reruns agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import NamedTuple
from uuid import uuid4

from msgspec.structs import replace

from backend.core.errors import BudgetExhausted, EngineFailure
from backend.core.events import NodeAdded
from backend.core.keys import digest, seed_of
from backend.core.outside import clean_completion
from backend.core.ports import END, STEP, Completion, Engine, Request, Sampling, Until
from backend.core.splitting import AT_BLANK_LINES, Splitting
from backend.core.types import Finish, Kind, Node
from backend.problems.extraction import Reader, extract
from backend.runs.context import CONTEXT_REMEDY, RunContext
from backend.runs.likelihoods import Likelihoods
from backend.runs.paid import NOTHING_PAID, Admitted, split_batch
from backend.runs.start import settle_start


class _Call(NamedTuple):
    """One child to be made: the place of its parent in the strategy's list, and the request."""

    place: int
    parent: Node
    request: Request


class LivePolicy:
    """`ports.Policy` over an engine. `finished` collects finished nodes that the strategy may not
    have reported yet; `cut` tells whether the budget ended a text before its own limit."""

    def __init__(
        self,
        engine: Engine,
        desk: RunContext,
        sampling: Sampling,
        *,
        splitting: Splitting = AT_BLANK_LINES,
        role: str = "policy",
        system: str | None = None,
        read: Reader = extract,
    ) -> None:
        self._engine, self._desk, self._sampling, self._role, self._system = (
            engine,
            desk,
            sampling,
            role,
            system,
        )
        self._likelihoods = Likelihoods(engine, desk, sampling, role)
        self._ordinals: defaultdict[str, int] = defaultdict(int)
        self._requested: defaultdict[str, int] = defaultdict(int)
        self._run = uuid4().hex
        self._read, self._splitting = read, splitting
        self.finished: list[Node] = []
        self.cut = False

    @property
    def sampling(self) -> Sampling:
        return self._sampling

    def answer(self, node: Node) -> str | None:
        """The answer written on the path to a node, as this run reads answers."""
        return self._read(node.solution_text()).answer

    async def extend(
        self,
        nodes: Sequence[Node],
        n: int = 1,
        *,
        until: Until = STEP,
        sampling: Sampling | None = None,
        kind: Kind = Kind.STEP,
    ) -> list[list[Node]]:
        """Group i holds the `n` children of node i; a finished node gives [itself]. One batch, one
        `call` event."""
        groups: list[list[Node]] = [[node] if node.done else [] for node in nodes]
        calls = self._calls(nodes, n, until, sampling or self._sampling, kind)
        if not calls:
            return groups
        await self._desk.control.gate()
        started = self._desk.recorder.elapsed_ms
        answers, short = await self._answers(calls)
        made = [
            (call, self._node(call, answers[call.request.key], kind))
            for call in calls
            if call.request.key in answers
        ]
        for call, node in made:
            groups[call.place].append(node)
        if made:
            self._close_batch(started, [answers[call.request.key] for call, _ in made])
        if short is not None:
            raise short
        return groups

    async def race(
        self,
        nodes: Sequence[Node],
        n: int = 1,
        *,
        until: Until = END,
        sampling: Sampling | None = None,
        kind: Kind = Kind.STEP,
    ) -> AsyncGenerator[tuple[int, Node]]:
        """(i, child) as they finish, each with a `call` event of its own, so that a run can be
        taken up after every one of them. Closing aborts the others, whose texts so far stay as
        nodes, on the ledger as discarded."""
        for index, node in enumerate(nodes):
            if node.done:
                yield index, node
        calls = self._calls(nodes, n, until, sampling or self._sampling, kind)
        if not calls:
            return
        await self._desk.control.gate()
        started, batch = self._desk.recorder.elapsed_ms, self._admit(calls)
        open_calls = {call.request.key: call for call in calls}
        try:
            async with aclosing(self._finishing(calls, batch)) as completions:
                async for completion in completions:
                    call = open_calls.pop(completion.key)
                    node = self._node(call, completion, kind)
                    self._close_batch(started, [completion])
                    yield call.place, node
            if batch.short is not None:
                raise batch.short
        finally:
            if not self._desk.recorder.sealed:
                # how far a text had come by now is not stored
                known = () if self._desk.paid.anew else batch.paid.items()
                left = [completion for key, completion in known if key in open_calls]
                left += await self._collect_aborted(
                    [request.key for request in batch.live if request.key in open_calls]
                )
                for completion in left:
                    self._node(open_calls[completion.key], completion, kind)
                if left:
                    self._close_batch(started, left)

    async def open(self, prompt: str, about: Sequence[Node] = ()) -> Node:
        """A new root of kind aside, recorded with the nodes it is about."""
        rendered = await self._engine.prompt(prompt, self._system)
        ordinal = self._next_ordinal("aside")
        node = Node(
            rendered.text,
            rendered.token_ids,
            role=self._role,
            kind=Kind.ASIDE,
            key=digest(self._role, "aside", ordinal, prompt),
        )
        named = tuple([self._desk.recorder.id_of(other) for other in about])
        self._desk.recorder.node(
            node, lambda node_id: NodeAdded(node_id, about=named, question=prompt)
        )
        return node

    async def inject(self, node: Node, text: str, reason: str) -> Node:
        """A child that nobody generated. It reopens a finished node: its text goes where the end
        token stood."""
        key = digest(self._role, node.key, self._next_ordinal(node.key), "inject", text)
        child = Node(
            text,
            await self._engine.encode(text),
            None,
            node,
            node.depth + 1,
            role=self._role,
            kind=Kind.INJECTED,
            key=key,
        )
        self._desk.recorder.node(child, lambda node_id: NodeAdded(node_id, reason=reason))
        return child

    async def log_likelihoods(self, pairs: Sequence[tuple[Node, Sequence[Node]]]) -> list[float]:
        """How likely this policy is to continue each node by the given steps, in nats; see
        `ports.Policy`."""
        return await self._likelihoods.log_probs(pairs)

    async def root(self, question: str) -> Node:
        """The prompt of the run, node 0; in a fork, the last node of the path that it begins
        with.
        """
        if (start := self._desk.paid.start) is not None:
            settled = settle_start(start, self._engine, question, self._system, self._splitting)
            path = (await settled).path
            for placed in path:
                self._desk.recorder.node(placed.node, placed.added)
            return path[-1].node
        rendered = await self._engine.prompt(question, self._system)
        node = Node(rendered.text, rendered.token_ids, role=self._role, kind=Kind.PROMPT)
        self._desk.recorder.node(node)
        return node

    async def continue_by_hand(self, node: Node, n: int) -> list[Completion]:
        """Up to `n` continuations of a node that nobody in the search asked for, as many as the
        budget admits; neither charged nor recorded yet. Their keys are their own, so that the
        search's own calls stay what they are. Raises `BudgetExhausted` or `EngineFailure`."""
        first = self._requested[node.key]
        keys = [
            digest(self._role, node.key, "on request", first + each, STEP, self._sampling)
            for each in range(n)
        ]
        calls = self._make_calls(keys, 0, node, STEP, self._sampling)
        batch = split_batch([call.request for call in calls], NOTHING_PAID, self._desk.meter)
        if not batch.live and batch.short is not None:
            raise batch.short
        self.forgo(node, n)
        async with aclosing(self._complete(calls, batch)) as completions:
            found = {completion.key: completion async for completion in completions}
        return [found[key] for key in keys if key in found]

    def forgo(self, node: Node, n: int) -> None:
        """Skip the next `n` keys for requests on this node: they are never used again."""
        self._requested[node.key] += n

    def _next_ordinal(self, key: str) -> int:
        self._ordinals[key] += 1
        return self._ordinals[key] - 1

    def _calls(
        self, nodes: Sequence[Node], n: int, until: Until, sampling: Sampling, kind: Kind
    ) -> list[_Call]:
        calls: list[_Call] = []
        settings = [str(part) for part in (until, sampling, kind)]
        for index, node in enumerate(nodes):
            if node.done:
                continue
            keys = [
                digest(self._role, node.key, self._next_ordinal(node.key), *settings)
                for _ in range(n)
            ]
            calls += self._make_calls(keys, index, node, until, sampling)
        return calls

    def _make_calls(
        self, keys: Sequence[str], place: int, node: Node, until: Until, sampling: Sampling
    ) -> list[_Call]:
        text, ids = "".join(part.text for part in node.path()), node.context_ids()
        splitting, state = self._splitting, self._splitting.state_after(node.texts())
        made = Request("", text, ids, 0, until, sampling, splitting, state)
        return [
            _Call(place, node, replace(made, key=key, seed=seed_of(self._desk.seed, key)))
            for key in keys
        ]

    def _admit(self, calls: Sequence[_Call]) -> Admitted:
        return split_batch([call.request for call in calls], self._desk.paid, self._desk.meter)

    async def _answers(
        self, calls: Sequence[_Call]
    ) -> tuple[dict[str, Completion], BudgetExhausted | None]:
        """Completions by key, from the store or the engine; and the exhaustion to raise once they
        are recorded, if not all were admitted."""
        batch = self._admit(calls)
        answers = dict(batch.paid)
        async with aclosing(self._generate(calls, batch)) as completions:
            async for completion in completions:
                answers[completion.key] = completion
        return answers, batch.short

    async def _finishing(
        self, calls: Sequence[_Call], batch: Admitted
    ) -> AsyncGenerator[Completion]:
        """What finished, in the order in which it did: the paid answers first, but for those that
        had been given up."""
        for completion in batch.paid.values():
            if completion.finish is not Finish.ABORTED or completion.failure is not None:
                yield completion
        async with aclosing(self._generate(calls, batch)) as completions:
            async for completion in completions:
                yield completion

    async def _generate(
        self, calls: Sequence[_Call], batch: Admitted
    ) -> AsyncGenerator[Completion]:
        """The engine's completions; its failure ends the log."""
        try:
            async with aclosing(self._complete(calls, batch)) as completions:
                async for completion in completions:
                    yield completion
        except EngineFailure:
            self._desk.recorder.seal()
            raise

    async def _complete(
        self, calls: Sequence[_Call], batch: Admitted
    ) -> AsyncGenerator[Completion]:
        """The engine's completions; one that ended at a limit which the budget lowered says so. All
        failing is the engine's failure."""
        if not batch.live:
            return
        own = {call.request.key: call.request.limit for call in calls}
        allowed = {request.key: request.limit for request in batch.live}
        failures = sum(completion.failure is not None for completion in batch.paid.values())
        named = [replace(request, key=self._outside(request.key)) for request in batch.live]
        async with aclosing(self._engine.generate(named)) as stream:
            async for outside in stream:
                completion = self._taken(outside)
                if completion.failure is not None:
                    failures += 1
                    if failures == len(batch.paid) + len(batch.live):
                        full = completion.failure.startswith("context full")
                        raise EngineFailure(completion.failure, CONTEXT_REMEDY if full else "")
                cut = (
                    completion.finish is Finish.LENGTH
                    and len(completion.token_ids) >= allowed[completion.key] < own[completion.key]
                )
                yield replace(completion, finish=Finish.BUDGET) if cut else completion

    async def _collect_aborted(self, keys: Sequence[str]) -> list[Completion]:
        """Return what the unfinished requests of a closed race had generated."""
        if not keys:
            return []
        found = await self._engine.take_aborted([self._outside(key) for key in keys])
        return [self._taken(completion) for completion in found]

    def _outside(self, key: str) -> str:
        """The name of a call toward the engine, which other runs share: two runs of one spec make
        the same calls."""
        return f"{self._run}/{key}"

    def _taken(self, completion: Completion) -> Completion:
        """A completion under the key that it has in the run, as it can be kept."""
        return clean_completion(replace(completion, key=completion.key.partition("/")[2]))

    def _node(self, call: _Call, completion: Completion, kind: Kind) -> Node:
        """The child for a completion, charged and recorded."""
        whole = call.request.until.steps == 0 and call.request.until.tokens == 0
        node = self.record(
            self.child(call.parent, completion, kind, whole=whole, role=self._role), completion
        )
        self.cut = self.cut or completion.finish is Finish.BUDGET
        if (
            completion.finish is Finish.END and completion.failure is None and kind is Kind.STEP
        ):  # a rollout is no candidate
            self.finished.append(node)
        return node

    @staticmethod
    def child(parent: Node, completion: Completion, kind: Kind, *, whole: bool, role: str) -> Node:
        """A completion as a node. `whole`: the text was to be written to its end."""
        ended = completion.finish is Finish.END or (whole and completion.finish is Finish.LENGTH)
        failed = completion.failure is not None
        return Node(
            completion.text,
            completion.token_ids,
            completion.logprobs,
            parent,
            parent.depth + 1,
            done=ended or failed or completion.finish is Finish.ABORTED,
            finish=Finish.ABORTED if failed else completion.finish,
            role=role,
            kind=kind,
            key=completion.key,
            alternatives=completion.alternatives,
        )

    def record(self, node: Node, completion: Completion) -> Node:
        """The node of a completion, charged and recorded."""
        self._desk.meter.charge(completion, discarded=completion.finish is Finish.ABORTED)

        def announce(node_id: int) -> NodeAdded:
            return NodeAdded(
                node_id,
                prompt_tokens=completion.prompt_tokens,
                cached_tokens=completion.cached_tokens,
                failure=completion.failure,
                remark=completion.remark,
            )

        self._desk.recorder.node(node, announce)
        return node

    def _close_batch(self, started: float, answers: Sequence[Completion]) -> None:
        """Record what a batch cost and hand the records to the store."""
        self._desk.record_call(
            self._role, started, answers, sum(len(answer.token_ids) for answer in answers)
        )


__all__ = ["LivePolicy"]
