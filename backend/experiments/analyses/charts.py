"""How the tables of analyses are drawn: a table with a plan becomes charts of named lines, the same
numbers for the page and for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from backend.experiments.analyses.base import Analysis, Material, Row
from backend.experiments.curves import AXES

Kind = Literal["lines", "points", "bars", "intervals", "grid"]
"""`points` are not joined; `bars` stand over names; `intervals` lie beside names, around a neutral
1; of a `grid` the lines are rows, y the value."""


@dataclass(frozen=True)
class Plan:
    """Columns for x and the ys, the column that tells lines apart (None: one line a y), the one
    that tells charts apart (None: one chart), axis titles (`{budget}` and `{axis}` stand for what
    budgets and costs are counted in), whether x (of intervals: the value) is logarithmic, and
    whether the bands of `low` and `high` belong to y."""

    x: str
    ys: tuple[str, ...]
    by: str | None
    x_title: str
    y_title: str
    logarithmic: bool = False
    kind: Kind = "lines"
    part: str | None = None
    bands: bool = False


@dataclass(frozen=True)
class Line:
    """A line, a cloud, some bars or a row: its name and its points (x, y, low, high), x a number or
    a name, the last two None without a band."""

    name: str
    points: tuple[tuple[float | str, float, float | None, float | None], ...]


@dataclass(frozen=True)
class Chart:
    """What is drawn: `part` names what this one of several is about, empty where there is one; a
    line whose name ends in `fitted` is a law."""

    table: str
    part: str
    kind: Kind
    x_title: str
    y_title: str
    logarithmic: bool
    lines: tuple[Line, ...]


ACCURACY = "share answered right"
OPTIMAL = Plan(
    "cost",
    ("by difficulty", "one arm for all", "by difficulty, unseen", "one arm, unseen"),
    None,
    "mean cost a problem: {axis}",
    "accuracy",
    True,
)
PLANS: Mapping[tuple[str, str], Plan] = {
    ("pairs", "cost at equal accuracy"): Plan(
        "pair",
        ("times cheaper",),
        None,
        "",
        "how many times cheaper the first is (1: the same cost)",
        True,
        kind="intervals",
        bands=True,
    ),
    ("coverage", "curve"): Plan(
        "k", ("coverage", "fitted"), "problems", "samples drawn", "chance that one is right", True
    ),
    ("judge", "curve"): Plan(
        "k",
        ("best of k",),
        "problems",
        "samples drawn",
        "chance that the best-scored is right",
        True,
    ),
    ("imperfect", "attempts"): Plan(
        "k",
        ("value", "accuracy"),
        None,
        "attempts until one is accepted",
        "value; accuracy of accepted answers",
    ),
    ("imperfect", "problems"): Plan(
        "right",
        ("false positives",),
        None,
        "share of samples that are right, by problem",
        "share of wrong samples accepted",
        kind="points",
    ),
    ("saturation", "curve"): Plan(
        "k", ("measured", "fitted"), "curve", "samples drawn", ACCURACY, True
    ),
    ("cost of pass", "arms"): Plan(
        "budget", ("median over solved",), "arm", "{budget}", "cost of a right answer", True
    ),
    ("difficulty", "best"): Plan(
        "budget", ("accuracy",), "problems", "{budget}", "accuracy of the best arm there", True
    ),
    ("difficulty", "compute-optimal"): OPTIMAL,
    ("difficulty", "compute-optimal by success"): OPTIMAL,
    ("iso-cost", "grid"): Plan(
        "cost",
        ("accuracy",),
        "way",
        "cost in solutions, S (1 + \u03bbV)",
        ACCURACY,
        True,
        bands=True,
    ),
    ("spread", "curve"): Plan(
        "k", ("best", "average", "worst"), None, "samples drawn", "chance to be right", True
    ),
    ("settings", "temperature"): Plan(
        "temperature", ("accuracy",), "budget", "temperature", ACCURACY, part="rule", bands=True
    ),
    ("settings", "top-p"): Plan(
        "top-p", ("accuracy",), "budget", "top-p", ACCURACY, part="rule", bands=True
    ),
    ("settings", "aggregation"): Plan(
        "aggregation",
        ("accuracy",),
        "budget",
        "how step scores become one",
        ACCURACY,
        part="rule",
        bands=True,
    ),
    ("horizon", "accuracy"): Plan(
        "steps",
        ("accuracy", "fitted"),
        None,
        "steps that the problem needs",
        "share of solutions that are right",
    ),
    ("horizon", "steps"): Plan(
        "step", ("right",), None, "step of the solution", "share right, of those right until then"
    ),
    ("prefixes", "arms"): Plan(
        "budget", ("prefix accuracy",), "arm", "{budget}", "prefix accuracy", True, bands=True
    ),
    ("prefixes", "lengths"): Plan(
        "steps needed",
        ("prefix accuracy", "sequential match", "final match"),
        None,
        "steps that the problem needs",
        "share",
        part="arm",
    ),
    ("cache", "arms"): Plan(
        "arm", ("share",), None, "", "share of prompt tokens from the cache", kind="bars"
    ),
    ("pareto", "options"): Plan(
        "cost",
        ("accuracy",),
        "on the frontier",
        "mean cost a problem: {axis}",
        "accuracy",
        True,
        kind="points",
    ),
}
GRIDS: Mapping[tuple[str, str], Plan] = {
    ("iso-cost", "grid"): Plan("solutions", ("accuracy",), "way", "solutions S", "", kind="grid"),
}
"""Second pictures of tables that have one above."""


def charts(found: Analysis, material: Material) -> list[Chart]:
    """The charts of an analysis, those with nothing to draw left out."""
    made, named = (
        [],
        {
            "budget": f"budget in {material.experiment.budgets.axis.replace('_', ' ')}",
            "axis": AXES[material.axis],
        },
    )
    for name, rows in found.tables.items():
        for plan in (
            each[found.name, name] for each in (PLANS, GRIDS) if (found.name, name) in each
        ):
            parts = list(dict.fromkeys(str(row[plan.part]) for row in rows)) if plan.part else [""]
            for part in parts:
                drawn = lines(
                    [row for row in rows if plan.part is None or str(row[plan.part]) == part], plan
                )
                if drawn:
                    across, up = plan.x_title.format_map(named), plan.y_title.format_map(named)
                    made.append(Chart(name, part, plan.kind, across, up, plan.logarithmic, drawn))
    return made


def lines(rows: Sequence[Row], plan: Plan) -> tuple[Line, ...]:
    """The lines of a table; rows without a number in a column leave a gap there."""
    groups = list(dict.fromkeys(row[plan.by] for row in rows)) if plan.by else [None]
    found = []
    for group in groups:
        mine = [row for row in rows if plan.by is None or row[plan.by] == group]
        for y in plan.ys:
            points = tuple(
                (
                    row[plan.x],
                    row[y],
                    *(_number(row.get(side)) if plan.bands else None for side in ("low", "high")),
                )
                for row in mine
                if _there(row.get(plan.x)) and _there(row.get(y))
            )
            if points:
                told = (
                    []
                    if group is None
                    else [group if isinstance(group, str) else f"{plan.by} {_said(group)}"]
                )
                found.append(Line(", ".join(told + ([y] if len(plan.ys) > 1 else [])) or y, points))
    return tuple(found)


def _said(group: object) -> str:
    return (
        ("no", "yes")[group]
        if isinstance(group, bool)
        else f"{group:g}"
        if isinstance(group, float)
        else str(group)
    )


def _there(value: object) -> bool:
    return value is not None and value == value


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value == value else None


__all__ = ["GRIDS", "PLANS", "Chart", "Kind", "Line", "Plan", "charts", "lines"]
