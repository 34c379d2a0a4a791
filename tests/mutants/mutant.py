"""What a mutant is, and under which defect it stands."""

from __future__ import annotations

import re
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple


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


class Mutant(NamedTuple):
    """An edit of the product: `old`, which stands exactly once in `file`, becomes `new`. Then each
    of `tests` (node ids below `tests/`) fails."""

    name: str
    defect: Defect
    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def module(self) -> str:
        """The name under which Python imports the file, or the package where it is no module."""
        return (
            self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            if self.file.endswith(".py")
            else "backend"
        )

    def applied(self, text: str) -> str:
        """The text of the file with the edit made."""
        found = len(re.findall(pattern(self.old), text))
        assert found == 1, (
            f"{self.name}: the old text stands {found} times in {self.file}, and has to "
            "stand there once"
        )
        new = self.new.lstrip() if self.old != self.old.lstrip() else self.new
        return re.sub(pattern(self.old), lambda _: new, text)


def pattern(code: str) -> str:
    """Matches the code however it is broken into lines."""
    tokens = re.findall(r"\w+|[^\w\s]", code)
    return "".join(_before(one, after) for one, after in pairwise(["", *tokens]))


def _before(one: str, token: str) -> str:
    """The token with what may stand between it and the one before it."""
    if not one:
        return re.escape(token)
    if one[-1].isalnum() and token[0].isalnum():
        return r"\s+" + re.escape(token)
    return (r",?\s*" if token in ")]}" else r"\s*") + re.escape(token)
