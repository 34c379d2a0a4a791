"""Scores step by step: every path of the tree in the background, the chosen path in front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plotly import graph_objects as go

from backend.core.tree import TreeRow, find_chosen_node, path_to
from components.frame.theme import ACCENT, FAINT, frame

Point = tuple[int, float]


@dataclass(frozen=True)
class ScoreInfo:
    """Numbers of the score chart. `edges` join a scored node to its scored parent, `points` are all
    scored nodes as (step, score), `ids` names them, `chosen` is the answer's path as (step, score).
    """

    points: tuple[Point, ...]
    ids: tuple[int, ...]
    edges: tuple[tuple[Point, Point], ...]
    chosen: tuple[Point, ...]


def score_info(rows: Sequence[TreeRow]) -> ScoreInfo:
    """Score of each step against its depth; unscored nodes leave a gap."""
    scored = {row.id: (row.depth, row.score) for row in rows if row.score is not None}
    edges = tuple(
        (scored[row.parent], scored[row.id])
        for row in rows
        if row.id in scored and row.parent in scored
    )
    chosen = tuple(
        (row.depth, row.score)
        for row in path_to(rows, find_chosen_node(rows))
        if row.score is not None
    )
    return ScoreInfo(tuple(scored.values()), tuple(scored), edges, chosen)


def score_figure(info: ScoreInfo) -> go.Figure:
    """Grey lines: all paths. Thick line with diamonds: the path of the answer."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    for (x0, y0), (x1, y1) in info.edges:
        xs += [x0, x1, None]
        ys += [y0, y1, None]
    figure = go.Figure()
    figure.add_scatter(
        x=xs,
        y=ys,
        mode="lines",
        line={"width": 1, "color": FAINT},
        name="all paths",
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[x for x, _ in info.points],
        y=[y for _, y in info.points],
        mode="markers",
        marker={"size": 6, "color": FAINT},
        customdata=list(info.ids),
        hovertemplate="node %{customdata}<br>step %{x}, score %{y:.3f}<extra></extra>",
        showlegend=False,
    )
    figure.add_scatter(
        x=[x for x, _ in info.chosen],
        y=[y for _, y in info.chosen],
        mode="lines+markers",
        name="path of the answer",
        hoverinfo="skip",
        line={"width": 3, "color": ACCENT},
        marker={"size": 9, "symbol": "diamond"},
    )
    frame(figure, x="step", y="score")
    figure.update_yaxes(range=[-0.03, 1.03])
    figure.update_xaxes(dtick=1 if max((x for x, _ in info.points), default=0) <= 20 else None)
    return figure
