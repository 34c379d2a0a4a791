"""What looking ahead changed: the score of a step by itself and the score of where its rollout
ended, for every step that was tried out.

Everything is computed from the events `rolled`, `score`, `kept` and `pruned`. The search asks only
for the score of the end; the step's own is the one that the verifier gave this step on the way
there, where it scores each step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from plotly import graph_objects as go

from backend.core.events import Kept, Pruned, Rolled, ScoreGiven
from backend.core.records import EventRecord
from backend.core.tree import TreeRow, up_to
from components.frame.theme import ACCENT, BLUE, FAINT, GREY, frame

HALF_COLUMN = 0.4


@dataclass(frozen=True)
class Outlook:
    """A step that was tried out by `ahead` further steps: its own score and that of the end, in [0,
    1] or None; whether it was kept (None: finished, or not chosen about yet)."""

    step: int
    node: int
    end: int
    ahead: int
    before: float | None
    after: float | None
    kept: bool | None


def outlooks(
    rows: Sequence[TreeRow], events: Iterable[EventRecord], until: int | None = None
) -> tuple[Outlook, ...]:
    """The steps tried out up to event `until`, step by step, the most promising first."""
    by_id = {row.id: row for row in rows}
    steps: dict[int, Sequence[float]] = {}
    rolled: dict[int, tuple[int, float | None]] = {}
    fates: dict[int, bool] = {}
    for event in up_to(events, until):
        match event.body:
            case ScoreGiven() as given:
                steps[given.node] = given.steps
            case Rolled() as tried:
                rolled[tried.node] = (tried.rollout, tried.value)
            case Kept(nodes=nodes):
                fates |= dict.fromkeys(nodes, True)
            case Pruned(nodes=nodes):
                fates |= dict.fromkeys(nodes, False)
    found = []
    for node, (end, value) in rolled.items():
        if node in by_id and end in by_id:
            depth, scored = by_id[node].depth, steps.get(end, ())
            before = float(scored[depth - 1]) if len(scored) >= by_id[end].depth else None
            found.append(
                Outlook(depth, node, end, by_id[end].depth - depth, before, value, fates.get(node))
            )
    return tuple(sorted(found, key=lambda one: (one.step, -(one.after or 0.0), one.node)))


def count_overturned(found: Sequence[Outlook]) -> int:
    """At how many steps the best by its own score is not the best after looking ahead."""
    count = 0
    for step in {one.step for one in found}:
        known = [
            one
            for one in found
            if one.step == step and one.before is not None and one.after is not None
        ]
        if known:
            first = max(known, key=lambda one: one.before or 0.0)
            count += (first.after or 0.0) < max(one.after or 0.0 for one in known)
    return count


def outlook_figure(found: Sequence[Outlook]) -> go.Figure:
    """One stroke a step from its own score (hollow) to that of the end of its rollout (filled:
    kept; cross: pruned)."""
    placed = list(zip(_places(found), found, strict=True))
    figure = go.Figure()
    _draw_strokes(figure, placed)
    own = [(x, one, one.before) for x, one in placed]
    _draw_scores(figure, own, "the step itself", "circle-open", BLUE)
    kept = [(x, one, one.after) for x, one in placed if one.kept is not False]
    _draw_scores(figure, kept, "after looking ahead, kept", "circle", ACCENT)
    pruned = [(x, one, one.after) for x, one in placed if one.kept is False]
    _draw_scores(figure, pruned, "after looking ahead, pruned", "x", GREY)
    frame(figure, x="step", y="score", height=300)
    figure.update_yaxes(range=[-0.03, 1.03])
    figure.update_xaxes(dtick=1 if max((one.step for one in found), default=0) <= 20 else None)
    return figure


def _draw_strokes(figure: go.Figure, placed: Sequence[tuple[float, Outlook]]) -> None:
    """Draw a line between the two scores of every step that has both."""
    whole = [(x, one) for x, one in placed if one.before is not None and one.after is not None]
    figure.add_scatter(
        x=[at for x, _ in whole for at in (x, x, None)],
        y=[y for _, one in whole for y in (one.before, one.after, None)],
        mode="lines",
        line={"width": 2, "color": FAINT},
        hoverinfo="skip",
        showlegend=False,
    )


def _draw_scores(
    figure: go.Figure,
    scores: Sequence[tuple[float, Outlook, float | None]],
    name: str,
    symbol: str,
    color: str,
) -> None:
    """Draw one mark for each (x, step, score) whose score is known."""
    known = [(x, one, score) for x, one, score in scores if score is not None]
    figure.add_scatter(
        x=[x for x, *_ in known],
        y=[score for *_, score in known],
        customdata=[[one.node, one.end, one.ahead] for _, one, _ in known],
        mode="markers",
        name=name,
        marker={
            "symbol": symbol,
            "size": 9,
            "color": color,
            "line": {"width": 1.5, "color": color},
        },
        hovertemplate=(
            "node %{customdata[0]}, rollout of %{customdata[2]} to node "
            f"%{{customdata[1]}}<br>score %{{y:.3f}}<extra>{name}</extra>"
        ),
    )


def _places(found: Sequence[Outlook]) -> list[float]:
    """The steps of one depth side by side about it."""
    places: list[float] = []
    for step, group in groupby(found, key=lambda one: one.step):
        count = len(list(group))
        places += [
            step + HALF_COLUMN * (2.0 * place / (count - 1) - 1.0) if count > 1 else step
            for place in range(count)
        ]
    return places
