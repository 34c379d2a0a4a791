"""Answers about the results of experiments, kept until the results change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")
MOST = 64
"""Answers that are kept at once; those that were not asked for longest go first."""


@dataclass
class KeptAnswer:
    """A place for one answer; who holds the lock may compute it. `found` is empty until then."""

    lock: Lock = field(default_factory=Lock)
    found: list[Any] = field(default_factory=list)


@dataclass
class ResultCache:
    """Answers by the folder of an experiment, the state of its results, and the question. Of two
    threads with the same question one computes, and the other waits for it."""

    _answers: OrderedDict[Hashable, KeptAnswer] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def answer(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The kept answer to a question, or that of `compute`, which is kept unless it raises."""
        with self._lock:
            kept = self._answers.setdefault(key, KeptAnswer())
            self._answers.move_to_end(key)
            while len(self._answers) > MOST:
                self._answers.popitem(last=False)
        with kept.lock:
            if not kept.found:
                kept.found.append(compute())
            found: T = kept.found[0]
            return found


__all__ = ["ResultCache"]
