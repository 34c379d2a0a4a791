"""Agreement of two authors as a table of figures and as tables of who said what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from plotly import graph_objects as go

from components.frame.prose import visible
from components.frame.theme import SCORE_SCALE, escape, frame

SHORT = 16
"""Characters of a label beside an axis."""


class KappaLike(Protocol):
    """Agreement on some units, as the service sends it."""

    @property
    def labels(self) -> Sequence[str]: ...

    @property
    def table(self) -> Sequence[Sequence[int]]: ...

    @property
    def units(self) -> int: ...

    @property
    def observed(self) -> float | None: ...

    @property
    def kappa(self) -> float | None: ...


@dataclass(frozen=True)
class AgreementRow:
    """A line of the table: what was labelled, how many units both labelled, the share they agree
    on, and kappa or why there is none."""

    what: str
    units: int
    raw: str
    kappa: str


@dataclass(frozen=True)
class ConfusionInfo:
    """Who said what: `counts[i][j]` units are `labels[i]` to `one` and `labels[j]` to `other`."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    one: str
    other: str


def agreement_row(what: str, found: KappaLike) -> AgreementRow:
    raw = "" if found.observed is None else f"{found.observed:.1%}"
    return AgreementRow(what, found.units, raw, kappa_word(found))


def kappa_word(found: KappaLike) -> str:
    """Kappa to three digits, or why it does not exist."""
    if found.kappa is not None:
        return f"{found.kappa:.3f}"
    return "\u2013 (no units)" if not found.units else "\u2013 (one label only)"


def confusion_info(
    found: KappaLike, one: str, other: str, names: Mapping[str, str]
) -> ConfusionInfo:
    """The table of a kappa with labels as they are shown; labels that nobody gave are left out."""
    used = [
        at
        for at in range(len(found.labels))
        if any(found.table[at]) or any(row[at] for row in found.table)
    ]
    labels = tuple(_name(found.labels[at], names) for at in used)
    return ConfusionInfo(
        labels,
        tuple(tuple(found.table[row][column] for column in used) for row in used),
        one,
        other,
    )


def _name(label: str, names: Mapping[str, str]) -> str:
    return " + ".join(names.get(part, part) for part in label.split(" + "))


def confusion_figure(info: ConfusionInfo) -> go.Figure:
    """A square a pair of labels, with its count written in it; the diagonal is where the two
    agree.
    """
    words = [escape(visible(label)) for label in info.labels]
    ticks = [escape(_short(visible(label))) for label in info.labels]
    places = list(range(len(ticks)))
    most = max((count for row in info.counts for count in row), default=0)
    figure = go.Figure(
        go.Heatmap(
            x=places,
            y=places,
            z=[list(row) for row in info.counts],
            zmin=0,
            zmax=max(most, 1),
            colorscale=SCORE_SCALE,
            showscale=False,
            xgap=2,
            ygap=2,
            customdata=[
                [
                    f"{escape(info.one)}: {mine}<br>{escape(info.other)}: {theirs}"
                    for theirs in words
                ]
                for mine in words
            ],
            hovertemplate="%{customdata}<br>%{z} times<extra></extra>",
        )
    )
    for row, counts in enumerate(info.counts):
        for column, count in enumerate(counts):
            # the scale is dark below its middle and light above
            ink = "#ffffff" if 2 * count <= most else "#111111"
            figure.add_annotation(
                x=column, y=row, text=str(count), showarrow=False, font={"size": 14, "color": ink}
            )
    frame(
        figure,
        x=escape(visible(info.other)),
        y=escape(visible(info.one)),
        height=130 + 44 * max(len(ticks), 2),
    )
    figure.update_xaxes(tickvals=places, ticktext=ticks, showgrid=False, automargin=True)
    figure.update_yaxes(
        tickvals=places, ticktext=ticks, showgrid=False, automargin=True, autorange="reversed"
    )
    return figure


def _short(label: str) -> str:
    """A label that fits beside an axis; the whole one appears on hovering and in the table."""
    return label if len(label) <= SHORT else label[: SHORT - 1] + "\u2026"
