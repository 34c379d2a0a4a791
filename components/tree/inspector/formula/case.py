"""What is known of a node at a moment, and what the inspector says of a formula that decided about
it.

Which formulas apply is read off the log's notes and off what the strategy declares in the catalogue
(`declared`), never off its name. The formulas themselves are those that strategies compute with
(`backend.core.formulas`): the files beside this one only collect their inputs from the log. Where
the search recorded the result as well, both stand side by side, and they must agree. Formulas are
LaTeX made of numbers only: no text of a model or a person gets into one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar, cast, get_origin

from backend.core.events import Body, ScoreGiven
from backend.core.formulas import FORMULAS, Shown, Term
from backend.core.records import EventRecord
from backend.core.tree import TreeRow, up_to

B = TypeVar("B", bound=Body)
TOLERANCE, NEARLY_ZERO = 1e-6, 1e-9
"""How far, relatively and absolutely, a number computed anew may lie from the recorded one."""


class Logged(NamedTuple, Generic[B]):
    """An event of one kind, with its place in the search."""

    seq: int
    round: int
    track: str
    body: B


@dataclass(frozen=True)
class Rival:
    """One of those between which a choice was made: its value, and whether it was taken."""

    node: int
    value: float
    taken: bool
    facts: str = ""


@dataclass(frozen=True)
class FormulaStep:
    """A formula on the way to another one: with numbers, and the value that the search recorded,
    None where it wrote none down."""

    shown: Shown
    recorded: float | None = None

    @property
    def agrees(self) -> bool:
        """Whether what is computed here is what the search recorded; True where it wrote nothing
        down."""
        return self.recorded is None or alike(self.shown.value, self.recorded)


@dataclass(frozen=True)
class Explanation:
    """A formula that decided about a node. `shown` has its numbers put in, None where an input is
    not known here; `symbols` is its LaTeX. `recorded` is what the search wrote down, None where it
    writes nothing down. `seq` is the event that is explained, `steps` are formulas that made inputs
    of this one, `rivals` stand the best first, `said` is one sentence on the outcome."""

    title: str
    seq: int
    shown: Shown | None = None
    recorded: float | None = None
    symbols: str = ""
    steps: tuple[FormulaStep, ...] = ()
    more: tuple[Term, ...] = ()
    rivals: tuple[Rival, ...] = ()
    said: str = ""

    @property
    def value(self) -> float | None:
        """What is computed here."""
        return None if self.shown is None else self.shown.value

    @property
    def terms(self) -> tuple[Term, ...]:
        """The inputs of the formula and of the steps toward it, each symbol once."""
        known = {term.symbol: term for step in self.steps for term in step.shown.terms}
        own = () if self.shown is None else self.shown.terms
        known |= {term.symbol: term for term in (*own, *self.more)}
        return tuple(known.values())

    @property
    def agrees(self) -> bool:
        """Whether what is computed here is what the search recorded, in every step; True where
        there is only one of both."""
        here = self.value is None or self.recorded is None or alike(self.value, self.recorded)
        return here and all(step.agrees for step in self.steps)


def alike(computed: float, recorded: float) -> bool:
    """Whether two numbers are the same but for rounding."""
    return computed == recorded or math.isclose(
        computed, recorded, rel_tol=TOLERANCE, abs_tol=NEARLY_ZERO
    )


def show_named(name: str, inputs: Mapping[str, object], at: int = 0) -> Shown | None:
    """A formula by name, with those of the inputs that it declares; None where there is no such
    formula, or one of its inputs is not known."""
    formula = FORMULAS.get(name)
    known = {given: value for given, value in inputs.items() if value is not None}
    if formula is None or not formula.inputs.keys() <= known.keys():
        return None
    return formula.show(known, at)


def latex_of(name: str) -> str:
    """The LaTeX of a formula by name; empty where there is no such formula."""
    return FORMULAS[name].latex if name in FORMULAS else ""


def steps(*made: Shown | None) -> tuple[FormulaStep, ...]:
    """The formulas that could be shown."""
    return tuple(FormulaStep(one) for one in made if one is not None)


@dataclass(frozen=True)
class FormulaCase:
    """A node at a moment: `rows` by id and `events` as they stood then, the run's parameters with
    their defaults, and the formulas that the strategy declares, each with its published constant
    where it has one."""

    node: TreeRow
    rows: Mapping[int, TreeRow]
    events: Sequence[EventRecord]
    params: Mapping[str, object]
    declared: Mapping[str, float | None]

    @cached_property
    def _by_kind(self) -> Mapping[type, list[Logged[Body]]]:
        found: dict[type, list[Logged[Body]]] = {}
        for event in self.events:
            if isinstance(event.body, Body):
                found.setdefault(type(event.body), []).append(
                    Logged(event.seq, event.round, event.track, event.body)
                )
        return found

    def of(self, kind: type[B]) -> Sequence[Logged[B]]:
        """The events of a kind, oldest first."""
        return cast(Sequence[Logged[B]], self._by_kind.get(get_origin(kind) or kind, ()))

    def latest(self, kind: type[B], holds: Callable[[B], bool]) -> Logged[B] | None:
        """The newest event of a kind whose body `holds` says yes to."""
        return next((event for event in reversed(self.of(kind)) if holds(event.body)), None)

    @cached_property
    def _scores(self) -> Mapping[int, float | None]:
        return {event.body.node: event.body.value for event in self.of(ScoreGiven)}

    def score(self, node: int | None) -> float | None:
        """The verifier's value of a node, None where it has none."""
        return None if node is None else self._scores.get(node)

    @cached_property
    def children(self) -> Mapping[int, list[TreeRow]]:
        """The nodes below each node, in order of creation."""
        found: dict[int, list[TreeRow]] = {}
        for row in self.rows.values():
            if row.parent is not None:
                found.setdefault(row.parent, []).append(row)
        return found

    @cached_property
    def numbers(self) -> Mapping[str, float]:
        """The parameters that are numbers, by name."""
        return {
            name: value
            for name, value in self.params.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }

    def choice(self, name: str) -> str:
        """A parameter that is a word; empty where there is none."""
        value = self.params.get(name)
        return value if isinstance(value, str) else ""


def case(
    node: int,
    rows: Iterable[TreeRow],
    events: Iterable[EventRecord],
    until: int | None,
    params: Mapping[str, object],
    declared: Mapping[str, float | None],
) -> FormulaCase | None:
    """What is known of a node after the events with seq <= `until`; None if it was not yet written
    then."""
    by_id = {row.id: row for row in rows}
    return (
        FormulaCase(by_id[node], by_id, list(up_to(events, until)), params, declared)
        if node in by_id
        else None
    )


def settings(params: Mapping[str, object], schema: Mapping[str, object]) -> dict[str, object]:
    """Parameters with the defaults of their JSON schema."""
    properties = schema.get("properties")
    fields = properties if isinstance(properties, Mapping) else {}
    defaults = {
        str(name): field["default"]
        for name, field in fields.items()
        if isinstance(field, Mapping) and "default" in field
    }
    return {**defaults, **params}
