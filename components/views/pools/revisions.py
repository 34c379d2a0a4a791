"""How a finished trace was revised: at which step another way on was tried, how long both ways
were, what they were worth, and which one stayed.

Everything is computed from the events `replaced` and, for what did not replace anything, from
`pruned` with the value that it would have had to beat.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from plotly import graph_objects as go

from backend.core.events import Pruned, Replaced, StepEnded
from backend.core.records import EventRecord
from backend.core.tree import TreeRow, up_to
from components.frame.theme import ACCENT, MUTED, ORANGE, frame


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
    rows: Sequence[TreeRow], events: Iterable[EventRecord], until: int | None = None
) -> RevisionInfo:
    """The attempts up to event `until`."""
    depths = {row.id: row.depth for row in rows}
    base = min((row.depth for row in rows), default=0)
    found: list[Revision] = []
    banned = 0
    replaced: Replaced[int] | None = None
    pruned: Pruned[int] | None = None
    for event in up_to(events, until):
        match event.body:
            case Replaced() as note:
                replaced = replaced or note
            case Pruned() as note:
                pruned = pruned or note
            case StepEnded() as step:
                one = (
                    _read_refusal(len(found) + 1, pruned, step, depths, base)
                    if replaced is None
                    else _read_revision(len(found) + 1, replaced, depths, base)
                )
                found += [one] if one else []
                banned += pruned is not None and event.phase == "ban"
                replaced = pruned = None
    return RevisionInfo(tuple(found), banned)


def _read_revision(
    number: int, note: Replaced[int], depths: Mapping[int, int], base: int
) -> Revision:
    return Revision(
        number,
        depths[note.new[0]] - 1 - base,
        len(note.old),
        len(note.new),
        note.old_value,
        note.new_value,
        note.new[-1],
        True,
    )


def _read_refusal(
    number: int, note: Pruned[int] | None, step: StepEnded, depths: Mapping[int, int], base: int
) -> Revision | None:
    if note is None or note.cut is None:
        return None
    place, length = depths[note.nodes[0]] - 1 - base, step.stats.get("steps")
    return Revision(
        number,
        place,
        None if length is None else int(length) - place,
        len(note.nodes),
        note.cut,
        None,
        note.nodes[-1],
        False,
    )


def revision_figure(info: RevisionInfo) -> go.Figure:
    """Two bars an attempt, from the step where the ways part: what stood there, and the new way.
    Filled: it stays; hatched: it was given up."""
    places = [one.number for one in info.revisions]
    figure = go.Figure()
    _draw_bars(figure, info.revisions, new=False)
    _draw_bars(figure, info.revisions, new=True)
    frame(figure, x="step of the trace", y="attempt", height=120 + 52 * max(len(places), 2))
    figure.update_layout(barmode="group", bargap=0.3)
    figure.update_yaxes(autorange="reversed", tickvals=places)
    longest = max(
        (one.place + max(one.new_steps, one.old_steps or 0) for one in info.revisions), default=0
    )
    figure.update_xaxes(dtick=1 if longest <= 20 else None)
    return figure


def _draw_bars(figure: go.Figure, revisions: Sequence[Revision], *, new: bool) -> None:
    """Draw one bar an attempt: of the new continuation, or of what stood there before."""
    name = "the new continuation" if new else "the trace so far"
    lengths = [one.new_steps if new else one.old_steps for one in revisions]
    figure.add_bar(
        orientation="h",
        y=[one.number for one in revisions],
        x=lengths,
        base=[one.place for one in revisions],
        name=name,
        customdata=[
            [one.node, one.place, length] for one, length in zip(revisions, lengths, strict=True)
        ],
        text=[_label_of(one, new=new) for one in revisions],
        textposition="auto",
        marker={
            "color": ACCENT if new else MUTED,
            "pattern": {
                "shape": ["" if one.replaced is new else "/" for one in revisions],
                "fgcolor": ORANGE,
                "solidity": 0.3,
                "fillmode": "overlay",
            },
        },
        hovertemplate=(
            "after step %{customdata[1]}: %{customdata[2]} steps<br>new way ends in node "
            f"%{{customdata[0]}}<extra>{name}</extra>"
        ),
        unselected={"marker": {"opacity": 0.8}},
    )


def _label_of(one: Revision, *, new: bool) -> str:
    """What became of the new continuation, or of what stood there before, and what it is worth."""
    value = one.new_value if new else one.old_value
    return ("stays" if one.replaced is new else "given up") + (
        "" if value is None else f", worth {value:.3f}"
    )
