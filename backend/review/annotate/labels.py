"""A label: what kind of remark it is, what it says, and the place that it is about.

Kinds

- `first_error` of a path: the number of its first wrong step, counted from 0, or `NO_ERROR`;
  `label` is that number as text. A path is named by
  its last node.
- `verdict` on a step: `good`, `neutral` or `bad`, which PRM800K writes as 1, 0 and -1.
- `category` of a run, a step or a span: the key of an entry of the codebook. A place can have
  several.
- `note` on a run, a step or a span: free text.

A step is named by its number on the path from the root (from 0) and by the node in which it ends.
The two name one text for ever: there is one path to a node. So steps that several paths share are
labelled once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from backend.core.errors import BadInput
from backend.core.types import JSON

Kind = Literal["first_error", "verdict", "category", "note"]
KINDS: tuple[Kind, ...] = get_args(Kind)
RATINGS = {"good": 1, "neutral": 0, "bad": -1}
NO_ERROR = -1
"""The first wrong step of a path without one."""

NAME_LIMIT, NOTE_LIMIT = 80, 10_000
_UNFIT = re.compile("[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True)
class Span:
    """Characters [start, end) of a step's text, which read `quote`; `tokens` are (node, first, end)
    stretches of tokens that cover them, empty where the tokens' texts are not at hand."""

    start: int
    end: int
    quote: str
    tokens: tuple[tuple[int, int, int], ...] = ()

    def json(self) -> dict[str, JSON]:
        return {
            "start": self.start,
            "end": self.end,
            "quote": self.quote,
            "tokens": [list(each) for each in self.tokens],
        }


@dataclass(frozen=True)
class Label:
    """A label of any kind. `node` and `step` are None for a label of the whole run; `span` is
    within the step."""

    kind: Kind
    label: str = ""
    node: int | None = None
    step: int | None = None
    span: Span | None = None
    note: str | None = None

    def check(self) -> Label:
        """Return the label itself. Raises `BadInput` where kind, content and place do not fit
        together."""
        if self.kind == "first_error" and (
            self.span is not None
            or self.node is None
            or self.step is None
            or self.label != str(self.step)
        ):
            raise BadInput(
                "first wrong step",
                given=self.label,
                accepted="a node and the number of a step, and no span",
            )
        if self.kind == "verdict" and (
            self.label not in RATINGS or self.span is not None or self.node is None
        ):
            raise BadInput("verdict", given=self.label, accepted=f"{', '.join(RATINGS)}, of a step")
        if self.kind == "note" and (not (self.note or "").strip() or self.label):
            raise BadInput("note", given=self.note, accepted="a text")
        if len(self.note or "") > NOTE_LIMIT:
            raise BadInput(
                "note", given=f"{len(self.note or '')} characters", accepted=f"at most {NOTE_LIMIT}"
            )
        if (self.node is None) != (self.step is None) or (
            self.span is not None and self.step is None
        ):
            raise BadInput(
                "place of a label",
                given=[self.node, self.step],
                accepted="a node and a step of the path to it, or neither",
            )
        return self


def author_name(given: str) -> str:
    """Return a name as it is stored: trimmed, on one line, without invisible characters. Raises
    `BadInput`."""
    name = given.strip()
    if not name or len(name) > NAME_LIMIT or _UNFIT.search(name):
        raise BadInput(
            "author",
            given=given[:NAME_LIMIT],
            accepted=f"a name of 1 to {NAME_LIMIT} visible characters",
        )
    return name


__all__ = ["KINDS", "NOTE_LIMIT", "NO_ERROR", "RATINGS", "Kind", "Label", "Span", "author_name"]
