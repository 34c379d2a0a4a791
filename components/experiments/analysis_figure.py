"""The figures of analyses: charts of named lines become pictures; lines differ in colour, mark and
dash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from plotly import graph_objects as go

from backend.core.palette import COLOURS, line_look
from components.experiments.budget_curve import faint, readable_log
from components.frame.theme import GREY, SCORE_SCALE, escape, frame

Point = tuple[float | str, float, float | None, float | None]
FITTED = "fitted"


class LineLike(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def points(self) -> Sequence[Point]: ...


class ChartLike(Protocol):
    @property
    def part(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def x_title(self) -> str: ...
    @property
    def y_title(self) -> str: ...
    @property
    def logarithmic(self) -> bool: ...
    @property
    def neutral(self) -> float: ...
    @property
    def lines(self) -> Sequence[LineLike]: ...


def analysis_figure(chart: ChartLike) -> go.Figure:
    """The picture of a chart."""
    return {"grid": grid, "intervals": intervals, "bars": bars}.get(chart.kind, curves)(chart)


def curves(chart: ChartLike) -> go.Figure:
    """Lines or clouds; a fitted one is dotted, without marks, in the colour of what it is fitted
    to."""
    figure, colours = go.Figure(), dict[str, int]()
    for place, line in enumerate(chart.lines):
        look, fitted = line_look(place), line.name.endswith(FITTED)
        measured = line.name.rpartition(", ")[0] if _in_pairs(chart) else line.name
        colour = line_look(colours.setdefault(measured, len(colours))).colour
        _band(figure, line, colour)
        figure.add_scatter(
            x=[point[0] for point in line.points],
            y=[point[1] for point in line.points],
            name=escape(line.name),
            legendgroup=line.name,
            mode="markers" if chart.kind == "points" else "lines" if fitted else "lines+markers",
            line={
                "color": colour,
                "width": 2,
                "dash": "dot" if fitted else look.dash,
            },
            marker={
                "symbol": look.mark,
                "size": 8,
                "color": colour,
                "line": {"width": 1, "color": "rgba(255,255,255,0.7)"},
            },
            hovertext=[_hover_text(line, point) for point in line.points],
            hoverinfo="text",
        )
    frame(figure, x=chart.x_title, y=chart.y_title, height=340)
    if chart.part:  # one of several that are compared
        figure.update_yaxes(range=[-0.02, 1.02])
    if chart.logarithmic:
        readable_log(figure, [float(point[0]) for line in chart.lines for point in line.points])
    return figure


def _in_pairs(chart: ChartLike) -> bool:
    """Whether lines are measured ones and the laws fitted to them, under one name each."""
    return any(line.name.endswith(f", {FITTED}") for line in chart.lines)


def _band(figure: go.Figure, line: LineLike, colour: str) -> None:
    known = [point for point in line.points if point[2] is not None and point[3] is not None]
    if len(known) > 1:
        figure.add_scatter(
            x=[point[0] for point in known] + [point[0] for point in reversed(known)],
            y=[point[3] for point in known] + [point[2] for point in reversed(known)],
            fill="toself",
            mode="none",
            fillcolor=faint(colour),
            hoverinfo="skip",
            showlegend=False,
            legendgroup=line.name,
        )


def _hover_text(line: LineLike, point: Point) -> str:
    x, y, low, high = point
    band = "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"
    return (
        f"<b>{escape(line.name)}</b><br>{escape(x) if isinstance(x, str) else f'{x:,.4g}'}: "
        f"{y:,.4g}{band}"
    )


def bars(chart: ChartLike) -> go.Figure:
    """One bar a name, its number at its end."""
    figure = go.Figure()
    for line, colour in zip(chart.lines, COLOURS, strict=False):
        figure.add_bar(
            y=[escape(str(point[0])) for point in line.points],
            x=[point[1] for point in line.points],
            orientation="h",
            marker={"color": colour},
            text=[f"{point[1]:.3g}" for point in line.points],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
            name=escape(line.name),
        )
    return _frame_with_names(figure, chart)


def intervals(chart: ChartLike) -> go.Figure:
    """A mark with its interval beside each name, around the line where both sides are equal."""
    figure = go.Figure()
    for line, colour in zip(chart.lines, COLOURS, strict=False):
        known = [point for point in line.points if point[2] is not None and point[3] is not None]
        figure.add_scatter(
            y=[escape(str(point[0])) for point in known],
            x=[point[1] for point in known],
            mode="markers",
            marker={"size": 9, "color": colour},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [(point[3] or 0.0) - point[1] for point in known],
                "arrayminus": [point[1] - (point[2] or 0.0) for point in known],
                "color": colour,
                "thickness": 1.5,
            },
            hovertext=[_hover_text(line, point) for point in known],
            hoverinfo="text",
        )
    figure.add_vline(x=chart.neutral, line={"color": GREY, "dash": "dash", "width": 1})
    if chart.logarithmic:
        readable_log(
            figure,
            [
                side
                for line in chart.lines
                for point in line.points
                for side in point[1:]
                if side is not None and side > 0
            ],
        )
    return _frame_with_names(figure, chart)


def _frame_with_names(figure: go.Figure, chart: ChartLike) -> go.Figure:
    """The frame of names under each other."""
    names = max((len(line.points) for line in chart.lines), default=0)
    frame(figure, x=chart.y_title, y="", height=90 + 24 * names)
    figure.update_yaxes(autorange="reversed", type="category", automargin=True, dtick=1)
    figure.update_layout(showlegend=False)
    return figure


def grid(chart: ChartLike) -> go.Figure:
    """A heat map of the lines as rows, the numbers written in."""
    columns = sorted(
        {point[0] for line in chart.lines for point in line.points},
        key=lambda value: (isinstance(value, str), value),
    )
    by = [{point[0]: point[1] for point in line.points} for line in chart.lines]
    figure = go.Figure(
        go.Heatmap(
            z=[[row.get(column) for column in columns] for row in by],
            x=[column if isinstance(column, str) else f"{column:g}" for column in columns],
            y=[escape(line.name) for line in chart.lines],
            zmin=0,
            zmax=1,
            colorscale=SCORE_SCALE,
            xgap=2,
            ygap=2,
            texttemplate="%{z:.2f}",
            hovertemplate="%{y}, %{x}: %{z:.3f}<extra></extra>",
            colorbar={"thickness": 10},
        )
    )
    frame(figure, x=chart.x_title, y=chart.y_title, height=110 + 34 * len(chart.lines))
    figure.update_xaxes(type="category")
    figure.update_yaxes(automargin=True, autorange="reversed", type="category")
    return figure


__all__ = ["analysis_figure"]
