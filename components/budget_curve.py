"""Budget curves: accuracy against what it cost, one line an arm, with bands over problems; coverage and what was chosen with the gap shaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from plotly import graph_objects as go

from components.theme import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, escaped, framed

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY, GREY)
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star", "triangle-down", "hexagon", "pentagon")
DASHES = ("solid", "dash", "dot", "dashdot")


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
class Mark:
    """A point as drawn: cost and accuracy with its band (None: not known), and what its label says."""

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
    """The curves by arm, in order, and the gap between what is covered and what is chosen: (cost, chosen, covered), empty where one is missing."""

    arms: tuple[tuple[str, tuple[Mark, ...]], ...]
    gap: tuple[tuple[float, float, float], ...]


def curve_info(curves: Sequence[CurveLike], shown: Sequence[str], gap: tuple[str, str] | None = None) -> CurveInfo:
    """The curves of the arms `shown`; points without cost or accuracy are left out. `gap` names the arm that covers and the arm that chooses: they
    are compared at equal budgets, at the cost of the chooser."""
    by_arm = {curve.arm: tuple(mark for point in curve.points if (mark := mark_of(point)) is not None) for curve in curves}
    between: list[tuple[float, float, float]] = []
    if gap is not None and gap[0] in by_arm and gap[1] in by_arm:
        covered = {mark.budget: mark.accuracy for mark in by_arm[gap[0]]}
        between = [(mark.cost, mark.accuracy, covered[mark.budget]) for mark in by_arm[gap[1]] if mark.budget in covered]
    return CurveInfo(tuple((arm, by_arm[arm]) for arm in shown if by_arm.get(arm)), tuple(between))


def mark_of(point: PointLike) -> Mark | None:
    """A point as a mark; None where it has no place."""
    if point.cost is None or point.accuracy.value is None:
        return None
    band = point.accuracy
    return Mark(point.budget, point.cost, point.accuracy.value, band.low, band.high, point.problems, point.n, point.unanswered)


def curve_figure(info: CurveInfo, *, counts: str, logarithmic: bool, bands: bool = True, height: int = 420) -> go.Figure:
    """One line an arm, told apart by colour, mark and dash."""
    figure = go.Figure()
    if info.gap:
        costs, chosen, covered = zip(*info.gap, strict=True)
        figure.add_scatter(
            x=[*costs, *reversed(costs)], y=[*covered, *reversed(chosen)], fill="toself", mode="none", fillcolor="rgba(128,128,128,0.16)",
            name="right, and not chosen", hoverinfo="skip",
        )  # fmt: skip
    for place, (arm, marks) in enumerate(info.arms):
        colour = COLOURS[place % len(COLOURS)]
        if bands and all(mark.low is not None and mark.high is not None for mark in marks):
            figure.add_scatter(
                x=[mark.cost for mark in marks] + [mark.cost for mark in reversed(marks)],
                y=[mark.high for mark in marks] + [mark.low for mark in reversed(marks)], fill="toself", mode="none", fillcolor=_faint(colour),
                hoverinfo="skip", showlegend=False, legendgroup=arm,
            )  # fmt: skip
        figure.add_scatter(
            x=[mark.cost for mark in marks], y=[mark.accuracy for mark in marks], mode="lines+markers", name=escaped(arm), legendgroup=arm,
            line={"color": colour, "width": 2.2, "dash": DASHES[place % len(DASHES)]},
            marker={"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 9, "color": colour, "line": {"width": 1, "color": "rgba(255,255,255,0.7)"}},
            customdata=[[arm, mark.budget] for mark in marks], hovertext=[label(arm, mark) for mark in marks], hoverinfo="text",
        )  # fmt: skip
    framed(figure, x=counts, y="accuracy: share of problems answered right", height=height)
    figure.update_yaxes(range=[-0.02, 1.02])
    if logarithmic:
        figure.update_xaxes(type="log")
    return figure


def label(arm: str, mark: Mark) -> str:
    """What hovering tells."""
    band = "" if mark.low is None or mark.high is None else f" [{mark.low:.3f}, {mark.high:.3f}]"
    return (
        f"<b>{escaped(arm)}</b><br>budget {mark.budget:g}, cost {mark.cost:,.1f}<br>accuracy {mark.accuracy:.3f}{band}"
        f"<br>{mark.problems} problems, {mark.n:,} runs or samples<br>{mark.unanswered:.1%} without an answer"
    )


def _faint(colour: str) -> str:
    if not colour.startswith("#"):
        return "rgba(128,128,128,0.12)"
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.12)"


__all__ = ["CurveInfo", "Mark", "curve_figure", "curve_info", "label", "mark_of"]
