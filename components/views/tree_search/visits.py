"""Where the visits of a tree search went: the children along the answer's path, how often each was
walked through, and what it is worth.

Everything is computed from the events `backed`: each gives one visit to every node of its path.
What a node is worth afterwards, its Q, is what the event says; where it says nothing, the rule is
the plain mean of the values backed up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from plotly import graph_objects as go

from backend.core.events import Backed
from backend.core.records import EventRecord
from components.frame.theme import ACCENT, GREY, SCORE_SCALE, framed
from components.run.tree_table import TreeRow, chosen_node, path_to, up_to

SHOWN = 12
"""Children of one node drawn at most, the most visited first; the child on the path is drawn
besides."""


@dataclass(frozen=True)
class Backups:
    """What was backed up through a node: visits N, the sum of the values, and Q as the last visit
    recorded it, None where it did not."""

    visits: int = 0
    total: float = 0.0
    recorded: float | None = None

    @property
    def mean(self) -> float | None:
        """Q: as recorded, else the mean of the values, or None before the first visit."""
        if self.recorded is not None:
            return self.recorded
        return self.total / self.visits if self.visits else None


@dataclass(frozen=True)
class Child:
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

    children: tuple[Child, ...]
    simulations: int
    answered: bool
    omitted: int
    recorded: bool = False

    @property
    def least(self) -> float:
        """The lower end of the scale of Q: 0, or -1 for a search that counts wrong answers against
        a node."""
        return -1.0 if any((child.mean or 0.0) < 0.0 for child in self.children) else 0.0


def backups(events: Iterable[EventRecord], until: int | None = None) -> dict[int, Backups]:
    """What was backed up through each visited node, by node id, up to event `until`."""
    found: dict[int, Backups] = {}
    for event in up_to(events, until):
        if isinstance(note := event.body, Backed):
            means = note.means or [None] * len(note.path)
            for node, recorded in zip(note.path, means, strict=True):
                before = found.get(node, Backups())
                found[node] = Backups(before.visits + 1, before.total + note.value, recorded)
    return found


def visit_info(
    rows: Sequence[TreeRow], events: Iterable[EventRecord], until: int | None = None
) -> VisitInfo:
    """The children of every node on the answer's path, or while nothing is answered, on the most
    visited path."""
    known = backups(events, until)
    children: dict[int, list[TreeRow]] = {}
    for row in rows:
        if row.parent is not None and (row.id in known or not row.pruned):
            children.setdefault(row.parent, []).append(row)
    chosen = chosen_node(rows)
    path = (
        [row.id for row in path_to(rows, chosen)]
        if chosen is not None
        else _most_visited(rows, children, known)
    )
    shown: list[Child] = []
    omitted = 0
    for at in path:
        level = [_child(row, known, path) for row in children.get(at, ())]
        level.sort(key=lambda child: (-child.visits, not child.on_path, child.node))
        kept = [child for place, child in enumerate(level) if place < SHOWN or child.on_path]
        omitted += len(level) - len(kept)
        shown += kept
    root = path[0] if path else None
    recorded = any(of.recorded is not None for of in known.values())
    return VisitInfo(
        tuple(shown),
        known[root].visits if root in known else 0,
        chosen is not None,
        omitted,
        recorded,
    )


def _most_visited(
    rows: Sequence[TreeRow], children: dict[int, list[TreeRow]], known: dict[int, Backups]
) -> list[int]:
    """Down from the root by visits, ties by Q, to a node whose children were never visited."""
    path = [row.id for row in rows[:1]]
    while path and (walked := [row.id for row in children.get(path[-1], ()) if row.id in known]):
        path.append(max(walked, key=lambda node: (known[node].visits, known[node].mean or 0.0)))
    return path


def _child(row: TreeRow, known: dict[int, Backups], path: Sequence[int]) -> Child:
    of = known.get(row.id, Backups())
    return Child(row.depth, row.id, of.visits, of.mean, row.id in path)


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
    framed(figure, x="child", y="visits", height=300)
    figure.update_yaxes(rangemode="tozero")
    return figure
