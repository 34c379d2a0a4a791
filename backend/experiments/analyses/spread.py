"""Average, best and worst of k: how much there is to gain by choosing well, and how much to lose by
bad luck (Balachandran et al. 2025, "Inference-Time Scaling for Complex Tasks", arXiv 2504.00294).

Of k samples of a problem the best is right where any is (a perfect verifier finds it), the worst
where all are. Best less average is the room for a verifier; average less worst is what a user who
asks once does not know.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backend.core.statistics.estimators import pass_at_k
from backend.experiments.analysis import Findings, analysis
from backend.experiments.charts import Plan, Row
from backend.experiments.material import Material


@analysis(
    "spread",
    "Average, best and worst of k",
    order=100,
    paper="Balachandran et al. 2025, arXiv 2504.00294",
    charts={
        "curve": Plan(
            "k",
            ("best", "average", "worst"),
            "samples drawn",
            "chance to be right",
            logarithmic=True,
        )
    },
)
def find_spread(material: Material) -> Findings | None:
    """The mean over problems at every k."""
    if not material.pools:
        return None
    rows = list[Row]()
    for k in material.ks:
        found = [
            spread(len(pool.right), int(pool.right.sum()), k) for pool in material.pools.values()
        ]
        means = {
            name: float(np.mean([getattr(one, name) for one in found]))
            for name in AccuracySpread._fields
        }
        rows.append({"k": k, **means})
    last = rows[-1]
    return Findings(
        f"Of {last['k']} samples the best is right {last['best']:.0%} of the time, one "
        f"{last['average']:.0%}, all of them (pass^k) {last['worst']:.0%}.",
        "Best is room for a verifier, worst is what a user who asks once may meet.",
        {"curve": rows},
    )


class AccuracySpread(NamedTuple):
    """Chances in [0, 1] that the worst, one, and the best of k samples are right."""

    worst: float
    average: float
    best: float

    @property
    def room(self) -> float:
        """Best less average."""
        return self.best - self.average

    @property
    def instability(self) -> float:
        """Average less worst."""
        return self.average - self.worst


def spread(n: int, right: int, k: int) -> AccuracySpread:
    """Exact over all subsets of k of n samples with `right` right ones. Raises `BadInput` as
    `pass_at_k` does."""
    return AccuracySpread(1.0 - pass_at_k(n, n - right, k), right / n, pass_at_k(n, right, k))
