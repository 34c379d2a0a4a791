"""How much of a known list of states a solution reproduces: ProcBench's measures (Fujisawa et al.
2024, arXiv 2410.03117).

With the gold states (the last one is the answer) and the states read from a solution: prefix match
length PML, the number of leading equal states; prefix accuracy PA = PML / max(gold, read), which
punishes too many states like too few; sequential match SM, whether PA is 1; final match FM, whether
the last states are equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from backend.core.errors import BadInput
from backend.core.statistics.intervals import accuracy_interval
from backend.experiments.analysis import Findings, analysis
from backend.experiments.charts import Plan, Row
from backend.experiments.material import Material, StoredSolution, groups

SAMPLES = "one sample"
"""What the solutions of the pool are called beside the answers of searches."""


def has_steps(material: Material) -> bool:
    """Whether there is a solution of any problem whose steps are known."""
    every = (material.solutions, *material.answered.values())
    return any(
        several and problem in material.needed for by in every for problem, several in by.items()
    )


@analysis(
    "prefixes",
    "How much of a right way is followed",
    order=130,
    paper="Fujisawa et al. 2024 (ProcBench), arXiv 2410.03117",
    charts={
        "arms": Plan(
            "budget",
            ("prefix accuracy",),
            "{budget}",
            "prefix accuracy",
            by="arm",
            logarithmic=True,
            bands=True,
        ),
        "lengths": Plan(
            "steps needed",
            ("prefix accuracy", "sequential match", "final match"),
            "steps that the problem needs",
            "share",
            part="arm",
        ),
    },
    allows=has_steps,
)
def find_prefixes(material: Material) -> Findings | None:
    """ProcBench's measures of what searches answered and of single samples, by arm, by kind of
    problem and by the steps needed."""
    places: list[tuple[str, float, Mapping[str, Sequence[StoredSolution]]]] = [
        (SAMPLES, 1.0, material.solutions)
    ]
    places += [(arm, budget, by) for (arm, budget), by in sorted(material.answered.items())]
    found = [(arm, budget, measure(by, material.needed)) for arm, budget, by in places]
    found = [(arm, budget, by) for arm, budget, by in found if by]
    if not found:
        return None
    largest = {arm: (budget, by) for arm, budget, by in found}
    rows: list[Row] = [
        {"arm": arm, "budget": budget, **summary(by, sorted(by))} for arm, budget, by in found
    ]
    kinds: list[Row] = [
        {"kind": kind, "arm": arm, "budget": budget, **summary(by, problems)}
        for arm, (budget, by) in largest.items()
        for kind, problems in groups(by)
    ]
    lengths: list[Row] = [
        {
            "arm": arm,
            "steps needed": steps,
            "budget": budget,
            **summary(by, [problem for problem in by if material.needed[problem] == steps]),
        }
        for arm, (budget, by) in largest.items()
        for steps in sorted({material.needed[problem] for problem in by})
    ]
    first = max(rows, key=lambda row: float(row["prefix accuracy"]))
    return Findings(
        f"{first['arm']} at {first['budget']:g} follows a right way longest: "
        f"{first['prefix accuracy']:.0%} of it before the first mistake, and all of it "
        f"{first['sequential match']:.0%} of the time, while {first['final match']:.0%} of its "
        "answers are right.",
        "The states are those that the exact checker of steps reads: a right step agrees with the "
        "written right way, one that is wrong and that nothing repaired does not. Another right "
        "way of another length counts as right. An answer that is right after a wrong step is a "
        "final match and no sequential one; a run without an answer matches nothing. For pools "
        "only single samples are known, not what a rule chose.",
        {"arms": rows, "problems": kinds, "lengths": lengths},
    )


def measure(
    by: Mapping[str, Sequence[StoredSolution]], needed: Mapping[str, int]
) -> dict[str, list[Prefix]]:
    """The measures of every solution of the problems whose steps are known."""
    return {
        problem: [prefix(*states(one, needed[problem])) for one in several]
        for problem, several in by.items()
        if problem in needed and several
    }


def summary(by: Mapping[str, Sequence[Prefix]], problems: Sequence[str]) -> Row:
    """Means over problems, each the mean of its solutions, with the band of the prefix accuracy."""
    mean = accuracy_interval(
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


def states(one: StoredSolution, needed: int) -> tuple[list[int], list[int | None]]:
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


class Prefix(NamedTuple):
    """The measures of one solution; see the module docstring."""

    length: int
    accuracy: float
    sequential: bool
    final: bool


def prefix(gold: Sequence[object], read: Sequence[object]) -> Prefix:
    """The measures; `gold` holds at least one state, else `BadInput`. A solution of no state
    matches nothing."""
    if not gold:
        raise BadInput("gold states", given="none", accepted="at least the answer")
    length = 0
    for right, given in zip(gold, read, strict=False):
        if right != given:
            break
        length += 1
    accuracy = length / max(len(gold), len(read))
    return Prefix(length, accuracy, accuracy == 1.0, bool(read) and gold[-1] == read[-1])
