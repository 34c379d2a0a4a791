"""How long comparisons have waited for a process, rather than computed.

A run has patience for algebra, but not for the start of the processes that do it, or for other
runs that keep them busy. So the pool counts such seconds here, for each thread that asks.
"""

from __future__ import annotations

import threading


class _Idle(threading.local):
    seconds = 0.0


_IDLE = _Idle()


def idle_s() -> float:
    """Seconds that comparisons of this thread have waited so far."""
    return _IDLE.seconds


def add_idle(seconds: float) -> None:
    """Count seconds that a comparison of this thread waited; less than 0 counts as 0."""
    _IDLE.seconds += max(0.0, seconds)
