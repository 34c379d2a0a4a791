"""Budget curves: accuracy against what it cost, one line an arm, with bands over problems; coverage
and what was chosen with the gap shaded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from plotly import graph_objects as go

from backend.core.palette import LineLook, line_look
from components.frame.theme import escape, frame


class BandLike(Protocol):
    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


class PointLike(Protocol):
    @property
    def budget(self) -> float: ...
    @property
    def cost(self) -> float | None: ...
    @property
    def accuracy(self) -> BandLike: ...
    @property
    def unanswered(self) -> float: ...
    @property
    def problems(self) -> int: ...
    @property
    def n(self) -> int: ...


class CurveLike(Protocol):
    @property
    def arm(self) -> str: ...
    @property
    def points(self) -> Sequence[PointLike]: ...


@dataclass(frozen=True)
class CurveMark:
    """A point as drawn: cost and accuracy with its band (None: not known), and the numbers of its
    label."""

    budget: float
    cost: float
    accuracy: float
    low: float | None
    high: float | None
    problems: int
    n: int
    unanswered: float


@dataclass(frozen=True)
class CurveInfo:
    """The curves by arm, in order, and the gap between what is covered and what is chosen: (cost,
    chosen, covered), empty where one is missing."""

    arms: tuple[tuple[str, tuple[CurveMark, ...]], ...]
    gap: tuple[tuple[float, float, float], ...]


def curve_info(
    curves: Sequence[CurveLike], shown: Sequence[str], gap: tuple[str, str] | None = None
) -> CurveInfo:
    """The curves of the arms `shown`; points without cost or accuracy are left out. `gap` names the
    arm that covers and the arm that chooses: they are compared at equal budgets, at the cost of the
    chooser."""
    by_arm = {
        curve.arm: tuple(mark for point in curve.points if (mark := mark_of(point)) is not None)
        for curve in curves
    }
    between: list[tuple[float, float, float]] = []
    if gap is not None and gap[0] in by_arm and gap[1] in by_arm:
        covered = {mark.budget: mark.accuracy for mark in by_arm[gap[0]]}
        between = [
            (mark.cost, mark.accuracy, covered[mark.budget])
            for mark in by_arm[gap[1]]
            if mark.budget in covered
        ]
    return CurveInfo(tuple((arm, by_arm[arm]) for arm in shown if by_arm.get(arm)), tuple(between))


def left_out(info: CurveInfo, *, logarithmic: bool) -> list[str]:
    """Which arms have points that a logarithmic axis has no place for."""
    counted = [(arm, sum(mark.cost <= 0 for mark in marks)) for arm, marks in info.arms]
    if not logarithmic or not any(count for _, count in counted):
        return []
    said = ", ".join(f"{arm} ({count})" for arm, count in counted if count)
    return [
        f"Points that cost 0 have no place on a logarithmic axis: {said}. The table lists them."
    ]


def mark_of(point: PointLike) -> CurveMark | None:
    """A point as a mark; None where it has no place."""
    if point.cost is None or point.accuracy.value is None:
        return None
    band = point.accuracy
    return CurveMark(
        point.budget,
        point.cost,
        point.accuracy.value,
        band.low,
        band.high,
        point.problems,
        point.n,
        point.unanswered,
    )


METRICS = ("accuracy", "share answered")
"""What a curve can show of a point: how often the answer is right, how often there is one at
all.
"""


def curve_figure(
    info: CurveInfo,
    *,
    counts: str,
    logarithmic: bool,
    metric: str = METRICS[0],
    span: tuple[float, float] | None = None,
    height: int = 420,
) -> go.Figure:
    """One line an arm; lines differ in colour, mark and dash. `span` are the least and the largest
    cost on the axis, those of the marks by default."""
    figure, accuracy = go.Figure(), metric == METRICS[0]
    if info.gap and accuracy:
        _draw_gap(figure, info.gap)
    for place, (arm, marks) in enumerate(info.arms):
        look = line_look(place)
        if accuracy and all(mark.low is not None and mark.high is not None for mark in marks):
            _draw_band(figure, arm, marks, faint(look.colour))
        heights = [mark.accuracy if accuracy else 1.0 - mark.unanswered for mark in marks]
        _draw_line(figure, arm, marks, heights, look)
    frame(
        figure,
        x=counts,
        y="accuracy: share answered right" if accuracy else "share of problems answered",
        height=height,
    )
    figure.update_yaxes(range=[-0.02, 1.02])
    spread_out(
        figure,
        [*(span or ()), *(mark.cost for _, marks in info.arms for mark in marks)],
        logarithmic=logarithmic,
    )
    return figure


def _draw_gap(figure: go.Figure, gap: Sequence[tuple[float, float, float]]) -> None:
    """Shade what lies between the accuracy of the choice and the coverage."""
    costs, chosen, covered = zip(*gap, strict=True)
    figure.add_scatter(
        x=[*costs, *reversed(costs)],
        y=[*covered, *reversed(chosen)],
        fill="toself",
        mode="none",
        fillcolor="rgba(128,128,128,0.16)",
        name="right, and not chosen",
        hoverinfo="skip",
    )


def _draw_band(figure: go.Figure, arm: str, marks: Sequence[CurveMark], colour: str) -> None:
    """Fill the interval of an arm's accuracy."""
    figure.add_scatter(
        x=[mark.cost for mark in marks] + [mark.cost for mark in reversed(marks)],
        y=[mark.high for mark in marks] + [mark.low for mark in reversed(marks)],
        fill="toself",
        mode="none",
        fillcolor=colour,
        hoverinfo="skip",
        showlegend=False,
        legendgroup=arm,
    )


def _draw_line(
    figure: go.Figure,
    arm: str,
    marks: Sequence[CurveMark],
    heights: Sequence[float],
    look: LineLook,
) -> None:
    """Draw the line of an arm through its marks at `heights`."""
    figure.add_scatter(
        x=[mark.cost for mark in marks],
        y=list(heights),
        mode="lines+markers",
        name=escape(arm),
        legendgroup=arm,
        line={"color": look.colour, "width": 2.2, "dash": look.dash},
        marker={
            "symbol": look.mark,
            "size": 9,
            "color": look.colour,
            "line": {"width": 1, "color": "rgba(255,255,255,0.7)"},
        },
        customdata=[[arm, mark.budget] for mark in marks],
        hovertext=[label(arm, mark) for mark in marks],
        hoverinfo="text",
    )


def spread_out(figure: go.Figure, costs: Sequence[float], *, logarithmic: bool) -> None:
    """The x axis from the least to the largest cost with a little room."""
    known = [cost for cost in costs if cost > 0 or not logarithmic]
    if logarithmic:
        readable_log(figure, known)
    if known and min(known) < max(known):
        low, high = (
            (math.log10(min(known)), math.log10(max(known)))
            if logarithmic
            else (min(known), max(known))
        )
        figure.update_xaxes(range=[low - 0.03 * (high - low), high + 0.03 * (high - low)])


def readable_log(figure: go.Figure, values: Sequence[float]) -> None:
    """A logarithmic x with whole numbers at 1, 2 and 5 of each decade around the values, where
    Plotly writes single digits."""
    inside = [value for value in values if value > 0]
    figure.update_xaxes(type="log")
    if inside:
        decades = range(
            math.floor(math.log10(min(inside))) - 1, math.ceil(math.log10(max(inside))) + 2
        )
        ticks = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
        figure.update_xaxes(tickvals=ticks, ticktext=[shorten(tick) for tick in ticks])


def shorten(tick: float) -> str:
    """1, 500, 20k, 5M, 2e+12."""
    for size, letter in ((1e9, ""), (1e6, "M"), (1e3, "k")):
        if tick >= size:
            return f"{tick / size:g}{letter}" if letter else f"{tick:.0e}"
    return f"{tick:g}"


def label(arm: str, mark: CurveMark) -> str:
    """The text that appears on hovering over a point."""
    band = "" if mark.low is None or mark.high is None else f" [{mark.low:.3f}, {mark.high:.3f}]"
    return (
        f"<b>{escape(arm)}</b><br>budget {mark.budget:g}, cost {mark.cost:,.1f}<br>accuracy "
        f"{mark.accuracy:.3f}{band}"
        f"<br>{mark.problems} problems, {mark.n:,} runs or samples<br>{mark.unanswered:.1%} "
        "without an answer"
    )


def faint(colour: str) -> str:
    """The colour of a band, from that of its line as `#rrggbb`."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.12)"


__all__ = [
    "METRICS",
    "CurveInfo",
    "CurveMark",
    "curve_figure",
    "curve_info",
    "faint",
    "label",
    "left_out",
    "mark_of",
    "readable_log",
    "shorten",
]
