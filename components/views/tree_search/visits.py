"""Where the visits of a tree search went: the children along the answer's path, how often each was
walked through, and what it is worth.

Everything is in the rows of the tree: each event `backed` gives one visit to every node of its
path. What a node is worth afterwards, its Q, is what the event says; where it says nothing, the
rule is the plain mean of the values backed up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plotly import graph_objects as go

from backend.core.tree import TreeRow, find_chosen_node, path_to
from components.frame.theme import ACCENT, GREY, SCORE_SCALE, frame

SHOWN = 12
"""Children of one node drawn at most, the most visited first; the child on the path is drawn
besides."""


@dataclass(frozen=True)
class VisitedChild:
    """A child of the path at step `step`; `mean` is its Q, None before the first visit; `on_path`:
    the path goes on here."""

    step: int
    node: int
    visits: int
    mean: float | None
    on_path: bool


@dataclass(frozen=True)
class VisitInfo:
    """Children level by level, most visited first. `answered` says whether the path is that of the
    answer or, before there is one, the most visited; `omitted` children are not shown. `recorded`
    says whether Q is as the search recorded it, not a mean computed here."""

    children: tuple[VisitedChild, ...]
    simulations: int
    answered: bool
    omitted: int
    recorded: bool = False

    @property
    def least(self) -> float:
        """The lower end of the scale of Q: 0, or -1 for a search that counts wrong answers against
        a node."""
        return -1.0 if any((child.mean or 0.0) < 0.0 for child in self.children) else 0.0


def visit_info(rows: Sequence[TreeRow]) -> VisitInfo:
    """The children of every node on the answer's path, or while nothing is answered, on the most
    visited path."""
    visited = {row.id: row.backups for row in rows if row.visits}
    children: dict[int, list[TreeRow]] = {}
    for row in rows:
        if row.parent is not None and (row.visits or not row.pruned):
            children.setdefault(row.parent, []).append(row)
    chosen = find_chosen_node(rows)
    path = (
        [row.id for row in path_to(rows, chosen)]
        if chosen is not None
        else _most_visited(rows, children)
    )
    shown: list[VisitedChild] = []
    omitted = 0
    for at in path:
        level = [_child(row, path) for row in children.get(at, ())]
        level.sort(key=lambda child: (-child.visits, not child.on_path, child.node))
        kept = [child for place, child in enumerate(level) if place < SHOWN or child.on_path]
        omitted += len(level) - len(kept)
        shown += kept
    root = path[0] if path else None
    recorded = any(of.recorded is not None for of in visited.values())
    return VisitInfo(
        tuple(shown),
        visited[root].visits if root in visited else 0,
        chosen is not None,
        omitted,
        recorded,
    )


def _most_visited(rows: Sequence[TreeRow], children: dict[int, list[TreeRow]]) -> list[int]:
    """Down from the root by visits, ties by Q, to a node whose children were never visited."""
    path = [row.id for row in rows[:1]]
    while path and (visited := [row for row in children.get(path[-1], ()) if row.visits]):
        path.append(max(visited, key=lambda row: (row.visits, row.backups.mean or 0.0)).id)
    return path


def _child(row: TreeRow, path: Sequence[int]) -> VisitedChild:
    return VisitedChild(row.depth, row.id, row.visits, row.backups.mean, row.id in path)


def visit_figure(info: VisitInfo) -> go.Figure:
    """Height: visits. Colour and number on the bar: Q in [0, 1], or [-1, 1] for a search that
    counts so. Thick outline and star: the path goes on here."""
    children = info.children
    figure = go.Figure(
        go.Bar(
            x=[
                [f"step {child.step}" for child in children],
                [("\u2605 " if child.on_path else "") + str(child.node) for child in children],
            ],
            y=[child.visits for child in children],
            text=["" if child.mean is None else f"{child.mean:.2f}" for child in children],
            textposition="outside",
            cliponaxis=False,
            customdata=[child.node for child in children],
            marker={
                "color": [child.mean or 0.0 for child in children],
                "colorscale": SCORE_SCALE,
                "cmin": info.least,
                "cmax": 1,
                "colorbar": {
                    "thickness": 9,
                    "outlinewidth": 0,
                    "title": {"text": "Q", "font": {"size": 11}},
                },
                "line": {
                    "width": [3 if child.on_path else 1 for child in children],
                    "color": [ACCENT if child.on_path else GREY for child in children],
                },
            },
            hovertemplate="node %{customdata}<br>%{y} visits, Q %{text}<extra></extra>",
            unselected={"marker": {"opacity": 0.7}},
        )
    )
    frame(figure, x="child", y="visits", height=300)
    figure.update_yaxes(rangemode="tozero")
    return figure
