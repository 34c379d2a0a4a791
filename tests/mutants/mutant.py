"""What a mutant is, and under which defect it stands."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from tests.mutants.edit import ROOT, Edit, module_of


class Defect(StrEnum):
    """Defects that were seen in published programs for search at inference, in our words."""

    ONE_STEP_MORE = "A limit of k steps makes k + 1"
    LOST_OPTION = "An option is read and never forwarded"
    REFERENCE = (
        "The reference of particle Gibbs competes with another weight than that of its prefix"
    )
    LAST_DRAW = "One more resampling after the last step, which can lose the best particle"
    WEIGHED_AGAIN = "Finished particles are weighed again in every round"
    TWO_VOTES = "Copies of a solution vote twice, or early solutions are preferred"
    OFF_THE_END = "Resampling runs off the end where the weights add up to less than 1"
    NO_SEED = "No seed, or one that does not decide everything"
    TOKENS = "Token counts are absent, 0, -1 or estimated"
    END = (
        "A text counts as finished that the model did not end: cut off at a length limit, or "
        "with a certain phrase in it"
    )
    NAN = "A reward that is no number kills the search, or goes on through it"
    ZERO = "A failed score becomes a score of 0"
    TWO_LOOPS = "A loop is kept twice, batched and not, and the two part"
    BUDGET = "`budget` means something else in each algorithm, or nothing"
    LOOKAHEAD = "A look ahead is generated, paid for and then ignored"
    TRUTH = "The right answer leaks into the control flow"
    UPLOAD = "Prompts or figures of use go to somebody's server"
    TREE_SAMPLING = (
        "Diffusion tree sampling with a sum for the mean, or with copies that count once"
    )
    WASTE = "Width, limits, paid results or time are lost"
    ESTIMATES = "Estimates and votes with a bias"


class Case(NamedTuple):
    """One case of a test that has several, by the name that pytest gives it."""

    test: Callable[..., object]
    name: str


class Mutant(NamedTuple):
    """An edit of the product. Once it is made, each of `tests` fails."""

    name: str
    defect: Defect
    what: str
    edit: Edit
    tests: tuple[Callable[..., object] | Case, ...]

    @property
    def module(self) -> str:
        """The name under which Python imports the edited file, or the package where it is no
        module."""
        place = getattr(self.edit, "place", None)
        return "backend" if place is None else module_of(place).__name__

    @property
    def node_ids(self) -> tuple[str, ...]:
        """The tests as pytest names them, below `tests/`."""
        return tuple(map(node_id, self.tests))


def node_id(test: Callable[..., object] | Case) -> str:
    """The name of a test or of one of its cases, below `tests/`."""
    if isinstance(test, Case):
        return f"{node_id(test.test)}[{test.name}]"
    file = Path(str(module_of(test).__file__)).relative_to(ROOT / "tests")
    name = test.__qualname__.rpartition("<locals>.")[2]  # hypothesis makes the function anew
    return f"{file.as_posix()}::{name.replace('.', '::')}"
