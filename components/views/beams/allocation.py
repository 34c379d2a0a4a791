"""How a width of children was shared out, round by round: the score of each prefix, its share by
the softmax of the scores, and what it got.

Everything is computed from the events `allocated` and `kept` and from the scores of the nodes. The
share is exp(R / T) / sum exp(R / T) over the prefixes of the round (Wu et al. 2024, arXiv
2408.00724), with the temperature T among the run's parameters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd
from plotly import graph_objects as go

from backend.core.events import Allocated, Kept
from backend.core.formulas.shares import exact_share
from backend.core.records import EventRecord
from backend.core.tree import TreeRow, up_to
from components.frame.theme import ACCENT, FAINT, GREY, ORANGE, frame
from components.views.view_data import ViewData

SHOWN = 24
"""Prefixes of a round drawn at most, the best first."""


@dataclass(frozen=True)
class Granted:
    """A prefix that asked for children: its score in [0, 1], its share of the width in [0, 1]
    (None: no temperature is known), how many it got."""

    node: int
    score: float | None
    share: float | None
    width: int


@dataclass(frozen=True)
class BeamShare:
    """Round `number` (from 1): all prefixes, the best first."""

    number: int
    granted: tuple[Granted, ...]

    @property
    def width(self) -> int:
        """All children of the round."""
        return sum(one.width for one in self.granted)


def allocations(
    rows: Sequence[TreeRow],
    events: Iterable[EventRecord],
    temperature: float | None,
    until: int | None = None,
) -> list[BeamShare]:
    """The rounds up to event `until`."""
    scores = {row.id: row.score for row in rows}
    found: list[BeamShare] = []
    known: dict[int, float | None] = {}
    waiting: list[tuple[Sequence[int], Sequence[int]]] = []
    for event in up_to(events, until):
        match event.body:
            case Allocated(nodes=nodes, widths=widths):
                waiting.append((nodes, widths))
            case Kept(nodes=nodes, values=values):
                known |= dict(zip(nodes, values, strict=True))
    for granted, shared in waiting:
        worths = [known[node] if node in known else scores.get(node) for node in granted]
        shares = (
            exact_share([worth or 0.0 for worth in worths], temperature)
            if temperature
            else [None] * len(granted)
        )
        found.append(
            BeamShare(len(found) + 1, tuple(map(Granted, granted, worths, shares, shared)))
        )
    return found


def allocation_figure(one: BeamShare) -> go.Figure:
    """One round: bars are the children that a prefix got, rings what its exact share of the width
    would be; below each its score."""
    some = one.granted[:SHOWN]
    places = list(range(len(some)))
    figure = go.Figure()
    figure.add_bar(
        x=places,
        y=[each.width for each in some],
        name="children given",
        customdata=[
            [each.node, _format_value(each.score), _format_value(each.share)] for each in some
        ],
        text=[str(each.width or "") for each in some],
        textposition="inside",
        insidetextanchor="start",
        marker={"color": ACCENT},
        hovertemplate=(
            "node %{customdata[0]}: score %{customdata[1]}, share %{customdata[2]}<br>%{y} "
            "children<extra></extra>"
        ),
        unselected={"marker": {"opacity": 0.8}},
    )
    if any(each.share is not None for each in some):
        figure.add_scatter(
            x=places,
            y=[None if each.share is None else each.share * one.width for each in some],
            mode="markers",
            name="exact share of the width",
            hoverinfo="skip",
            marker={
                "symbol": "circle-open",
                "size": 13,
                "color": ORANGE,
                "line": {"width": 2.5, "color": ORANGE},
            },
        )
    frame(figure, x="prefix, best first: node and score", y="children", height=300)
    labels = [f"{each.node}<br>{_format_value(each.score)}" for each in some]
    figure.update_xaxes(tickvals=places, ticktext=labels)
    figure.update_yaxes(
        rangemode="tozero", range=[-0.15, max((each.width for each in some), default=1) * 1.2 + 0.5]
    )
    return figure


def course_figure(found: Sequence[BeamShare]) -> go.Figure:
    """All rounds: a circle a prefix at its score, its area the children it got; a cross got
    none.
    """
    figure = go.Figure()
    most = max((each.width for one in found for each in one.granted), default=1)
    for got, name, symbol, color in (
        (True, "got children", "circle", ACCENT),
        (False, "got none", "x-thin", GREY),
    ):
        some = [
            (one.number, each)
            for one in found
            for each in one.granted
            if (each.width > 0) is got and each.score is not None
        ]
        figure.add_scatter(
            x=[number for number, _ in some],
            y=[each.score for _, each in some],
            customdata=[[each.node, each.width] for _, each in some],
            mode="markers",
            name=name,
            marker={
                "symbol": symbol,
                "size": [6 + 22 * math.sqrt(each.width / most) if got else 8 for _, each in some],
                "color": color,
                "opacity": 0.75,
                "line": {"width": 1.5, "color": FAINT if got else color},
            },
            hovertemplate=(
                "round %{x}, node %{customdata[0]}<br>score %{y:.3f}, %{customdata[1]} "
                "children<extra></extra>"
            ),
        )
    frame(figure, x="round", y="score", height=300)
    figure.update_yaxes(range=[-0.05, 1.08])
    figure.update_xaxes(dtick=1 if len(found) <= 20 else None)
    return figure


def _format_value(value: float | None) -> str:
    return "\u2013" if value is None else f"{value:.2f}"


def allocation_table(one: BeamShare, data: ViewData) -> pd.DataFrame:
    """One line a prefix of the round: score, softmax weight, that part of the width, and what it
    got."""
    lines = [
        (
            each.node,
            each.score,
            each.share,
            None if each.share is None else each.share * one.width,
            each.width,
            data.text(each.node),
        )
        for each in one.granted
    ]
    return pd.DataFrame(
        lines, columns=["node", "score", "softmax weight", "exact share", "children", "text"]
    )
