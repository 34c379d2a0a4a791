"""Answers and scores of several runs over one clock: step lines, and a mark wherever an answer
changed, its shape saying whether it was right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plotly import graph_objects as go

from backend.core.events import AnswerChanged, ScoreGiven
from backend.core.palette import line_look
from backend.core.records import EventRecord
from components.compare.clock import Clock, ClockAxis
from components.frame.prose import visible
from components.frame.theme import GREY, escape, frame

VERDICTS: Mapping[bool | None, str] = {True: "star", False: "x", None: "circle-open"}
"""The mark of an answer by what is known of it."""
WORDS: Mapping[bool | None, str] = {True: "right", False: "wrong", None: "undecided or not graded"}
MOST = 400
"""Points of a line at most; between them it is thinned out."""

Point = tuple[float, float]


@dataclass(frozen=True)
class RaceMark:
    """An answer on the clock. `score` is what the verifier gave its node by then, None if
    nothing.
    """

    at: float
    score: float | None
    answer: str
    node: int | None
    correct: bool | None


@dataclass(frozen=True)
class RaceLine:
    """A run: `best` and `mean` score so far as points (amount, score) where they changed, its
    `marks`, and the amount at its `end`."""

    run: int
    label: str
    best: tuple[Point, ...]
    mean: tuple[Point, ...]
    marks: tuple[RaceMark, ...]
    end: float


@dataclass(frozen=True)
class RaceInfo:
    """One line a run; `scored` says whether any verifier gave a score."""

    lines: tuple[RaceLine, ...]
    axis: ClockAxis

    @property
    def scored(self) -> bool:
        return any(line.best for line in self.lines)


def race_info(
    runs: Sequence[tuple[int, str, Sequence[EventRecord], Clock]], axis: ClockAxis
) -> RaceInfo:
    """Fold the logs: each run is (id, label, events, its clock)."""
    return RaceInfo(
        tuple(_line(run, label, events, counted) for run, label, events, counted in runs), axis
    )


def _line(run: int, label: str, events: Sequence[EventRecord], counted: Clock) -> RaceLine:
    best: list[Point] = []
    mean: list[Point] = []
    marks: list[RaceMark] = []
    scores: dict[int, float] = {}
    total, count = 0.0, 0
    for event, at in zip(events, counted.values, strict=True):
        match event.body:
            case ScoreGiven(node=node, value=float() | int() as value):
                total, count = total + value, count + 1
                scores[node] = value
                _put(best, at, max(value, best[-1][1]) if best else value)
                _put(mean, at, total / count)
            case AnswerChanged(node=node, answer=answer, correct=correct):
                answer_text = "none that can be read" if answer is None else answer
                marks.append(RaceMark(at, scores.get(node), answer_text, node, correct))
    return RaceLine(run, label, tuple(best), tuple(thin_out(mean)), tuple(marks), counted.end)


def _put(points: list[Point], at: float, value: float) -> None:
    """A further point of a step line: one an amount, and none where nothing changed."""
    if points and points[-1][0] == at:
        points[-1] = (at, value)
    elif not points or points[-1][1] != value:
        points.append((at, value))


def thin_out(points: Sequence[Point], most: int = MOST) -> list[Point]:
    """At most `most` of the points, evenly, the last one always among them."""
    if len(points) <= most:
        return list(points)
    return [points[round(at * (len(points) - 1) / (most - 1))] for at in range(most)]


def race_figure(info: RaceInfo) -> go.Figure:
    """Thick steps: best score so far. Thin steps: mean. Marks: answers, at the score of the
    answer's node, at 0 where it has none."""
    figure = go.Figure()
    for place, line in enumerate(info.lines):
        colour, dash, _ = line_look(place)
        for points, width, name in ((line.best, 2.5, "best score"), (line.mean, 1.2, "mean score")):
            xs, ys = [x for x, _ in points], [y for _, y in points]
            figure.add_scatter(
                x=[*xs, line.end] if xs else [None],
                y=[*ys, ys[-1]] if ys else [None],
                mode="lines",
                name=escape(visible(line.label)),
                line={"shape": "hv", "width": width, "color": colour, "dash": dash},
                opacity=1 if width > 2 else 0.6,
                legendgroup=str(line.run),
                showlegend=width > 2,
                hovertemplate=(
                    f"run {line.run}<br>{name} %{{y:.3f}}<br>%{{x:,.6~g}} "
                    f"{info.axis.unit}<extra></extra>"
                ),
            )
        figure.add_scatter(
            x=[mark.at for mark in line.marks],
            y=[mark.score or 0.0 for mark in line.marks],
            mode="markers",
            legendgroup=str(line.run),
            showlegend=False,
            marker={
                "size": 13,
                "color": colour,
                "symbol": [VERDICTS[mark.correct] for mark in line.marks],
                "line": {"width": 1.5, "color": GREY},
            },
            hovertext=[_hover_text(line.run, mark) for mark in line.marks],
            hoverinfo="text",
            cliponaxis=False,
        )
    for correct, symbol in VERDICTS.items():
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            name=f"answer, {WORDS[correct]}",
            marker={"symbol": symbol, "size": 11, "color": GREY},
        )
    frame(figure, x=info.axis.title.lower(), y="score", height=300)
    figure.update_yaxes(range=[-0.04, 1.06])
    figure.update_xaxes(rangemode="tozero")
    return figure


def _hover_text(run: int, mark: RaceMark) -> str:
    score = "no score" if mark.score is None else f"score {mark.score:.3f}"
    short = mark.answer if len(mark.answer) <= 60 else mark.answer[:59] + "\u2026"
    return (
        f"run {run}: answer {escape(visible(short))}, {WORDS[mark.correct]}<br>{score}, node "
        f"{mark.node}"
    )
