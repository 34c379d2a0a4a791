"""Slices of the problems of an experiment: all of them, those of one kind, or a third by
difficulty."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from backend.experiments.material import Material
from backend.experiments.rules import SampledPool
from backend.experiments.spec import Experiment, cell_of

T = TypeVar("T")
ALL = "all"
THIRDS = ("hardest third", "middle third", "easiest third")
"""By how often the model's own samples of a problem are right."""


def slices_of(experiment: Experiment) -> list[str]:
    """What curves can be restricted to: everything, one kind of problem, or, where samples tell how
    hard a problem is, a third by difficulty."""
    problems = experiment.problem_ids()
    hard = (
        THIRDS
        if any(arm.pooled for arm in experiment.arms) and len(problems) >= 2 * len(THIRDS)
        else ()
    )
    return [ALL, *dict.fromkeys(cell_of(problem) for problem in problems), *hard]


def of_kind(problem: str, kind: str) -> bool:
    """Whether a problem is of one kind, such as `ledger/3`; ALL are of the slice `all`."""
    return kind == ALL or cell_of(problem) == kind


def thirds(pools: Mapping[str, SampledPool], problems: Sequence[str]) -> dict[str, str]:
    """The third of each problem by the share of its samples that are right; empty where a problem
    has no pool, or there are too few."""
    if len(problems) < 2 * len(THIRDS) or any(problem not in pools for problem in problems):
        return {}
    ranked = sorted(problems, key=lambda problem: (float(pools[problem].right.mean()), problem))
    return {problem: THIRDS[len(THIRDS) * at // len(ranked)] for at, problem in enumerate(ranked)}


def cells_of_kind(
    cells: Mapping[tuple[str, float], Mapping[str, T]], kind: str
) -> Mapping[tuple[str, float], Mapping[str, T]]:
    """The cells, or their repeats, of one kind of problem."""
    found = {
        place: {problem: cell for problem, cell in by.items() if of_kind(problem, kind)}
        for place, by in cells.items()
    }
    return {place: by for place, by in found.items() if by}


def narrow(material: Material, problems: Collection[str]) -> Material:
    """The same of some problems only; what is known of arms as a whole stays."""

    def some(by: Mapping[str, T]) -> dict[str, T]:
        return {problem: one for problem, one in by.items() if problem in problems}

    return replace(
        material,
        cells={place: some(by) for place, by in material.cells.items()},
        repeats={place: some(by) for place, by in material.repeats.items()},
        pools=some(material.pools),
        answered={place: some(by) for place, by in material.answered.items()},
        solutions=some(material.solutions),
    )


__all__ = ["ALL", "THIRDS", "cells_of_kind", "narrow", "of_kind", "slices_of", "thirds"]
