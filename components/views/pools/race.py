"""Who came to the end of a race of whole texts, after how many tokens, and who was stopped on the
way.

Everything is computed from the nodes in the order in which they came, which is that of their ends,
and from the candidates that `step` lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from plotly import graph_objects as go

from backend.core.records import EventRecord
from backend.core.tree import TreeRow
from components.frame.theme import ACCENT, BLUE, GREY, frame
from components.views.pools.candidates import candidates

SHOWN = 40
"""Texts drawn at most, the first to end."""

CANDIDATE, ENDED, STOPPED = "candidate for the answer", "ended, no candidate", "stopped on the way"


@dataclass(frozen=True)
class Racer:
    """A text: its last node, all tokens on its path, what became of it, and its place among those
    that ended (None: stopped)."""

    node: int
    tokens: int
    fate: str
    place: int | None


@dataclass(frozen=True)
class FinishRaceInfo:
    """Texts in order of their ends, the stopped ones last."""

    racers: tuple[Racer, ...]

    @property
    def spent(self) -> int:
        """Tokens of all texts."""
        return sum(racer.tokens for racer in self.racers)

    @property
    def discarded(self) -> int:
        """Tokens of those that were stopped."""
        return sum(racer.tokens for racer in self.racers if racer.fate == STOPPED)


def race_info(
    rows: Sequence[TreeRow], events: Iterable[EventRecord], until: int | None = None
) -> FinishRaceInfo:
    """`rows` is the tree at event `until`."""
    by_id = {row.id: row for row in rows}
    inner = {row.parent for row in rows}
    counted = {candidate.node for candidate in candidates(rows, events, until)}
    ended: list[Racer] = []
    stopped: list[Racer] = []
    for row in rows:
        if row.parent is None or row.id in inner or row.kind != "step":
            continue
        tokens, at = 0, row
        while at.parent is not None and at.parent in by_id:
            tokens, at = tokens + at.tokens, by_id[at.parent]
        if row.finish == "aborted":
            stopped.append(Racer(row.id, tokens, STOPPED, None))
        else:
            ended.append(
                Racer(row.id, tokens, CANDIDATE if row.id in counted else ENDED, len(ended) + 1)
            )
    return FinishRaceInfo((*ended, *sorted(stopped, key=lambda racer: (-racer.tokens, racer.node))))


_LOOKS = ((CANDIDATE, ACCENT, ""), (ENDED, BLUE, "."), (STOPPED, GREY, "/"))


def race_figure(info: FinishRaceInfo) -> go.Figure:
    """One bar a text, as long as its tokens, the first to end on top."""
    some = info.racers[:SHOWN]
    figure = go.Figure()
    for fate, color, shape in _LOOKS:
        mine = [(place, racer) for place, racer in enumerate(some) if racer.fate == fate]
        if mine:
            figure.add_bar(
                orientation="h",
                y=[place for place, _ in mine],
                x=[racer.tokens for _, racer in mine],
                name=fate,
                customdata=[racer.node for _, racer in mine],
                text=[str(racer.tokens) for _, racer in mine],
                textposition="outside",
                cliponaxis=False,
                marker={
                    "color": color,
                    "pattern": {
                        "shape": shape,
                        "fgcolor": "rgba(255,255,255,0.6)",
                        "fillmode": "overlay",
                    },
                },
                hovertemplate="node %{customdata}: %{x} tokens<extra>" + fate + "</extra>",
                unselected={"marker": {"opacity": 0.8}},
            )
    frame(figure, x="tokens", y="", height=110 + 20 * max(len(some), 3))
    labels = [
        f"{racer.place}. node {racer.node}" if racer.place else f"node {racer.node}"
        for racer in some
    ]
    figure.update_yaxes(
        autorange="reversed", tickvals=list(range(len(some))), ticktext=labels, automargin=True
    )
    figure.update_xaxes(rangemode="tozero")
    figure.update_layout(barmode="overlay", bargap=0.25)
    return figure
