"""The verifier on the way to a node: every score that the node ever got, and the scores of the
steps on its path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from plotly import graph_objects as go

from backend.core.events import ScoreGiven
from backend.core.records import EventRecord
from backend.core.tree import TreeRow, path_to, up_to
from components.frame.theme import ACCENT, FAINT, frame


@dataclass(frozen=True)
class PathScoring:
    """One opinion of a node: the event, who scored, the value in [0, 1] or None with the reason,
    the unaggregated scores of the path's steps."""

    seq: int
    scorer: str
    value: float | None
    reason: str
    steps: tuple[float, ...]


@dataclass(frozen=True)
class PathScores:
    """`path` are (step, node, value or None) from the first step to the node; `steps` the
    verifier's own scores of those steps, as it gave them when it scored the node, in order (empty
    where it gives none)."""

    path: tuple[tuple[int, int, float | None], ...]
    steps: tuple[float, ...]


def scorings(
    node: int, events: Iterable[EventRecord], until: int | None = None
) -> list[PathScoring]:
    """Every score of the node up to event `until`, oldest first."""
    found = []
    for event in up_to(events, until):
        given = event.body
        if isinstance(given, ScoreGiven) and given.node == node:
            found.append(
                PathScoring(event.seq, given.scorer, given.value, given.reason or "", given.steps)
            )
    return found


def path_scores(rows: Sequence[TreeRow], node: int, latest: PathScoring | None) -> PathScores:
    """The scores along the path to a node at a moment; the problem itself is left out."""
    path = tuple(
        (row.depth, row.id, row.score) for row in path_to(rows, node) if row.parent is not None
    )
    return PathScores(path, latest.steps if latest is not None else ())


def path_figure(info: PathScores) -> go.Figure:
    """Diamonds and a thick line: the score of each prefix. Open circles and a dotted line: the
    verifier's own score of each step."""
    figure = go.Figure()
    first = info.path[0][0] if info.path else 1
    if info.steps and [value for _, _, value in info.path] != list(info.steps):
        figure.add_scatter(
            x=[first + at for at in range(len(info.steps))],
            y=list(info.steps),
            mode="lines+markers",
            name="step by step",
            line={"width": 1.5, "dash": "dot", "color": FAINT},
            marker={"size": 8, "symbol": "circle-open"},
            hovertemplate="step %{x} alone: %{y:.3f}<extra></extra>",
        )
    figure.add_scatter(
        x=[step for step, _, _ in info.path],
        y=[value for _, _, value in info.path],
        mode="lines+markers",
        name="prefix up to the step",
        customdata=[node for _, node, _ in info.path],
        line={"width": 3, "color": ACCENT},
        marker={"size": 9, "symbol": "diamond"},
        hovertemplate="node %{customdata}<br>step %{x}: %{y:.3f}<extra></extra>",
    )
    frame(figure, x="step", y="score", height=210)
    figure.update_yaxes(range=[-0.04, 1.04])
    figure.update_xaxes(dtick=1 if len(info.path) <= 20 else None)
    return figure
