"""The frontier of a best-first search at a moment: what waits in it, sorted as it will be taken,
with g and h.

Everything is computed from the events `pushed`, `popped` and `pruned`: who was pushed waits until
it is popped or given up. The smallest f = g + h leaves first; among equals the deeper node, then
the one pushed earlier.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from plotly import graph_objects as go

from backend.core.events import Popped, Pruned, Pushed
from backend.core.records import EventRecord
from backend.core.tree import TreeRow, up_to
from components.frame.theme import BLUE, ORANGE, frame
from components.views.tree_search.frontier import finite
from components.views.view_data import ViewData

SHOWN = 20
"""Nodes drawn at most, the first to leave."""


@dataclass(frozen=True)
class FrontierWaiting:
    """A node in the frontier at place `place` (from 1): g and h, None where infinite; the number of
    the pop that pushed it (0: the start), how many equal texts it stands for, and how often it
    entered."""

    place: int
    node: int
    step: int
    g: float | None
    h: float | None
    pushed_by: int
    stands_for: int
    entered: int
    finished: bool

    @property
    def f(self) -> float | None:
        """g + h, or None where one of them is infinite."""
        return None if self.g is None or self.h is None else self.g + self.h


@dataclass(frozen=True)
class WaitingInfo:
    """The sorted frontier; how many pops there were; how many nodes were given up from it; how many
    were dropped for repeating a sibling."""

    entries: tuple[FrontierWaiting, ...]
    pops: int
    given_up: int
    repeated: int


def waiting_info(
    rows: Sequence[TreeRow], events: Iterable[EventRecord], until: int | None = None
) -> WaitingInfo:
    """The frontier after event `until`."""
    by_id = {row.id: row for row in rows}
    inside: dict[int, tuple[float, float, int, int]] = {}
    entered: Counter[int] = Counter()
    pops = pushes = given_up = 0
    for event in up_to(events, until):
        match event.body:
            case Pushed(node=node, g=g, h=h):
                pushes += 1
                entered[node] += 1
                inside[node] = (g, h, pushes, pops)
            case Popped(node=node):
                pops += 1
                inside.pop(node, None)
            case Pruned(nodes=nodes):
                given_up += sum(inside.pop(lost, None) is not None for lost in nodes)
    same = Counter((row.parent, row.text, row.done) for row in rows)
    order = sorted(
        inside,
        key=lambda node: (
            sum(inside[node][:2]),
            -by_id[node].depth if node in by_id else 0,
            inside[node][2],
        ),
    )
    entries = [
        _waiting(place, by_id[node], inside[node], same, entered[node])
        for place, node in enumerate((node for node in order if node in by_id), 1)
    ]
    return WaitingInfo(tuple(entries), pops, given_up, sum(count - 1 for count in same.values()))


def _waiting(
    place: int,
    row: TreeRow,
    costs: tuple[float, float, int, int],
    same: Mapping[tuple[int | None, str, bool], int],
    entered: int,
) -> FrontierWaiting:
    g, h, _, by = costs
    stands_for = same[row.parent, row.text, row.done]
    return FrontierWaiting(
        place, row.id, row.depth, finite(g), finite(h), by, stands_for, entered, row.done
    )


def waiting_table(now: WaitingInfo, data: ViewData) -> pd.DataFrame:
    """One line a waiting node, the next to leave first."""
    columns = [
        "place",
        "node",
        "step",
        "f",
        "g",
        "h",
        "pushed by pop",
        "stands for draws",
        "times entered",
        "finished",
        "text",
    ]
    lines = [
        (
            e.place,
            e.node,
            e.step,
            e.f,
            e.g,
            e.h,
            e.pushed_by,
            e.stands_for,
            e.entered,
            "yes" if e.finished else "no",
            data.text(e.node),
        )
        for e in now.entries
    ]
    return pd.DataFrame(lines, columns=columns)


def waiting_figure(info: WaitingInfo) -> go.Figure:
    """One bar a node, the first to leave on top: g, then h beyond it, so that the end of the bar is
    f."""
    some = [entry for entry in info.entries[:SHOWN] if entry.f is not None]
    places = [entry.place for entry in some]
    figure = go.Figure()
    for name, values, color, shape in (
        ("g: cost so far", [e.g for e in some], BLUE, ""),
        ("h: cost to go", [e.h for e in some], ORANGE, "/"),
    ):
        figure.add_bar(
            orientation="h",
            y=places,
            x=values,
            name=name,
            customdata=[[entry.node, entry.f, entry.step] for entry in some],
            marker={
                "color": color,
                "pattern": {
                    "shape": shape,
                    "fgcolor": "rgba(255,255,255,0.6)",
                    "fillmode": "overlay",
                },
            },
            hovertemplate=(
                "node %{customdata[0]}, step %{customdata[2]}<br>%{x:.3f} of f = "
                "%{customdata[1]:.3f}<extra>"
            )
            + name
            + "</extra>",
            unselected={"marker": {"opacity": 0.8}},
        )
    frame(figure, x="f = g + h", y="", height=110 + 22 * max(len(some), 3))
    figure.update_layout(barmode="stack", bargap=0.25)
    labels = [
        f"{entry.place}. node {entry.node}" + (" \u2605" if entry.finished else "")
        for entry in some
    ]
    figure.update_yaxes(autorange="reversed", tickvals=places, ticktext=labels, automargin=True)
    figure.update_xaxes(
        range=[0, 1.15 * max((entry.f or 0.0 for entry in some), default=1.0) or 1.0]
    )
    figure.add_scatter(
        x=[entry.f for entry in some],
        y=places,
        mode="text",
        text=[f" {_round(entry.f)}" for entry in some],
        textposition="middle right",
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )
    return figure


def _round(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.3f}"
