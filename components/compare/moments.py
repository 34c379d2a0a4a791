"""How far a run had come at a moment: its answer so far, the scores so far, its ledger; and who
answered first among several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from backend.core.events import AnswerChanged, NodeAdded, ScoreGiven, ledger_of
from backend.core.records import EventRecord
from backend.core.tree import up_to
from components.compare.clock import Clock


@dataclass(frozen=True)
class Moment:
    """A run up to event `event` (None: all of it). `answered` tells an answer that cannot be read
    (None) from none at all; `correct` None means undecided. `best` and `mean` are over the `scored`
    values of a verifier, None without any. `ledger` is the last snapshot."""

    event: int | None
    nodes: int
    answered: bool
    answer: str | None
    node: int | None
    correct: bool | None
    best: float | None
    mean: float | None
    scored: int
    ledger: Mapping[str, float]


def moment(events: Sequence[EventRecord], until: int | None) -> Moment:
    """Fold the log up to a moment."""
    nodes, total, scored = 0, 0.0, 0
    best: float | None = None
    answer: AnswerMoment | None = None
    ledger: Mapping[str, float] = {}
    for event in up_to(events, until):
        ledger = ledger_of(event.body) or ledger
        match event.body:
            case NodeAdded():
                nodes += 1
            case ScoreGiven(value=float() | int() as value):
                total, scored = total + value, scored + 1
                best = value if best is None else max(best, value)
            case AnswerChanged() as change:
                answer = _answer(event.seq, change)
    mean = total / scored if scored else None
    if answer is None:
        return Moment(until, nodes, False, None, None, None, best, mean, scored, ledger)
    return Moment(
        until, nodes, True, answer.text, answer.node, answer.correct, best, mean, scored, ledger
    )


class AnswerMoment(NamedTuple):
    """A change of the answer: when, what (None: it cannot be read), at which node, and whether it
    is right (None: undecided)."""

    seq: int
    text: str | None
    node: int | None
    correct: bool | None


def _answer(seq: int, change: AnswerChanged) -> AnswerMoment:
    return AnswerMoment(seq, change.answer, change.node, change.correct)


def answers(events: Sequence[EventRecord], until: int | None = None) -> list[AnswerMoment]:
    """The answers of a run in order."""
    return [
        _answer(event.seq, event.body)
        for event in up_to(events, until)
        if isinstance(event.body, AnswerChanged)
    ]


@dataclass(frozen=True)
class Placing:
    """A line of the scoreboard: what a run had spent at its first answer and when the answer that
    it kept was first right, None if never; `place` counts from 1 by the first answer, equal amounts
    share it."""

    run: int
    place: int | None
    first: float | None
    right: float | None
    moment: Moment


def standings(
    runs: Mapping[int, tuple[Sequence[EventRecord], Clock]], untils: Mapping[int, int | None]
) -> list[Placing]:
    """The scoreboard at a moment of each run, in the order given."""
    found = {run: answers(events, untils[run]) for run, (events, _) in runs.items()}
    first = {
        run: runs[run][1].value_at(moments[0].seq) if moments else None
        for run, moments in found.items()
    }
    amounts = sorted(value for value in first.values() if value is not None)
    return [
        Placing(
            run,
            None if (value := first[run]) is None else amounts.index(value) + 1,
            value,
            _right_since(found[run], counted),
            moment(events, untils[run]),
        )
        for run, (events, counted) in runs.items()
    ]


def _right_since(moments: Sequence[AnswerMoment], counted: Clock) -> float | None:
    """The amount since which the answer has been right without a break."""
    since: float | None = None
    for answer in moments:
        since = (
            (counted.value_at(answer.seq) if since is None else since)
            if answer.correct is True
            else None
        )
    return since
