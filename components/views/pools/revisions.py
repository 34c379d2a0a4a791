"""How a finished trace was revised: at which step another way on was tried, how long both ways
were, what they were worth, and which one stayed.

Everything is computed from the events `replaced` and, for what did not replace anything, from
`pruned` with the value that it would have had to beat.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from plotly import graph_objects as go

from components.frame.theme import ACCENT, MUTED, ORANGE, framed
from components.run.tree_table import EventLike, TreeRow, up_to


@dataclass(frozen=True)
class Revision:
    """Attempt `number` (from 1) after `place` steps: how many steps the rest of the trace had and
    how many the new one, what each was worth in [0, 1] (None: the log does not say), where the new
    one ends, and whether it replaced the rest."""

    number: int
    place: int
    old_steps: int | None
    new_steps: int
    old_value: float | None
    new_value: float | None
    node: int
    replaced: bool


@dataclass(frozen=True)
class RevisionInfo:
    """The attempts in order, and how many first steps were drawn again because they opened with a
    banned word."""

    revisions: tuple[Revision, ...]
    banned: int


def revision_info(
    rows: Sequence[TreeRow], events: Iterable[EventLike], until: int | None = None
) -> RevisionInfo:
    """The attempts up to event `until`."""
    depths = {row.id: row.depth for row in rows}
    base = min((row.depth for row in rows), default=0)
    found: list[Revision] = []
    banned = 0
    told: dict[str, Mapping[str, object]] = {}
    for event in up_to(events, until):
        data = event.data or {}
        if event.kind in ("replaced", "pruned"):
            told.setdefault(event.kind, data)
        elif event.kind == "step":
            one = _revision(len(found) + 1, told, data, depths, base)
            found += [one] if one else []
            banned += "pruned" in told and event_phase(event) == "ban"
            told = {}
    return RevisionInfo(tuple(found), banned)


def event_phase(event: EventLike) -> str:
    """The phase of a step, where the log says it."""
    return str(getattr(event, "phase", ""))


def _revision(
    number: int,
    told: Mapping[str, Mapping[str, object]],
    step: Mapping[str, object],
    depths: Mapping[int, int],
    base: int,
) -> Revision | None:
    if "replaced" in told:
        data = told["replaced"]
        old, new = _nodes(data["old"]), _nodes(data["new"])
        return Revision(
            number,
            depths[new[0]] - 1 - base,
            len(old),
            len(new),
            _value(data["old_value"]),
            _value(data["new_value"]),
            new[-1],
            True,
        )
    data = told.get("pruned", {})
    if data.get("cut") is None:
        return None
    new, stats = _nodes(data["nodes"]), step.get("stats")
    place = depths[new[0]] - 1 - base
    length = stats.get("steps") if isinstance(stats, Mapping) else None
    return Revision(
        number,
        place,
        None if length is None else int(length) - place,
        len(new),
        _value(data["cut"]),
        None,
        new[-1],
        False,
    )


def _nodes(value: object) -> list[int]:
    return [int(node) for node in value] if isinstance(value, list | tuple) else []


def _value(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def revision_figure(info: RevisionInfo) -> go.Figure:
    """Two bars an attempt, from the step where the ways part: what stood there, and the new way.
    Filled: it stays; hatched: it was given up."""
    places = [one.number for one in info.revisions]
    figure = go.Figure()
    bars = (
        (
            "the trace so far",
            [one.old_steps for one in info.revisions],
            ["" if not one.replaced else "/" for one in info.revisions],
            MUTED,
        ),
        (
            "the new continuation",
            [one.new_steps for one in info.revisions],
            ["" if one.replaced else "/" for one in info.revisions],
            ACCENT,
        ),
    )
    for name, lengths, shapes, color in bars:
        figure.add_bar(
            orientation="h",
            y=places,
            x=lengths,
            base=[one.place for one in info.revisions],
            name=name,
            customdata=[
                [one.node, one.place, length]
                for one, length in zip(info.revisions, lengths, strict=True)
            ],
            text=[_kept(one, name) for one in info.revisions],
            textposition="auto",
            marker={
                "color": color,
                "pattern": {
                    "shape": shapes,
                    "fgcolor": ORANGE,
                    "solidity": 0.3,
                    "fillmode": "overlay",
                },
            },
            hovertemplate=(
                "after step %{customdata[1]}: %{customdata[2]} steps<br>new way ends in node "
                "%{customdata[0]}<extra>"
            )
            + name
            + "</extra>",
            unselected={"marker": {"opacity": 0.8}},
        )
    framed(figure, x="step of the trace", y="attempt", height=120 + 52 * max(len(places), 2))
    figure.update_layout(barmode="group", bargap=0.3)
    figure.update_yaxes(autorange="reversed", tickvals=places)
    figure.update_xaxes(
        dtick=1
        if max(
            (one.place + max(one.new_steps, one.old_steps or 0) for one in info.revisions),
            default=0,
        )
        <= 20
        else None
    )
    return figure


def _kept(one: Revision, name: str) -> str:
    new = name == "the new continuation"
    value = one.new_value if new else one.old_value
    return ("stays" if one.replaced is new else "given up") + (
        "" if value is None else f", worth {value:.3f}"
    )
