"""What pools of samples teach: coverage, imperfect verifiers, saturation, the spread of k
samples.
"""

from __future__ import annotations

import numpy as np

from backend.core.statistics.intervals import mean_interval
from backend.experiments.analyses import imperfect_verifier as imperfect
from backend.experiments.analyses import saturation
from backend.experiments.analyses.base import Analysis, Material, Row, groups, pooled_curve
from backend.experiments.analyses.coverage import power_law
from backend.experiments.analyses.judge import measured_best_k
from backend.experiments.analyses.spread import spread
from backend.experiments.rules import best, covered, majority


def coverage_law(material: Material) -> Analysis | None:
    """Coverage by cell with the exponentiated power law."""
    rows, fits = list[Row](), list[Row]()
    for name, problems in groups(material.pools):
        curve_ = pooled_curve(material, covered, problems)
        law = power_law(material.ks, [point.value for point in curve_])
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
            for k, point in zip(material.ks, curve_, strict=True)
        ]
    if not rows:
        return None
    fit = fits[0]
    said = (
        "is too short a curve to fit"
        if fit["a"] is None
        else f"follows exp({fit['a']:.2f} k^{fit['b']:.2f}) within {fit['rmse']:.3f}"
    )
    return Analysis(
        "coverage",
        "Coverage against the number of samples",
        f"Over all problems, the chance that one of k samples is right {said}.",
        (
            "A description of the range measured, not a forecast; coverage needs an oracle "
            "that knows the right one when it sees it."
        ),
        "Brown et al. 2024, arXiv 2407.21787, section 3.1",
        {"curve": rows, "fit": fits},
    )


def imperfect_verifier(material: Material) -> Analysis | None:
    """Resampling until the verifier accepts."""
    counted = {
        problem: imperfect.Counted(
            len(pool.right),
            int(pool.right.sum()),
            int(((pool.scores >= material.threshold) & (pool.right > 0)).sum()),
            int(((pool.scores >= material.threshold) & (pool.right == 0)).sum()),
        )
        for problem, pool in material.pools.items()
        if not np.isnan(pool.scores).all()
    }
    if not counted:
        return None
    kinds = [one.kind(1.0 / len(counted)) for one in counted.values()]
    told = imperfect.attempts(kinds, 64, v_wrong=-material.wrong_costs)
    best_k = imperfect.best_attempts(kinds, 64, v_wrong=-material.wrong_costs)
    ceilings = [imperfect.ceiling(kind) for kind in kinds]
    known = [value for value in ceilings if value is not None]
    points = [
        {
            "problem": problem,
            "right": kind.right,
            "false positives": 1.0 - kind.soundness,
            "false negatives": 1.0 - kind.completeness,
            "ceiling": limit,
        }
        for (problem, _), kind, limit in zip(counted.items(), kinds, ceilings, strict=True)
    ]
    at_best = (
        f"accepted answers are right {float(np.mean(known)):.0%} of the time at best, the mean "
        f"ceiling over {len(known)} problems where anything is "
        "accepted"
        if known
        else "nothing is accepted from that score on"
    )
    stop = (
        f"If a wrong accepted answer costs {material.wrong_costs:g} times what a right one is "
        f"worth, stop after {best_k} of 64 attempts"
    )
    return Analysis(
        "imperfect",
        "Resampling under an imperfect verifier",
        f"{stop}; {at_best}.",
        (
            f"The verifier is taken to accept from a score of {material.threshold:g}; chances "
            "are shares of one pool, and every problem counts the same."
        ),
        "Stroebl et al. 2024, arXiv 2411.17501",
        {
            "attempts": [
                {"k": a.k, "value": a.value, "accuracy": a.accuracy, "reached": a.reached}
                for a in told
            ],
            "problems": points,
        },
    )


def saturating(material: Material) -> Analysis | None:
    """Where further samples stop paying, by a law with one chance for all, beside what was
    measured."""
    rows, points = list[Row](), list[Row]()
    if not material.pools:
        return None
    for name, rule in (("coverage", covered), ("majority", majority)):
        values = [point.value for point in pooled_curve(material, rule, sorted(material.pools))]
        found = saturation.saturation(material.ks, values)
        gain = 0.005
        points += [
            {
                "curve": name,
                "k": k,
                "measured": value,
                "fitted": found and found.most * (1.0 - (1.0 - found.p) ** k),
            }
            for k, value in zip(material.ks, values, strict=True)
        ]
        rows.append(
            {
                "curve": name,
                "ceiling": found and found.most,
                "chance": found and found.p,
                "rmse": found and found.rmse,
                "predicted N": found and saturation.saturated_at(found.most, found.p, gain),
                "observed N": saturation.observed_saturation(material.ks, values, gain),
                "gain a sample": gain,
            }
        )
    return Analysis(
        "saturation",
        "When more samples stop paying",
        (
            "From the predicted N on, one more sample adds less than half a percentage point, "
            "if the law holds."
        ),
        "One chance for all problems is wrong where problems differ: compare the residuals with "
        "the power law's. Rounds of revision have no "
        "arm here yet.",
        "Wang et al. 2025, TTSPM (Scaling over Scaling)",
        {"curve": points, "fit": rows},
    )


def too_many(material: Material) -> Analysis | None:
    """Best-of-k by the verifier: where it is highest, and whether it falls."""
    scored = {
        problem: pool for problem, pool in material.pools.items() if not np.isnan(pool.scores).all()
    }
    if not scored:
        return None
    rows, peaks = list[Row](), list[Row]()
    for name, problems in groups(scored):
        values = [mean_interval([best(scored[p], k) for p in problems]) for k in material.ks]
        rows += [
            {"problems": name, "k": k, "best of k": v.value, "low": v.low, "high": v.high}
            for k, v in zip(material.ks, values, strict=True)
        ]
        top, at = measured_best_k(material.ks, [v.value for v in values]), material.ks[-1]
        fall = mean_interval([best(scored[p], top) - best(scored[p], at) for p in problems])
        peaks.append(
            {
                "problems": name,
                "best k": top,
                "fall to the largest k": fall.value,
                "low": fall.low,
                "high": fall.high,
            }
        )
    return Analysis(
        "judge",
        "A judge who errs has a best number of samples",
        f"Over all problems best-of-k is highest at k = {peaks[0]['best k']}.",
        (
            "The best k is chosen on the problems that it is shown for, so a fall is read with "
            "its interval."
        ),
        "the reward-weighted sampler; over-optimisation: Gao et al. 2022, arXiv 2210.10760",
        {"curve": rows, "peak": peaks},
    )


def spreads(material: Material) -> Analysis | None:
    """Average, best and worst of k."""
    if not material.pools:
        return None
    rows = []
    for k in material.ks:
        told = [
            spread(len(pool.right), int(pool.right.sum()), k) for pool in material.pools.values()
        ]
        rows.append(
            {
                "k": k,
                **{
                    name: float(np.mean([getattr(one, name) for one in told]))
                    for name in ("worst", "average", "best")
                },
            }
        )
    last = rows[-1]
    sentence = (
        f"Of {last['k']} samples the best is right {last['best']:.0%} of the time, one "
        f"{last['average']:.0%}, all of them {last['worst']:.0%}."
    )
    return Analysis(
        "spread",
        "Average, best and worst of k",
        sentence,
        "Best is room for a verifier, worst is what a user who asks once may meet.",
        "Balachandran et al. 2025, arXiv 2504.00294",
        {"curve": rows},
    )


__all__ = ["coverage_law", "imperfect_verifier", "saturating", "spreads", "too_many"]
