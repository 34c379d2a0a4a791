"""Given tokens, judged: how likely would each of them have been drawn where it stands?

A prompt is brought into a slot as for sampling, from the cache as far as that knows it. Then all
given tokens go through the model in one pass, and the hidden state before each of them says its
probability. Requests are kept whole in a pass where they fit, so that an answer does not depend on
its company. What was computed stays in the cache: a search that goes on behind the given tokens
need not read them again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

import torch

from backend.core.errors import EngineFailure
from backend.core.ports import Given, Likelihood, Request
from backend.engines.torch.attention import CHUNK, AttentionPiece, Prefill, chunks
from backend.engines.torch.batch import DecodingBatch, slot_of
from backend.engines.torch.rows import DecodingRow
from backend.engines.torch.sampler import Sampler

LOGITS = 64
"""Positions whose logits are in memory at once."""


class GivenTask:
    """A request on its way: its prompt as a row, all its tokens, and the log-probabilities found so
    far."""

    def __init__(self, asked: Given, batch: DecodingBatch) -> None:
        self.row = DecodingRow(
            Request("", "", asked.token_ids, 0, sampling=asked.sampling),
            batch.vocabulary,
            batch.decoder.context,
        )
        self.ids, self.logprobs = (*asked.token_ids, *asked.given), list[float]()

    @property
    def span(self) -> tuple[int, int, int]:
        """Slot, and the positions whose hidden states tell: from the prompt's last token to the
        last but one of all."""
        return slot_of(self.row), len(self.row.prompt) - 1, len(self.ids) - 1

    def refusal(self, vocabulary_size: int) -> str | None:
        """Why these tokens cannot be judged at all."""
        if not self.row.prompt:
            return "empty prompt: got no token ids, accepted: at least one"
        if not 0 <= min(self.ids) <= max(self.ids) < vocabulary_size:
            return f"token id outside the vocabulary: accepted 0 to {vocabulary_size - 1}"
        if len(self.ids) > self.row.context:
            return (
                f"context full: {len(self.ids)} tokens with the given ones, accepted: at most "
                f"{self.row.context}"
            )
        return None


def judge(batch: DecodingBatch, asked: Sequence[Given]) -> list[Likelihood]:
    """One result a request, same order; at most `cache.free` of them."""
    tasks = [GivenTask(one, batch) for one in asked]
    refused = [task.refusal(batch.decoder.config.vocab_size) for task in tasks]
    due = [task for task, reason in zip(tasks, refused, strict=True) if reason is None]
    batch.read([task.row for task in due])
    batch.cache.reserve(max((len(task.ids) for task in due), default=0))
    of_slot = {slot_of(task.row): task for task in due}
    for pieces in pack([task.span for task in due]):
        _judge(batch, pieces, of_slot)
    return [
        Likelihood((), 0, failure=reason) if reason else _end(batch, task)
        for task, reason in zip(tasks, refused, strict=True)
    ]


def _judge(
    batch: DecodingBatch, pieces: Sequence[AttentionPiece], of_slot: dict[int, GivenTask]
) -> None:
    """One forward pass, and what it says of the token behind each of its own."""
    attention, device = Prefill(batch.cache.pool, pieces), batch.decoder.device
    places = [
        (of_slot[piece.slot], at)
        for piece in pieces
        for at in range(piece.start, piece.start + piece.tokens)
    ]
    hidden = batch.decoder.forward(
        torch.tensor([task.ids[at] for task, at in places], device=device),
        attention.positions,
        attention,
    )
    for start in range(0, len(places), LOGITS):
        some = places[start : start + LOGITS]
        sampler = Sampler([task.row.sampling for task, _ in some], device)
        logprobs = sampler.log_probs(
            batch.decoder.logits(hidden[start : start + LOGITS]),
            [task.ids[at + 1] for task, at in some],
        )
        for (task, _), logprob in zip(some, logprobs, strict=True):
            task.logprobs.append(logprob)


def _end(batch: DecodingBatch, task: GivenTask) -> Likelihood:
    """The result of a task, its slot given back."""
    slot, given = slot_of(task.row), len(task.ids) - len(task.row.prompt)
    batch.counters.prompt_tokens += given
    if any(map(math.isnan, task.logprobs)):
        batch.cache.discard(slot)
        return Likelihood(
            (), len(task.ids), task.row.cached, "the model gave logits that are not numbers (NaN)"
        )
    batch.cache.release(slot, task.ids[:-1])
    return Likelihood(tuple(task.logprobs), len(task.ids), task.row.cached)


def pack(spans: Sequence[tuple[int, int, int]]) -> Iterator[list[AttentionPiece]]:
    """Spans (slot, start, stop) in forward passes of at most `CHUNK` tokens; only a longer one is
    cut."""
    group: list[tuple[int, int, int]] = []
    for span in spans:
        if group and sum(stop - start for _, start, stop in [*group, span]) > CHUNK:
            yield from chunks(group)
            group = []
        group.append(span)
    yield from chunks(group)


class Judging:
    """A call's requests in the worker's queue, answered in batches of as many as there are slots;
    `likelihoods` holds all results in the end."""

    def __init__(self, asked: Sequence[Given]) -> None:
        self.likelihoods: Future[list[Likelihood]] = Future()
        self._asked, self._found = tuple(asked), list[Likelihood]()

    @property
    def left(self) -> int:
        """Requests without an answer, of a call that somebody still waits for."""
        return 0 if self.likelihoods.cancelled() else len(self._asked) - len(self._found)

    def go_on(self, batch: DecodingBatch) -> bool:
        """One batch more; whether that was the last one."""
        if self.left:
            at = len(self._found)
            self._found += judge(batch, self._asked[at : at + batch.cache.free])
        if self.left:
            return False
        if self.likelihoods.set_running_or_notify_cancel():
            self.likelihoods.set_result(self._found)
        return True

    def fail(self, failure: EngineFailure) -> None:
        """There will be no answer."""
        if self.likelihoods.set_running_or_notify_cancel():
            self.likelihoods.set_exception(failure)
