"""Other settings on a stored run as a table: what each would have chosen, whether that is right,
and how far it is exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from components.frame.prose import visible


class ChoiceLike(Protocol):
    """A chosen node with its answer."""

    @property
    def node(self) -> int | None: ...

    @property
    def answer(self) -> str | None: ...

    @property
    def correct(self) -> bool | None: ...


class FoundLike(Protocol):
    """The answer to a what-if, as the service sends it."""

    @property
    def chosen(self) -> ChoiceLike | None: ...

    @property
    def own(self) -> ChoiceLike | None: ...

    @property
    def rounds(self) -> int: ...

    @property
    def own_rounds(self) -> int: ...

    @property
    def whole(self) -> bool: ...

    @property
    def stopped(self) -> str: ...


class Else(NamedTuple):
    """A line: what was different, what would have been chosen, the verdict in words, and how far
    that is exact. `saves`: right, where the run was not, and exact to the end."""

    setting: str
    answer: str
    verdict: str
    node: int | None
    exact: str
    saves: bool


def line_of(setting: str, found: FoundLike | None, refused: str = "") -> Else:
    """The line of one what-if, or why there is none."""
    if found is None:
        return Else(setting, "", f"cannot be asked: {visible(refused)}", None, "", False)
    chosen, was_right = found.chosen, found.own is not None and found.own.correct is True
    answer = "" if chosen is None else visible(chosen.answer or "none that can be read")
    saves = found.whole and chosen is not None and chosen.correct is True and not was_right
    return Else(
        setting,
        answer,
        _verdict(found, was_right),
        None if chosen is None else chosen.node,
        extent(found),
        saves,
    )


def _verdict(found: FoundLike, was_right: bool) -> str:
    chosen, so_far = found.chosen, "" if found.whole else " so far"
    if chosen is None or chosen.node is None:
        return f"nothing finished{so_far}"
    if chosen.correct is True:
        return (
            f"right{so_far}"
            if was_right
            else f"right{so_far}: would have saved it"
            if found.whole
            else "right so far"
        )
    word = "undecided" if chosen.correct is None else "wrong"
    same = found.own is not None and (
        chosen.node == found.own.node or chosen.answer == found.own.answer
    )
    return f"{word}{so_far}, {'the same answer' if same else 'another answer'}"


def extent(found: FoundLike) -> str:
    """For how much of the search the answer is exact."""
    rounds = f"{found.rounds} round{'' if found.rounds == 1 else 's'}"
    if found.whole:
        return f"exact, all {rounds}"
    if found.rounds >= found.own_rounds:
        return f"exact for the {rounds} that the run took, and it would have gone on"
    return (
        f"exact up to round {found.rounds} of {found.own_rounds}"
        if found.rounds
        else "not even the first round is stored"
    )


def summary(lines: Sequence[Else], was_right: bool) -> str:
    """What the table says, in a sentence."""
    asked = [line for line in lines if line.exact]
    if was_right:
        lost = [
            line.setting
            for line in asked
            if line.verdict.startswith(("wrong", "nothing")) and line.exact.startswith("exact, all")
        ]
        return (
            f"The run was right. {len(lost)} of {len(asked)} other settings would have lost "
            f"it{_name_settings(lost)}."
        )
    saving = [line.setting for line in asked if line.saves]
    if not saving:
        return (
            f"None of {len(asked)} other settings would have saved it, so far as that can be "
            "said from what is stored."
        )
    return (
        f"{len(saving)} of {len(asked)} other settings would have saved it{_name_settings(saving)}."
    )


def _name_settings(settings: Sequence[str], most: int = 6) -> str:
    more = f" and {len(settings) - most} more" if len(settings) > most else ""
    return f": {', '.join(settings[:most])}{more}" if settings else ""
