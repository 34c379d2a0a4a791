"""What each round of a beam kept and what it pruned: the candidates of a step side by side, best
first, with their scores.

What rounds decided is in the rows of the tree; the cuts are those of the events `pruned`.
Independent beams (subtrees) stand side by side in the column of their step, each with its own cut.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from plotly import graph_objects as go
from plotly.subplots import make_subplots

from backend.core.events import Pruned
from backend.core.records import EventRecord
from backend.core.tree import CANDIDATE, KEPT, PRUNED, TreeRow, up_to
from components.frame.theme import ACCENT, BLUE, GREY, escape, frame

ROWS = 6
"""Subtrees up to which each has a row of its own."""
HALF_COLUMN = 0.38
"""How far the candidates of a step spread to each side of it, in steps."""


@dataclass(frozen=True)
class Contender:
    """A scored node that a round chose about: its step, its score in [0, 1], what became of it, why
    where the log says so, and its track."""

    step: int
    node: int
    score: float
    fate: str
    reason: str = ""
    track: str = ""


@dataclass(frozen=True)
class Cut:
    """The score that step `step` demanded on a track."""

    step: int
    track: str
    score: float


@dataclass(frozen=True)
class BeamInfo:
    """Contenders step by step, on each step track by track, best first; the cuts; and how many had
    no score."""

    contenders: tuple[Contender, ...]
    cuts: tuple[Cut, ...]
    unscored: int

    @property
    def tracks(self) -> tuple[str, ...]:
        """The tracks in order of their number."""
        return tuple(sorted({one.track for one in self.contenders}, key=track_order))

    def of_track(self, track: str) -> BeamInfo:
        """One track alone."""
        ours = tuple(one for one in self.contenders if one.track == track)
        return BeamInfo(ours, tuple(cut for cut in self.cuts if cut.track == track), self.unscored)


def track_order(track: str) -> tuple[str, int]:
    """ "subtree 2" before "subtree 10"."""
    stem = track.rstrip("0123456789")
    return stem, int(track[len(stem) :] or 0)


def beam_info(
    rows: Sequence[TreeRow], events: Iterable[EventRecord], until: int | None = None
) -> BeamInfo:
    """The contenders among the rows of a moment, and the cuts of the log up to event `until`."""
    found: list[Contender] = []
    unscored = 0
    for row in rows:
        if row.parent is None or row.fate is None:
            continue
        score = row.score if row.ranked is None else row.ranked
        if score is None:
            unscored += 1
        else:
            found.append(Contender(row.depth, row.id, score, *row.fate))
    found.sort(
        key=lambda one: (one.step, track_order(one.track), -one.score, one.fate == PRUNED, one.node)
    )
    return BeamInfo(tuple(found), _cuts(rows, up_to(events, until)), unscored)


def _cuts(rows: Sequence[TreeRow], events: Iterable[EventRecord]) -> tuple[Cut, ...]:
    """The lowest score that each step demanded on each track."""
    depths = {row.id: row.depth for row in rows if row.parent is not None}
    lowest: dict[tuple[int, str], float] = {}
    for event in events:
        if isinstance(note := event.body, Pruned) and note.cut is not None:
            for step in {depths[node] for node in note.nodes if node in depths}:
                at = (step, event.track)
                lowest[at] = min(note.cut, lowest.get(at, math.inf))
    return tuple(
        Cut(step, track, lowest[step, track])
        for step, track in sorted(lowest, key=lambda at: (at[0], track_order(at[1])))
    )


def columns(contenders: Sequence[Contender]) -> list[float]:
    """Where each contender stands: the candidates of a step spread evenly about it, track by track,
    best first, so that equal scores stay apart."""
    xs: list[float] = []
    for step, group in groupby(contenders, key=lambda one: one.step):
        count = len(list(group))
        xs += [
            step if count == 1 else step - HALF_COLUMN + 2 * HALF_COLUMN * place / (count - 1)
            for place in range(count)
        ]
    return xs


def spans(info: BeamInfo, xs: Sequence[float]) -> list[tuple[float, float, float]]:
    """From where to where each cut is drawn, over the candidates of its step and track, and at what
    score."""
    places: dict[tuple[int, str], list[float]] = {}
    for x, one in zip(xs, info.contenders, strict=True):
        places.setdefault((one.step, one.track), []).append(x)
    found, alone = [], len(info.tracks) == 1
    for cut in info.cuts:
        if below := places.get((cut.step, cut.track)):
            found.append(
                (cut.step - 0.45, cut.step + 0.45, cut.score)
                if alone
                else (min(below) - 0.03, max(below) + 0.03, cut.score)
            )
    return found


_MARKS = ((PRUNED, "x", GREY, 7), (KEPT, "circle", ACCENT, 9), (CANDIDATE, "square-open", BLUE, 10))


def beam_figure(info: BeamInfo) -> go.Figure:
    """One column a step, its candidates from left to right by falling score; a few subtrees below
    each other, many in one. Dashed: the cut."""
    rows = (
        [info.of_track(track) for track in info.tracks] if 1 < len(info.tracks) <= ROWS else [info]
    )
    figure = make_subplots(
        rows=len(rows), cols=1, shared_xaxes=True, vertical_spacing=0.06 if len(rows) > 1 else 0.0
    )
    for row, part in enumerate(rows, 1):
        _add(figure, part, row)
    frame(figure, x="step", y="score", height=260 if len(rows) == 1 else 110 + 120 * len(rows))
    figure.update_xaxes(
        title="", dtick=1 if max((one.step for one in info.contenders), default=0) <= 20 else None
    )
    figure.update_xaxes(title="step", row=len(rows))
    figure.update_yaxes(range=[-0.05, 1.05])
    if len(rows) > 1:
        for row, track in enumerate(info.tracks, 1):
            figure.update_yaxes(title=escape(track), row=row)
    return figure


def _add(figure: go.Figure, info: BeamInfo, row: int) -> None:
    xs = columns(info.contenders)
    figure.add_scatter(
        x=[x for left, right, _ in spans(info, xs) for x in (left, right, None)],
        y=[y for *_, cut in spans(info, xs) for y in (cut, cut, None)],
        mode="lines",
        line={"dash": "dash", "width": 1.5, "color": GREY},
        name="needed to survive",
        hoverinfo="skip",
        showlegend=row == 1,
        row=row,
        col=1,
    )
    for fate, symbol, color, size in _MARKS:
        some = [(x, one) for x, one in zip(xs, info.contenders, strict=True) if one.fate == fate]
        figure.add_scatter(
            x=[x for x, _ in some],
            y=[one.score for _, one in some],
            mode="markers",
            name=fate,
            legendgroup=fate,
            showlegend=row == 1,
            customdata=[
                [
                    one.node,
                    one.step,
                    escape(", ".join(filter(None, (one.track, one.reason or one.fate)))),
                ]
                for _, one in some
            ],
            marker={
                "symbol": symbol,
                "size": size,
                "color": color,
                "line": {"width": 1.5 if "open" in symbol else 1, "color": color},
            },
            hovertemplate=(
                "node %{customdata[0]}, step %{customdata[1]}<br>score %{y:.3f}, "
                "%{customdata[2]}<extra></extra>"
            ),
            row=row,
            col=1,
        )
