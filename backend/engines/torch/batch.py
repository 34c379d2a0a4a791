"""Continuous batching: everything in flight takes part in each forward pass (Yu et al., Orca, OSDI
2022).

`DecodingBatch` is the synchronous core, used by one thread. `admit` brings requests up to their
last prompt token, from the cache as far as it knows them, by prefill otherwise, equal prompts once.
`step` then makes one token for each row. The first token of a request comes out of a decoding step
like all others, so it does not matter whether its prompt was cached.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from backend.core.ports import Completion
from backend.core.types import Alternative, Finish
from backend.engines.torch.attention import Decoding, Prefill, chunks
from backend.engines.torch.cache import Cache
from backend.engines.torch.decoder import Decoder
from backend.engines.torch.rows import DecodingRow
from backend.engines.torch.sampler import DrawnTokens, Sampler
from backend.engines.torch.text import Vocabulary


@dataclass
class Counters:
    """Running totals since loading."""

    generated_tokens: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0


class Finished(NamedTuple):
    row: DecodingRow
    completion: Completion


class DecodingBatch:
    """The rows in flight, at most `cache.rows` of them."""

    def __init__(self, decoder: Decoder, cache: Cache, vocabulary: Vocabulary) -> None:
        self.decoder, self.cache, self.vocabulary = decoder, cache, vocabulary
        self.rows: list[DecodingRow] = []
        self.counters = Counters()
        self._sampler: Sampler | None = None

    def admit(self, rows: Sequence[DecodingRow]) -> None:
        """Start rows that `refusal` lets through, at most `cache.free` of them."""
        self.read(rows)
        self._change([*self.rows, *rows])

    def read(self, rows: Sequence[DecodingRow]) -> None:
        """Give rows slots that hold their prompts but for the last token; at most `cache.free` of
        them."""
        waiting = [row for row in rows if not self._take_over(row)]
        at_work = {row.prompt for row in rows if row.slot is not None}
        for row in waiting:
            if row.missing and row.prompt not in at_work:
                at_work.add(row.prompt)
                self._open(row)
        self._prefill([row for row in rows if row.slot is not None and row.missing])
        followers = [row for row in waiting if row.slot is None]
        for row in followers:
            self._open(row)
        # the cache was too small to keep the leader's prompt
        self._prefill([row for row in followers if row.missing])
        for row in rows:
            row.started = True
            self.counters.prompt_tokens += len(row.prompt)
            self.counters.cached_tokens += row.cached

    def step(self) -> list[Finished]:
        """One token for every row; the rows that ended with it."""
        rows = self.rows
        self.cache.reserve(max(row.length for row in rows))
        attention = Decoding(
            self.cache.pool, [slot_of(row) for row in rows], [row.length - 1 for row in rows]
        )
        ids = torch.tensor([row.last for row in rows], device=self.decoder.device)
        logits = self.decoder.logits(self.decoder.forward(ids, attention.positions, attention))
        if self._sampler is None:
            self._sampler = Sampler([row.sampling for row in rows], self.decoder.device)
        drawn = self._sampler.draw(logits, [row.draw() for row in rows])
        self._add_alternatives(drawn)
        tokens = zip(rows, drawn.ids, drawn.logprobs, strict=True)
        ended = [
            Finished(row, done)
            for row, token, logprob in tokens
            if (done := self._accept(row, token, logprob))
        ]
        self._leave([row for row, _ in ended])
        return ended

    def abort(self, rows: Sequence[DecodingRow]) -> list[Finished]:
        """Stop rows of the batch now."""
        self._leave(rows)
        return [Finished(row, row.completion(Finish.ABORTED)) for row in rows]

    def _accept(self, row: DecodingRow, token: int, logprob: float) -> Completion | None:
        if not math.isfinite(logprob):
            self.cache.discard(slot_of(row))
            row.slot = None
            return row.completion(
                Finish.ABORTED, "the model gave logits that are not numbers (NaN)"
            )
        self.counters.generated_tokens += 1
        return row.accept(token, logprob)

    def _leave(self, rows: Sequence[DecodingRow]) -> None:
        for row in rows:
            if row.slot is not None:
                self.cache.release(row.slot, row.computed)
                row.slot = None
        if rows:
            gone = set(map(id, rows))
            self._change([row for row in self.rows if id(row) not in gone])

    def _change(self, rows: list[DecodingRow]) -> None:
        self.rows = sorted(rows, key=slot_of)
        self._sampler = None

    def _take_over(self, row: DecodingRow) -> bool:
        match = self.cache.tree.match(row.prompt[:-1])
        row.slot, row.cached = self.cache.take_over(match), match.length
        return row.slot is not None

    def _open(self, row: DecodingRow) -> None:
        match = self.cache.tree.match(row.prompt[:-1])
        row.slot, row.cached = self.cache.open(match), match.length

    def _prefill(self, rows: Sequence[DecodingRow]) -> None:
        """Compute what is missing of each prompt but its last token, and remember it for others."""
        for row in rows:
            self.cache.reserve(len(row.prompt))
        for pieces in chunks([(slot_of(row), row.cached, len(row.prompt) - 1) for row in rows]):
            attention = Prefill(self.cache.pool, pieces)
            of_slot = {slot_of(row): row.prompt for row in rows}
            ids = [token for p in pieces for token in of_slot[p.slot][p.start : p.start + p.tokens]]
            self.decoder.forward(
                torch.tensor(ids, device=self.decoder.device), attention.positions, attention
            )
        for row in rows:
            self.cache.keep(slot_of(row), row.prompt[:-1])

    def _add_alternatives(self, drawn: DrawnTokens) -> None:
        most = max(row.sampling.alternatives for row in self.rows)
        if most:
            top = drawn.distribution.topk(min(most, drawn.distribution.shape[1]))
            for row, ids, logprobs in zip(
                self.rows, top.indices.tolist(), top.values.tolist(), strict=True
            ):
                if count := row.sampling.alternatives:
                    likeliest = zip(ids[:count], logprobs[:count], strict=True)
                    row.alternatives.append(
                        tuple(Alternative(i, self.vocabulary.text(i), p) for i, p in likeliest)
                    )


def slot_of(row: DecodingRow) -> int:
    """The slot of a running row."""
    assert row.slot is not None
    return row.slot
