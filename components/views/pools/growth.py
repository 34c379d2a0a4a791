"""How the vote went while the samples came in: what each class of equal answers counted after 1, 2,
3 ... candidates, by the final rule's measure.

Everything is computed from the candidates in the order in which the final rule met them, see
`candidates`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from plotly import graph_objects as go

from backend.core.tree import TreeRow
from components.frame.prose import visible
from components.frame.theme import (
    ACCENT,
    BLUE,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    escape,
    frame,
)
from components.run.reached import text_down_to
from components.views.pools.candidates import BEST, MEASURES, VOTES, WEIGHT, AnswerOf, Candidate

SHOWN = 6
"""Classes drawn at most, the strongest at the end."""


@dataclass(frozen=True)
class GrowthLine:
    """A class of equal answers: `strengths[n - 1]` is what it counted after n samples; `right`: it
    is known to be right."""

    answer: str
    strengths: tuple[float, ...]
    right: bool


@dataclass(frozen=True)
class GrowthInfo:
    """The strongest classes of the end, best first; `leaders[n - 1]` is the class ahead after n
    samples, None before the first readable answer; `nodes[n - 1]` is the node of sample n."""

    measure: str
    lines: tuple[GrowthLine, ...]
    leaders: tuple[str | None, ...]
    nodes: tuple[int, ...]
    omitted: int

    @property
    def settled(self) -> int | None:
        """From which sample on the leader did not change any more."""
        last = self.leaders[-1] if self.leaders else None
        if last is None:
            return None
        return max((n for n, leader in enumerate(self.leaders, 1) if leader != last), default=0) + 1


def growth_info(
    rows: Sequence[TreeRow],
    found: Sequence[Candidate],
    answer_of: AnswerOf,
    rule: str,
    right: Collection[str] = (),
) -> GrowthInfo:
    """`rule` names the final rule; where no candidate has a score, votes are counted. `right` are
    the right answers in compared form."""
    by_id = {row.id: row for row in rows}
    answers = {
        node: answer_of(text_down_to(by_id, node))
        for node in dict.fromkeys(candidate.node for candidate in found)
    }
    measure = MEASURES.get(rule, VOTES)
    measure = VOTES if all(candidate.value is None for candidate in found) else measure
    strengths: dict[str, float] = {}
    votes: dict[str, int] = {}
    history: list[Mapping[str, float]] = []
    leaders: list[str | None] = []
    for candidate in found:
        answer = answers[candidate.node]
        if answer is not None:
            strengths[answer] = add_candidate(measure, strengths.get(answer, 0.0), candidate.value)
            votes[answer] = votes.get(answer, 0) + 1
        history.append(dict(strengths))
        # Ties: the larger class for a weighted vote, then the class met first, which is the earlier
        # key.
        leaders.append(
            max(
                strengths,
                key=lambda each: (strengths[each], votes[each] if measure == WEIGHT else 0),
                default=None,
            )
        )
    order = sorted(strengths, key=lambda each: -strengths[each])
    lines = tuple(
        GrowthLine(answer, tuple(at.get(answer, 0.0) for at in history), answer in right)
        for answer in order[:SHOWN]
    )
    return GrowthInfo(
        measure,
        lines,
        tuple(leaders),
        tuple(candidate.node for candidate in found),
        max(0, len(order) - SHOWN),
    )


def add_candidate(measure: str, strength: float, value: float | None) -> float:
    """What a class counts with one more candidate of this value; an unscored one adds a vote, and
    no weight."""
    if measure == BEST:
        return max(strength, value or 0.0)
    return strength + (1.0 if measure == VOTES else value or 0.0)


_LOOKS = (
    (ACCENT, "solid"),
    (ORANGE, "dash"),
    (BLUE, "dot"),
    (VERMILION, "dashdot"),
    (PURPLE, "longdash"),
    (SKY, "longdashdot"),
)


def growth_figure(info: GrowthInfo, at: int | None = None) -> go.Figure:
    """One stepped line a class, the right one named so; an upright line where sample `at` is looked
    at."""
    samples = list(range(1, len(info.nodes) + 1))
    figure = go.Figure()
    for line, (color, dash) in zip(info.lines, _LOOKS, strict=False):
        name = _label(line.answer) + (" (right)" if line.right else "")
        figure.add_scatter(
            x=samples,
            y=[
                strength or None for strength in line.strengths
            ],  # a class begins with its first sample
            mode="lines+markers" if len(samples) <= 30 else "lines",
            name=name,
            customdata=list(info.nodes),
            line={"shape": "hv", "width": 3.5 if line.right else 2, "color": color, "dash": dash},
            marker={"size": 6, "symbol": "star" if line.right else "circle"},
            hovertemplate="after %{x} samples: %{y:.3g}<br>sample %{x} is node %{customdata}<extra>"
            + name
            + "</extra>",
        )
    if at is not None:
        figure.add_vline(x=at, line={"dash": "dot", "width": 1.5, "color": GREY})
    frame(figure, x="samples", y=info.measure, height=300)
    figure.update_yaxes(rangemode="tozero")
    figure.update_xaxes(
        dtick=1 if len(samples) <= 20 else None, range=[0.5, max(len(samples), 1) + 0.5]
    )
    return figure


def _label(answer: str) -> str:
    return escape(visible(answer if len(answer) <= 24 else answer[:23] + "\u2026"))
