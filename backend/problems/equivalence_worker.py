"""What a process of the pool does: `prepare` once, then `compare` for every pair of answers.

It defends itself in case its parent dies or cannot stop it: the alarm signal, left at its default
action, ends it, and its memory is bounded.
"""

from __future__ import annotations

import os
import resource
import signal

MEMORY_BYTES = 3 << 30
LAST_RESORT_S = 10
HOSTILE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What the algebra system raises over answers that it cannot take."""


def prepare() -> None:
    """Bound the memory, be silent, end at once when told to, and load the algebra system, most of
    which the first comparison does."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    compare("x^2-1", "(x-1)(x+1)", limit_s=60.0)


def compare(expected: str, given: str, limit_s: float) -> bool | None:
    """Whether the answers mean the same, or None where the algebra system does not understand one.
    The process ends if it is still busy well after the limit, which the pool should have seen to.
    """
    signal.alarm(LAST_RESORT_S + round(limit_s))
    try:
        return equal_by_algebra(expected, given)
    except HOSTILE:
        return None
    finally:
        signal.alarm(0)


def equal_by_algebra(expected: str, given: str) -> bool | None:
    """Whether two expressions or relations are the same, or None where one cannot be read."""
    from backend.problems.answers import algebra

    return algebra.compare(expected, given)
