"""Many tests at once, and how much has to be measured before a difference can show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from backend.core.errors import BadInput

LEVEL, POWER = 0.05, 0.8
"""The usual choices: a difference is called one where p is at most 0.05, and a true one of the
given size is to be found in four of five cases."""


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's corrected p-values, in the order given (Holm 1979). The chance that any true null
    hypothesis has a corrected p-value of at most 0.05 is at most 0.05, however the tests depend on
    each other. The i-th smallest of m values, i from 0, is multiplied by m - i, cut at 1, and never
    less than the one before it. Raises `BadInput` for numbers outside [0, 1].
    """
    if not all(0.0 <= p <= 1.0 for p in p_values):
        raise BadInput("p-values", given=list(p_values), accepted="numbers from 0 to 1")
    found, least = [0.0] * len(p_values), 0.0
    for rank, at in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[at]))
        found[at] = least
    return found


def noise_allowed(difference: float, level: float = LEVEL, power: float = POWER) -> float:
    """The variance that the estimate of a difference may have, so that a true one of this size is
    found with the chance `power` by a two-sided test at `level` (normal approximation):
    (difference / (z_(1 - level/2) + z_power))^2."""
    if not (0.0 < level < 1.0 and level < power < 1.0 and abs(difference) > 0.0):
        raise BadInput(
            "difference, level and power",
            given=(difference, level, power),
            accepted="a difference other than 0, and 0 < level < power < 1",
        )
    normal = NormalDist()
    return (difference / (normal.inv_cdf(1.0 - level / 2.0) + normal.inv_cdf(power))) ** 2


def repeats_needed(
    difference: float, between: float, within: float, problems: int, **test: float
) -> int | None:
    """Repeats of every run of both arms after which a true difference is found, at least 1; None
    where no number of them is enough, because the problems differ too much.

    `between` is the variance over problems of the true difference of the arms, `within` that of the
    difference of two single runs of one problem; the mean over P problems and R repeats varies by
    (between + within / R) / P. `test`: `level` and `power` of `noise_allowed`.
    """
    room = problems * noise_allowed(difference, **test) - between
    return None if room <= 0.0 else max(1, math.ceil(within / room - 1e-9))


def problems_needed(
    difference: float, between: float, within: float, repeats: int, **test: float
) -> int:
    """Problems after which a true difference is found with `repeats` of every run; see
    `repeats_needed`."""
    noise = between + within / repeats
    return max(1, math.ceil(noise / noise_allowed(difference, **test) - 1e-9))


__all__ = ["LEVEL", "POWER", "holm", "noise_allowed", "problems_needed", "repeats_needed"]
