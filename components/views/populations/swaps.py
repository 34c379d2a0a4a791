"""Swaps between chains at different temperatures: who proposed what to whom, how likely it was, and
whether it was done.

Everything is computed from the events `swapped`. Two chains at temperatures T_i, T_j whose
references have the log potentials L_i, L_j swap them with probability min(1, exp((1/T_i -
1/T_j)(L_j - L_i))) (replica exchange, Geyer 1991): so what a hot chain finds comes down to a cold
one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd
from plotly import graph_objects as go

from backend.core.events import Swapped
from backend.core.records import EventRecord
from backend.core.tree import up_to
from components.frame.theme import ACCENT, FAINT, GREY, escape, frame
from components.views.populations.passes import inside

LABELLED = 40
"""Swaps up to which each is drawn with its probability."""


@dataclass(frozen=True)
class Swap:
    """A proposal of round `turn` (from 1), the `place`-th of that round (from 0): the two chains
    with their temperatures, the last nodes of their references before it, their log potentials in
    nats, the probability in [0, 1] and the number that decided: accepted where it lies below."""

    turn: int
    place: int
    chains: tuple[str, str]
    temperatures: tuple[float, float]
    nodes: tuple[int, int]
    energies: tuple[float, float]
    probability: float
    uniform: float
    accepted: bool


def swaps(events: Iterable[EventRecord], until: int | None = None) -> list[Swap]:
    """The proposals of the log up to event `until`, in order. Those of one step of the search are
    one round."""
    found: list[Swap] = []
    turn, place, step = 0, 0, -1
    for event in up_to(events, until):
        if isinstance(note := event.body, Swapped):
            turn, place = (turn, place + 1) if event.round == step else (turn + 1, 0)
            step = event.round
            one, other = note.chains
            found.append(
                Swap(
                    turn,
                    place,
                    (inside(event.track, one), inside(event.track, other)),
                    note.temperatures,
                    note.nodes,
                    note.energies,
                    note.probability,
                    note.uniform,
                    note.accepted,
                )
            )
    return found


@dataclass(frozen=True)
class SwapInfo:
    """One lane a chain, the coldest first, and the proposals between them."""

    chains: tuple[str, ...]
    temperatures: tuple[float, ...]
    swaps: tuple[Swap, ...]

    @property
    def accepted(self) -> int:
        return sum(swap.accepted for swap in self.swaps)


def swap_info(found: Sequence[Swap], known: Mapping[str, float] = MappingProxyType({})) -> SwapInfo:
    """`known` are the temperatures of chains by name, of those too that have not proposed anything
    yet."""
    heats = dict(known) | {
        chain: heat
        for swap in found
        for chain, heat in zip(swap.chains, swap.temperatures, strict=True)
    }
    chains = sorted(heats, key=heats.__getitem__)
    return SwapInfo(tuple(chains), tuple(heats[chain] for chain in chains), tuple(found))


def positions(found: Sequence[Swap]) -> list[float]:
    """Where each proposal stands on the axis of rounds: those of a round beside each other about
    its number, in order."""
    counts = {swap.turn: swap.place + 1 for swap in found}
    return [swap.turn + 0.7 * ((swap.place + 0.5) / counts[swap.turn] - 0.5) for swap in found]


def swap_figure(info: SwapInfo) -> go.Figure:
    """Lanes are chains, the coldest below; a bar joins two that might swap, with its probability.
    Thick and filled: accepted. Thin, dashed and hollow: refused."""
    lane = {chain: place for place, chain in enumerate(info.chains)}
    where = positions(info.swaps)
    figure = go.Figure()
    for accepted in (True, False):
        placed = zip(where, info.swaps, strict=True)
        _draw_swaps(
            figure,
            [(x, swap) for x, swap in placed if swap.accepted is accepted],
            lane,
            ACCEPTED if accepted else REFUSED,
        )
    if len(info.swaps) <= LABELLED:
        _draw_probabilities(figure, where, info.swaps, lane)
    frame(figure, x="round of swaps", y="", height=110 + 70 * max(len(info.chains), 2))
    last = max((swap.turn for swap in info.swaps), default=1)
    figure.update_yaxes(
        tickvals=list(lane.values()),
        ticktext=[
            f"{escape(chain)}, T {heat:.3g}"
            for chain, heat in zip(info.chains, info.temperatures, strict=True)
        ],
        range=[-0.5, max(len(lane), 2) - 0.5],
        gridcolor=FAINT,
        automargin=True,
    )
    figure.update_xaxes(dtick=1 if last <= 20 else None, range=[0.4, last + 0.6], showgrid=False)
    return figure


class SwapLook(NamedTuple):
    """How proposals of one outcome are drawn: their name in the legend, the bar between two chains
    and the symbol at its ends."""

    name: str
    width: float
    dash: str
    symbol: str
    color: str


ACCEPTED = SwapLook("accepted", 4.0, "solid", "circle", ACCENT)
REFUSED = SwapLook("refused", 1.5, "dot", "circle-open", GREY)


def _draw_swaps(
    figure: go.Figure,
    placed: Sequence[tuple[float, Swap]],
    lane: Mapping[str, int],
    look: SwapLook,
) -> None:
    """Draw one bar for each (x, proposal), and a mark at each end of it."""
    figure.add_scatter(
        x=[at for x, _ in placed for at in (x, x, None)],
        y=[at for _, swap in placed for at in (*(lane[chain] for chain in swap.chains), None)],
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        line={"width": look.width, "dash": look.dash, "color": look.color},
    )
    ends = [(x, swap, side) for x, swap in placed for side in (0, 1)]
    figure.add_scatter(
        x=[x for x, _, _ in ends],
        y=[lane[swap.chains[side]] for _, swap, side in ends],
        customdata=[
            [
                swap.nodes[side],
                escape(swap.chains[side]),
                format_nats(swap.energies[side]),
                swap.probability,
                swap.uniform,
            ]
            for _, swap, side in ends
        ],
        mode="markers",
        name=look.name,
        marker={
            "symbol": look.symbol,
            "size": 11,
            "color": look.color,
            "line": {"width": 2, "color": look.color},
        },
        hovertemplate=(
            "%{customdata[1]}: reference ends in node %{customdata[0]}, log potential "
            "%{customdata[2]}<br>probability %{customdata[3]:.3f}, drawn %{customdata[4]:.3f}"
            f"<extra>{look.name}</extra>"
        ),
    )


def _draw_probabilities(
    figure: go.Figure, where: Sequence[float], found: Sequence[Swap], lane: Mapping[str, int]
) -> None:
    """Write its probability beside each bar."""
    figure.add_scatter(
        x=list(where),
        y=[sum(lane[chain] for chain in swap.chains) / 2 for swap in found],
        text=[f" p = {swap.probability:.2f}" for swap in found],
        mode="text",
        textposition="middle right",
        hoverinfo="skip",
        showlegend=False,
    )


def format_nats(nats: float) -> str:
    """A log potential as people read it."""
    return f"{nats:.3g}" if math.isfinite(nats) else "-\u221e" if nats < 0 else "\u221e"


def swap_table(found: Sequence[Swap]) -> pd.DataFrame:
    """One line a proposal, in order."""
    columns = [
        "round",
        "chains",
        "temperatures",
        "first reference",
        "second reference",
        "first log potential",
        "second log potential",
        "probability",
        "number drawn",
        "accepted",
    ]
    lines = []
    for swap in found:
        pair, heats = (
            " \u2194 ".join(swap.chains),
            " \u2194 ".join(f"{heat:.3g}" for heat in swap.temperatures),
        )
        accepted = "yes" if swap.accepted else "no"
        lines.append(
            (
                swap.turn,
                pair,
                heats,
                *swap.nodes,
                *swap.energies,
                swap.probability,
                swap.uniform,
                accepted,
            )
        )
    return pd.DataFrame(lines, columns=columns)
