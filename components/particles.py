"""What a particle filter did: weights a round, effective sample size, and who descends from whom.

Everything is computed from the events `weighed` and `resampled`. The effective sample size is 1 / sum of squared normalised weights (Kong 1992):
N when all particles weigh the same, 1 when one of them holds everything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from plotly import graph_objects as go

from components.tables import EventLike, up_to
from components.theme import ACCENT, FAINT, GREY, ORANGE, SCORE_SCALE, framed


@dataclass(frozen=True)
class ParticleRound:
    """A round: the node in each slot, its normalised weight, what the round added to its log weight, the effective sample size, and, where
    the round resampled, the slot that each slot continues."""

    round: int
    particles: tuple[int, ...]
    weights: tuple[float, ...]
    increments: tuple[float, ...]
    ess: float
    ancestors: tuple[int, ...] | None = None
    scheme: str = ""


def normalised(log_weights: Sequence[float]) -> tuple[float, ...]:
    """Weights that sum to 1. All minus infinity: equal weights, as there is nothing to tell the particles apart."""
    top = max(log_weights, default=0.0)
    if top == -math.inf:
        return tuple(1 / len(log_weights) for _ in log_weights)
    powers = [math.exp(value - top) for value in log_weights]
    return tuple(power / sum(powers) for power in powers)


def particle_rounds(events: Iterable[EventLike], until: int | None = None) -> list[ParticleRound]:
    """The rounds of the log up to event `until`, in order.

    A strategy may resample at the end of a round or at the beginning of the next one: the note belongs to the round whose particles it names.
    """
    rounds: list[ParticleRound] = []
    for event in up_to(events, until):
        if event.kind == "weighed":
            rounds.append(_weighed(event.round, event.data or {}))
        elif event.kind == "resampled":
            _resample(rounds, event.round, event.data or {})
    return rounds


def _weighed(number: int, data: Mapping[str, Any]) -> ParticleRound:
    weights = normalised([_log(value) for value in data["log_weights"]])
    increments = tuple(_log(value) for value in data["increments"])
    return ParticleRound(number, tuple(data["particles"]), weights, increments, 1 / sum(weight**2 for weight in weights))


def _resample(rounds: list[ParticleRound], number: int, data: Mapping[str, Any]) -> None:
    particles = tuple(data["particles"])
    weights = normalised([_log(value) for value in data["log_weights"]])
    at = next((at for at in range(len(rounds) - 1, -1, -1) if rounds[at].particles == particles), len(rounds))
    increments = rounds[at].increments if at < len(rounds) else tuple(0.0 for _ in weights)
    where = rounds[at].round if at < len(rounds) else number
    rounds[at : at + 1] = [ParticleRound(where, particles, weights, increments, float(data["ess"]), tuple(data["ancestors"]), str(data["scheme"]))]


def _log(value: float | str | None) -> float:
    return -math.inf if value is None else float(value)


@dataclass(frozen=True)
class EssInfo:
    """Effective sample size by round, the rounds that resampled, the number of particles, and the threshold if there is one."""

    rounds: tuple[int, ...]
    ess: tuple[float, ...]
    resampled: tuple[int, ...]
    count: int
    threshold: float | None


def ess_info(rounds: Sequence[ParticleRound], ess_min: float | None = None) -> EssInfo:
    """`ess_min` is the strategy's threshold as a fraction of the number of particles."""
    count = max((len(row.particles) for row in rounds), default=0)
    resampled = tuple(row.round for row in rounds if row.ancestors is not None)
    return EssInfo(
        tuple(row.round for row in rounds), tuple(row.ess for row in rounds), resampled, count, None if ess_min is None else ess_min * count
    )


def ess_figure(info: EssInfo) -> go.Figure:
    """The line is the effective sample size before resampling; an open square marks a round that resampled."""
    at = dict(zip(info.rounds, info.ess, strict=True))
    figure = go.Figure()
    figure.add_scatter(
        x=list(info.rounds), y=list(info.ess), mode="lines+markers", name="effective sample size", line={"width": 2.5, "color": ACCENT}
    )
    figure.add_scatter(
        x=list(info.resampled),
        y=[at[number] for number in info.resampled],
        mode="markers",
        name="resampled",
        hoverinfo="skip",
        marker={"symbol": "square-open", "size": 14, "color": ORANGE, "line": {"width": 2}},
    )
    if info.threshold is not None:
        figure.add_hline(y=info.threshold, line={"dash": "dash", "width": 1, "color": GREY}, annotation_text=f"threshold {info.threshold:g}")
    framed(figure, x="round", y="particles")
    figure.update_yaxes(range=[0, max(info.count, 1) * 1.06])
    figure.update_xaxes(dtick=1 if len(info.rounds) <= 20 else None)
    return figure


def weights_figure(rounds: Sequence[ParticleRound]) -> go.Figure:
    """Normalised weight of each slot in each round, on the scale of the largest."""
    slots = max((len(row.particles) for row in rounds), default=0)
    grid = [[row.weights[slot] if slot < len(row.weights) else None for row in rounds] for slot in range(slots)]
    figure = go.Figure(
        go.Heatmap(
            z=grid,
            x=[row.round for row in rounds],
            y=list(range(slots)),
            colorscale=SCORE_SCALE,
            zmin=0,
            xgap=2,
            ygap=1,
            colorbar={"thickness": 9, "outlinewidth": 0, "title": {"text": "weight", "font": {"size": 11}}},
            hovertemplate="round %{x}, slot %{y}<br>weight %{z:.4f}<extra></extra>",
        )
    )
    framed(figure, x="round", y="slot")
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(dtick=1 if len(rounds) <= 20 else None)
    return figure


@dataclass(frozen=True)
class Genealogy:
    """Circles and ancestor lines. A circle is (round position, slot, node, weight, lives); a line joins a slot to the slot it continues, and is
    on the trunk if the last round's survivors descend from it."""

    circles: tuple[tuple[int, int, int, float, bool], ...]
    lines: tuple[tuple[int, int, int, int, bool], ...]
    labels: tuple[int, ...]


def genealogy(rounds: Sequence[ParticleRound]) -> Genealogy:
    """One row a round; a slot of the next round hangs below the slot whose particle it continues."""
    lines: list[tuple[int, int, int, int, bool]] = []
    trunk = set(range(len(rounds[-1].particles))) if rounds else set()
    for at in range(len(rounds) - 1, 0, -1):
        upper = rounds[at - 1]
        origin = {slot: upper.ancestors[slot] if upper.ancestors is not None else slot for slot in range(len(rounds[at].particles))}
        lines += [(at - 1, ancestor, at, slot, slot in trunk) for slot, ancestor in origin.items()]
        trunk = {origin[slot] for slot in trunk}
    circles = tuple(
        (at, slot, node, row.weights[slot], row.ancestors is None or slot in row.ancestors)
        for at, row in enumerate(rounds)
        for slot, node in enumerate(row.particles)
    )
    return Genealogy(circles, tuple(sorted(lines)), tuple(row.round for row in rounds))


def distinct_ancestors(rounds: Sequence[ParticleRound]) -> int:
    """How many slots of the first round the last round descends from: 1 means that all diversity is gone."""
    slots = set(range(len(rounds[-1].particles))) if rounds else set()
    for upper, _ in reversed(list(pairwise(rounds))):
        slots = {upper.ancestors[slot] if upper.ancestors is not None else slot for slot in slots}
    return len(slots)


def genealogy_figure(info: Genealogy) -> go.Figure:
    """Area of a circle: weight. Hollow: nobody continued it. Thick lines: ancestors of the last round."""
    figure = go.Figure()
    for trunk, width, color in ((False, 1.0, FAINT), (True, 2.6, ACCENT)):
        chosen = [line for line in info.lines if line[4] is trunk]
        figure.add_scatter(
            x=[x for line in chosen for x in (line[1], line[3], None)],
            y=[y for line in chosen for y in (line[0], line[2], None)],
            mode="lines",
            line={"width": width, "color": color},
            hoverinfo="skip",
            name="ancestors of the last round" if trunk else "no descendants left",
        )
    for lives, symbol, name in ((True, "circle", "continued"), (False, "circle-open", "not continued")):
        some = [circle for circle in info.circles if circle[4] is lives]
        figure.add_scatter(
            x=[slot for _, slot, *_ in some],
            y=[at for at, *_ in some],
            customdata=[[node, weight] for _, _, node, weight, _ in some],
            mode="markers",
            name=name,
            marker={
                "symbol": symbol,
                "size": [5 + 26 * math.sqrt(weight) for _, _, _, weight, _ in some],
                "color": ACCENT if lives else GREY,
                "opacity": 0.9,
                "line": {"width": 1, "color": GREY},
            },
            hovertemplate="node %{customdata[0]}<br>slot %{x}, weight %{customdata[1]:.4f}<extra></extra>",
            unselected={"marker": {"opacity": 0.7}},
        )
    framed(figure, x="slot", y="round", height=90 + 62 * max(len(info.labels), 2))
    figure.update_yaxes(autorange="reversed", tickvals=list(range(len(info.labels))), ticktext=[str(label) for label in info.labels])
    return figure
