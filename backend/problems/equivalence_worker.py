"""The process that compares two answers by algebra: reads `[expected, given]` as a line of JSON,
writes `equal`, `different` or `undecided`.

It defends itself in case its parent dies: the alarm signal, left at its default action, ends it,
and its memory is bounded.
"""

from __future__ import annotations

import json
import resource
import signal
import sys

MEMORY_BYTES = 3 << 30
LAST_RESORT_S = 10


def compare(expected: str, given: str) -> str:
    """The outcome for one pair."""
    from math_verify import parse, verify

    gold, answer = (parse(f"${text}$", parsing_timeout=None) for text in (expected, given))
    if not gold or not answer:
        return "undecided"
    return "equal" if verify(gold, answer, timeout_seconds=None) else "different"


def serve() -> None:
    """Answers pairs until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    compare("x^2-1", "(x-1)(x+1)")  # the first comparison loads most of the algebra system
    print("ready", flush=True)
    for line in sys.stdin:
        signal.alarm(LAST_RESORT_S)
        try:
            outcome = compare(*json.loads(line))
        except (ArithmeticError, LookupError, MemoryError, RecursionError, TypeError, ValueError):
            outcome = "undecided"
        signal.alarm(0)
        print(outcome, flush=True)


if __name__ == "__main__":
    serve()
