"""The formulas behind a node, with its numbers put in: what made the search walk here, weigh,
grant, keep or cut it, as the log tells it.

Which formulas apply is read off the log's notes and off what the strategy declares in the catalogue
(`declared`), never off its name. Each is computed anew from raw events; where the search recorded
the result as well, both stand side by side, and they must agree. The families are in
`formula_walks`, `formula_values`, `formula_particles`, `formula_frontier` and `formula_beams`.
Formulas are LaTeX made of numbers only: no text of a model or a person gets into one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from backend.core.tree import TreeRow, up_to


class LoggedEvent(Protocol):
    """An entry of the log with its place in the search."""

    @property
    def seq(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def node_id(self) -> int | None: ...
    @property
    def track(self) -> str: ...
    @property
    def round(self) -> int: ...
    @property
    def value(self) -> float | None: ...
    @property
    def data(self) -> Mapping[str, Any] | None: ...

    @property
    def label(self) -> str: ...


@dataclass(frozen=True)
class Term:
    """A symbol of a formula, what it means, and its value here."""

    symbol: str
    meaning: str
    value: float


@dataclass(frozen=True)
class Rival:
    """One of those between which a choice was made: its value, and whether it was taken."""

    node: int
    value: float
    taken: bool
    facts: str = ""


@dataclass(frozen=True)
class Formula:
    """A formula with numbers: `symbols` and `numbers` are LaTeX, `value` is computed here (None
    where a constant is not known), `recorded` is what the search wrote down, None where it writes
    nothing down. `seq` is the event that it explains, `rivals` stand the best first, `said` is one
    sentence on the outcome."""

    title: str
    symbols: str
    numbers: str
    value: float | None
    recorded: float | None
    seq: int
    terms: tuple[Term, ...] = ()
    rivals: tuple[Rival, ...] = ()
    said: str = ""

    @property
    def agrees(self) -> bool:
        """Whether what is computed here is what the search recorded; True where there is only one
        of both."""
        if self.value is None or self.recorded is None:
            return True
        return self.value == self.recorded or math.isclose(
            self.value, self.recorded, rel_tol=1e-6, abs_tol=1e-9
        )


@dataclass(frozen=True)
class Case:
    """A node at a moment: `rows` by id and `events` as they stood then, the run's parameters with
    their defaults, and the formulas that the strategy declares, each with its published constant
    where it has one."""

    node: TreeRow
    rows: Mapping[int, TreeRow]
    events: Sequence[LoggedEvent]
    params: Mapping[str, object]
    declared: Mapping[str, float | None]

    @cached_property
    def _by_kind(self) -> Mapping[str, list[LoggedEvent]]:
        found: dict[str, list[LoggedEvent]] = {}
        for event in self.events:
            found.setdefault(event.kind, []).append(event)
        return found

    def of(self, kind: str) -> Sequence[LoggedEvent]:
        """The events of a kind, oldest first."""
        return self._by_kind.get(kind, [])

    def latest(self, kind: str, holds: Callable[[LoggedEvent], bool]) -> LoggedEvent | None:
        """The newest event of a kind that `holds` says yes to."""
        return next((event for event in reversed(self.of(kind)) if holds(event)), None)

    @cached_property
    def _scores(self) -> Mapping[int, float | None]:
        return {
            event.node_id: event.value for event in self.of("score") if event.node_id is not None
        }

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

    def number(self, name: str, otherwise: float | None = None) -> float | None:
        """A parameter that is a number."""
        value = self.params.get(name)
        return (
            float(value)
            if isinstance(value, int | float) and not isinstance(value, bool)
            else otherwise
        )

    def choice(self, name: str) -> str:
        """A parameter that is a word; empty where there is none."""
        value = self.params.get(name)
        return value if isinstance(value, str) else ""


def case(
    node: int,
    rows: Iterable[TreeRow],
    events: Iterable[LoggedEvent],
    until: int | None,
    params: Mapping[str, object],
    declared: Mapping[str, float | None],
) -> Case | None:
    """What is known of a node after the events with seq <= `until`; None if it was not yet written
    then."""
    by_id = {row.id: row for row in rows}
    return (
        Case(by_id[node], by_id, list(up_to(events, until)), params, declared)
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


def figure(value: Any) -> float:
    """A number of the log, which keeps an infinity as a word."""
    return float(value)


def tex(value: float) -> str:
    """A number in a formula: four significant digits."""
    if math.isinf(value):
        return r"\infty" if value > 0 else r"-\infty"
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    shown = f"{value:.4g}"
    mantissa, _, power = shown.partition("e")
    return f"{mantissa}\\cdot 10^{{{int(power)}}}" if power else shown


def signed(value: float) -> str:
    """A number in a sum or product: in brackets if it is negative."""
    return f"({tex(value)})" if value < 0 else tex(value)
