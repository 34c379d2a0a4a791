"""The engine's one thread. It alone touches model and caches; the event loop hands it tickets and
gets completions back.

After every forward pass the thread looks at what arrived and what was cancelled, so a new request
waits for one token of the others and a cancelled one is gone within one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import torch

from backend.core.errors import EngineFailure
from backend.core.ports import Completion, EngineStats, Given, Request
from backend.core.types import Finish
from backend.engines.torch.batch import DecodingBatch, Finished
from backend.engines.torch.given import Judging
from backend.engines.torch.rows import DecodingRow

Deliver: TypeAlias = Callable[["list[Completion] | EngineFailure"], None]
"""Called from the worker's thread with finished completions, or once with the failure that ended
everything."""

GONE = "the torch engine has stopped"


class Ticket(NamedTuple):
    """One `generate` call: its requests as rows, their places in it by the identity of the row, and
    where their completions go."""

    rows: list[DecodingRow]
    places: dict[int, int]
    deliver: Deliver


class Worker:
    """Runs a batch in a thread of its own until closed."""

    def __init__(self, batch: DecodingBatch, threads: int) -> None:
        self._batch, self._threads = batch, threads
        self._changed = threading.Condition()
        self._arrived: deque[Ticket] = deque()
        self._cancelled: list[Ticket] = []
        self._waiting: deque[DecodingRow] = deque()
        self._judgings: deque[Judging] = deque()
        self._owner: dict[int, Ticket] = {}
        self._closing = False
        self._failure: EngineFailure | None = None
        self._thread = threading.Thread(target=self._run, name="torch-engine", daemon=True)
        self._thread.start()

    def submit(self, requests: Sequence[Request], deliver: Deliver) -> Ticket:
        """Queue the requests; each gets exactly one completion, unless the engine fails."""
        decoder = self._batch.decoder
        rows = [
            DecodingRow(request, self._batch.vocabulary, decoder.context) for request in requests
        ]
        ticket = Ticket(rows, {id(row): place for place, row in enumerate(rows)}, deliver)
        with self._changed:
            self._check()
            self._arrived.append(ticket)
            self._owner.update((id(row), ticket) for row in ticket.rows)
            self._changed.notify()
        return ticket

    def judge(self, asked: Sequence[Given]) -> Judging:
        """Queue given tokens to be judged; cancelling the future that tells the answers takes them
        back."""
        judging = Judging(asked)
        with self._changed:
            self._check()
            self._judgings.append(judging)
            self._changed.notify()
        return judging

    def cancel(self, ticket: Ticket) -> None:
        """Abort what is left of a ticket; its completions are delivered as aborted."""
        with self._changed:
            self._cancelled.append(ticket)
            self._changed.notify()

    def stats(self) -> EngineStats:
        """The running counters; requests that wait for a slot count as running."""
        with self._changed:
            counters, cache = self._batch.counters, self._batch.cache
            weights = self._batch.decoder.parameters * self._batch.decoder.dtype.itemsize
            return EngineStats(
                running=len(self._owner) + sum(judging.left for judging in self._judgings),
                generated_tokens=counters.generated_tokens,
                prompt_tokens=counters.prompt_tokens,
                cached_tokens=counters.cached_tokens,
                memory_bytes=weights + cache.memory_bytes,
            )

    def close(self) -> None:
        """Stop the thread; what is in flight fails."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout=10)

    def _check(self) -> None:
        if self._failure or self._closing:
            raise self._failure or EngineFailure(GONE, "Load the model again")

    def _run(self) -> None:
        reason = GONE
        torch.set_num_threads(self._threads)
        try:
            with torch.inference_mode():
                while self._collect():
                    self._advance()
        except (
            RuntimeError,
            MemoryError,
        ) as error:  # torch reports exhausted memory and bad kernels as RuntimeError
            reason = f"the torch engine failed: {error}"
        finally:
            self._fail(reason)

    def _collect(self) -> bool:
        """Take in what changed; blocks while there is nothing to do. False when closing."""
        with self._changed:
            while not (
                self._closing
                or self._arrived
                or self._cancelled
                or self._waiting
                or self._judgings
                or self._batch.rows
            ):
                self._changed.wait()
            arrived, cancelled = list(self._arrived), self._cancelled
            self._arrived.clear()
            self._cancelled = []
        for ticket in arrived:
            self._deliver(
                [
                    Finished(row, refused)
                    for row in ticket.rows
                    if (refused := row.refusal(self._batch.decoder.config.vocab_size))
                ]
            )
            self._waiting.extend(row for row in ticket.rows if id(row) in self._owner)
        for ticket in cancelled:
            self._abort(ticket)
        return not self._closing

    def _advance(self) -> None:
        """Judge and admit what fits, then one token for every row."""
        if self._judgings and self._batch.cache.free and self._judgings[0].go_on(self._batch):
            with self._changed:
                self._judgings.popleft()
        room = min(len(self._waiting), self._batch.cache.free)
        if room:
            self._batch.admit([self._waiting.popleft() for _ in range(room)])
        if self._batch.rows:
            self._deliver(self._batch.step())

    def _abort(self, ticket: Ticket) -> None:
        left = {id(row) for row in ticket.rows if id(row) in self._owner}
        queued = [row for row in self._waiting if id(row) in left]
        self._waiting = deque(row for row in self._waiting if id(row) not in left)
        ended = self._batch.abort([row for row in self._batch.rows if id(row) in left])
        self._deliver([*ended, *(Finished(row, row.completion(Finish.ABORTED)) for row in queued)])

    def _deliver(self, ended: Sequence[Finished]) -> None:
        """Hand completions to their tickets, those of one ticket together and as they were asked
        for: slots depend on who else was there."""
        groups: dict[int, tuple[Ticket, list[Finished]]] = {}
        with self._changed:
            for one in ended:
                ticket = self._owner.pop(id(one.row))
                groups.setdefault(id(ticket.rows), (ticket, []))[1].append(one)
        for ticket, together in groups.values():
            together.sort(key=lambda one: ticket.places[id(one.row)])
            ticket.deliver([one.completion for one in together])

    def _fail(self, reason: str) -> None:
        """Tell every open ticket that there will be nothing more."""
        with self._changed:
            self._failure = EngineFailure(
                reason, "Load the model again; if memory ran out, use fewer rows or a smaller cache"
            )
            open_tickets = {id(ticket.rows): ticket for ticket in self._owner.values()}
            self._owner.clear()
            judgings = list(self._judgings)
            self._judgings.clear()
        for ticket in open_tickets.values():
            ticket.deliver(self._failure)
        for judging in judgings:
            judging.fail(self._failure)
