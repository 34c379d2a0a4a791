"""What each round of a beam kept and what it pruned: the candidates of a step side by side, best first, with their scores.

Everything is computed from the events `kept`, `pruned` and `step`. Independent beams (subtrees) stand together in the column of their step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from plotly import graph_objects as go

from components.tables import EventLike, TreeRow, up_to
from components.theme import ACCENT, BLUE, GREY, escaped, framed

KEPT, PRUNED, FINISHED = "kept", "pruned", "candidate for the answer"
HALF_COLUMN = 0.38
"""How far the candidates of a step spread to each side of it, in steps."""


@dataclass(frozen=True)
class Contender:
    """A scored node that a round chose about: its step, its score in [0, 1], what became of it, and why where the log says so."""

    step: int
    node: int
    score: float
    fate: str
    reason: str = ""


@dataclass(frozen=True)
class BeamInfo:
    """Contenders step by step, best first; the score that a step demanded where all its beams agree; and how many had no score."""

    contenders: tuple[Contender, ...]
    cuts: tuple[tuple[int, float], ...]
    unscored: int


class _Fates:
    """Folds the log: the last word on each node counts, but a candidate for the answer stays one."""

    def __init__(self, rows: Sequence[TreeRow]) -> None:
        self.rows = {row.id: row for row in rows if row.parent is not None}
        self.fates: dict[int, tuple[str, str]] = {}
        self.values: dict[int, float] = {}
        self.cuts: dict[int, set[float]] = {}

    def take(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind == "kept":
            self.values |= {node: value for node, value in zip(data["nodes"], data["values"], strict=True) if value is not None}
            self._mark(data["nodes"], KEPT)
        elif kind == "pruned":
            self._mark(data["nodes"], PRUNED, str(data["reason"]))
            if isinstance(data.get("cut"), int | float):
                for step in {self.rows[node].depth for node in data["nodes"] if node in self.rows}:
                    self.cuts.setdefault(step, set()).add(float(data["cut"]))
        elif kind == "step":
            self._mark([node for node in data["nodes"] if node in self.rows and (self.rows[node].done or node not in self.fates)], FINISHED)

    def _mark(self, nodes: Iterable[int], fate: str, reason: str = "") -> None:
        for node in nodes:
            if node in self.rows and self.fates.get(node, ("", ""))[0] != FINISHED:
                self.fates[node] = (fate, reason)


def beam_info(rows: Sequence[TreeRow], events: Iterable[EventLike], until: int | None = None) -> BeamInfo:
    """The contenders of the log up to event `until`."""
    folded = _Fates(rows)
    for event in up_to(events, until):
        folded.take(event.kind, event.data or {})
    found: list[Contender] = []
    unscored = 0
    for node, (fate, reason) in folded.fates.items():
        row = folded.rows[node]
        score = folded.values.get(node, row.score)
        if score is None:
            unscored += 1
        else:
            found.append(Contender(row.depth, node, score, fate, reason))
    found.sort(key=lambda one: (one.step, -one.score, one.fate == PRUNED, one.node))
    cuts = tuple((step, min(values)) for step, values in sorted(folded.cuts.items()) if len(values) == 1)
    return BeamInfo(tuple(found), cuts, unscored)


def columns(contenders: Sequence[Contender]) -> list[float]:
    """Where each contender stands: the candidates of a step spread evenly about it, best first, so that equal scores stay apart."""
    xs: list[float] = []
    for step, group in groupby(contenders, key=lambda one: one.step):
        count = len(list(group))
        xs += [step if count == 1 else step - HALF_COLUMN + 2 * HALF_COLUMN * place / (count - 1) for place in range(count)]
    return xs


_MARKS = ((PRUNED, "x", GREY, 7), (KEPT, "circle", ACCENT, 9), (FINISHED, "square-open", BLUE, 10))


def beam_figure(info: BeamInfo) -> go.Figure:
    """One column a step, its candidates from left to right by falling score. Dashed: the score that the step demanded."""
    xs = columns(info.contenders)
    figure = go.Figure()
    figure.add_scatter(
        x=[x for step, _ in info.cuts for x in (step - 0.45, step + 0.45, None)],
        y=[y for _, cut in info.cuts for y in (cut, cut, None)],
        mode="lines",
        line={"dash": "dash", "width": 1, "color": GREY},
        name="needed to survive",
        hoverinfo="skip",
    )
    for fate, symbol, color, size in _MARKS:
        some = [(x, one) for x, one in zip(xs, info.contenders, strict=True) if one.fate == fate]
        figure.add_scatter(
            x=[x for x, _ in some],
            y=[one.score for _, one in some],
            mode="markers",
            name=fate,
            customdata=[[one.node, one.step, escaped(one.reason or one.fate)] for _, one in some],
            marker={"symbol": symbol, "size": size, "color": color, "line": {"width": 1.5 if "open" in symbol else 1, "color": color}},
            hovertemplate="node %{customdata[0]}, step %{customdata[1]}<br>score %{y:.3f}, %{customdata[2]}<extra></extra>",
        )
    framed(figure, x="step", y="score")
    figure.update_yaxes(range=[-0.03, 1.03])
    figure.update_xaxes(dtick=1 if max((one.step for one in info.contenders), default=0) <= 20 else None)
    return figure
