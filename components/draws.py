"""How Thompson draws led to each answer of a tree of answers: at every node the draw for a new answer, the draw for going on below, and where that
was the greater, one for each child; beside each what its arm had heard by then.

Everything is computed from the events `drawn` and `backed`. A score is heard by the arm of its answer and by GEN of the node that it was made at; of
every answer above by its arm, and by CONT of the node above that (AB-MCTS-A, arXiv 2503.04412).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from plotly import graph_objects as go

from components.tables import EventLike, up_to
from components.theme import ACCENT, BLUE, GREY, framed

NEW, ON, CHILD = "new answer here", "go on below", "child"


@dataclass(frozen=True)
class Arm:
    """An arm at a node: what it stands for, the child it leads to if it is one's, what it drew, how many scores it had heard and their mean."""

    kind: str
    child: int | None
    draw: float
    count: int
    mean: float | None
    won: bool


@dataclass(frozen=True)
class Level:
    """The arms at a node; the children draw only where going on won."""

    node: int
    arms: tuple[Arm, ...]


@dataclass(frozen=True)
class Descent:
    """The draws that led to one answer, from the top down. `answer` is the node that came of it with its `score`, where the log tells it for sure."""

    number: int
    levels: tuple[Level, ...]
    answer: int | None = None
    score: float | None = None


@dataclass
class _Heard:
    """What arms have heard so far: (number, sum) by what they stand for."""

    sums: dict[tuple[str, int], tuple[int, float]] = field(default_factory=dict)
    answers: set[int] = field(default_factory=set)

    def hear(self, path: Sequence[int], score: float) -> None:
        branches = [node for place, node in enumerate(path) if place in (0, len(path) - 1) or node in self.answers]
        self.answers.add(path[-1])
        self._add((CHILD, branches[-1]), score)
        self._add((NEW, branches[-2]), score)
        for above, node in pairwise(branches[:-1]):
            self._add((CHILD, node), score)
            self._add((ON, above), score)

    def arm(self, kind: str, at: int, draw: float, won: bool, child: int | None = None) -> Arm:
        count, total = self.sums.get((kind, at if child is None else child), (0, 0.0))
        return Arm(kind, child, draw, count, total / count if count else None, won)

    def _add(self, key: tuple[str, int], score: float) -> None:
        count, total = self.sums.get(key, (0, 0.0))
        self.sums[key] = (count + 1, total + score)


def descents(events: Iterable[EventLike], until: int | None = None) -> list[Descent]:
    """The descents of the log up to event `until`. The first answer has none: there is nothing to go on below."""
    heard = _Heard()
    found: list[Descent] = []
    asked: list[Descent] = []
    made: list[tuple[int, float]] = []
    top: int | None = None
    for event in up_to(events, until):
        data = event.data or {}
        if event.kind == "drawn" and event.node_id is not None:
            top = event.node_id if top is None else top
            level = _level(heard, event.node_id, data["gen"], data["cont"], data["children"], data["draws"])
            if event.node_id == top:
                asked.append(Descent(len(found) + len(asked) + 1, (level,)))
            elif asked:
                asked[-1] = replace(asked[-1], levels=(*asked[-1].levels, level))
        elif event.kind == "backed":
            path = data["path"]
            heard.hear(path, float(event.value or 0.0))
            made.append((path[-1], float(event.value or 0.0)))
        elif event.kind == "step":
            sure = len(made) == len(asked)
            found += [replace(one, answer=made[at][0], score=made[at][1]) if sure else one for at, one in enumerate(asked)]
            asked, made = [], []
    return found + asked


def _level(heard: _Heard, node: int, gen: float, cont: float, children: Sequence[int], draws: Sequence[float]) -> Level:
    heard.answers |= set(children)
    first = (heard.arm(NEW, node, gen, not children), heard.arm(ON, node, cont, bool(children)))
    top = max(range(len(draws)), key=draws.__getitem__, default=None)
    below = (heard.arm(CHILD, node, draw, place == top, child) for place, (child, draw) in enumerate(zip(children, draws, strict=True)))
    return Level(node, (*first, *below))


def arm_label(arm: Arm) -> str:
    """The arm in words, with the star of the one that won."""
    name = arm.kind if arm.child is None else f"child {arm.child}"
    return ("\u2605 " if arm.won else "") + name


def draw_figure(one: Descent) -> go.Figure:
    """One lane an arm, node by node: the diamond is its draw, the bar reaches to the mean of what it had heard, with their number."""
    lanes = [(level, arm) for level in one.levels for arm in level.arms]
    places = list(range(len(lanes)))
    figure = go.Figure()
    figure.add_bar(
        orientation="h",
        y=places,
        x=[arm.mean for _, arm in lanes],
        text=[f"mean of {arm.count}" if arm.count else "" for _, arm in lanes],
        textposition="inside",
        insidetextanchor="start",
        name="mean of the scores heard",
        marker={"color": "rgba(86,180,233,0.45)", "line": {"width": 1, "color": BLUE}},
        hoverinfo="skip",
    )
    for won, name, color in ((True, "draw that won", ACCENT), (False, "other draw", GREY)):
        some = [(place, level, arm) for place, (level, arm) in zip(places, lanes, strict=True) if arm.won is won]
        figure.add_scatter(
            x=[arm.draw for _, _, arm in some],
            y=[place for place, _, _ in some],
            customdata=[level.node if arm.child is None else arm.child for _, level, arm in some],
            mode="markers",
            name=name,
            marker={"symbol": "star-diamond" if won else "diamond-open", "size": 13, "color": color, "line": {"width": 1.5, "color": color}},
            hovertemplate="draw %{x:.3f}, node %{customdata}<extra>" + name + "</extra>",
        )
    framed(figure, x="score", y="", height=110 + 30 * max(len(lanes), 3))
    labels = [f"at node {level.node}: {arm_label(arm)}" for level, arm in lanes]
    figure.update_yaxes(autorange="reversed", tickvals=places, ticktext=labels, automargin=True)
    return figure
