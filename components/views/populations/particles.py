"""What became of a population of particles: weights a round, effective sample size, and who
descends from whom.

Everything is computed from the rounds of one pass (see `passes`), so that populations beside or
after each other are never mixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from plotly import graph_objects as go

from components.frame.theme import ACCENT, BLUE, GREY, ORANGE, SCORE_SCALE, frame
from components.views.populations.marks import Mark, mark_places
from components.views.populations.passes import ParticleRound


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
    frame(figure, x="round", y="particles")
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
    mark_places(figure, held, [(rounds[-1].round, drawn)] if drawn is not None else [], ON_CELLS)
    frame(figure, x="round", y="slot")
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(dtick=1 if len(rounds) <= 20 else None)
    return figure


ON_CELLS: Mark = {
    "symbol": "diamond",
    "size": 14,
    "color": "white",
    "line": {"width": 1.5, "color": "#333"},
}


def distinct_ancestors(rounds: Sequence[ParticleRound]) -> int:
    """How many slots of the first round the last round descends from: 1 means that all diversity is
    gone."""
    slots = set(range(len(rounds[-1].particles))) if rounds else set()
    for upper, _ in reversed(list(pairwise(rounds))):
        slots = {upper.ancestors[slot] if upper.ancestors is not None else slot for slot in slots}
    return len(slots)
