"""Where a search with a global frontier went, turn by turn: on to the best child of the node it
stood at, or to the most promising open node of all.

Everything is computed from the events `selected`, `jumped`, `backed` and `step`. A jump tells the
parts that the promise F of its node is the sum of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pandas as pd
from plotly import graph_objects as go

from backend.core.events import Backed, Jumped, Selected, StepEnded
from backend.core.records import EventRecord
from backend.core.tree import up_to
from components.frame.theme import (
    ACCENT,
    BLUE,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    escape,
    frame,
)
from components.views.view_data import ViewData

COLORS = (BLUE, ORANGE, PURPLE, SKY, VERMILION)
SHAPES = ("", "/", "x", ".", "-")


@dataclass(frozen=True)
class Turn:
    """Turn `number` (from 1) went on at `node`: `worth` is F for a jump, the greatest value of the
    local formula else; `terms` are the parts of F; `options` (node, value) the children among which
    a local turn chose; `backed` the value that came back before it, if one did; `frontier` the open
    nodes then."""

    number: int
    node: int
    jump: bool
    worth: float
    terms: tuple[tuple[str, float], ...] = ()
    options: tuple[tuple[int, float], ...] = ()
    backed: float | None = None
    frontier: int | None = None


def turns(events: Iterable[EventRecord], until: int | None = None) -> list[Turn]:
    """The turns of the log up to event `until`."""
    found: list[Turn] = []
    one: Turn | None = None
    backed: float | None = None
    for event in up_to(events, until):
        number = len(found) + 1
        match event.body:
            case Backed(value=value):
                backed = value
            case Jumped() as jump:
                one = Turn(number, jump.node, True, jump.score, tuple(jump.terms.items()))
            case Selected() as walk if walk.children:
                options = tuple(zip(walk.children[-1], walk.scores[-1], strict=True))
                one = Turn(number, walk.path[-1], False, walk.values[-1], options=options)
            case StepEnded(stats=stats):
                if one is not None:
                    left = stats.get("frontier")
                    frontier = None if left is None else int(left)
                    found.append(replace(one, backed=backed, frontier=frontier))
                one = backed = None
    return found


def turn_figure(found: list[Turn]) -> go.Figure:
    """Stacked bars: the parts of F of each jump. Triangles: turns that went on to the best child of
    where the search stood."""
    figure = go.Figure()
    _draw_jumps(figure, [one for one in found if one.jump])
    _draw_local_turns(figure, [one for one in found if not one.jump])
    frame(figure, x="turn", y="F of the jump", height=300)
    figure.update_layout(barmode="relative", bargap=0.35)
    figure.update_xaxes(dtick=1 if len(found) <= 20 else None)
    return figure


def _draw_jumps(figure: go.Figure, jumps: Sequence[Turn]) -> None:
    """Draw a stack of the parts of F for each jump, and a line at F itself."""
    for place, name in enumerate(dict.fromkeys(name for one in jumps for name, _ in one.terms)):
        figure.add_bar(
            x=[one.number for one in jumps],
            y=[dict(one.terms).get(name, 0.0) for one in jumps],
            name=escape(name),
            customdata=[[one.node, one.worth] for one in jumps],
            marker={
                "color": COLORS[place % 5],
                "pattern": {
                    "shape": SHAPES[place % 5],
                    "fgcolor": "rgba(255,255,255,0.6)",
                    "fillmode": "overlay",
                },
            },
            hovertemplate=(
                "jump to node %{customdata[0]}<br>%{y:.3f} of F = %{customdata[1]:.3f}<extra>"
            )
            + escape(name)
            + "</extra>",
            unselected={"marker": {"opacity": 0.8}},
        )
    figure.add_scatter(
        x=[one.number for one in jumps],
        y=[one.worth for one in jumps],
        mode="markers",
        name="F",
        hoverinfo="skip",
        marker={"symbol": "line-ew", "size": 16, "line": {"width": 3, "color": ACCENT}},
    )


def _draw_local_turns(figure: go.Figure, local: Sequence[Turn]) -> None:
    """Draw a triangle at 0 for each turn that went on to the best child."""
    figure.add_scatter(
        x=[one.number for one in local],
        y=[0.0] * len(local),
        mode="markers",
        name="on to the best child",
        customdata=[[one.node, one.worth] for one in local],
        marker={
            "symbol": "triangle-down-open",
            "size": 11,
            "color": GREY,
            "line": {"width": 2, "color": GREY},
        },
        hovertemplate="on to child %{customdata[0]}<br>value %{customdata[1]:.3f}<extra></extra>",
    )


def turn_table(found: list[Turn], data: ViewData) -> pd.DataFrame:
    """One line a turn: what it did, by which numbers."""
    lines = []
    for one in found:
        parts = (
            one.terms if one.jump else tuple((f"node {node}", value) for node, value in one.options)
        )
        numbers = (" + " if one.jump else ", ").join(f"{name} {value:.3f}" for name, value in parts)
        lines.append(
            (
                one.number,
                "jump" if one.jump else "best child",
                one.node,
                one.worth,
                numbers,
                one.backed,
                one.frontier,
                data.text(one.node),
            )
        )
    return pd.DataFrame(
        lines,
        columns=[
            "turn",
            "went on by",
            "node",
            "value",
            "numbers",
            "backed up",
            "open nodes",
            "text",
        ],
    )
