"""Where keys and values live while sequences grow, and how a sequence gets back to what it already
computed.

Two tiers. Running sequences own a *slot* in one tensor (2, layers, slots, K, length, D), where
attention reads them without any gathering. What they computed is also kept in a `PrefixTree`. A
finished sequence leaves its slot as it is: if the next request continues exactly that sequence, as
the first child of a search node does, it takes the slot over and copies nothing; its siblings get a
slot filled from the tree. So a search that goes on step by step never prefills.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from backend.engines.torch.prefix import Match, PrefixTree, Stretch
from backend.engines.torch.qwen2 import Qwen2Config

GRAIN = 64
"""Lengths are rounded up to this many positions: attention then sums in the same order whoever else
is in the batch."""


class Cache:
    """Slots for up to `rows` sequences and a prefix tree of up to `limit_bytes`. Memory for slots
    grows on demand by doubling."""

    def __init__(
        self,
        config: Qwen2Config,
        rows: int,
        limit_bytes: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.rows = rows
        layers, heads, dim = config.num_hidden_layers, config.num_key_value_heads, config.head_dim
        self.token_bytes = 2 * layers * heads * dim * dtype.itemsize
        self.tree = PrefixTree(limit_bytes, self.token_bytes)
        self.pool = torch.zeros(
            2, layers, min(rows, 16), heads, 4 * GRAIN, dim, device=device, dtype=dtype
        )
        # least recently used first
        self._idle: dict[int, Stretch | None] = dict.fromkeys(range(self.pool.shape[2]))
        self._ends: dict[Stretch, int] = {}

    @property
    def free(self) -> int:
        """How many more sequences can have a slot now."""
        return len(self._idle) + self.rows - self.pool.shape[2]

    @property
    def memory_bytes(self) -> int:
        return self.pool.numel() * self.pool.itemsize + self.tree.tokens * self.token_bytes

    def take_over(self, match: Match) -> int | None:
        """An idle slot that still holds most of the match, completed from the tree; None where
        there is none."""
        length = match.length
        for part in reversed(match.parts):
            whole = part.used == len(part.stretch.ids)
            if (
                whole
                and length >= match.length / 2
                and (slot := self._ends.get(part.stretch)) is not None
            ):
                self._occupy(slot)
                self._fill(slot, match, length)
                return slot
            length -= part.used
        return None

    def open(self, match: Match) -> int:
        """A slot filled with the match: an unused one, a new one, or the one that was idle longest.
        `free` must be positive."""
        slot = next((s for s, end in self._idle.items() if end is None), None)
        if (
            slot is None
            and self.pool.shape[2] < self.rows
            and len(self._idle) < self.pool.shape[2] / 4
        ):
            slot = self._grow(self.pool.shape[2] * 2, self.pool.shape[4])
        if slot is None:
            slot = next(iter(self._idle), None)
        if slot is None:
            slot = self._grow(self.pool.shape[2] * 2, self.pool.shape[4])
        self._occupy(slot)
        self._fill(slot, match, 0)
        return slot

    def reserve(self, length: int) -> None:
        """Make every slot long enough for `length` positions."""
        if length > self.pool.shape[4]:
            self._grow(self.pool.shape[2], max(round_up(length), 2 * self.pool.shape[4]))

    def keep(self, slot: int, ids: Sequence[int]) -> Stretch | None:
        """Remember in the tree what the slot holds for `ids`."""
        return self.tree.insert(
            ids, lambda start, stop: self.pool[:, :, slot, :, start:stop].clone()
        )

    def release(self, slot: int, ids: Sequence[int]) -> None:
        """The sequence is over; the slot holds keys and values of exactly `ids`."""
        end = self.keep(slot, ids) if ids else None
        if end is not None and end in self._ends:
            end = None
        self._idle[slot] = end
        if end is not None:
            self._ends[end] = slot

    def discard(self, slot: int) -> None:
        """The slot holds nothing worth keeping, perhaps numbers that are none; it is wiped."""
        self.pool[:, :, slot] = 0
        self._idle[slot] = None

    def _occupy(self, slot: int) -> None:
        end = self._idle.pop(slot)
        if end is not None:
            del self._ends[end]

    def _fill(self, slot: int, match: Match, start: int) -> None:
        """Copy positions `start` to the end of the match from the tree into the slot."""
        self.reserve(match.length)
        at = 0
        for stretch, used in match.parts:
            if at >= start:
                assert stretch.kept is not None
                self.pool[:, :, slot, :, at : at + used] = stretch.kept[..., :used, :]
            at += used

    def _grow(self, slots: int, length: int) -> int:
        """Enlarge the pool and return the first new slot, if there is one."""
        old, slots = self.pool, min(slots, self.rows)
        layers, heads, dim = old.shape[1], old.shape[3], old.shape[5]
        self.pool = torch.zeros(
            2, layers, slots, heads, length, dim, device=old.device, dtype=old.dtype
        )
        self.pool[:, :, : old.shape[2], :, : old.shape[4]] = old
        self._idle = {**dict.fromkeys(range(old.shape[2], slots)), **self._idle}
        return old.shape[2]


def round_up(length: int) -> int:
    """The least multiple of `GRAIN` that is at least `length`."""
    return -(-length // GRAIN) * GRAIN
