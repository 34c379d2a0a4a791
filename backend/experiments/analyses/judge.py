"""Choosing among k samples by a judge who errs: why the best k can be finite (the reward-weighted
sampler).

A teacher has the value t in mind. Samples y are normal, N(m, s^2); of k of them one is picked with
a chance in proportion to exp(-(y - r)^2 / T), where r is what the judge takes for right and T the
judge's temperature. The error is the mean of (y - t)^2 of the pick.

As k grows the pick's distribution becomes the tilted normal with mean (m T + 2 s^2 r) / (T + 2 s^2)
and variance s^2 T / (T + 2 s^2). With r = t and T = 0 the error of the best of k falls like 1 / (2
f(t)^2 k^2), f the density of the samples. Where the judge is wrong about t, the error falls first,
because far samples are thrown out, and rises again, because the pick comes nearer to r than to t.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from backend.core.errors import BadInput
from backend.core.statistics.intervals import accuracy_intervals, difference_interval
from backend.core.statistics.weights import FloatsLike
from backend.experiments.analysis import Findings, analysis
from backend.experiments.charts import Plan, Row
from backend.experiments.material import Material, credits_of, groups
from backend.experiments.rules import SampledPool, choose_best


def has_scores(material: Material) -> bool:
    """Whether the verifier scored samples of any pool."""
    return bool(scored_pools(material))


def scored_pools(material: Material) -> dict[str, SampledPool]:
    """The pools with a score, by problem."""
    return {
        problem: pool for problem, pool in material.pools.items() if not np.isnan(pool.scores).all()
    }


@analysis(
    "judge",
    "A judge who errs has a best number of samples",
    order=40,
    paper="the reward-weighted sampler; over-optimisation: Gao et al. 2022, arXiv 2210.10760",
    charts={
        "curve": Plan(
            "k",
            ("best of k",),
            "samples drawn",
            "chance that the best-scored is right",
            by="problems",
            logarithmic=True,
        )
    },
    allows=has_scores,
)
def find_best_k(material: Material) -> Findings | None:
    """Best-of-k by the verifier: where it is highest, and whether it falls after that."""
    scored = scored_pools(material)
    if not scored:
        return None
    rows, peaks = list[Row](), list[Row]()
    for name, problems in groups(scored):
        credits_ = credits_of(material, choose_best, problems)
        values = accuracy_intervals(list(credits_.T))
        rows += [
            {"problems": name, "k": k, "best of k": v.value, "low": v.low, "high": v.high}
            for k, v in zip(material.ks, values, strict=True)
        ]
        top = best_measured_k(material.ks, [v.value for v in values])
        fall = difference_interval(credits_[:, material.ks.index(top)] - credits_[:, -1])
        peaks.append(
            {
                "problems": name,
                "best k": top,
                "fall to the largest k": fall.value,
                "low": fall.low,
                "high": fall.high,
            }
        )
    return Findings(
        f"Over all problems best-of-k is highest at k = {peaks[0]['best k']}.",
        "The best k is chosen on the problems that it is shown for, so a fall is read with its "
        "interval.",
        {"curve": rows, "peak": peaks},
    )


def best_measured_k(ks: FloatsLike, accuracies: FloatsLike) -> int:
    """The k of a measured curve with the highest accuracy, the least of several: below the last
    one, more samples do harm."""
    return int(np.asarray(ks)[int(np.argmax(np.asarray(accuracies, dtype=np.float64)))])


class JudgeModel(NamedTuple):
    """Samples N(mean, deviation^2), the teacher's value `target`, the judge's `wanted` and
    `temperature` > 0."""

    mean: float
    deviation: float
    target: float
    wanted: float
    temperature: float


def limit_error(judge: JudgeModel) -> float:
    """The error for k without end, by the formula."""
    m, s, t, r, T = judge  # noqa: N806
    centre, variance = (m * T + 2 * s * s * r) / (T + 2 * s * s), s * s * T / (T + 2 * s * s)
    return (centre - t) ** 2 + variance


def error_at(judge: JudgeModel, k: int, draws: int = 20_000, seed: int = 0) -> float:
    """The error with k samples, the mean over random draws; exact for k = 1: (m - t)^2 + s^2."""
    if k < 1 or not judge.deviation > 0 or not judge.temperature > 0:
        raise BadInput(
            "k, deviation and temperature",
            given=(k, judge.deviation, judge.temperature),
            accepted="at least 1, and above 0",
        )
    m, s, t, r, T = judge  # noqa: N806
    if k == 1:
        return (m - t) ** 2 + s * s
    samples = np.random.default_rng(seed).normal(m, s, size=(draws, k))
    logs = -((samples - r) ** 2) / T
    weights = np.exp(logs - logs.max(1, keepdims=True))
    return float(((weights * (samples - t) ** 2).sum(1) / weights.sum(1)).mean())


def best_k(
    judge: JudgeModel,
    ks: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64),
    draws: int = 20_000,
    seed: int = 0,
) -> int:
    """The k of `ks` with the smallest error, the least of several."""
    return min(ks, key=lambda k: (error_at(judge, k, draws, seed), k))


def best_of_k_error(density: float, k: int) -> float:
    """1 / (2 f^2 k^2): the error of the nearest of many samples to the target, where their density
    there is f."""
    return 1.0 / (2.0 * density * density * k * k)


def normal_density(at: float, mean: float, deviation: float) -> float:
    """f(t) of N(mean, deviation^2)."""
    return math.exp(-0.5 * ((at - mean) / deviation) ** 2) / (deviation * math.sqrt(2.0 * math.pi))
