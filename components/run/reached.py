"""Which answer each finished solution gives, and which solutions repeat an earlier one: what the
tree needs to be coloured by answer.

A wasted duplicate is a finished solution whose whole text below the prompt is, character for
character, that of an earlier one: the tokens bought nothing new. Solutions that reach an answer by
other words are no duplicates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from backend.core.tree import TreeRow
from components.frame.prose import visible

LONGEST = 80


@dataclass
class Answers:
    """`labels` are the different answers in order of their first solution, `of` gives the label's
    place by node, `repeats` are the duplicates. Grows with the run: `seq` is the last event that
    was read."""

    labels: list[str] = field(default_factory=list)
    of: dict[int, int] = field(default_factory=dict)
    repeats: list[int] = field(default_factory=list)
    seq: int = -1
    _places: dict[str, int] = field(default_factory=dict)
    _seen: set[bytes] = field(default_factory=set)
    _read: int = 0

    def read_on(
        self, rows: Sequence[TreeRow], answer_of: Callable[[str], str | None], seq: int
    ) -> Answers:
        """Read the rows that are new since the last call; `rows` begin with those of the last call,
        `seq` is the last event of their log."""
        by_id = {row.id: row for row in rows}
        for row in rows[self._read :]:
            if row.done:
                text = text_down_to(by_id, row.id)
                self._finish(row.id, text, answer_of(text))
        self._read, self.seq = len(rows), seq
        return self

    def _finish(self, node: int, text: str, answer: str | None) -> None:
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if digest in self._seen:
            self.repeats.append(node)
        self._seen.add(digest)
        if answer is not None:
            if answer not in self._places:
                self._places[answer] = len(self.labels)
                self.labels.append(visible(answer)[:LONGEST])
            self.of[node] = self._places[answer]

    def data(self) -> dict[str, Any]:
        """As the browser takes it."""
        return {
            "labels": self.labels,
            "of": {str(node): place for node, place in self.of.items()},
            "repeats": self.repeats,
            "seq": self.seq,
        }


def text_down_to(by_id: Mapping[int, TreeRow], node: int) -> str:
    """All text from below the prompt down to this node."""
    texts: list[str] = []
    row = by_id[node]
    while row.parent is not None and row.parent in by_id:
        texts.append(row.text)
        row = by_id[row.parent]
    return "".join(reversed(texts))
