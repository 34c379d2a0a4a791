"""How right a rule is where several candidates tie for the win.

A run needs one answer, so ties go to the earliest; but then a figure depends on the order of the
samples. Curves count *expected credit* instead: the chance to be right when the tie is broken at
random, one chance for each tied candidate or class of answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backend.core.types import Node


def expected_credit(
    leaders: Sequence[Node], correct: Callable[[Node], bool | None]
) -> float | None:
    """The share of right ones among the leaders of a decision; None where one of them cannot be
    judged."""
    verdicts = [correct(node) for node in leaders]
    right = [verdict for verdict in verdicts if verdict is not None]
    return sum(right) / len(right) if right and len(right) == len(verdicts) else None
