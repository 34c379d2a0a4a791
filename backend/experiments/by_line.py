"""Which problems an experiment means by `set = "file:gsm8k"`: what only the file can say.

An experiment that is carried out names them by their ids, so that its description and its hash say
all, whatever becomes of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from backend.core.errors import BadInput, ProblemError
from backend.experiments.spec import Experiment, Problems

LISTED = 20


class SetByLine(Protocol):
    """What is needed of a set of problems from a file."""

    @property
    def levels(self) -> object: ...

    def list_ids(self, level: int | None, skipped: int, count: int) -> list[str]: ...


def name_problems(experiment: Experiment, find: Callable[[str], SetByLine | None]) -> Experiment:
    """The experiment with the ids of all problems from files; itself where there are none. `find`
    looks sets up. Raises `ProblemError` for a set that there is not, `BadInput` for problems that
    it does not have."""
    if not any(group.by_line for group in experiment.problems):
        return experiment
    groups = [
        Problems(ids=tuple(_list_ids(group, find))) if group.by_line else group
        for group in experiment.problems
    ]
    fields = experiment.model_dump(exclude={"problems"})
    return Experiment.model_validate({**fields, "problems": groups})


def _list_ids(group: Problems, find: Callable[[str], SetByLine | None]) -> list[str]:
    name = group.set or ""
    found = find(name)
    if found is None:
        raise ProblemError(
            f"there is no problem set {name[:80]!r}; accepted: a file that was brought on the page "
            "Problems, or one of the folder ARBORETUM_PROBLEMS"
        )
    ids = found.list_ids(group.level, group.first_seed, group.count)
    wanted = group.count != Problems.model_fields["count"].default
    if not ids or (wanted and len(ids) < group.count):
        every = found.list_ids(group.level, 0, 10**9)
        level = "" if group.level is None else f" of level {group.level}"
        raise BadInput(
            f"problems of {name}{level}",
            given=f"{group.count} after the first {group.first_seed}",
            accepted=f"the {len(every)} that there are (levels: {_words(found.levels)})",
        )
    return ids


def _words(levels: object) -> str:
    shown = [str(each) for each in levels][:LISTED] if isinstance(levels, dict) else []
    return ", ".join(shown) or "none"


__all__ = ["SetByLine", "name_problems"]
