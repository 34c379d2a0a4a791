"""What arms teach beside each other: pairs, the frontier, what a right answer costs, the best arm
by difficulty, use of the prefix cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from backend.core.statistics.intervals import paired
from backend.core.statistics.pareto import Point, cost_ratio, frontier, on_frontier
from backend.experiments.analyses import cost_of_pass
from backend.experiments.analyses.allocation import Table, allocated, cross_validated, uniform
from backend.experiments.analyses.base import Analysis, Material, Row, finite, groups
from backend.experiments.curves import AXES, arrays, shared_problems
from backend.experiments.rules import Sampled
from backend.experiments.spec import cell_of


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
            target = 0.95 * min(
                float(curves[one].accuracies.mean(1).max()),
                float(curves[other].accuracies.mean(1).max()),
            )
            found = cost_ratio(curves[one], curves[other], target, draws=400)
            costs.append(
                {
                    "pair": f"{one} against {other}",
                    "accuracy": target,
                    "times cheaper": finite(found.ratio.value),
                    "low": finite(found.ratio.low),
                    "high": finite(found.ratio.high),
                    "both reach it": found.known,
                }
            )
            for budget in budgets:
                if (one, budget) in material.cells and (other, budget) in material.cells:
                    first, second = (
                        [material.cells[arm, budget][p].credit for p in problems]
                        for arm in (one, other)
                    )
                    told = paired(first, second)
                    differences.append(
                        {
                            "one": one,
                            "less": other,
                            "budget": budget,
                            "difference": told.difference.value,
                            "low": told.difference.low,
                            "high": told.difference.high,
                            "p": told.p,
                            "better on": told.better,
                            "worse on": told.worse,
                        }
                    )
    return Analysis(
        "pairs",
        "Arms in pairs",
        (
            "How many times cheaper one arm is at the accuracy that both nearly reach, and "
            "their difference at equal budgets."
        ),
        "Many pairs are many chances for luck: p is not corrected for their number. An arm that "
        "starts above the accuracy has no measured "
        "cost for it.",
        "-",
        {"cost at equal accuracy": costs, "difference at equal budget": differences},
    )


def pareto(material: Material) -> Analysis | None:
    """Which arms at which budgets nobody beats."""
    problems = shared_problems(material.cells, material.arms)
    if not problems:
        return None
    table = options(material, problems)
    points = [
        Point(float(c), float(a))
        for c, a in zip(table.costs.mean(1), table.accuracies.mean(1), strict=True)
    ]
    chance, there = on_frontier(table.costs, table.accuracies, draws=400), set(frontier(points))
    rows = [
        {
            "option": name,
            "cost": p.cost,
            "accuracy": p.accuracy,
            "on the frontier": at in there,
            "chance of it": float(chance[at]),
        }
        for at, (name, p) in enumerate(zip(table.names, points, strict=True))
    ]
    return Analysis(
        "pareto",
        "What nobody beats",
        f"{len(there)} of {len(rows)} options are on the frontier of cost and accuracy.",
        "The chance is the share of draws of problems in which an option is on the frontier.",
        "-",
        {"options": sorted(rows, key=lambda row: row["cost"])},
    )


def passes(material: Material) -> Analysis | None:
    """Tokens paid for one right answer."""
    arms, problems = material.arms, shared_problems(material.cells, material.arms)
    if not problems:
        return None
    rows, by_place = list[Row](), {}
    for arm, budget in material.places:
        here = material.cells[arm, budget]
        values = cost_of_pass.cost_of_pass(
            np.array([here[p].costs[material.axis] for p in problems]),
            np.array([here[p].credit for p in problems]),
        )
        by_place[f"{arm} at {budget:g}"] = values
        solved = values[np.isfinite(values)]
        rows.append(
            {
                "arm": arm,
                "budget": budget,
                "solved": len(solved) / len(problems),
                "median cost of a right answer": finite(float(np.median(values))),
                "median over solved": float(np.median(solved)) if len(solved) else None,
            }
        )
    person = 100.0 * max(
        float(
            np.nanmax(
                [
                    cell.costs[material.axis]
                    for by in material.cells.values()
                    for cell in by.values()
                ]
            )
        ),
        1.0,
    )
    found = cost_of_pass.pass_frontier(by_place, person)
    missed = [
        {"arm": name, "dearer without it": value}
        for name, value in sorted(found.missed.items(), key=lambda item: -item[1])
        if value > 1.0
    ]
    cheapest = missed[0]["arm"] if missed else "none in particular"
    return Analysis(
        "cost of pass",
        "What one right answer costs",
        (
            f"Over {len(arms)} arms, {cheapest} would be missed most on the frontier of "
            "cheapest right answers."
        ),
        "Takes for granted that somebody sees which answer is right. A person stands in at "
        f"{person:,.0f} of {AXES[material.axis]} where "
        f"no arm solves it.",
        "Erol et al. 2025, arXiv 2504.13359",
        {"arms": rows, "missed": missed},
    )


def best_by_difficulty(material: Material) -> Analysis | None:
    """The best arm for each difficulty and budget, and what choosing by difficulty brings."""
    problems = shared_problems(material.cells, material.arms)
    if not problems:
        return None
    bins, rows, table = thirds(material.pools, problems), list[Row](), options(material, problems)
    own = (
        [(third, [problem for problem in problems if bins[problem] == third]) for third in THIRDS]
        if bins
        else []
    )
    for name, members in [*groups(dict.fromkeys(problems)), *own]:
        for budget in sorted({budget for _, budget in material.places}):
            present = [arm for arm in material.arms if (arm, budget) in material.cells]
            here = {
                arm: float(
                    np.mean([material.cells[arm, budget][problem].credit for problem in members])
                )
                for arm in present
            }
            first = max(here, key=lambda arm: here[arm])
            rows.append(
                {"problems": name, "budget": budget, "best arm": first, "accuracy": here[first]}
            )
    tables = {"best": rows, "compute-optimal": compute_optimal(table)}
    if bins:
        tables["compute-optimal by success"] = compute_optimal(
            table._replace(bins=[bins[problem] for problem in problems])
        )
    return Analysis(
        "difficulty",
        "The best arm by difficulty",
        "Difficulty is the set and level of a problem, or the third that it belongs to by how "
        "often the model's own samples are right; the unseen "
        "columns choose on one half of the problems and judge on the other.",
        "With few problems a cell the best arm of a cell is often luck, which is why the unseen "
        "columns are there. Measuring the difficulty is not "
        "charged, and the samples that measure it are those that rules over the pool are judged "
        "on.",
        "Snell et al. 2024, arXiv 2408.03314, section 3",
        tables,
    )


THIRDS = ("hardest third", "middle third", "easiest third")


def thirds(pools: Mapping[str, Sampled], problems: Sequence[str]) -> dict[str, str]:
    """The third of each problem by the share of its samples that are right; empty where a problem
    has no pool, or there are too few."""
    if len(problems) < 2 * len(THIRDS) or any(problem not in pools for problem in problems):
        return {}
    ranked = sorted(problems, key=lambda problem: (float(pools[problem].right.mean()), problem))
    return {problem: THIRDS[len(THIRDS) * at // len(ranked)] for at, problem in enumerate(ranked)}


def compute_optimal(table: Table) -> list[Row]:
    """At every mean cost of an option: what choosing by difficulty and one option for all achieve,
    seen and unseen."""
    rows = list[Row]()
    for budget in sorted(set(np.round(table.costs.mean(1), 6))):
        chosen, one, checked = (
            allocated(table, budget),
            uniform(table, budget),
            cross_validated(table, budget),
        )
        if chosen is not None and one is not None:
            rows.append(
                {
                    "cost": float(budget),
                    "by difficulty": chosen.accuracy,
                    "one arm for all": one.accuracy,
                    "by difficulty, unseen": checked and checked.accuracy,
                    "one arm, unseen": checked and checked.uniform,
                }
            )
    return rows


def options(material: Material, problems: Sequence[str]) -> Table:
    """Every arm at every budget as an option."""
    places = material.places
    return Table(
        [f"{arm} at {budget:g}" for arm, budget in places],
        np.array(
            [[material.cells[place][p].costs[material.axis] for p in problems] for place in places]
        ),
        np.array([[material.cells[place][p].credit for p in problems] for place in places]),
        [cell_of(p) for p in problems],
    )


def cache_use(material: Material) -> Analysis | None:
    """How much of what was read came from the prefix cache."""
    rows = [
        {
            "arm": arm,
            "prompt tokens": read,
            "from the cache": cached,
            "share": cached / read if read else None,
        }
        for arm, (read, cached) in sorted(material.reading.items())
    ]
    if not rows:
        return None
    return Analysis(
        "cache",
        "Prefix cache of each strategy",
        (
            "Searches by steps read the same beginnings again and again; the share that the "
            "cache saved is not computed anew."
        ),
        "Depends on the engine, the size of its cache and on what else was in flight.",
        "-",
        {"arms": rows},
    )


__all__ = ["best_by_difficulty", "cache_use", "options", "pareto", "passes", "ratios", "thirds"]
