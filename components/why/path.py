"""The steps of a path with what a labeller says of each and the score by which the search
went: as rows, and as escaped HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from components.frame.prose import visible

SHOWN = 1200
"""Characters of a step that are shown."""


class StepLike(Protocol):
    """A step, as the service sends it."""

    @property
    def step(self) -> int: ...

    @property
    def node(self) -> int: ...

    @property
    def text(self) -> str: ...

    @property
    def score(self) -> float | None: ...

    @property
    def ok(self) -> bool | None: ...

    @property
    def kind(self) -> str | None: ...

    @property
    def reason(self) -> str: ...


@dataclass(frozen=True)
class PathRow:
    """A step as it is shown. `mark` is one of right, wrong, slip (wrong, and repaired later), after
    (it stands on a mistake) or empty: unchecked."""

    step: int
    node: int
    text: str
    score: str
    mark: str
    verdict: str


def path_rows(steps: Sequence[StepLike], first_wrong: int | None) -> list[PathRow]:
    """The rows; `first_wrong` is the number of the first wrong step that nothing repaired."""
    return [
        PathRow(
            each.step,
            each.node,
            each.text[:SHOWN],
            "" if each.score is None else f"{each.score:.3f}",
            *_verdict_words(each, first_wrong),
        )
        for each in steps
    ]


def first_wrong(steps: Sequence[StepLike]) -> int | None:
    """The number of the first wrong step that no later one repaired; None where there is none, or
    nothing was checked."""
    last_right = max((each.step for each in steps if each.ok), default=0)
    return next((each.step for each in steps[last_right:] if each.ok is False), None)


def _verdict_words(each: StepLike, first: int | None) -> tuple[str, str]:
    if each.ok is None:
        return "", ""
    if each.ok:
        return "right", "right"
    said = (
        f"{(each.kind or 'mistake').replace('_', ' ')}: {each.reason}"
        if each.reason
        else (each.kind or "mistake").replace("_", " ")
    )
    if first is None or each.step < first:
        return "slip", f"wrong, repaired later ({said})"
    return (
        ("wrong", f"first wrong step ({said})")
        if each.step == first
        else ("after", "after the mistake")
    )


SIGNS = {"right": "\u2713", "wrong": "\u2717", "slip": "\u21bb", "after": "\u2026", "": ""}
NO_STEP = "No step is written yet: this is the question itself."


def steps_html(rows: Sequence[PathRow], end: str = "") -> str:
    """A numbered list: text, node, score and verdict of each step; below it `end`, what became of
    the path."""
    lines = [_line(row) for row in rows] or [f"<li class='none'>{NO_STEP}</li>"]
    last = f"<div class='end'>\u2020 {html.escape(visible(end))}</div>" if end else ""
    return (
        f"<style>{_CSS}</style><div class='arb-why' "
        f"tabindex='0'><ol>{''.join(lines)}</ol>{last}</div>"
    )


def _line(row: PathRow) -> str:
    score = f"<span title='score of the search'>score {row.score}</span>" if row.score else ""
    verdict = f"<b>{SIGNS[row.mark]} {html.escape(visible(row.verdict))}</b>" if row.verdict else ""
    text = html.escape(visible(row.text.strip())) or "&nbsp;"
    return (
        f"<li class='{row.mark or 'plain'}' value='{row.step}'><div>{text}</div><p><span>node "
        f"{row.node}</span>{score}{verdict}</p></li>"
    )


_CSS = (
    ".arb-why{max-height:640px;overflow:auto}"
    ".arb-why ol{margin:0;padding-left:2.2em}"
    ".arb-why li{padding:3px 10px;border-left:4px solid rgba(128,128,128,.25);margin-bottom:3px}"
    ".arb-why li div{font-family:var(--st-code-font,monospace);font-size:13px;line-height:1.5;"
    "white-space:pre-wrap;overflow-wrap:anywhere}"
    ".arb-why li p{margin:0;font-size:12px;display:flex;gap:0 14px;flex-wrap:wrap;opacity:.85}"
    ".arb-why li.right{border-left-color:#009e73}"
    ".arb-why li.wrong{border-left:6px solid #d55e00;background:rgba(213,94,0,.12)}"
    ".arb-why li.slip{border-left:4px dashed #e69f00}"
    ".arb-why li.after{border-left-style:dotted;opacity:.7}"
    ".arb-why .end{margin:6px 0 0 2.2em;padding:6px 10px;border:1px solid rgba(128,128,128,.35);"
    "border-radius:6px;font-size:13px}"
)
