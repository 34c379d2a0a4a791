"""Who descends from whom in a population of particles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from plotly import graph_objects as go

from components.frame.theme import ACCENT, FAINT, GREY, ORANGE, frame
from components.views.populations.marks import Mark, mark_places
from components.views.populations.passes import ParticleRound

ROUND_CIRCLES: Mark = {
    "symbol": "diamond-open",
    "size": 20,
    "color": ORANGE,
    "line": {"width": 2.5, "color": ORANGE},
}
THIN: Mark = {"width": 1.0, "color": FAINT}
THICK: Mark = {"width": 2.6, "color": ACCENT}
LIT: Mark = {"width": 6, "color": ORANGE}
RING: Mark = {
    "symbol": "circle-open",
    "size": 19,
    "color": ORANGE,
    "line": {"width": 2.5, "color": ORANGE},
}


@dataclass(frozen=True)
class Genealogy:
    """Circles and ancestor lines. A circle is (round position, slot, node, weight, lives); a line
    joins a slot to the slot it continues, and is on the trunk if the last round's survivors descend
    from it. `held` are the places (round position, slot) that follow the reference, `drawn` is the
    one that was drawn at the end. `lit` are the places from which the node that is looked at
    descends, those that hold it, and those that descend from it."""

    circles: tuple[tuple[int, int, int, float, bool], ...]
    lines: tuple[tuple[int, int, int, int, bool], ...]
    labels: tuple[int, ...]
    held: tuple[tuple[int, int], ...] = ()
    drawn: tuple[int, int] | None = None
    lit: tuple[tuple[int, int], ...] = ()


def genealogy(
    rounds: Sequence[ParticleRound], drawn: int | None = None, node: int | None = None
) -> Genealogy:
    """One row a round; a slot of the next round hangs below the slot whose particle it continues.
    `drawn` is the slot drawn at the end, `node` the node whose lineage is lit."""
    lines: list[tuple[int, int, int, int, bool]] = []
    trunk = set(range(len(rounds[-1].particles))) if rounds else set()
    for at in range(len(rounds) - 1, 0, -1):
        upper = rounds[at - 1]
        origin = {
            slot: upper.ancestors[slot] if upper.ancestors is not None else slot
            for slot in range(len(rounds[at].particles))
        }
        lines += [(at - 1, ancestor, at, slot, slot in trunk) for slot, ancestor in origin.items()]
        trunk = {origin[slot] for slot in trunk}
    circles = tuple(
        (at, slot, node, row.weights[slot], row.ancestors is None or slot in row.ancestors)
        for at, row in enumerate(rounds)
        for slot, node in enumerate(row.particles)
    )
    held = tuple((at, row.held) for at, row in enumerate(rounds) if row.held is not None)
    end = (len(rounds) - 1, drawn) if rounds and drawn is not None else None
    lit = lineage(
        [line[:4] for line in lines], {(at, slot) for at, slot, one, *_ in circles if one == node}
    )
    return Genealogy(
        circles,
        tuple(sorted(lines)),
        tuple(row.round for row in rounds),
        held,
        end,
        tuple(sorted(lit)),
    )


def lineage(
    lines: Sequence[tuple[int, int, int, int]], places: set[tuple[int, int]]
) -> set[tuple[int, int]]:
    """The places (round position, slot), all from which they descend, and all that descend from
    them."""
    up, down = set(places), set(places)
    for at, slot, later, other in sorted(lines, reverse=True):
        if (later, other) in up:
            up.add((at, slot))
    for at, slot, later, other in sorted(lines):
        if (at, slot) in down:
            down.add((later, other))
    return up | down


def genealogy_figure(info: Genealogy) -> go.Figure:
    """Area of a circle: weight. Hollow: nobody continued it. Thick lines: ancestors of the last
    round. Diamond and star as in `weights_figure`."""
    figure = go.Figure()
    others = [line for line in info.lines if not line[4]]
    _draw_lines(figure, others, "no descendants left", THIN)
    trunk = [line for line in info.lines if line[4]]
    _draw_lines(figure, trunk, "ancestors of the last round", THICK)
    if info.lit:
        _draw_lineage(figure, info)
    continued = [circle for circle in info.circles if circle[4]]
    _draw_circles(figure, continued, "continued", {"symbol": "circle", "color": ACCENT})
    ended = [circle for circle in info.circles if not circle[4]]
    _draw_circles(figure, ended, "not continued", {"symbol": "circle-open", "color": GREY})
    mark_places(
        figure,
        [(slot, at) for at, slot in info.held],
        [(info.drawn[1], info.drawn[0])] if info.drawn else [],
        ROUND_CIRCLES,
    )
    frame(figure, x="slot", y="round", height=90 + 62 * max(len(info.labels), 2))
    figure.update_yaxes(
        autorange="reversed",
        tickvals=list(range(len(info.labels))),
        ticktext=[str(label) for label in info.labels],
    )
    return figure


def _draw_lineage(figure: go.Figure, info: Genealogy) -> None:
    """Light the lines of the chosen node's lineage, and put a ring about each of its places: one
    that nobody continued has no line."""
    name = "lineage of the chosen node"
    lit = set(info.lit)
    ties = [line for line in info.lines if {line[:2], line[2:4]} <= lit]
    if ties:
        _draw_lines(figure, ties, name, LIT, opacity=0.75)
    figure.add_scatter(
        x=[slot for _, slot in info.lit],
        y=[at for at, _ in info.lit],
        mode="markers",
        hoverinfo="skip",
        name=name,
        showlegend=not ties,
        marker=dict(RING),
    )


def _draw_lines(
    figure: go.Figure,
    lines: Sequence[tuple[int, int, int, int, bool]],
    name: str,
    line: Mark,
    opacity: float = 1.0,
) -> None:
    figure.add_scatter(
        x=[x for one in lines for x in (one[1], one[3], None)],
        y=[y for one in lines for y in (one[0], one[2], None)],
        mode="lines",
        line=dict(line),
        opacity=opacity,
        hoverinfo="skip",
        name=name,
    )


def _draw_circles(
    figure: go.Figure, circles: Sequence[tuple[int, int, int, float, bool]], name: str, look: Mark
) -> None:
    figure.add_scatter(
        x=[slot for _, slot, *_ in circles],
        y=[at for at, *_ in circles],
        customdata=[[node, weight] for _, _, node, weight, _ in circles],
        mode="markers",
        name=name,
        marker={
            "size": [5 + 26 * math.sqrt(weight) for _, _, _, weight, _ in circles],
            "opacity": 0.9,
            "line": {"width": 1, "color": GREY},
            **look,
        },
        hovertemplate=(
            "node %{customdata[0]}<br>slot %{x}, weight %{customdata[1]:.4f}<extra></extra>"
        ),
        unselected={"marker": {"opacity": 0.7}},
    )
