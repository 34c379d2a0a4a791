"""Two branches side by side as escaped HTML: step by step, the first difference named, the words
that differ marked by more than a colour."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from components.compare.alignment import AlignedPiece, first_difference, word_diff
from components.frame.prose import visible

LONGEST = 4000
"""Characters of a step up to which its words are compared; longer ones are shown whole."""


@dataclass(frozen=True)
class BranchRow:
    """A step of two branches: its number from 1, its pieces, and `mark`: same, first (the first
    difference) or later."""

    step: int
    one: tuple[AlignedPiece, ...] | None
    other: tuple[AlignedPiece, ...] | None
    mark: str


def branch_rows(one: Sequence[str], other: Sequence[str]) -> list[BranchRow]:
    """One row a step; a branch that has ended has None."""
    difference = first_difference(one, other)
    rows = []
    for at in range(max(len(one), len(other))):
        left, right = one[at] if at < len(one) else None, other[at] if at < len(other) else None
        mark = "same" if at < difference.shared else "first" if at == difference.shared else "later"
        rows.append(BranchRow(at + 1, *_pieces(left, right), mark))
    return rows


def _pieces(
    left: str | None, right: str | None
) -> tuple[tuple[AlignedPiece, ...] | None, tuple[AlignedPiece, ...] | None]:
    if left is None or right is None or max(len(left), len(right)) > LONGEST:
        kind = "same" if left == right else ""
        return (None if left is None else (AlignedPiece(kind or "one", left),)), (
            None if right is None else (AlignedPiece(kind or "other", right),)
        )
    pieces = word_diff(left, right)
    return tuple(piece for piece in pieces if piece.kind != "other"), tuple(
        piece for piece in pieces if piece.kind != "one"
    )


def branches_html(rows: Sequence[BranchRow], one: str, other: str) -> str:
    """A table of two columns named `one` and `other`: removed words are struck through, added ones
    underlined."""
    head = "".join(
        f"<th scope='col'>{html.escape(visible(name))}</th>" for name in ("", one, other)
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{_body(rows)}</tbody></table>"
    return f"<style>{_CSS}</style><div class='arb-branches' tabindex='0'>{table}</div>"


def _body(rows: Sequence[BranchRow]) -> str:
    lines = []
    for row in rows:
        if row.mark == "first":
            lines.append("<tr class='mark'><td colspan='3'>\u25c6 first difference</td></tr>")
        left, right = (_cell(pieces) for pieces in (row.one, row.other))
        lines.append(
            f"<tr class='{row.mark}'><th "
            f"scope='row'>{row.step}</th><td>{left}</td><td>{right}</td></tr>"
        )
    return "".join(lines)


def _cell(pieces: Sequence[AlignedPiece] | None) -> str:
    if pieces is None:
        return "<i>this branch has ended</i>"
    tags = {"same": "", "one": "del", "other": "ins"}
    cells = []
    for kind, text in pieces:
        shown, tag = html.escape(visible(text)), tags[kind]
        cells.append(f"<{tag}>{shown}</{tag}>" if tag else shown)
    return "".join(cells)


_CSS = (
    ".arb-branches{max-height:460px;overflow:auto;border:1px solid rgba(128,128,128,.22);"
    "border-radius:8px}"
    ".arb-branches table{width:100%;border-collapse:collapse;table-layout:fixed;font-size:13px;"
    "line-height:1.5}"
    ".arb-branches th:first-child{width:2.6em;font-weight:400;opacity:.6;text-align:right;"
    "vertical-align:top}"
    ".arb-branches th,.arb-branches td{padding:4px 10px;text-align:left;vertical-align:top;"
    "border-bottom:1px solid rgba(128,128,128,.15)}"
    ".arb-branches td{font-family:var(--st-code-font,monospace);white-space:pre-wrap;"
    "overflow-wrap:anywhere}"
    ".arb-branches tr.same td{opacity:.72}.arb-branches td i{opacity:.55;"
    "font-family:var(--st-font,sans-serif)}"
    ".arb-branches tr.mark td{font-family:var(--st-font,sans-serif);font-weight:600;border-top:2px "
    "solid #d55e00;border-bottom:0;padding:3px 10px}"
    ".arb-branches del{background:rgba(213,94,0,.20);text-decoration:line-through;"
    "text-decoration-thickness:1.5px}"
    ".arb-branches ins{background:rgba(0,114,178,.20);text-decoration:underline;"
    "text-decoration-thickness:2px;text-underline-offset:3px}"
)
