"""What became of a population of particles: weights a round, effective sample size, and who
descends from whom.

Everything is computed from the rounds of one pass (see `passes`), so that populations beside or
after each other are never mixed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from plotly import graph_objects as go

from components.frame.theme import ACCENT, BLUE, FAINT, GREY, ORANGE, SCORE_SCALE, VERMILION, framed
from components.views.populations.passes import ParticleRound

HELD, DRAWN = "follows the reference", "drawn at the end"


@dataclass(frozen=True)
class EssInfo:
    """Effective sample size by round, the rounds that resampled, the number of particles, the
    threshold if there is one, and by round from how many slots of the first round the particles
    descend."""

    rounds: tuple[int, ...]
    ess: tuple[float, ...]
    resampled: tuple[int, ...]
    count: int
    threshold: float | None
    distinct: tuple[int, ...] = ()


def ess_info(rounds: Sequence[ParticleRound], ess_min: float | None = None) -> EssInfo:
    """`ess_min` is the strategy's threshold as a fraction of the number of particles."""
    count = max((len(row.particles) for row in rounds), default=0)
    resampled = tuple(row.round for row in rounds if row.ancestors is not None)
    return EssInfo(
        tuple(row.round for row in rounds),
        tuple(row.ess for row in rounds),
        resampled,
        count,
        None if ess_min is None else ess_min * count,
        tuple(distinct_ancestors(rounds[: at + 1]) for at in range(len(rounds))),
    )


def ess_figure(info: EssInfo) -> go.Figure:
    """Solid: the effective sample size before resampling; an open square marks a round that
    resampled. Dotted: distinct ancestors in the first round."""
    at = dict(zip(info.rounds, info.ess, strict=True))
    figure = go.Figure()
    figure.add_scatter(
        x=list(info.rounds),
        y=list(info.ess),
        mode="lines+markers",
        name="effective sample size",
        line={"width": 2.5, "color": ACCENT},
    )
    figure.add_scatter(
        x=list(info.resampled),
        y=[at[number] for number in info.resampled],
        mode="markers",
        name="resampled",
        hoverinfo="skip",
        marker={"symbol": "square-open", "size": 14, "color": ORANGE, "line": {"width": 2}},
    )
    figure.add_scatter(
        x=list(info.rounds),
        y=list(info.distinct),
        mode="lines+markers",
        name="distinct ancestors",
        line={"width": 2, "dash": "dot", "color": BLUE},
        marker={"symbol": "triangle-up", "size": 7},
    )
    if info.threshold is not None:
        figure.add_hline(
            y=info.threshold,
            line={"dash": "dash", "width": 1, "color": GREY},
            annotation_text=f"threshold {info.threshold:g}",
        )
    framed(figure, x="round", y="particles")
    figure.update_yaxes(range=[0, max(info.count, 1) * 1.06])
    figure.update_xaxes(dtick=1 if len(info.rounds) <= 20 else None)
    return figure


def weights_figure(rounds: Sequence[ParticleRound], drawn: int | None = None) -> go.Figure:
    """Normalised weight of each slot in each round, on the scale of the largest. A diamond: the
    slot follows the reference; a star: slot `drawn` was drawn at the end."""
    slots = max((len(row.particles) for row in rounds), default=0)
    grid = [
        [row.weights[slot] if slot < len(row.weights) else None for row in rounds]
        for slot in range(slots)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=grid,
            x=[row.round for row in rounds],
            y=list(range(slots)),
            colorscale=SCORE_SCALE,
            zmin=0,
            xgap=2,
            ygap=1,
            colorbar={
                "thickness": 9,
                "outlinewidth": 0,
                "title": {"text": "weight", "font": {"size": 11}},
            },
            hovertemplate="round %{x}, slot %{y}<br>weight %{z:.4f}<extra></extra>",
        )
    )
    held = [(row.round, row.held) for row in rounds if row.held is not None]
    _marked(figure, held, [(rounds[-1].round, drawn)] if drawn is not None else [], ON_CELLS)
    framed(figure, x="round", y="slot")
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(dtick=1 if len(rounds) <= 20 else None)
    return figure


Mark = Mapping[str, Any]
ON_CELLS: Mark = {
    "symbol": "diamond",
    "size": 14,
    "color": "white",
    "line": {"width": 1.5, "color": "#333"},
}
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
STAR: Mark = {
    "symbol": "star",
    "size": 12,
    "color": VERMILION,
    "line": {"width": 1, "color": "white"},
}


def _marked(
    figure: go.Figure, held: Sequence[tuple[int, int]], drawn: Sequence[tuple[int, int]], mark: Mark
) -> None:
    """Mark places (x, y) that follow the reference, and those that were drawn; clicks go to what
    lies below."""
    for places, marker, name in ((held, mark, HELD), (drawn, STAR, DRAWN)):
        if places:
            x, y = zip(*places, strict=True)
            figure.add_scatter(
                x=x, y=y, mode="markers", name=name, hoverinfo="skip", marker=dict(marker)
            )


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


def distinct_ancestors(rounds: Sequence[ParticleRound]) -> int:
    """How many slots of the first round the last round descends from: 1 means that all diversity is
    gone."""
    slots = set(range(len(rounds[-1].particles))) if rounds else set()
    for upper, _ in reversed(list(pairwise(rounds))):
        slots = {upper.ancestors[slot] if upper.ancestors is not None else slot for slot in slots}
    return len(slots)


def genealogy_figure(info: Genealogy) -> go.Figure:
    """Area of a circle: weight. Hollow: nobody continued it. Thick lines: ancestors of the last
    round. Diamond and star as in `weights_figure`."""
    figure = go.Figure()
    for trunk, name, line in (
        (False, "no descendants left", THIN),
        (True, "ancestors of the last round", THICK),
    ):
        _ties(figure, [one for one in info.lines if one[4] is trunk], name, line)
    lit = set(info.lit)
    if lit:
        ties, name = (
            [one for one in info.lines if {one[:2], one[2:4]} <= lit],
            "lineage of the chosen node",
        )
        if ties:
            _ties(figure, ties, name, LIT, opacity=0.75)
        # rings: a place that nobody continued has no line to light
        x, y = (
            [slot for _, slot in info.lit],
            [at for at, _ in info.lit],
        )
        figure.add_scatter(
            x=x,
            y=y,
            mode="markers",
            hoverinfo="skip",
            name=name,
            showlegend=not ties,
            marker=dict(RING),
        )
    for lives, symbol, name in (
        (True, "circle", "continued"),
        (False, "circle-open", "not continued"),
    ):
        _circles(
            figure,
            [circle for circle in info.circles if circle[4] is lives],
            name,
            {"symbol": symbol, "color": ACCENT if lives else GREY},
        )
    _marked(
        figure,
        [(slot, at) for at, slot in info.held],
        [(info.drawn[1], info.drawn[0])] if info.drawn else [],
        ROUND_CIRCLES,
    )
    framed(figure, x="slot", y="round", height=90 + 62 * max(len(info.labels), 2))
    figure.update_yaxes(
        autorange="reversed",
        tickvals=list(range(len(info.labels))),
        ticktext=[str(label) for label in info.labels],
    )
    return figure


def _ties(
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


def _circles(
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
