"""Coverage as a function of the number of samples: the exponentiated power law of repeated
sampling.

    c(k) ~ exp(a k^b),  a < 0, b < 0

(Brown et al. 2024, "Large Language Monkeys", arXiv 2407.21787, section 3.1)

so log(-log c) is a straight line in log k. Why such a law: coverage is 1 - E[(1 - p)^k] over the
problems' success rates p, and the mass near p = 0 decides how slowly it rises. It is a description
and no theory; where success rates gather at a few values it does not fit, which the residuals show.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backend.core.errors import BadInput
from backend.core.statistics.weights import FloatsLike
from backend.experiments.analysis import Findings, analysis
from backend.experiments.charts import Plan, Row
from backend.experiments.material import Material, groups, has_pools, pool_curve
from backend.experiments.rules import coverage

ROUNDING = 1e-9
"""By how much a coverage may fall that was added up from many problems."""


@analysis(
    "coverage",
    "Coverage against the number of samples",
    order=30,
    paper="Brown et al. 2024, arXiv 2407.21787, section 3.1",
    charts={
        "curve": Plan(
            "k",
            ("coverage", "fitted"),
            "samples drawn",
            "chance that one is right",
            by="problems",
            logarithmic=True,
        )
    },
    allows=has_pools,
)
def find_coverage(material: Material) -> Findings | None:
    """Coverage by kind of problem with the exponentiated power law."""
    if not has_pools(material):
        return None
    rows, fits = list[Row](), list[Row]()
    for name, problems in groups(material.pools):
        measured = pool_curve(material, coverage, problems)
        law = power_law(material.ks, [point.value for point in measured])
        fits.append(
            {
                "problems": name,
                "a": law and law.a,
                "b": law and law.b,
                "rmse": law and law.rmse,
                "points": law.points if law else 0,
            }
        )
        rows += [
            {
                "problems": name,
                "k": k,
                "coverage": point.value,
                "low": point.low,
                "high": point.high,
                "fitted": law and law(k),
            }
            for k, point in zip(material.ks, measured, strict=True)
        ]
    return Findings(
        f"Over all problems, the chance that one of k samples is right {fit_in_words(fits[0])}.",
        "A description of the range measured, not a forecast; coverage needs an oracle that knows "
        "the right one when it sees it.",
        {"curve": rows, "fit": fits},
    )


def fit_in_words(fit: Row) -> str:
    if fit["a"] is None:
        return "is too short a curve to fit"
    return f"follows exp({fit['a']:.2f} k^{fit['b']:.2f}) within {fit['rmse']:.3f}"


class PowerLaw(NamedTuple):
    """exp(a k^b), fitted to log c by least squares. `residuals` are measured less fitted coverage,
    one for each of the `points` used, and `rmse` their root mean square."""

    a: float
    b: float
    residuals: tuple[float, ...]
    rmse: float
    points: int

    def __call__(self, k: float) -> float:
        """The fitted coverage of k samples."""
        return float(np.exp(self.a * k**self.b))


def power_law(ks: FloatsLike, coverage: FloatsLike) -> PowerLaw | None:
    """Fit the law to coverages of rising k. Points at 0 or 1, which the law cannot reach, are left
    out; None where fewer than three remain. Raises `BadInput` for numbers of samples that do not
    rise, and for coverage that falls: with more samples it cannot, and the law has no such curve.

    The start is the straight line through log(-log c); from there log c is fitted by least squares.
    """
    k, c = np.asarray(ks, dtype=np.float64), np.asarray(coverage, dtype=np.float64)
    if len(k) != len(c) or not np.all(k >= 1) or np.any(np.diff(k) <= 0):
        raise BadInput(
            "points",
            given=f"numbers of samples {k.tolist()} and {len(c)} coverages",
            accepted="as many of each, samples at least 1 and rising, none twice",
        )
    if not np.all(np.diff(c) >= -ROUNDING) or np.isnan(c).any():
        raise BadInput(
            "coverages", given=c.tolist(), accepted="numbers that do not fall with more samples"
        )
    inside = (c > 0.0) & (c < 1.0)
    k, c = k[inside], c[inside]
    if len(k) < 3:
        return None
    slope, height = np.polyfit(np.log(k), np.log(-np.log(c)), 1)
    start = (-float(np.exp(height)), min(float(slope), -1e-6))
    from scipy.optimize import least_squares  # heavy: imported when something is fitted

    found = least_squares(
        lambda at: at[0] * k ** at[1] - np.log(c), start, bounds=((-np.inf, -np.inf), (0.0, 0.0))
    )
    a, b = map(float, found.x)
    residuals = c - np.exp(a * k**b)
    return PowerLaw(
        a, b, tuple(map(float, residuals)), float(np.sqrt(np.mean(residuals**2))), len(k)
    )
