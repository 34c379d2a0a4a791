"""The tree of a search as a drawing: SVG from nodes and events, without a browser.

Leaves stand side by side in order of creation, parents midway above them, the rule of the live
tree. The colour is the last score (Cividis from 0 to 1), the outline says the state: a star is the
chosen node, a square a finished one, a dashed outline a pruned one. Ink is dark on white. Texts
that models or people wrote are escaped; there is no script, no link and no foreign address in the
file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

from backend.core.records import EventRecord
from backend.core.tree import NodeLike, grow_tree
from backend.core.types import JSON
from backend.exchange.layout import layout_tree

LEAF, LEVEL, RADIUS, MARGIN, HEAD, FOOT = 26.0, 58.0, 7.0, 24.0, 64.0, 40.0
LEAST_WIDTH = 460.0
INK, PAPER, EDGE, WAY, UNSCORED = "#1d2422", "#ffffff", "#9aa3a0", "#1f8a70", "#8a8f94"
CIVIDIS = ((0, 34, 78), (67, 78, 108), (125, 124, 120), (188, 175, 111), (254, 232, 56))
STAR = "M0,-13L3.6,-4.2L12.4,-4.2L5.4,1.6L8,10.8L0,5.4L-8,10.8L-5.4,1.6L-12.4,-4.2L-3.6,-4.2Z"
LONGEST_LABEL = 160
DRAWN_KINDS = ("prompt", "step", "injected")


class SvgMark(NamedTuple):
    """A node as it is drawn, its centre in pixels; `parent` is the place of the parent's mark in
    the list, None for a root."""

    id: int
    x: float
    y: float
    parent: int | None
    score: float | None
    state: str
    """chosen, finished, pruned or open"""
    on_way: bool
    label: str


def drawing(
    run: Mapping[str, JSON], nodes: Sequence[NodeLike], events: Iterable[EventRecord]
) -> str:
    """The file. `run` has the fields of `schemas.Run`. Rollouts and asides are left out, as on the
    page."""
    chosen = run.get("chosen_node")
    found = marks(
        [node for node in nodes if node.kind in DRAWN_KINDS],
        events,
        chosen if isinstance(chosen, int) else None,
    )
    width = max(LEAST_WIDTH, max((mark.x for mark in found), default=0.0) + MARGIN)
    height = max((mark.y for mark in found), default=HEAD) + MARGIN + FOOT
    title = f"Run {run.get('id')}: {run.get('strategy')}"
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
            f'viewBox="0 0 {width:g} {height:g}" '
            f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}">',
            f"<title>{escape_xml(title)}</title>",
            f"<desc>{escape_xml(_facts(run, len(found)))}</desc>",
            f'<rect width="100%" height="100%" fill="{PAPER}"/>',
            f'<text x="{MARGIN:g}" y="26" font-size="15" font-weight="600">'
            f"{escape_xml(title)}</text>",
            f'<text x="{MARGIN:g}" y="44">{escape_xml(_facts(run, len(found)))}</text>',
            *_edges(found),
            *(_shape(mark) for mark in found),
            *_legend(height - 18.0),
            "</svg>\n",
        )
    )


def marks(
    nodes: Sequence[NodeLike], events: Iterable[EventRecord], chosen: int | None
) -> list[SvgMark]:
    """Where each node stands and what it is. The parents of the nodes that are drawn are drawn
    themselves."""
    at = {node.id: index for index, node in enumerate(nodes)}
    parents = [None if node.parent_id is None else at.get(node.parent_id) for node in nodes]
    placed = layout_tree(parents)
    x, y = placed.x, placed.y
    tree = grow_tree(nodes, events)
    way, step = set[int](), at.get(chosen) if chosen is not None else None
    while step is not None:
        way.add(step)
        step = parents[step]

    def state(node: NodeLike) -> str:
        return (
            "chosen"
            if node.id == chosen
            else "pruned"
            if tree.rows[node.id].pruned
            else "finished"
            if node.done
            else "open"
        )

    return [
        SvgMark(
            node.id,
            MARGIN + RADIUS + LEAF * x[index],
            HEAD + MARGIN + LEVEL * y[index],
            parents[index],
            tree.rows[node.id].score,
            state(node),
            index in way,
            node.text,
        )
        for index, node in enumerate(nodes)
    ]


def _edges(found: Sequence[SvgMark]) -> Iterator[str]:
    """Two paths, all edges and those of the way to the chosen node: a path each would be half the
    file."""
    for on_way, colour, width in ((False, EDGE, 1.2), (True, WAY, 3.5)):
        pieces = [
            f"M{found[mark.parent].x:g},{found[mark.parent].y:g}L{mark.x:g},{mark.y:g}"
            for mark in found
            if mark.parent is not None and mark.on_way == on_way
        ]
        if pieces:
            yield (
                f'<path d="{"".join(pieces)}" fill="none" stroke="{colour}" '
                f'stroke-width="{width}"/>'
            )


def _shape(mark: SvgMark) -> str:
    """A node with what it says as its tooltip."""
    fill = UNSCORED if mark.score is None else colour_of(mark.score)
    score = "" if mark.score is None else f", score {mark.score:.4f}"
    label = mark.label.strip()
    tooltip = (
        f"node {mark.id}, {mark.state}{score}: "
        f"{label[:LONGEST_LABEL]}{'...' if len(label) > LONGEST_LABEL else ''}"
    )
    return (
        f'<g class="{mark.state}" '
        f'transform="translate({mark.x:g},{mark.y:g})"><title>{escape_xml(tooltip)}</title>'
        f"{_outline(mark.state, fill)}</g>"
    )


def _outline(state: str, fill: str) -> str:
    line = f'fill="{fill}" stroke="{INK}" stroke-width="1.2"'
    if state == "chosen":
        return f'<path d="{STAR}" {line}/>'
    if state == "finished":
        return (
            f'<rect x="{-RADIUS:g}" y="{-RADIUS:g}" width="{2 * RADIUS:g}" '
            f'height="{2 * RADIUS:g}" {line}/>'
        )
    dashes = ' stroke-dasharray="2 2" fill-opacity="0.55"' if state == "pruned" else ""
    return f'<circle r="{RADIUS:g}" {line}{dashes}/>'


def _legend(y: float) -> Iterator[str]:
    x = MARGIN + RADIUS
    for state in ("chosen", "finished", "pruned", "open"):
        yield (
            f'<g transform="translate({x:g},{y:g})">{_outline(state, PAPER)}<text x="14" '
            f'y="4">{state}</text></g>'
        )
        x += 84.0
    for index in range(5):
        yield (
            f'<rect x="{x + 12 * index:g}" y="{y - 6:g}" width="12" height="12" '
            f'fill="{colour_of(index / 4)}"/>'
        )
    yield f'<text x="{x + 66:g}" y="{y + 4:g}">score 0 to 1</text>'


def colour_of(score: float) -> str:
    """A score on the scale, as `#rrggbb`."""
    at = min(1.0, max(0.0, score)) * (len(CIVIDIS) - 1)
    low = min(int(at), len(CIVIDIS) - 2)
    mixed = (
        round(one + (two - one) * (at - low))
        for one, two in zip(CIVIDIS[low], CIVIDIS[low + 1], strict=True)
    )
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _facts(run: Mapping[str, JSON], drawn: int) -> str:
    answer, correct = run.get("answer"), run.get("correct")
    verdict = "right" if correct is True else "wrong" if correct is False else run.get("grade")
    return f"{drawn} nodes, " + (
        f"answer {str(answer)[:60]} ({verdict or 'not graded'})"
        if answer is not None
        else "no answer"
    )


def escape_xml(text: str) -> str:
    """Text as XML: escaped, and what XML or a reader's eye cannot bear (control, direction and lone
    surrogate characters) named by its code."""
    return escape(
        "".join(
            char if _is_visible(char) else f"\u27e8U+{ord(char):04X}\u27e9"
            for char in text.replace("\n", " ").replace("\t", " ")
        )
    )


def _is_visible(char: str) -> bool:
    code = ord(char)
    hidden = (
        code < 0x20
        or 0x7F <= code <= 0x9F
        or 0x200B <= code <= 0x200F
        or 0x202A <= code <= 0x202E
        or 0x2060 <= code <= 0x2069
    )
    return not (hidden or code in (0xFEFF, 0xFFFE, 0xFFFF) or 0xD800 <= code <= 0xDFFF)


__all__ = ["drawing", "escape_xml", "marks"]
