"""The copy of the store that queries see: as old as it says, made anew only when somebody asks.

It is made within the store's own transactions, so it holds whole runs and whole rounds, and put in
place of the older one in one step: a query that is reading the older one goes on with that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from backend.core.errors import Conflict

Now = Callable[[], datetime]


class CopyInfo(NamedTuple):
    """A copy: where it is, when it was made, how large it is."""

    path: Path
    taken_at: datetime
    bytes: int


class StoreCopy:
    """Safe to use from any thread. `snapshot` writes the store, as it is, into a new file. All
    methods but `current` block."""

    def __init__(
        self, snapshot: Callable[[Path], None], store: Path, now: Now = lambda: datetime.now(UTC)
    ) -> None:
        self._snapshot, self._now = snapshot, now
        self._path = store.with_name(store.name + ".copy")
        self._lock = threading.Lock()
        self._info: CopyInfo | None = None
        self._closed = False

    @property
    def current(self) -> CopyInfo | None:
        """The copy, or None as long as there is none."""
        return self._info

    def there(self) -> CopyInfo:
        """The copy, made now if there is none."""
        with self._lock:
            return self._info or self._take()

    def renew(self) -> CopyInfo:
        """A copy of what is stored now."""
        with self._lock:
            return self._take()

    def close(self) -> None:
        """Take the copy away."""
        with self._lock:
            self._closed, self._info = True, None
            self._remove()

    def _take(self) -> CopyInfo:
        if self._closed:
            raise Conflict("the service is closing: no copy of the store is made any more")
        fresh, moment = self._path.with_name(self._path.name + ".new"), self._now()
        fresh.unlink(missing_ok=True)
        try:
            self._snapshot(fresh)
            fresh.replace(self._path)
        finally:
            fresh.unlink(missing_ok=True)
        self._info = CopyInfo(self._path, moment, self._path.stat().st_size)
        return self._info

    def _remove(self) -> None:
        for end in ("", ".new", ".new.part", ".new.part.wal"):
            self._path.with_name(self._path.name + end).unlink(missing_ok=True)


__all__ = ["CopyInfo", "StoreCopy"]
