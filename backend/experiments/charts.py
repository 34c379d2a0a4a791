"""How the tables of analyses are drawn: a table with a plan becomes charts of named lines, the same
numbers for the page and for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from backend.core.statistics.intervals import METHOD

Row: TypeAlias = Mapping[str, Any]
"""A row of a table: a number, a text or None by column, so that page, report and download show the
same figures."""
Kind = Literal["lines", "points", "bars", "intervals", "grid"]
"""`points` are not joined; `bars` stand over names; `intervals` lie beside names, around a neutral
value; of a `grid` the lines are rows, y the value."""
ACCURACY = "share answered right"
"""The y title of curves of accuracy."""


@dataclass(frozen=True)
class Plan:
    """How a table is drawn: the columns of x and of the ys, the titles of the axes (`{budget}` and
    `{axis}` stand for what budgets and costs are counted in), the column that tells lines apart
    (None: one line a y), the one that tells charts apart (None: one chart), whether x (of
    intervals: the value) is logarithmic, whether the bands of `low` and `high` belong to y, what
    the method of these is called, and the value of intervals at which both sides are equal."""

    x: str
    ys: tuple[str, ...]
    x_title: str
    y_title: str
    by: str | None = None
    part: str | None = None
    kind: Kind = "lines"
    logarithmic: bool = False
    bands: bool = False
    method: str = METHOD
    neutral: float = 1.0


@dataclass(frozen=True)
class ChartLine:
    """A line, a cloud, some bars or a row: its name and its points (x, y, low, high), x a number or
    a name, the last two None without a band."""

    name: str
    points: tuple[tuple[float | str, float, float | None, float | None], ...]


@dataclass(frozen=True)
class Chart:
    """A chart of a table. `part` names the part of the table that this one of several charts shows,
    empty where there is one chart; a line whose name ends in `fitted` is a fitted law;
    `notes` are sentences to read it by."""

    table: str
    part: str
    kind: Kind
    x_title: str
    y_title: str
    logarithmic: bool
    lines: tuple[ChartLine, ...]
    notes: tuple[str, ...] = ()
    neutral: float = 1.0


def draw_charts(
    table: str,
    rows: Sequence[Row],
    plan: Plan,
    words: Mapping[str, str],
    caveats: Sequence[str] = (),
) -> list[Chart]:
    """The charts of a table, those with nothing to draw left out. `words` are what `{budget}` and
    `{axis}` stand for in the titles of axes, `caveats` what has to be known of that axis."""
    parts = list(dict.fromkeys(str(row[plan.part]) for row in rows)) if plan.part else [""]
    found = []
    for part in parts:
        mine = [row for row in rows if plan.part is None or str(row[plan.part]) == part]
        if drawn := draw_lines(mine, plan):
            across, up = plan.x_title.format_map(words), plan.y_title.format_map(words)
            of_axis = caveats if "{axis}" in plan.x_title + plan.y_title else ()
            notes = (*of_axis, *notes_of(drawn, plan))
            of = (table, part, plan.kind, across, up, plan.logarithmic)
            found.append(Chart(*of, drawn, notes, plan.neutral))
    return found


def notes_of(lines: Sequence[ChartLine], plan: Plan) -> list[str]:
    """What the bands are, and which points a logarithmic axis has no place for."""
    points = [point for line in lines for point in line.points]
    notes = []
    if plan.bands and any(low is not None for _, _, low, _ in points):
        notes.append(f"Bands are {plan.method}.")
    if plan.logarithmic:
        along = [y if plan.kind == "intervals" else x for x, y, _, _ in points]
        notes += note_of_zeros(along)
    return notes


def note_of_zeros(values: Sequence[float | str]) -> list[str]:
    """That a logarithmic axis leaves values out, where it does."""
    count = sum(not isinstance(value, str) and value <= 0.0 for value in values)
    if not count:
        return []
    points = "1 point at 0 has" if count == 1 else f"{count} points at 0 have"
    return [f"{points} no place on a logarithmic axis; the table lists all."]


def draw_lines(rows: Sequence[Row], plan: Plan) -> tuple[ChartLine, ...]:
    """The lines of a table; rows without a number in a column leave a gap there."""
    groups = list(dict.fromkeys(row[plan.by] for row in rows)) if plan.by else [None]
    found = []
    for group in groups:
        mine = [row for row in rows if plan.by is None or row[plan.by] == group]
        for y in plan.ys:
            points = tuple(
                (row[plan.x], row[y], *_band(row, plan))
                for row in mine
                if _is_known(row.get(plan.x)) and _is_known(row.get(y))
            )
            if points:
                found.append(ChartLine(_name(plan, group, y), points))
    return tuple(found)


def _name(plan: Plan, group: object, y: str) -> str:
    """What a line is called: its group, and its column where there are several."""
    parts = [y] if len(plan.ys) > 1 else []
    if group is not None:
        parts.insert(0, group if isinstance(group, str) else f"{plan.by} {_write_group(group)}")
    return ", ".join(parts) or y


def _write_group(group: object) -> str:
    if isinstance(group, bool):
        return "yes" if group else "no"
    return f"{group:g}" if isinstance(group, float) else str(group)


def _band(row: Row, plan: Plan) -> tuple[float | None, float | None]:
    low, high = row.get("low"), row.get("high")
    return (_number(low), _number(high)) if plan.bands else (None, None)


def _is_known(value: object) -> bool:
    return value is not None and value == value


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value == value else None


__all__ = [
    "ACCURACY",
    "Chart",
    "ChartLine",
    "Kind",
    "Plan",
    "Row",
    "draw_charts",
    "draw_lines",
    "note_of_zeros",
]
