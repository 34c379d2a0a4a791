"""A simulation of a tree search as a picture: the path from the top down with the children at every
choice, and what the phase looked at adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from plotly import graph_objects as go

from components.frame.theme import ACCENT, BLUE, FAINT, GREY, ORANGE, frame
from components.views.tree_search.walks import (
    PHASES,
    Simulation,
    format_number,
)
from components.views.view_data import ViewData

LEVELS = 8
"""Levels drawn at most, the lowest ones."""
ROOMY = 6
"""Children of a level up to which each has all its numbers beside it; of more only the value."""

BESIDE = 0.32
"""How far siblings stand apart while there is room; the picture is 2 wide."""


@dataclass(frozen=True)
class WalkMark:
    """A node in the picture: where it stands, what kind of mark it is, and its label."""

    node: int
    x: float
    y: int
    kind: str
    label: str


@dataclass(frozen=True)
class WalkPicture:
    """Marks from the top down, lines (x, y) to (x, y) with whether the walk took them, and how many
    upper levels are not drawn."""

    marks: tuple[WalkMark, ...]
    lines: tuple[tuple[float, int, float, int, bool], ...]
    hidden: int


def walk_picture(one: Simulation, phase: str) -> WalkPicture:
    """The picture in a phase: `select` shows the choices, `expand` adds what was drawn, `evaluate`
    the rollouts, `back up` the new N and Q."""
    at = PHASES.index(phase)
    drawn = at >= PHASES.index("expand")
    path = [node for node in one.path if drawn or node not in {new.node for new in one.fresh}]
    hidden = max(0, len(path) - LEVELS)
    marks: list[WalkMark] = []
    lines: list[tuple[float, int, float, int, bool]] = []
    where: dict[int, tuple[float, int]] = {}
    for place, node in enumerate(path[hidden:]):
        if place == 0:
            marks.append(WalkMark(node, 0.0, 0, "path", _label(one, node, phase)))
            where[node] = (0.0, 0)
        below = _below(one, node, path[hidden + place + 1 : hidden + place + 2], drawn)
        for x, child in zip(_spread(len(below), where[node][0]), below, strict=True):
            where[child] = (x, place + 1)
            marks.append(
                WalkMark(
                    child,
                    x,
                    place + 1,
                    _kind(one, child),
                    _label(one, child, phase, terse=len(below) > ROOMY),
                )
            )
            lines.append((*where[node], x, place + 1, child in path))
    for tried in one.tried if at >= PHASES.index("evaluate") else ():
        x, y = where.get(tried.node, (0.0, len(path) - hidden))
        marks.append(
            WalkMark(tried.end, x, y + 1, "rollout", f"rollout: {format_number(tried.value)}")
        )
        lines.append((x, y, x, y + 1, True))
    return WalkPicture(tuple(marks), tuple(lines), hidden)


def _below(one: Simulation, node: int, following: Sequence[int], drawn: bool) -> list[int]:
    """The children of a node in the picture: those the walk chose among, those it drew, and where
    it went on."""
    choice = next((choice for choice in one.choices if choice.parent == node), None)
    found = [option.node for option in choice.options] if choice else []
    found += [new.node for new in one.fresh if drawn and new.parent == node]
    return list(dict.fromkeys([*found, *following]))


def _spread(count: int, around: float) -> list[float]:
    """Places side by side about a parent's, all within [-1, 1]."""
    half = min(1.0, BESIDE * (count - 1) / 2)
    middle = min(max(around, half - 1.0), 1.0 - half)
    return (
        [middle]
        if count == 1
        else [middle - half + 2 * half * place / (count - 1) for place in range(count)]
    )


def _kind(one: Simulation, node: int) -> str:
    new = next((new for new in one.fresh if new.node == node), None)
    if new is not None:
        return "dropped" if new.dropped else "drawn"
    return "path" if node in one.path else "passed over"


def _label(one: Simulation, node: int, phase: str, terse: bool = False) -> str:
    change = next((change for change in one.changes if change.node == node), None)
    if phase == "back up" and change is not None:
        return (
            f"N {change.visits - 1}\u2192{change.visits}<br>Q "
            f"{format_number(change.before)}\u2192{format_number(change.after)}"
        )
    if phase == "evaluate" and node == one.path[-1]:
        return f"<b>value {one.value:.2f}</b>"
    new = next((new for new in one.fresh if new.node == node), None)
    if new is not None:
        return "dropped" if new.dropped else f"score {format_number(new.score)}"
    for choice in one.choices:
        for option in choice.options:
            if option.node == node:
                star = (
                    "\u2605 "
                    if option.worth == max(other.worth for other in choice.options)
                    else ""
                )
                worth = f"{star}<b>{format_number(option.worth)}</b>"
                return (
                    worth
                    if terse
                    else f"N {option.visits}, Q {format_number(option.mean)}<br>{worth}"
                )
    if node == one.path[0] or change is None:
        return "problem" if node == one.path[0] else ""
    return f"N {change.visits - 1}, Q {format_number(change.before)}"


CHOICE_COLUMNS = (
    "level", "at node", "N of it", "child", "N", "Q", "prior P", "draws", "beyond Q", "value",
    "choice", "text",
)  # fmt: skip
"""Columns of the table of a walk's choices; those without any number are left out."""

_MARKS = {
    "path": ("on the way", "circle", ACCENT, 18),
    "passed over": ("passed over", "circle-open", GREY, 14),
    "drawn": ("new", "square", ORANGE, 14),
    "dropped": ("dropped", "x", GREY, 10),
    "rollout": ("rollout", "diamond", BLUE, 14),
}


def walk_figure(info: WalkPicture) -> go.Figure:
    """From the top down. Filled circles: the walk; hollow: children passed over; squares: new; the
    star and bold number: the greatest value."""
    figure = go.Figure()
    for taken, width, color in ((False, 1.0, FAINT), (True, 3.5, ACCENT)):
        some = [line for line in info.lines if line[4] is taken]
        figure.add_scatter(
            x=[x for line in some for x in (line[0], line[2], None)],
            y=[y for line in some for y in (line[1], line[3], None)],
            mode="lines",
            line={"width": width, "color": color},
            hoverinfo="skip",
            showlegend=False,
        )
    for kind, (name, symbol, color, size) in _MARKS.items():
        _add(
            figure,
            [mark for mark in info.marks if mark.kind == kind],
            name,
            {"symbol": symbol, "color": color, "size": size},
        )
    depth = max((mark.y for mark in info.marks), default=0)
    frame(figure, x="", y="level", height=100 + 74 * max(depth + 1, 2))
    figure.update_xaxes(visible=False, range=[-1.1, 1.25])
    ticks = list(range(depth + 1))
    figure.update_yaxes(
        range=[depth + 0.6, -0.45],
        tickvals=ticks,
        ticktext=[str(info.hidden + at) for at in ticks],
        showgrid=False,
    )
    return figure


def _add(figure: go.Figure, some: Sequence[WalkMark], name: str, marker: dict[str, object]) -> None:
    if some:
        figure.add_scatter(
            x=[mark.x for mark in some],
            y=[mark.y for mark in some],
            customdata=[mark.node for mark in some],
            text=["\u2002" + mark.label.replace("<br>", "<br>\u2002") for mark in some],
            mode="markers+text",
            textposition="middle right",
            name=name,
            marker={**marker, "line": {"width": 1.5, "color": marker["color"]}},
            hovertemplate="node %{customdata}<br>%{text}<extra>" + name + "</extra>",
            unselected={"marker": {"opacity": 0.8}},
        )


def walk_table(one: Simulation, phase: str, data: ViewData) -> tuple[pd.DataFrame, list[int]]:
    """The numbers of a phase, one line a node, with the nodes of the lines."""
    if phase == "select":
        return _choice_table(one, data)
    if phase == "back up":
        return _backup_table(one, data)
    return _new_node_table(one, data, rollouts=phase == "evaluate")


def _backup_table(one: Simulation, data: ViewData) -> tuple[pd.DataFrame, list[int]]:
    """N and Q of every node on the way, before and after the value was backed up."""
    columns = ["node", "N before", "N after", "Q before", "Q after", "text"]
    lines = [
        (c.node, c.visits - 1, c.visits, c.before, c.after, data.text(c.node)) for c in one.changes
    ]
    return pd.DataFrame(lines, columns=columns), [c.node for c in one.changes]


def _new_node_table(
    one: Simulation, data: ViewData, *, rollouts: bool
) -> tuple[pd.DataFrame, list[int]]:
    """The nodes that the simulation drew and, with `rollouts`, what was tried out from them."""
    lines = [
        (f.node, f.parent, "dropped" if f.dropped else "new", f.score, data.text(f.node))
        for f in one.fresh
    ]
    if rollouts:
        lines += [(t.end, t.node, "rollout", t.value, data.text(t.end)) for t in one.tried]
    columns = ["node", "below", "what", "score", "text"]
    return pd.DataFrame(lines, columns=columns), [line[0] for line in lines]


def _choice_table(one: Simulation, data: ViewData) -> tuple[pd.DataFrame, list[int]]:
    """The children that the walk chose among, level by level, by which numbers."""
    options = [
        (level, choice, option)
        for level, choice in enumerate(one.choices, 1)
        for option in choice.options
    ]
    lines = [
        {
            "level": level,
            "at node": choice.parent,
            "N of it": choice.visits,
            "child": option.node,
            "N": option.visits,
            "Q": option.mean,
            "prior P": option.prior,
            "draws": option.draws,
            "beyond Q": option.bonus,
            "value": option.worth,
            "choice": _fate(
                option.taken, option.worth == max(other.worth for other in choice.options)
            ),
            "text": data.text(option.node),
        }
        for level, choice, option in options
    ]
    return pd.DataFrame(lines, columns=CHOICE_COLUMNS).dropna(axis="columns", how="all"), [
        option.node for *_, option in options
    ]


def _fate(taken: bool, greatest: bool) -> str:
    return ", ".join(
        word for word, holds in (("\u2605 greatest", greatest), ("taken", taken)) if holds
    )
