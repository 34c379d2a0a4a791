"""The figure of Thompson draws: one lane an arm, with the posterior it drew from, the draw, and
the scores it had."""

from __future__ import annotations

from collections.abc import Sequence

from plotly import graph_objects as go

from components.frame.theme import ACCENT, BLUE, MUTED, ORANGE, VERMILION, frame
from components.views.tree_search.draws import (
    Lane,
    ThompsonDescent,
    arm_label,
    lanes,
    node_of_arm,
    reach,
)


def draw_figure(one: ThompsonDescent) -> go.Figure:
    """One lane an arm, node by node: the band is the middle 90 % of its posterior with the median,
    the diamond its draw (a star-shaped one won), the circle the mean of the scores it had. A draw
    beyond the edge stands at the edge, with its value."""
    found = lanes(one)
    low, high = reach(found)
    figure = go.Figure()
    _bands(figure, found)
    _marks(figure, found, low, high)
    frame(figure, x="score", y="", height=110 + 30 * max(len(found), 3))
    figure.update_xaxes(range=[low, high])
    labels = [f"at node {level.node}: {arm_label(arm)}" for level, arm in found]
    figure.update_yaxes(
        range=[len(found) - 0.4, -0.6],
        tickvals=list(range(len(found))),
        ticktext=labels,
        automargin=True,
    )
    return figure


def _bands(figure: go.Figure, found: Sequence[Lane]) -> None:
    known = [
        (place, arm.spread, node_of_arm(level, arm))
        for place, (level, arm) in enumerate(found)
        if arm.spread is not None
    ]
    if not known:
        return
    figure.add_bar(
        orientation="h",
        y=[place for place, *_ in known],
        x=[one.high - one.low for _, one, _ in known],
        base=[one.low for _, one, _ in known],
        width=0.5,
        name="middle 90 % of what the arm believes",
        marker={"color": "rgba(86,180,233,0.35)", "line": {"width": 1, "color": BLUE}},
        customdata=[[node, one.low, one.high] for _, one, node in known],
        hovertemplate=(
            "90 % between %{customdata[1]:.3f} and %{customdata[2]:.3f}, node "
            "%{customdata[0]}<extra></extra>"
        ),
    )
    figure.add_scatter(
        x=[one.median for _, one, _ in known],
        y=[place for place, *_ in known],
        customdata=[[node] for *_, node in known],
        mode="markers",
        name="its median",
        marker={"symbol": "line-ns", "size": 17, "line": {"width": 3, "color": VERMILION}},
        hovertemplate="median %{x:.3f}<extra></extra>",
    )


def _marks(figure: go.Figure, found: Sequence[Lane], low: float, high: float) -> None:
    figure.add_scatter(
        x=[arm.mean for _, arm in found],
        y=list(range(len(found))),
        customdata=[[node_of_arm(level, arm), arm.count] for level, arm in found],
        mode="markers",
        name="mean of its scores",
        marker={
            "symbol": "circle-open",
            "size": 9,
            "color": ORANGE,
            "line": {"width": 2, "color": ORANGE},
        },
        hovertemplate=(
            "mean %{x:.3f} of %{customdata[1]} scores, node %{customdata[0]}<extra></extra>"
        ),
    )
    for won, name, color in ((True, "draw that won", ACCENT), (False, "other draw", MUTED)):
        some = [(place, level, arm) for place, (level, arm) in enumerate(found) if arm.won is won]
        figure.add_scatter(
            x=[min(max(arm.draw, low), high) for _, _, arm in some],
            y=[place for place, _, _ in some],
            customdata=[[node_of_arm(level, arm), arm.draw] for _, level, arm in some],
            text=[_beyond(arm.draw, low, high) for *_, arm in some],
            textposition=["middle left" if arm.draw > high else "middle right" for *_, arm in some],
            mode="markers+text",
            name=name,
            cliponaxis=False,
            marker={
                "symbol": "star-diamond" if won else "diamond-open",
                "size": 13,
                "color": color,
                "line": {"width": 2, "color": color},
            },
            hovertemplate="draw %{customdata[1]:.3f}, node %{customdata[0]}<extra>"
            + name
            + "</extra>",
        )


def _beyond(draw: float, low: float, high: float) -> str:
    """What a draw says that lies outside the axis."""
    return f"\u2190 {draw:.2f}" if draw < low else f"{draw:.2f} \u2192" if draw > high else ""
