"""Completions whose reader had gone: kept until somebody asks, because what was generated was paid
for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from backend.core.ports import Completion

LIMIT: Final = 4096


class Unclaimed:
    """By key, oldest first. Beyond `LIMIT` keys the oldest give way, since a run that is gone for
    good never asks."""

    def __init__(self) -> None:
        self._kept: dict[str, list[Completion]] = {}

    def keep(self, completions: Iterable[Completion]) -> None:
        """Hold completions until they are claimed."""
        for completion in completions:
            self._kept.setdefault(completion.key, []).append(completion)
        while len(self._kept) > LIMIT:
            self._kept.pop(next(iter(self._kept)))

    def claim(self, keys: Sequence[str]) -> list[Completion]:
        """Hand out what is held for the keys, in their order, and forget it."""
        return [completion for key in keys for completion in self._kept.pop(key, [])]
