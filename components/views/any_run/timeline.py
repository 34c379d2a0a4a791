"""When models and verifiers worked: one bar a call, by the clock of the run, with what it carried,
and how much of the time nobody worked.

Everything is computed from the events `call` (a batch, or one text of a race) and `score` (what
went through the verifier's model). Calls that overlap stand in lanes below each other. A call of an
older or foreign log that does not say when it ran is counted and not drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from plotly import graph_objects as go

from backend.core.events import CallEnded, ScoreGiven
from backend.core.records import EventRecord
from backend.core.tree import up_to
from components.frame.theme import ACCENT, BLUE, ORANGE, PURPLE, escape, frame

SHOWN = 1500
"""Bars drawn at most, the longest ones."""
LANES = 12
"""Lanes of one role at most; what overlaps more shares the last one."""

VERIFIER = "verifier "


@dataclass(frozen=True)
class TimedCall:
    """A call of `role` from `start` to `end` (ms) in lane `lane` (from 0) of its role: requests in
    the batch, tokens that it wrote, prompt tokens and how many of those came from the prefix cache.
    `seq` is its event."""

    role: str
    lane: int
    start: float
    end: float
    requests: int
    generated: int
    prompt: int
    cached: int
    seq: int

    @property
    def verifier(self) -> bool:
        return self.role.startswith(VERIFIER)


@dataclass(frozen=True)
class Timeline:
    """The calls in order of their start, the length of the run so far (ms), the time that models
    and (while no model worked) verifiers took, and how many calls do not say when they ran."""

    calls: tuple[TimedCall, ...]
    length: float
    model: float
    verifier: float
    untimed: int

    @property
    def idle(self) -> float:
        """Time (ms) in which neither worked: the search itself, the store, pauses."""
        return max(0.0, self.length - self.model - self.verifier)


def timeline(events: Iterable[EventRecord], until: int | None = None) -> Timeline:
    """The calls that were over by event `until`."""
    calls: list[TimedCall] = []
    passed = [0, 0]
    length, untimed = 0.0, 0
    for event in up_to(events, until):
        length = max(length, event.t_ms)
        match event.body:
            case ScoreGiven(tokens=tokens, cached=cached):
                passed = [passed[0] + tokens, passed[1] + cached]
            case CallEnded(started_ms=float() | int()) as body:
                calls.append(_call(event.seq, body, passed))
                passed = [0, 0]
            case CallEnded():
                untimed += 1
                passed = [0, 0]
    calls.sort(key=lambda call: (call.start, call.seq))
    model = _union([(call.start, call.end) for call in calls if not call.verifier])
    both = _union([(call.start, call.end) for call in calls])
    return Timeline(
        _in_lanes(calls), max([length, *(call.end for call in calls)]), model, both - model, untimed
    )


def _call(seq: int, body: CallEnded, passed: Sequence[int]) -> TimedCall:
    computed, reused = passed
    if body.scored is not None:
        counts = (body.scored, 0, computed + reused, reused)
    else:
        counts = (
            body.requests or 0,
            body.generated_tokens or 0,
            body.prompt_tokens or 0,
            body.cached_tokens or 0,
        )
    started = body.started_ms or 0.0
    ended = started if body.ended_ms is None else body.ended_ms
    return TimedCall(body.role, 0, started, ended, *counts, seq)


def _union(spans: Sequence[tuple[float, float]]) -> float:
    """The time that the spans, sorted by start, cover together."""
    covered, reached = 0.0, -math.inf
    for start, end in spans:
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return covered


def _in_lanes(calls: Sequence[TimedCall]) -> tuple[TimedCall, ...]:
    """Each call in the first lane of its role that is free when it starts."""
    free: dict[str, list[float]] = {}
    placed = []
    for call in calls:
        lanes = free.setdefault(call.role, [])
        lane = next(
            (at for at, end in enumerate(lanes) if end <= call.start), min(len(lanes), LANES - 1)
        )
        if lane == len(lanes):
            lanes.append(call.end)
        lanes[lane] = max(lanes[lane], call.end)
        placed.append(
            TimedCall(
                call.role,
                lane,
                call.start,
                call.end,
                call.requests,
                call.generated,
                call.prompt,
                call.cached,
                call.seq,
            )
        )
    return tuple(placed)


def describe_timeline(info: Timeline) -> str:
    """The timeline in a few sentences."""
    if not info.calls:
        return "No call says when it ran." if info.untimed else "No model has been called yet."
    model, verifier, rest = (
        100 * part / info.length if info.length else 0.0
        for part in (info.model, info.verifier, info.idle)
    )
    prompt, cached = (
        sum(call.prompt for call in info.calls),
        sum(call.cached for call in info.calls),
    )
    requests, written = (
        sum(call.requests for call in info.calls),
        sum(call.generated for call in info.calls),
    )
    said = (
        f"{_seconds(info.length)}: {model:.0f} % in the model, {verifier:.0f} % in the "
        f"verifier, {rest:.0f} % in neither."
    )
    said += f" {len(info.calls):,} calls with {requests:,} requests wrote {written:,} tokens"
    said += (
        f"; {100 * cached / prompt:.0f} % of {prompt:,} prompt tokens came from the prefix cache."
        if prompt
        else "."
    )
    return said + (
        f" {info.untimed} further calls do not say when they ran." if info.untimed else ""
    )


def _seconds(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


_COLORS = (ACCENT, BLUE, PURPLE)


def timeline_figure(info: Timeline) -> go.Figure:
    """Bars by role, the verifier's hatched; gaps are time in which a role did nothing."""
    drawn = sorted(info.calls, key=lambda call: call.start - call.end)[:SHOWN]
    roles = sorted(
        {call.role for call in info.calls}, key=lambda role: (role.startswith(VERIFIER), role)
    )
    lanes = [
        (role, lane)
        for role in roles
        for lane in range(1 + max(call.lane for call in info.calls if call.role == role))
    ]
    place = {lane: at for at, lane in enumerate(lanes)}
    models = [role for role in roles if not role.startswith(VERIFIER)]
    unit, scale = ("ms", 1.0) if info.length < 2000 else ("s", 1000.0)
    figure = go.Figure()
    for role in roles:
        mine = [call for call in drawn if call.role == role]
        color = _COLORS[models.index(role) % 3] if role in models else ORANGE
        figure.add_bar(
            orientation="h",
            y=[place[role, call.lane] for call in mine],
            x=[(call.end - call.start) / scale for call in mine],
            base=[call.start / scale for call in mine],
            name=escape(role),
            customdata=[_facts(call) for call in mine],
            marker={
                "color": color,
                "pattern": {
                    "shape": "" if role in models else "/",
                    "fgcolor": "rgba(255,255,255,0.6)",
                    "fillmode": "overlay",
                },
            },
            hovertemplate="%{customdata}<extra>" + escape(role) + "</extra>",
        )
    frame(figure, x=f"{unit} since the start", y="", height=110 + max(34 * len(lanes), 70))
    figure.update_layout(barmode="overlay", bargap=0.25)
    figure.update_xaxes(range=[0, info.length / scale * 1.01 or 1])
    figure.update_yaxes(
        autorange="reversed",
        automargin=True,
        tickvals=[place[role, 0] for role in roles],
        ticktext=[escape(role) for role in roles],
        showgrid=False,
    )
    return figure


def _facts(call: TimedCall) -> str:
    took = f"{call.end - call.start:.1f} ms from {call.start:.1f} ms"
    share = f", {call.cached:,} of them cached" if call.cached else ""
    what = (
        f"{call.requests:,} scored"
        if call.verifier
        else f"{call.requests:,} requests wrote {call.generated:,} tokens"
    )
    return f"{what}<br>{call.prompt:,} prompt tokens{share}<br>{took}"
