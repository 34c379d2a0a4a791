"""What `Decoder.forward` hands its heads to: attention over a cache's slots, for decoding and for
prefill.

Both write the new keys and values into the slots, then attend. Rows in neighbouring slots are
served by one call on a view of the pool, so nothing is gathered; a row's result does not depend on
which run it stands in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.engines.torch.cache import round_up

CHUNK = 512
"""Prompt tokens in one forward pass: bounds memory and the wait of the rows that are decoding."""


class TokenRun(NamedTuple):
    """Rows `first` to `last` (exclusive) of the batch, in slots from `slot` on; `mask` is additive,
    (rows, 1, 1, positions)."""

    first: int
    last: int
    slot: int
    mask: Tensor


class Decoding:
    """One new token for each of A sequences: `slots` in rising order, `lengths` positions already
    there."""

    def __init__(self, pool: Tensor, slots: Sequence[int], lengths: Sequence[int]) -> None:
        self.pool, device = pool, pool.device
        self.slots, self.positions = (
            torch.tensor(slots, device=device),
            torch.tensor(lengths, device=device),
        )
        self.runs = [
            self._run(first, last, slots[first], max(lengths[first:last]) + 1)
            for first, last in neighbours(slots)
        ]

    def __call__(self, layer: int, heads: Tensor) -> Tensor:
        """(A, H + 2K, D) to (A, H * D)."""
        groups = self.pool.shape[3]
        queries, fresh = heads[:, : -2 * groups], heads[:, -2 * groups :]
        self.pool[:, layer][:, self.slots, :, self.positions] = fresh.reshape(
            len(fresh), 2, groups, -1
        )
        grouped = queries.reshape(len(queries), groups, -1, queries.shape[-1])
        seen = [self._attend(layer, grouped, run) for run in self.runs]
        return (seen[0] if len(seen) == 1 else torch.cat(seen)).flatten(1)

    def _run(self, first: int, last: int, slot: int, length: int) -> TokenRun:
        steps = torch.arange(round_up(length), device=self.pool.device)
        unseen = steps > self.positions[first:last, None]
        mask = torch.zeros(
            unseen.shape, device=self.pool.device, dtype=self.pool.dtype
        ).masked_fill_(unseen, -torch.inf)
        return TokenRun(first, last, slot, mask[:, None, None])

    def _attend(self, layer: int, queries: Tensor, run: TokenRun) -> Tensor:
        rows = slice(run.slot, run.slot + run.last - run.first)
        keys, values = self.pool[:, layer, rows, :, : run.mask.shape[-1]]
        return F.scaled_dot_product_attention(
            queries[run.first : run.last], keys, values, attn_mask=run.mask
        )


class AttentionPiece(NamedTuple):
    """`tokens` new tokens of the sequence in `slot`, at positions from `start` on."""

    slot: int
    start: int
    tokens: int


class Prefill:
    """Many new tokens for each of several sequences, one piece after another in the flat list of
    tokens."""

    def __init__(self, pool: Tensor, pieces: Sequence[AttentionPiece]) -> None:
        self.pool, self.pieces = pool, pieces
        self.positions = torch.cat([torch.arange(p.start, p.start + p.tokens) for p in pieces]).to(
            pool.device
        )
        self.masks = [self._mask(piece) for piece in pieces]

    def __call__(self, layer: int, heads: Tensor) -> Tensor:
        """(M, H + 2K, D) to (M, H * D)."""
        groups = self.pool.shape[3]
        queries, fresh = heads[:, : -2 * groups], heads[:, -2 * groups :]
        counts = [piece.tokens for piece in self.pieces]
        for piece, new in zip(
            self.pieces,
            fresh.reshape(len(fresh), 2, groups, -1).split_with_sizes(counts),
            strict=True,
        ):
            self.pool[:, layer, piece.slot, :, piece.start : piece.start + piece.tokens] = (
                new.permute(1, 2, 0, 3)
            )
        parts = zip(
            self.pieces,
            queries.reshape(len(queries), groups, -1, queries.shape[-1]).split_with_sizes(counts),
            self.masks,
            strict=True,
        )
        return torch.cat([self._attend(layer, *part) for part in parts])

    def _mask(self, piece: AttentionPiece) -> Tensor:
        """Additive causal mask (count, positions)."""
        stop, device = round_up(piece.start + piece.tokens), self.pool.device
        unseen = (
            torch.arange(stop, device=device)
            > torch.arange(piece.start, piece.start + piece.tokens, device=device)[:, None]
        )
        return torch.zeros(unseen.shape, device=device, dtype=self.pool.dtype).masked_fill_(
            unseen, -torch.inf
        )

    def _attend(self, layer: int, piece: AttentionPiece, queries: Tensor, mask: Tensor) -> Tensor:
        """(T, K, G, D) to (T, H * D): the heads of a group stand in as further positions, so that
        no key is copied."""
        keys, values = self.pool[:, layer, piece.slot : piece.slot + 1, :, : mask.shape[-1]]
        groups = queries.shape[2]
        folded = queries.permute(1, 2, 0, 3).flatten(1, 2)[None]
        seen: Tensor = F.scaled_dot_product_attention(
            folded, keys, values, attn_mask=mask.repeat(groups, 1)[None, None]
        )
        return seen.view(len(keys[0]), groups, -1, seen.shape[-1]).permute(2, 0, 1, 3).flatten(1)


def neighbours(slots: Sequence[int]) -> list[tuple[int, int]]:
    """(first, last) of each run of consecutive slots, last exclusive."""
    starts = [i for i in range(len(slots)) if i == 0 or slots[i] != slots[i - 1] + 1]
    return list(zip(starts, [*starts[1:], len(slots)], strict=True))


def chunks(spans: Sequence[tuple[int, int, int]]) -> Iterator[list[AttentionPiece]]:
    """Spans (slot, start, stop) cut into forward passes of at most `CHUNK` tokens, in order."""
    pieces: list[AttentionPiece] = []
    room = CHUNK
    for slot, start, stop in spans:
        while start < stop:
            count = min(room, stop - start)
            pieces.append(AttentionPiece(slot, start, count))
            start, room = start + count, room - count
            if not room:
                yield pieces
                pieces, room = [], CHUNK
    if pieces:
        yield pieces
