"""What steps teach: how far a chain gets, and how much of a right way an answer follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from backend.core.statistics.intervals import mean_interval
from backend.experiments.analyses.base import Analysis, Material, Row, Solution, groups
from backend.experiments.analyses.horizons import Length, horizon, survival
from backend.experiments.analyses.prefixes import Prefix, prefix
from backend.experiments.rules import Sampled

SAMPLES = "one sample"
"""What the solutions of the pool are called beside the answers of searches."""


def horizons(material: Material) -> Analysis | None:
    """Accuracy against the steps that a problem needs."""
    if not material.needed or not material.pools:
        return None
    lengths: dict[int, list[Sampled]] = {}
    for problem, pool in material.pools.items():
        if problem in material.needed:
            lengths.setdefault(material.needed[problem], []).append(pool)
    told = [
        Length(
            steps,
            float(sum(len(pool.right) for pool in pools)),
            float(sum(pool.right.sum() for pool in pools)),
        )
        for steps, pools in sorted(lengths.items())
    ]
    found = horizon(told)
    if found is None:
        return None
    rows = [
        {
            "steps": one.steps,
            "solutions": one.solutions,
            "accuracy": one.right / one.solutions,
            "fitted": found.per_step**one.steps,
        }
        for one in told
    ]
    solutions = [one for several in material.solutions.values() for one in several]
    stays = survival([one.first_wrong for one in solutions], [one.steps for one in solutions])
    half = "none" if found.half is None else f"{found.half:.1f}"
    return Analysis(
        "horizon",
        "How far a single chain gets",
        (
            f"If every step were right with the same chance, {found.per_step:.3f}, half of the "
            f"problems of {half} steps would be solved."
        ),
        (
            "Steps are not alike, and some mistakes are repaired: compare the fitted column "
            "with the measured one."
        ),
        "Sinha et al. 2025, arXiv 2509.09677",
        {
            "accuracy": rows,
            "steps": [{"step": at, "right": value} for at, value in enumerate(stays, 1)],
        },
    )


def prefixes(material: Material) -> Analysis | None:
    """ProcBench's measures of what searches answered and of single samples, by arm, by kind of
    problem and by the steps needed."""
    places: list[tuple[str, float, Mapping[str, Sequence[Solution]]]] = [
        (SAMPLES, 1.0, material.solutions)
    ]
    places += [(arm, budget, by) for (arm, budget), by in sorted(material.answered.items())]
    found = [(arm, budget, measured(by, material.needed)) for arm, budget, by in places]
    found = [(arm, budget, by) for arm, budget, by in found if by]
    if not found:
        return None
    last = {arm: (budget, by) for arm, budget, by in found}
    rows: list[Row] = [
        {"arm": arm, "budget": budget, **summary(by, sorted(by))} for arm, budget, by in found
    ]
    kinds: list[Row] = [
        {"kind": kind, "arm": arm, "budget": budget, **summary(by, problems)}
        for arm, (budget, by) in last.items()
        for kind, problems in groups(by)
    ]
    lengths: list[Row] = [
        {
            "arm": arm,
            "steps needed": steps,
            "budget": budget,
            **summary(by, [problem for problem in by if material.needed[problem] == steps]),
        }
        for arm, (budget, by) in last.items()
        for steps in sorted({material.needed[problem] for problem in by})
    ]
    first = max(rows, key=lambda row: float(row["prefix accuracy"]))
    return Analysis(
        "prefixes",
        "How much of a right way is followed",
        f"{first['arm']} at {first['budget']:g} follows a right way longest: "
        f"{first['prefix accuracy']:.0%} of it before the first mistake, and "
        f"all of it {first['sequential match']:.0%} of the time, while {first['final match']:.0%} "
        "of its answers are right.",
        "The states are those that the exact checker of steps reads: a right step agrees with the "
        "written right way, one that is wrong and that "
        "nothing repaired does not. Another right way of another length counts as right. An answer "
        "that is right after a wrong step is a final "
        "match and no sequential one; a run without an answer matches nothing. For pools only "
        "single samples are known, not what a rule chose.",
        "Fujisawa et al. 2024 (ProcBench), arXiv 2410.03117",
        {"arms": rows, "problems": kinds, "lengths": lengths},
    )


def measured(
    by: Mapping[str, Sequence[Solution]], needed: Mapping[str, int]
) -> dict[str, list[Prefix]]:
    """The measures of every solution of the problems whose steps are known."""
    return {
        problem: [prefix(*states(one, needed[problem])) for one in several]
        for problem, several in by.items()
        if problem in needed and several
    }


def states(one: Solution, needed: int) -> tuple[list[int], list[int | None]]:
    """Gold and read states of a solution as the exact checker tells them: state i after i + 1 right
    steps, None after a mistake; the last gold one is the answer. What is right from end to end is
    its own gold, whatever its length; else the gold goes on at least one state beyond what is
    right."""
    sound = one.steps if one.first_wrong is None else one.first_wrong
    if one.correct and 0 < sound == one.steps:
        return list(range(sound)), list(range(sound))
    gold = list(range(max(needed, sound + 1)))
    read: list[int | None] = [*range(sound), *[None] * (one.steps - sound)]
    return gold, [*read[:-1], gold[-1]] if one.correct and read else read


def summary(by: Mapping[str, Sequence[Prefix]], problems: Sequence[str]) -> Row:
    """Means over problems, each the mean of its solutions, with the band of the prefix accuracy."""
    mean = mean_interval(
        [float(np.mean([one.accuracy for one in by[problem]])) for problem in problems]
    )

    def share(of: Sequence[Sequence[float]]) -> float:
        return float(np.mean([np.mean(each) for each in of]))

    return {
        "prefix accuracy": mean.value,
        "low": mean.low,
        "high": mean.high,
        "sequential match": share(
            [[one.sequential for one in by[problem]] for problem in problems]
        ),
        "final match": share([[one.final for one in by[problem]] for problem in problems]),
        "right steps at first": share(
            [[one.length for one in by[problem]] for problem in problems]
        ),
        "wrong from the first step": share(
            [[one.length == 0 for one in by[problem]] for problem in problems]
        ),
        "problems": len(problems),
        "solutions": sum(len(by[problem]) for problem in problems),
    }


__all__ = ["horizons", "prefixes", "states"]
