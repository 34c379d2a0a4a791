"""In what order a best-first search took nodes from its frontier, and at what price: f = g + h,
cost so far plus estimated cost to a goal.

Everything is computed from the events `popped`. Where the cost is consistent f never falls along
the way; where it falls, the first goal need not be the best.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from plotly import graph_objects as go

from backend.core.events import Popped, StepEnded
from backend.core.records import EventRecord
from backend.core.tree import TreeRow, up_to
from components.frame.theme import ACCENT, BLUE, ORANGE, frame


@dataclass(frozen=True)
class Pop:
    """A node that left the frontier as number `order` (from 1) with cost so far `g` and heuristic
    `h`, None where infinite (no score); `goal`: it was finished, and so accepted instead of
    expanded."""

    order: int
    node: int
    g: float | None
    h: float | None
    goal: bool

    @property
    def f(self) -> float | None:
        """g + h, or None where one of them is infinite."""
        return None if self.g is None or self.h is None else self.g + self.h


@dataclass(frozen=True)
class FrontierInfo:
    """Nodes in the order in which they left the frontier; `waiting` is how many were left in it
    after the last round, where the log says so."""

    pops: tuple[Pop, ...]
    waiting: int | None


def frontier_info(
    rows: Sequence[TreeRow], events: Iterable[EventRecord], until: int | None = None
) -> FrontierInfo:
    """The pops of the log up to event `until`."""
    done = {row.id for row in rows if row.done}
    pops: list[Pop] = []
    waiting: int | None = None
    for event in up_to(events, until):
        match event.body:
            case Popped(node=node, g=g, h=h):
                pops.append(Pop(len(pops) + 1, node, finite(g), finite(h), node in done))
            case StepEnded(stats={"frontier": left}):
                waiting = int(left)
    return FrontierInfo(tuple(pops), waiting)


def falls(info: FrontierInfo) -> int:
    """How often f was smaller than at the pop before it: 0 is what a consistent cost promises."""
    known = [pop.f for pop in info.pops if pop.f is not None]
    return sum(later < earlier - 1e-12 for earlier, later in pairwise(known))


def finite(value: float) -> float | None:
    """The number, or None where it is infinite."""
    return None if math.isinf(value) else value


def frontier_figure(info: FrontierInfo) -> go.Figure:
    """f thick, g dotted, h dashed, in the order of leaving the frontier; a star marks an accepted
    goal, a gap a node without a score."""
    order = [pop.order for pop in info.pops]
    figure = go.Figure()
    for name, values, dash, color in (
        ("g, cost so far", [pop.g for pop in info.pops], "dot", BLUE),
        ("h, estimated cost to go", [pop.h for pop in info.pops], "dash", ORANGE),
    ):
        figure.add_scatter(
            x=order,
            y=values,
            mode="lines",
            name=name,
            line={"width": 1.8, "dash": dash, "color": color},
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=order,
        y=[pop.f for pop in info.pops],
        mode="lines+markers",
        name="f = g + h",
        customdata=[[pop.node, pop.g, pop.h] for pop in info.pops],
        line={"width": 2.5, "color": ACCENT},
        marker={
            "size": [14 if pop.goal else 6 for pop in info.pops],
            "symbol": ["star" if pop.goal else "circle" for pop in info.pops],
        },
        hovertemplate=(
            "node %{customdata[0]}, taken as number %{x}<br>f %{y:.3f} = g "
            "%{customdata[1]:.3f} + h %{customdata[2]:.3f}<extra></extra>"
        ),
        unselected={"marker": {"opacity": 0.8}},
    )
    frame(figure, x="order of leaving the frontier", y="cost")
    figure.update_yaxes(rangemode="tozero")
    figure.update_xaxes(dtick=1 if len(info.pops) <= 20 else None)
    return figure
