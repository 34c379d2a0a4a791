"""What an experiment teaches: each analysis is a pure function from cells and pools to tables, with
a sentence, its limits and its paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backend.experiments.analyses.arms import (
    best_by_difficulty,
    cache_use,
    options,
    pareto,
    passes,
    ratios,
)
from backend.experiments.analyses.base import ACCEPTED_FROM, Analysis, Material, Solution, groups
from backend.experiments.analyses.pools import (
    coverage_law,
    imperfect_verifier,
    saturating,
    spreads,
    too_many,
)
from backend.experiments.analyses.settings import settings
from backend.experiments.analyses.steps import horizons, prefixes
from backend.experiments.analyses.verifying import iso_costs

ALL: Sequence[Callable[[Material], Analysis | None]] = (
    ratios,
    pareto,
    coverage_law,
    too_many,
    imperfect_verifier,
    saturating,
    passes,
    best_by_difficulty,
    iso_costs,
    spreads,
    settings,
    horizons,
    prefixes,
    cache_use,
)


def analyses(material: Material) -> list[Analysis]:
    """All that the material allows."""
    return [found for make in ALL if (found := make(material)) is not None]


__all__ = [
    "ACCEPTED_FROM",
    "ALL",
    "Analysis",
    "Material",
    "Solution",
    "analyses",
    "groups",
    "options",
]
