"""The figures of analyses: a table of rows with named columns becomes lines, if it has something to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plotly import graph_objects as go

from components.budget_curve import COLOURS, DASHES, SYMBOLS
from components.theme import escaped, framed

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Plan:
    """How a table is drawn: columns for x and the ys, the column that tells lines apart (None: one line a y), axis
    titles, whether x is logarithmic."""

    x: str
    ys: tuple[str, ...]
    by: str | None
    x_title: str
    y_title: str
    logarithmic: bool = False
    scatter: bool = False


PLANS: Mapping[tuple[str, str], Plan] = {
    ("coverage", "curve"): Plan("k", ("coverage", "fitted"), "problems", "samples drawn", "chance that one is right", True),
    ("judge", "curve"): Plan("k", ("best of k",), "problems", "samples drawn", "chance that the best-scored is right", True),
    ("imperfect", "attempts"): Plan("k", ("value", "accuracy"), None, "attempts until one is accepted", "value; accuracy of accepted answers"),
    ("imperfect", "problems"): Plan(
        "right", ("false positives",), None, "share of samples that are right, by problem", "share of wrong samples accepted", scatter=True
    ),
    ("spread", "curve"): Plan("k", ("best", "average", "worst"), None, "samples drawn", "chance to be right", True),
    ("horizon", "accuracy"): Plan("steps", ("accuracy", "fitted"), None, "steps that the problem needs", "share of solutions that are right"),
    ("horizon", "steps"): Plan("step", ("right",), None, "step of the solution", "share right, of those right until then"),
    ("difficulty", "compute-optimal"): Plan(
        "cost", ("by difficulty", "one arm for all", "by difficulty, unseen", "one arm, unseen"), None, "mean cost a problem", "accuracy", True
    ),
    ("settings", "curve"): Plan("budget", ("accuracy",), "arm", "budget", "accuracy", True),
    ("pareto", "options"): Plan("cost", ("accuracy",), "on the frontier", "mean cost a problem", "accuracy", True, scatter=True),
}


@dataclass(frozen=True)
class Line:
    """A line or a cloud: its name and its points with both coordinates."""

    name: str
    points: tuple[tuple[float, float], ...]


def lines(rows: Rows, plan: Plan) -> tuple[Line, ...]:
    """The lines of a table; rows without a number in a column leave a gap there."""
    groups = list(dict.fromkeys(row[plan.by] for row in rows)) if plan.by else [None]
    found = []
    for group in groups:
        for y in plan.ys:
            mine = [row for row in rows if plan.by is None or row[plan.by] == group]
            points = tuple((row[plan.x], row[y]) for row in mine if row.get(plan.x) is not None and row.get(y) is not None)
            if points:
                told = [] if group is None else [f"{plan.by}: {group}" if isinstance(group, bool) else str(group)]
                found.append(Line(", ".join(told + ([y] if len(plan.ys) > 1 else [])) or y, points))
    return tuple(found)


def analysis_figure(drawn: Sequence[Line], plan: Plan) -> go.Figure:
    """Lines told apart by colour, mark and dash; a fitted one has no marks."""
    figure = go.Figure()
    for place, line in enumerate(drawn):
        fitted = line.name.endswith("fitted")
        mode = "markers" if plan.scatter else "lines" if fitted else "lines+markers"
        colour = COLOURS[(place // len(plan.ys) if plan.by else place) % len(COLOURS)]
        figure.add_scatter(
            x=[x for x, _ in line.points], y=[y for _, y in line.points], mode=mode, name=escaped(line.name),
            line={"color": colour, "width": 2, "dash": "dot" if fitted else DASHES[place % len(DASHES)]},
            marker={"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 8, "color": colour},
            hovertemplate="%{x:,.3g}, %{y:.3f}<extra>" + escaped(line.name) + "</extra>",
        )  # fmt: skip
    framed(figure, x=plan.x_title, y=plan.y_title, height=330)
    if plan.logarithmic:
        figure.update_xaxes(type="log")
    return figure


__all__ = ["PLANS", "Line", "Plan", "analysis_figure", "lines"]
