"""When more samples, or more rounds of revision, stop paying: a success that comes with the same
chance every time (Wang et al. 2025, "Scaling over Scaling", TTSPM).

    F(N) = F_max (1 - (1 - p)^N),    gain of the (N+1)-th = F_max p (1 - p)^N

N counts samples drawn side by side, or rounds one after the other (the first success of a two-state
chain is geometric too). The least N whose gain is at most eps is N* = ceil(ln(eps / (F_max p)) /
ln(1 - p)). One p for all problems is the model's weakness: where problems differ, coverage rises
longer than it says, so it is shown beside the power law (`coverage`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from backend.core.errors import BadInput
from backend.core.statistics.weights import FloatsLike
from backend.experiments.analysis import Findings, analysis
from backend.experiments.charts import ACCURACY, Plan, Row
from backend.experiments.material import Material, has_pools, pool_curve
from backend.experiments.rules import choose_majority, coverage

GAIN = 0.005
"""What a further sample has to add to be worth drawing."""


@analysis(
    "saturation",
    "When more samples stop paying",
    order=60,
    paper="Wang et al. 2025, TTSPM (Scaling over Scaling)",
    charts={
        "curve": Plan(
            "k", ("measured", "fitted"), "samples drawn", ACCURACY, by="curve", logarithmic=True
        )
    },
    allows=has_pools,
)
def find_saturation(material: Material) -> Findings | None:
    """Where further samples stop paying, by a law with one chance for all, beside what was
    measured."""
    if not has_pools(material):
        return None
    rows, points = list[Row](), list[Row]()
    for name, rule in (("coverage", coverage), ("majority", choose_majority)):
        values = [point.value for point in pool_curve(material, rule, sorted(material.pools))]
        law = saturation(material.ks, values)
        points += [
            {
                "curve": name,
                "k": k,
                "measured": value,
                "fitted": law and law.most * (1.0 - (1.0 - law.p) ** k),
            }
            for k, value in zip(material.ks, values, strict=True)
        ]
        rows.append(fit_row(name, law, material.ks, values))
    return Findings(
        "From the predicted N on, one more sample adds less than half a percentage point, if the "
        "law holds.",
        "One chance for all problems is wrong where problems differ: compare the residuals with "
        "the power law's. Rounds of revision have no arm here yet.",
        {"curve": points, "fit": rows},
    )


def fit_row(curve: str, law: Saturation | None, ks: Sequence[int], values: Sequence[float]) -> Row:
    """The law of a curve, and the N from which it and the measured curve gain too little."""
    return {
        "curve": curve,
        "ceiling": law and law.most,
        "chance": law and law.p,
        "rmse": law and law.rmse,
        "predicted N": law and saturation_point(law.most, law.p, GAIN),
        "observed N": first_saturation(ks, values, GAIN),
        "gain a sample": GAIN,
    }


class Saturation(NamedTuple):
    """F_max and p, each in (0, 1], with the root mean square of the residuals."""

    most: float
    p: float
    rmse: float

    def __call__(self, n: float) -> float:
        """F(N)."""
        return self.most * -math.expm1(n * math.log1p(-self.p)) if self.p < 1.0 else self.most


def saturation_point(most: float, p: float, gain: float) -> int:
    """N*, from which a further sample adds at most `gain` > 0; 0 where even the first adds no more.
    Raises `BadInput`."""
    if not (0.0 < most <= 1.0 and 0.0 < p <= 1.0 and gain > 0.0):
        raise BadInput(
            "ceiling, chance and gain",
            given=(most, p, gain),
            accepted="the first two above 0 and at most 1, the gain above 0",
        )
    if most * p <= gain:
        return 0
    return 1 if p == 1.0 else math.ceil(math.log(gain / (most * p)) / math.log1p(-p) - 1e-12)


def saturation(ns: FloatsLike, accuracies: FloatsLike) -> Saturation | None:
    """F_max and p by least squares; None with fewer than three points or where all are 0."""
    n, y = np.asarray(ns, dtype=np.float64), np.asarray(accuracies, dtype=np.float64)
    if len(n) != len(y) or np.any(n < 1):
        raise BadInput(
            "points",
            given=f"{len(n)} numbers of samples and {len(y)} accuracies",
            accepted="as many of each, samples at least 1",
        )
    if len(n) < 3 or not y.any():
        return None
    start = (min(1.0, float(y.max()) * 1.01), min(0.99, max(0.01, float(y[0] / y.max()))))
    from scipy.optimize import least_squares  # heavy: imported when something is fitted

    found = least_squares(
        lambda at: at[0] * (1.0 - (1.0 - at[1]) ** n) - y, start, bounds=((1e-9, 1e-9), (1.0, 1.0))
    )
    return Saturation(float(found.x[0]), float(found.x[1]), float(np.sqrt(np.mean(found.fun**2))))


def first_saturation(ns: FloatsLike, accuracies: FloatsLike, gain: float) -> int | None:
    """The first N of a measured curve from which no later point gains more than `gain` a sample on
    its way there; None if it never comes to that."""
    n, y = np.asarray(ns, dtype=np.float64), np.asarray(accuracies, dtype=np.float64)
    slopes = np.diff(y) / np.diff(n)
    for at in range(len(slopes)):
        if np.all(slopes[at:] <= gain):
            return int(n[at])
    return None
