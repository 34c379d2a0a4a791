"""What an experiment teaches: each analysis is a pure function from cells and pools to tables of numbers, with a sentence, its limits and its paper.

A table is a list of rows, every row a mapping from column to number, text or None, so that page, report and download show the same figures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from backend.experiments.curves import Cells, Sampled, arrays, best, curve, majority, shared_problems
from backend.experiments.spec import Experiment, cell_of
from backend.sampling import cost_of_pass, imperfect, saturation
from backend.sampling.allocation import Table, allocated, cross_validated, uniform
from backend.sampling.coverage import power_law
from backend.sampling.estimators import pass_at_k
from backend.sampling.horizon import Length, horizon, survival
from backend.sampling.intervals import Interval, mean_interval, paired
from backend.sampling.judge import measured_best_k
from backend.sampling.pareto import Point, cost_ratio, frontier, on_frontier
from backend.sampling.spread import spread

Row = Mapping[str, Any]
ACCEPTED_FROM = 0.5
"""Score from which a verifier counts as accepting, where it gives scores and not verdicts."""


class Solution(NamedTuple):
    """A sample as the checker of steps sees it: steps written, index of the first wrong one, whether its answer is right."""

    steps: int
    first_wrong: int | None
    correct: bool


@dataclass(frozen=True)
class Material:
    """What analyses are made from: the description, cells by arm and budget, pools by problem (of the first pooled arm), their solutions, the steps
    that each problem needs (None: not known), tokens read and taken from the cache by arm, and choices of the reader."""

    experiment: Experiment
    cells: Cells
    pools: Mapping[str, Sampled] = field(default_factory=dict)
    solutions: Mapping[str, Sequence[Solution]] = field(default_factory=dict)
    needed: Mapping[str, int] = field(default_factory=dict)
    reading: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    axis: str = "generated_tokens"
    threshold: float = ACCEPTED_FROM
    wrong_costs: float = 1.0

    @property
    def arms(self) -> list[str]:
        """The arms that have cells and that one could use, in the order of the description: coverage needs an oracle, and is left out."""
        present = {arm for arm, _ in self.cells}
        return [arm.name for arm in self.experiment.arms if arm.name in present and arm.selector != "coverage"]

    @property
    def places(self) -> list[tuple[str, float]]:
        """These arms at their budgets."""
        return sorted(place for place in self.cells if place[0] in self.arms)

    @property
    def ks(self) -> list[int]:
        """Powers of two up to the smallest pool."""
        size = min((len(pool.right) for pool in self.pools.values()), default=0)
        return [2**power for power in range(size.bit_length()) if 2**power <= size]


@dataclass(frozen=True)
class Analysis:
    """One analysis; `tables` by name."""

    name: str
    title: str
    sentence: str
    limits: str
    paper: str
    tables: Mapping[str, Sequence[Row]]


def pooled_curve(material: Material, rule: Callable[[Sampled, int], float], problems: Sequence[str]) -> list[Interval]:
    """A rule at every k, over some problems."""
    return [mean_interval([rule(material.pools[problem], k) for problem in problems]) for k in material.ks]


def covered(pool: Sampled, k: int) -> float:
    return pass_at_k(len(pool.right), int(pool.right.sum()), k)


def coverage_law(material: Material) -> Analysis | None:
    """Coverage by cell with the exponentiated power law."""
    rows, fits = list[Row](), list[Row]()
    for name, problems in groups(material.pools):
        curve_ = pooled_curve(material, covered, problems)
        law = power_law(material.ks, [point.value for point in curve_])
        fits.append({"problems": name, "a": law and law.a, "b": law and law.b, "rmse": law and law.rmse, "points": law.points if law else 0})
        rows += [
            {"problems": name, "k": k, "coverage": point.value, "low": point.low, "high": point.high, "fitted": law and law(k)}
            for k, point in zip(material.ks, curve_, strict=True)
        ]
    if not rows:
        return None
    fit = fits[0]
    said = "is too short a curve to fit" if fit["a"] is None else f"follows exp({fit['a']:.2f} k^{fit['b']:.2f}) within {fit['rmse']:.3f}"
    return Analysis(
        "coverage", "Coverage against the number of samples", f"Over all problems, the chance that one of k samples is right {said}.",
        "A description of the range measured, not a forecast; coverage needs an oracle that knows the right one when it sees it.",
        "Brown et al. 2024, arXiv 2407.21787, section 3.1", {"curve": rows, "fit": fits},
    )  # fmt: skip


def imperfect_verifier(material: Material) -> Analysis | None:
    """Resampling until the verifier accepts."""
    counted = {
        problem: imperfect.Counted(
            len(pool.right), int(pool.right.sum()), int(((pool.scores >= material.threshold) & (pool.right > 0)).sum()),
            int(((pool.scores >= material.threshold) & (pool.right == 0)).sum()),
        )
        for problem, pool in material.pools.items() if not np.isnan(pool.scores).all()
    }  # fmt: skip
    if not counted:
        return None
    kinds = [one.kind(1.0 / len(counted)) for one in counted.values()]
    told = imperfect.attempts(kinds, 64, v_wrong=-material.wrong_costs)
    best_k = imperfect.best_attempts(kinds, 64, v_wrong=-material.wrong_costs)
    ceilings = [imperfect.ceiling(kind) for kind in kinds]
    known = [value for value in ceilings if value is not None]
    points = [
        {
            "problem": problem, "right": kind.right, "false positives": 1.0 - kind.soundness, "false negatives": 1.0 - kind.completeness,
            "ceiling": limit,
        }
        for (problem, _), kind, limit in zip(counted.items(), kinds, ceilings, strict=True)
    ]  # fmt: skip
    sentence = (
        f"If a wrong accepted answer costs {material.wrong_costs:g} times what a right one is worth, stop after {best_k} of 64 attempts; "
        f"accepted answers are right {float(np.mean(known)):.0%} of the time at best, the mean ceiling over {len(known)} problems where "
        f"anything is accepted."
    )
    return Analysis(
        "imperfect", "Resampling under an imperfect verifier", sentence,
        f"The verifier is taken to accept from a score of {material.threshold:g}; chances are shares of one pool, and every problem counts the same.",
        "Stroebl et al. 2024, arXiv 2411.17501", {
            "attempts": [{"k": a.k, "value": a.value, "accuracy": a.accuracy, "reached": a.reached} for a in told], "problems": points,
        },
    )  # fmt: skip


def saturating(material: Material) -> Analysis | None:
    """Where further samples stop paying, by a law with one chance for all, beside what was measured."""
    rows = []
    for name, rule in (("coverage", covered), ("majority", majority)):
        if not material.pools:
            return None
        values = [point.value for point in pooled_curve(material, rule, sorted(material.pools))]
        found = saturation.saturation(material.ks, values)
        gain = 0.005
        rows.append({
            "curve": name, "ceiling": found and found.most, "chance": found and found.p, "rmse": found and found.rmse,
            "predicted N": found and saturation.saturated_at(found.most, found.p, gain),
            "observed N": saturation.observed_saturation(material.ks, values, gain), "gain a sample": gain,
        })  # fmt: skip
    return Analysis(
        "saturation",
        "When more samples stop paying",
        "From the predicted N on, one more sample adds less than half a percentage point, if the law holds.",
        "One chance for all problems is wrong where problems differ: compare the residuals with the power law's. Rounds of revision have no "
        "arm here yet.",
        "Wang et al. 2025, TTSPM (Scaling over Scaling)",
        {"fit": rows},
    )  # fmt: skip


def passes(material: Material) -> Analysis | None:
    """Tokens paid for one right answer."""
    arms, problems = material.arms, shared_problems(material.cells, material.arms)
    if not problems:
        return None
    rows, by_place = list[Row](), {}
    for arm, budget in material.places:
        here = material.cells[arm, budget]
        values = cost_of_pass.cost_of_pass(
            np.array([here[p].costs[material.axis] for p in problems]), np.array([here[p].credit for p in problems])
        )
        by_place[f"{arm} at {budget:g}"] = values
        solved = values[np.isfinite(values)]
        rows.append({
            "arm": arm, "budget": budget, "solved": len(solved) / len(problems), "median cost of a right answer": _finite(float(np.median(values))),
            "mean over solved": float(solved.mean()) if len(solved) else None,
        })  # fmt: skip
    person = 100.0 * max(float(np.nanmax([cell.costs[material.axis] for by in material.cells.values() for cell in by.values()])), 1.0)
    found = cost_of_pass.pass_frontier(by_place, person)
    missed = [{"arm": name, "dearer without it": value} for name, value in sorted(found.missed.items(), key=lambda item: -item[1]) if value > 1.0]
    cheapest = missed[0]["arm"] if missed else "none in particular"
    return Analysis(
        "cost of pass",
        "What one right answer costs",
        f"Over {len(arms)} arms, {cheapest} would be missed most on the frontier of cheapest right answers.",
        f"Takes for granted that somebody sees which answer is right. A person stands in at {person:,.0f} on the axis {material.axis} where "
        f"no arm solves it.",
        "Erol et al. 2025, arXiv 2504.13359",
        {"arms": rows, "missed": missed},
    )  # fmt: skip


def best_by_difficulty(material: Material) -> Analysis | None:
    """The best arm for each difficulty and budget, and what choosing by difficulty brings."""
    problems = shared_problems(material.cells, material.arms)
    if not problems:
        return None
    rows = []
    for name, members in groups(dict.fromkeys(problems)):
        for budget in sorted({budget for _, budget in material.cells}):
            present = [arm for arm in material.arms if (arm, budget) in material.cells]
            here = {arm: float(np.mean([material.cells[arm, budget][problem].credit for problem in members])) for arm in present}
            first = max(here, key=lambda arm: here[arm])
            rows.append({"problems": name, "budget": budget, "best arm": first, "accuracy": here[first]})
    table = options(material, problems)
    optimal = []
    for budget in sorted(set(np.round(table.costs.mean(1), 6))):
        chosen, one, checked = allocated(table, budget), uniform(table, budget), cross_validated(table, budget)
        if chosen is not None and one is not None:
            optimal.append({
                "cost": float(budget), "by difficulty": chosen.accuracy, "one arm for all": one.accuracy,
                "by difficulty, unseen": checked and checked.accuracy, "one arm, unseen": checked and checked.uniform,
            })  # fmt: skip
    return Analysis(
        "difficulty",
        "The best arm by difficulty",
        "Difficulty is the set and level of a problem; the unseen columns choose on one half of the problems and judge on the other.",
        "With few problems a cell the best arm of a cell is often luck, which is why the unseen columns are there. Measuring the difficulty "
        "is not charged.",
        "Snell et al. 2024, arXiv 2408.03314, section 3",
        {"best": rows, "compute-optimal":
        optimal},
    )  # fmt: skip


def options(material: Material, problems: Sequence[str]) -> Table:
    """Every arm at every budget as an option."""
    places = material.places
    return Table(
        [f"{arm} at {budget:g}" for arm, budget in places],
        np.array([[material.cells[place][p].costs[material.axis] for p in problems] for place in places]),
        np.array([[material.cells[place][p].credit for p in problems] for place in places]), [cell_of(p) for p in problems],
    )  # fmt: skip


def too_many(material: Material) -> Analysis | None:
    """Best-of-k by the verifier: where it is highest, and whether it falls."""
    scored = {problem: pool for problem, pool in material.pools.items() if not np.isnan(pool.scores).all()}
    if not scored:
        return None
    rows, peaks = list[Row](), list[Row]()
    for name, problems in groups(scored):
        values = [mean_interval([best(scored[p], k) for p in problems]) for k in material.ks]
        rows += [{"problems": name, "k": k, "best of k": v.value, "low": v.low, "high": v.high} for k, v in zip(material.ks, values, strict=True)]
        top, at = measured_best_k(material.ks, [v.value for v in values]), material.ks[-1]
        fall = mean_interval([best(scored[p], top) - best(scored[p], at) for p in problems])
        peaks.append({"problems": name, "best k": top, "fall to the largest k": fall.value, "low": fall.low, "high": fall.high})
    return Analysis(
        "judge", "A judge who errs has a best number of samples", f"Over all problems best-of-k is highest at k = {peaks[0]['best k']}.",
        "The best k is chosen on the problems that it is shown for, so a fall is read with its interval.",
        "the reward-weighted sampler; over-optimisation: Gao et al. 2022, arXiv 2210.10760", {"curve": rows, "peak": peaks},
    )  # fmt: skip


def spreads(material: Material) -> Analysis | None:
    """Average, best and worst of k."""
    if not material.pools:
        return None
    rows = []
    for k in material.ks:
        told = [spread(len(pool.right), int(pool.right.sum()), k) for pool in material.pools.values()]
        rows.append({"k": k, **{name: float(np.mean([getattr(one, name) for one in told])) for name in ("worst", "average", "best")}})
    last = rows[-1]
    sentence = f"Of {last['k']} samples the best is right {last['best']:.0%} of the time, one {last['average']:.0%}, all of them {last['worst']:.0%}."
    return Analysis(
        "spread", "Average, best and worst of k", sentence, "Best is room for a verifier, worst is what a user who asks once may meet.",
        "Balachandran et al. 2025, arXiv 2504.00294", {"curve": rows},
    )  # fmt: skip


def settings(material: Material) -> Analysis | None:
    """Arms that differ in one setting only."""
    rows = []
    for field_, read in SETTINGS.items():
        by_rest: dict[str, list[tuple[object, str]]] = {}
        for arm in material.experiment.arms:
            told = arm.model_dump(mode="json")
            value = read(told)
            by_rest.setdefault(str(sorted((k, str(v)) for k, v in told.items() if k != "name")), []).append((value, arm.name))
        for same in by_rest.values():
            for value, name in sorted(same, key=lambda pair: str(pair[0])) if len(same) > 1 else ():
                rows += [
                    {"setting": field_, "value": value, "arm": name, "budget": p.budget, "accuracy": p.accuracy.value, "low": p.accuracy.low,
                    "high": p.accuracy.high} for p in curve(material.cells, name, material.axis)
                ]
    if not rows:
        return None
    return Analysis(
        "settings", "One setting at a time", "Arms that are the same but for one setting: temperature, top-p or how step scores become one.",
        "Settings interact: the best temperature at one budget need not be the best at another.", "-", {"curve": rows},
    )  # fmt: skip


def _taken(told: dict[str, Any], *path: str) -> object:
    for name in path[:-1]:
        told = told[name]
    return told.pop(path[-1])


SETTINGS: Mapping[str, Callable[[dict[str, Any]], object]] = {
    "temperature": lambda told: _taken(told, "sampling", "temperature"), "top-p": lambda told: _taken(told, "sampling", "top_p"),
    "aggregation": lambda told: _taken(told, "aggregation"),
}  # fmt: skip


def horizons(material: Material) -> Analysis | None:
    """Accuracy against the steps that a problem needs."""
    if not material.needed or not material.pools:
        return None
    lengths: dict[int, list[Sampled]] = {}
    for problem, pool in material.pools.items():
        if problem in material.needed:
            lengths.setdefault(material.needed[problem], []).append(pool)
    told = [
        Length(steps, float(sum(len(pool.right) for pool in pools)), float(sum(pool.right.sum() for pool in pools)))
        for steps, pools in sorted(lengths.items())
    ]
    found = horizon(told)
    if found is None:
        return None
    rows = [
        {"steps": one.steps, "solutions": one.solutions, "accuracy": one.right / one.solutions, "fitted": found.per_step**one.steps}
        for one in told
    ]
    solutions = [one for several in material.solutions.values() for one in several]
    stays = survival([one.first_wrong for one in solutions], [one.steps for one in solutions])
    half = "none" if found.half is None else f"{found.half:.1f}"
    return Analysis(
        "horizon",
        "How far a single chain gets",
        f"If every step were right with the same chance, {found.per_step:.3f}, half of the problems of {half} steps would be solved.",
        "Steps are not alike, and some mistakes are repaired: compare the fitted column with the measured one.",
        "Sinha et al. 2025, arXiv 2509.09677", {"accuracy": rows, "steps": [{"step": at, "right": value} for at, value in enumerate(stays, 1)]},
    )  # fmt: skip


def cache_use(material: Material) -> Analysis | None:
    """How much of what was read came from the prefix cache."""
    rows = [
        {"arm": arm, "prompt tokens": read, "from the cache": cached, "share": cached / read if read else None}
        for arm, (read, cached) in sorted(material.reading.items())
    ]  # fmt: skip
    if not rows:
        return None
    return Analysis(
        "cache",
        "Prefix cache of each strategy",
        "Searches by steps read the same beginnings again and again; the share that the cache saved is not computed anew.",
        "Depends on the engine, the size of its cache and on what else was in flight.",
        "-",
        {"arms": rows},
    )  # fmt: skip


def pareto(material: Material) -> Analysis | None:
    """Which arms at which budgets nobody beats."""
    problems = shared_problems(material.cells, material.arms)
    if not problems:
        return None
    table = options(material, problems)
    points = [Point(float(c), float(a)) for c, a in zip(table.costs.mean(1), table.accuracies.mean(1), strict=True)]
    chance, there = on_frontier(table.costs, table.accuracies, draws=400), set(frontier(points))
    rows = [
        {"option": name, "cost": p.cost, "accuracy": p.accuracy, "on the frontier": at in there, "chance of it": float(chance[at])}
        for at, (name, p) in enumerate(zip(table.names, points, strict=True))
    ]  # fmt: skip
    return Analysis(
        "pareto", "What nobody beats", f"{len(there)} of {len(rows)} options are on the frontier of cost and accuracy.",
        "The chance is the share of draws of problems in which an option is on the frontier.", "-", {"options": sorted(rows, key=lambda row:
        row["cost"])},
    )  # fmt: skip


def ratios(material: Material) -> Analysis | None:
    """Costs at equal accuracy, and differences at equal budget, for all pairs of arms."""
    problems = shared_problems(material.cells, material.arms)
    if len(problems) < 2 or len(material.arms) < 2:
        return None
    costs, differences = list[Row](), list[Row]()
    curves = {arm: arrays(material.cells, arm, material.axis, problems) for arm in material.arms}
    budgets = sorted({budget for _, budget in material.cells})
    for at, one in enumerate(material.arms):
        for other in material.arms[at + 1 :]:
            target = 0.95 * min(float(curves[one].accuracies.mean(1).max()), float(curves[other].accuracies.mean(1).max()))
            found = cost_ratio(curves[one], curves[other], target, draws=400)
            costs.append({
                "cheaper?": one, "against": other, "accuracy": target, "times cheaper": _finite(found.ratio.value), "low": _finite(found.ratio.low),
                "high": _finite(found.ratio.high), "both reach it": found.known,
            })  # fmt: skip
            for budget in budgets:
                if (one, budget) in material.cells and (other, budget) in material.cells:
                    first, second = ([material.cells[arm, budget][p].credit for p in problems] for arm in (one, other))
                    told = paired(first, second)
                    differences.append({
                        "one": one, "less": other, "budget": budget, "difference": told.difference.value, "low": told.difference.low,
                        "high": told.difference.high, "p": told.p, "better on": told.better, "worse on": told.worse,
                    })  # fmt: skip
    return Analysis(
        "pairs", "Arms in pairs", "How many times cheaper one arm is at the accuracy that both nearly reach, and their difference at equal budgets.",
        "Many pairs are many chances for luck: p is not corrected for their number. An arm that starts above the accuracy has no measured "
        "cost for it.",
        "-",
        {"cost at equal accuracy": costs, "difference at equal budget": differences},
    )  # fmt: skip


ALL: Sequence[Callable[[Material], Analysis | None]] = (
    ratios, pareto, coverage_law, too_many, imperfect_verifier, saturating, passes, best_by_difficulty, spreads, settings, horizons, cache_use,
)  # fmt: skip


def analyses(material: Material) -> list[Analysis]:
    """All that the material allows."""
    return [found for make in ALL if (found := make(material)) is not None]


def groups(problems: Mapping[str, object]) -> list[tuple[str, list[str]]]:
    """All problems, then those of each cell where there are several."""
    names = sorted(problems)
    cells = sorted({cell_of(problem) for problem in names})
    parts = [(cell, [problem for problem in names if cell_of(problem) == cell]) for cell in cells] if len(cells) > 1 else []
    return [("all", names), *parts] if names else []


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


__all__ = ["ALL", "Analysis", "Material", "Solution", "analyses", "groups", "options"]
