"""Two series of scores of one search side by side: where they disagree, how one is calibrated by
the other, how well it ranks by depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from plotly import graph_objects as go

from components.frame.theme import ACCENT, BLUE, FAINT, GREY, frame


class BinLike(Protocol):
    """The steps with a score in (low, high]."""

    @property
    def steps(self) -> int: ...

    @property
    def mean(self) -> float | None: ...

    @property
    def other_mean(self) -> float | None: ...


class DepthLike(Protocol):
    """The steps of one depth with nothing but good ones before them."""

    @property
    def step(self) -> int: ...

    @property
    def steps(self) -> int: ...

    @property
    def good(self) -> int: ...

    @property
    def auroc(self) -> float | None: ...


class CalibrationPoint(NamedTuple):
    """A bin: the mean score of its steps, how much of them the judge holds good (or its mean
    score), and how many there are."""

    mean: float
    other: float
    steps: int


@dataclass(frozen=True)
class CalibrationInfo:
    """The bins that hold steps, and how far off they are on the average (ECE)."""

    points: tuple[CalibrationPoint, ...]
    ece: float | None


class DepthPoint(NamedTuple):
    """A depth with good and bad steps: AUROC in [0, 1], and how many good and bad ones there
    are.
    """

    step: int
    auroc: float
    good: int
    bad: int


@dataclass(frozen=True)
class DepthInfo:
    """The depths that have steps of both kinds; `alike` are those where all are good or all are
    bad, which nothing can rank."""

    points: tuple[DepthPoint, ...]
    alike: tuple[int, ...]
    auroc: float | None


def curve_info(curve: Sequence[BinLike], ece: float | None) -> CalibrationInfo:
    """The calibration curve without its empty bins."""
    points = [
        CalibrationPoint(each.mean, each.other_mean, each.steps)
        for each in curve
        if each.mean is not None and each.other_mean is not None
    ]
    return CalibrationInfo(tuple(points), ece)


def depth_info(depths: Sequence[DepthLike], auroc: float | None) -> DepthInfo:
    """AUROC by depth."""
    points = [
        DepthPoint(each.step, each.auroc, each.good, each.steps - each.good)
        for each in depths
        if each.auroc is not None
    ]
    return DepthInfo(
        tuple(points), tuple(each.step for each in depths if each.auroc is None), auroc
    )


def curve_figure(info: CalibrationInfo) -> go.Figure:
    """A point a bin with its number of steps; on the dashed diagonal a score says how often a step
    is good."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"dash": "dash", "color": FAINT},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_scatter(
        x=[point.mean for point in info.points],
        y=[point.other for point in info.points],
        mode="lines+markers+text",
        showlegend=False,
        text=[str(point.steps) for point in info.points],
        textposition="top center",
        cliponaxis=False,
        line={"color": FAINT, "width": 2},
        marker={"size": 9, "color": ACCENT, "line": {"width": 1, "color": GREY}},
        hovertemplate=(
            "mean score %{x:.3f}<br>by the judge %{y:.3f}<br>%{text} steps<extra></extra>"
        ),
    )
    frame(
        figure,
        x="score of the run's verifier (mean of the bin)",
        y="by the judge (mean)",
        height=300,
    )
    figure.update_xaxes(range=[-0.03, 1.03])
    figure.update_yaxes(range=[-0.05, 1.12], tickvals=[0, 0.25, 0.5, 0.75, 1])
    return figure


def depth_figure(info: DepthInfo) -> go.Figure:
    """A point a depth with how many steps are good and bad; on the dashed line a score ranks no
    better than chance."""
    steps = [point.step for point in info.points]
    figure = go.Figure()
    ends = [min(steps, default=1) - 0.5, max(steps, default=1) + 0.5]
    figure.add_scatter(
        x=ends,
        y=[0.5, 0.5],
        mode="lines",
        line={"dash": "dash", "color": FAINT},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_scatter(
        x=steps,
        y=[point.auroc for point in info.points],
        mode="lines+markers+text",
        showlegend=False,
        cliponaxis=False,
        text=[f"{point.good}/{point.bad}" for point in info.points],
        textposition="top center",
        line={"color": FAINT, "width": 2},
        marker={"size": 10, "symbol": "square", "color": BLUE, "line": {"width": 1, "color": GREY}},
        hovertemplate="step %{x}<br>AUROC %{y:.3f}<br>good/bad %{text}<extra></extra>",
    )
    frame(figure, x="step (good/bad beside each point)", y="AUROC", height=300)
    figure.update_xaxes(range=ends, dtick=1 if len(steps) <= 20 else None)
    figure.update_yaxes(range=[-0.05, 1.12], tickvals=[0, 0.25, 0.5, 0.75, 1])
    return figure


def curve_sentence(info: CalibrationInfo) -> str:
    """What the curve says, and what it cannot say."""
    if info.ece is None:
        return "The two series share no step, so there is no curve."
    count = sum(point.steps for point in info.points)
    return (
        "Above the dashed line the run's verifier is too cautious, below it too sure; on the "
        f"average it is off by {info.ece:.2f} (ECE). The numbers "
        f"count the steps of each bin, {count} in all: those of one search hang together, and a "
        "bin of a few steps says little."
    )


def depth_sentence(info: DepthInfo) -> str:
    """What the ranking says, and what it cannot say."""
    alike = (
        f" At step {', '.join(map(str, info.alike))} all are alike, so there is nothing to rank."
        if info.alike
        else ""
    )
    if info.auroc is None:
        return f"All steps that count are good, or all are bad, so nothing can be ranked.{alike}"
    return (
        "Over all depths together, the chance that the run's verifier scores a good step above a "
        f"bad one is {info.auroc:.2f} (0.5 is a coin); a "
        "depth with a few steps says little. A step counts where all before it are good, for a "
        "low score after a mistake is no merit; it is good "
        f"where the judge gives it at least 1/2.{alike}"
    )
