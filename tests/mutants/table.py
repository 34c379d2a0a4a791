"""All mutants, defect by defect."""

from __future__ import annotations

from tests.mutants.answers import ANSWERS
from tests.mutants.mutant import Defect, Mutant
from tests.mutants.particles import PARTICLES
from tests.mutants.runs import RUNS
from tests.mutants.searches import SEARCHES

MUTANTS: tuple[Mutant, ...] = tuple(
    sorted(
        (*PARTICLES, *SEARCHES, *RUNS, *ANSWERS),
        key=lambda mutant: list(Defect).index(mutant.defect),
    )
)
