"""One simulation of a tree search, phase by phase: between which children the walk chose on its way
down and by what numbers, what was drawn below the leaf, what that was worth, and how it changed N
and Q on the way back.

Everything is computed from the events of one round: `selected`, `node`, `score`, `pruned`, `rolled`
and `backed`. What the log does not say (the priors of a rule that has none, the Q of a rule that
tells none) is None, or the mean of what was backed up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from backend.core.events import Backed, NodeAdded, Pruned, Rolled, ScoreGiven, Selected, StepEnded
from backend.core.records import EventRecord
from backend.core.tree import Backups, TreeRow, backups, up_to


@dataclass(frozen=True)
class WalkOption:
    """A child that a walk considered, as it stood then: visits N, Q (its own score before its first
    visit), what the formula made of them (infinite where it had to be tried first), and where the
    log says so its prior P and how many equal draws it stands for. `taken`: the walk went there."""

    node: int
    visits: int
    mean: float
    worth: float
    taken: bool
    prior: float | None = None
    draws: int | None = None

    @property
    def bonus(self) -> float:
        """What the formula gave beyond Q."""
        return self.worth - self.mean


@dataclass(frozen=True)
class WalkLevel:
    """A moment of choice: the node at which the walk stood, its visits by then, the formula and its
    children."""

    parent: int
    visits: int
    formula: str
    options: tuple[WalkOption, ...]

    @property
    def greatest(self) -> bool:
        """Whether the child taken is one of those with the greatest value (a rule that draws by
        probability may take another)."""
        top = max(option.worth for option in self.options)
        return any(option.taken and option.worth == top for option in self.options)


@dataclass(frozen=True)
class Fresh:
    """A node that the simulation drew below `parent`: its score in [0, 1], and whether it said the
    same as a sibling and was dropped for it."""

    node: int
    parent: int
    score: float | None
    dropped: bool


@dataclass(frozen=True)
class TriedLeaf:
    """A rollout from `node` that ended in `end` with this score."""

    node: int
    end: int
    value: float | None


@dataclass(frozen=True)
class BackedChange:
    """A node of the path before and after the backup; Q is None before the first visit."""

    node: int
    visits: int
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Simulation:
    """Simulation `number`, from 1: its choices from the top down, what it drew and tried, the value
    that came back, and what that changed along the path, root first. `seq` is the event of its
    backup."""

    number: int
    seq: int
    choices: tuple[WalkLevel, ...]
    fresh: tuple[Fresh, ...]
    tried: tuple[TriedLeaf, ...]
    value: float
    changes: tuple[BackedChange, ...]

    @property
    def path(self) -> tuple[int, ...]:
        return tuple(change.node for change in self.changes)


T = TypeVar("T")


class Round(NamedTuple):
    """The events that led to one backup, then that one, and what it says."""

    events: Sequence[EventRecord]
    backed: EventRecord
    note: Backed[int]


def rounds(events: Iterable[EventRecord], until: int | None = None) -> list[Round]:
    """The simulations of the log whose backup is not after event `until`, in order. One that logged
    nothing but its backup is a round as well."""
    found: list[Round] = []
    going: list[EventRecord] = []
    for event in up_to(events, until):
        match event.body:
            case StepEnded():
                going = []
            case Backed() as note:
                found.append(Round(going, event, note))
                going = []
            case Selected() | NodeAdded() | ScoreGiven() | Pruned() | Rolled():
                going.append(event)
    return found


def simulation(
    rows: Sequence[TreeRow], events: Sequence[EventRecord], found: Sequence[Round], number: int
) -> Simulation:
    """Simulation `number` (from 1) of those `found` in `events`. `rows` is the tree at that moment
    or later."""
    own, backed, note = found[number - 1]
    before = backups(events, backed.seq - 1)
    after = backups([backed])
    changes = []
    for node in note.path:
        old = before.get(node, Backups())
        added = old.add(note.value, after[node].recorded)
        changes.append(BackedChange(node, added.visits, old.mean, added.mean))
    choices = [
        choice
        for event in own
        if isinstance(event.body, Selected)
        for choice in _choices(event.body, before)
    ]
    return Simulation(
        number,
        backed.seq,
        tuple(choices),
        _fresh(rows, own),
        _read_tried(own),
        note.value,
        tuple(changes),
    )


def _choices(walk: Selected[int], before: Mapping[int, Backups]) -> Iterable[WalkLevel]:
    path = walk.path
    for place, children in enumerate(walk.children):
        priors, draws = _level(walk.priors, place), _level(walk.draws, place)
        options = tuple(
            WalkOption(
                node,
                walk.visits[place][slot],
                walk.means[place][slot],
                walk.scores[place][slot],
                node == path[place + 1],
                priors[slot] if priors else None,
                draws[slot] if draws else None,
            )
            for slot, node in enumerate(children)
        )
        visits = before.get(path[place], Backups()).visits
        yield WalkLevel(path[place], visits, walk.formula, options)


def _level(levels: Sequence[Sequence[T]], place: int) -> Sequence[T]:
    return levels[place] if place < len(levels) else ()


def _fresh(rows: Sequence[TreeRow], events: Sequence[EventRecord]) -> tuple[Fresh, ...]:
    bodies = [event.body for event in events]
    new = {body.node for body in bodies if isinstance(body, NodeAdded)}
    dropped = {node for body in bodies if isinstance(body, Pruned) for node in body.nodes}
    scores = {body.node: body.value for body in bodies if isinstance(body, ScoreGiven)}
    return tuple(
        Fresh(row.id, row.parent, scores.get(row.id), row.id in dropped)
        for row in rows
        if row.id in new and row.parent is not None and row.kind != "rollout"
    )


def _read_tried(events: Sequence[EventRecord]) -> tuple[TriedLeaf, ...]:
    bodies = (event.body for event in events)
    return tuple(
        TriedLeaf(body.node, body.rollout, body.value)
        for body in bodies
        if isinstance(body, Rolled)
    )


def describe_phase(one: Simulation, phase: str) -> str:
    """What a phase of the simulation did, in a sentence."""
    return _SENTENCES[phase](one)


def _select(one: Simulation) -> str:
    if not one.choices:
        return "The walk stays at the root: nothing is below it yet."
    surprise = sum(not choice.greatest for choice in one.choices)
    by_chance = (
        f" At {surprise} of them the draw fell on another child than the likeliest."
        if surprise
        else ""
    )
    formula = one.choices[0].formula
    return (
        f"{len(one.choices)} choice{_s(len(one.choices))} on the way down, each by the value "
        f"of {formula}; the star marks the greatest.{by_chance}"
    )


def _expand(one: Simulation) -> str:
    drawn, copies = len(one.fresh), sum(new.dropped for new in one.fresh)
    if not drawn:
        return "Nothing is drawn: the walk has come to a finished or dead leaf."
    return f"{drawn} node{_s(drawn)} drawn below the leaf" + (
        f"; {copies} dropped, most for saying what a sibling says." if copies else "."
    )


def _evaluate(one: Simulation) -> str:
    rollouts = [
        f"the rollout from node {tried.node} ended in node {tried.end} with {_score(tried.value)}"
        for tried in one.tried
    ]
    giver = next(
        (new.node for new in one.fresh if new.score == one.value and not new.dropped), None
    )
    worth = f"Node {one.path[-1]} is worth {one.value:.3f}"
    if rollouts:
        return f"{worth}; {'; '.join(rollouts)}."
    if giver is not None:
        return f"{worth}, the score of node {giver}."
    return f"{worth}: " + (
        "its own value, because nothing was drawn below it."
        if not one.fresh
        else "none of the new nodes gave it this value."
    )


def _back_up(one: Simulation) -> str:
    root = one.changes[0]
    was = "was not known" if root.before is None else f"was {root.before:.3f}"
    now = "?" if root.after is None else f"{root.after:.3f}"
    return (
        f"{one.value:.3f} goes back along {len(one.changes)} node{_s(len(one.changes))}; each "
        f"gains a visit. Q of the root {was} and is now {now}."
    )


_SENTENCES = {"select": _select, "expand": _expand, "evaluate": _evaluate, "back up": _back_up}
PHASES = tuple(_SENTENCES)


def _score(value: float | None) -> str:
    return "no score" if value is None else f"score {value:.3f}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def format_number(value: float | None) -> str:
    """A value of a formula as people read it."""
    return "\u2013" if value is None else f"{value:.2f}" if math.isfinite(value) else "\u221e"
