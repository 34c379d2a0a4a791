"""What searches on one problem have in common: their steps matched from the root by exact text, and
two branches word by word.

A step ends where the run says, whoever cut it into nodes: a strategy that writes whole
solutions and one that writes step by step meet on the same steps. `align` grows one trie of the
steps of all runs; a place in it is a beginning of a solution, and it knows who has it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from backend.core.splitting import AT_BLANK_LINES, Splitter, Splitting, StepState
from backend.messages.runs import Node

HIDDEN = ("aside",)


class AlignedPlace(NamedTuple):
    """A place in the trie: the step written there, how many steps lead to it (1 for a first step),
    the place before it (None at the root), and for each run that has it, the first of its nodes
    with which the step was complete."""

    text: str
    depth: int
    parent: int | None
    holders: Mapping[int, int]


class AlignedBranch(NamedTuple):
    """The way to a node: places from the root, and what is written after the last whole step."""

    places: tuple[int, ...]
    rest: str


@dataclass(frozen=True)
class Alignment:
    """`places` in order of discovery, parents first; `ends[run][node]` is the place after the
    node's last whole step and the text beyond it."""

    places: Sequence[AlignedPlace]
    ends: Mapping[int, Mapping[int, tuple[int | None, str]]]

    def branch(self, run: int, node: int | None) -> AlignedBranch:
        """The way to a node of a run; empty for a node that is not there."""
        place, rest = self.ends.get(run, {}).get(-1 if node is None else node, (None, ""))
        found: list[int] = []
        while place is not None:
            found.append(place)
            place = self.places[place].parent
        return AlignedBranch(tuple(found[::-1]), rest)

    def steps(self, run: int, node: int | None) -> tuple[str, ...]:
        """The texts of the steps up to a node, an unfinished last one included."""
        places, rest = self.branch(run, node)
        return (*(self.places[place].text for place in places), *((rest,) if rest else ()))


class AlignedRun(NamedTuple):
    """A run as it is aligned: its id, its nodes in order of creation, and where its steps end."""

    id: int
    nodes: Iterable[Node]
    splitting: Splitting = AT_BLANK_LINES


def align(runs: Sequence[AlignedRun]) -> Alignment:
    """One trie of all runs. Linear in the length of what they wrote."""
    trie = _Trie()
    return Alignment(trie.places, {run.id: trie.grow(run) for run in runs})


class _Trie:
    def __init__(self) -> None:
        self.places: list[AlignedPlace] = []
        self._index: dict[tuple[int | None, str], int] = {}

    def grow(self, run: AlignedRun) -> dict[int, tuple[int | None, str]]:
        """Write a run into the trie; where each of its nodes ends."""
        nodes = [node for node in run.nodes if node.kind not in HIDDEN]
        inner = {node.parent_id for node in nodes}
        ends: dict[int, tuple[int | None, str]] = {}
        states: dict[int | None, StepState] = {}
        for node in nodes:
            if node.parent_id is None:
                ends[node.id] = (None, "")
                continue
            place, rest = ends.get(node.parent_id, (None, ""))
            reader = run.splitting.reader(states.get(node.parent_id))
            *steps, rest = _cut(run.splitting, rest, node.text, reader)
            states[node.id] = reader.state
            if (
                node.done or node.id not in inner
            ):  # nothing follows: what stands there is the last step
                steps, rest = [*steps, rest], ""
            for step in (run.splitting.bare(step).strip() for step in steps):
                place = self._below(place, step, run.id, node.id) if step else place
            ends[node.id] = (place, rest)
        return ends

    def _below(self, parent: int | None, text: str, run: int, node: int) -> int:
        found = self._index.setdefault((parent, text), len(self.places))
        if found == len(self.places):
            self.places.append(
                AlignedPlace(
                    text, 1 if parent is None else self.places[parent].depth + 1, parent, {}
                )
            )
        holders = self.places[found].holders
        assert isinstance(holders, dict)
        holders.setdefault(run, node)
        return found


def _cut(splitting: Splitting, rest: str, more: str, reader: Splitter) -> list[str]:
    """What is written behind the last whole step and in a node, cut behind each whole step."""
    text, ends = rest + more, [len(rest) + end for end in reader.feed(more)]
    return [text[i:j] for i, j in pairwise([0, *splitting.cuts(text, ends), len(text)])]


def outline(alignment: Alignment, runs: Sequence[int]) -> list[AlignedPlace]:
    """The places that at least two of `runs` have, each followed by what comes after it."""
    shared = [
        at
        for at, place in enumerate(alignment.places)
        if sum(run in place.holders for run in runs) > 1
    ]
    below: dict[int | None, list[int]] = {}
    for at in shared:
        below.setdefault(alignment.places[at].parent, []).append(at)
    found, stack = [], below.get(None, [])[::-1]
    while stack:
        at = stack.pop()
        found.append(alignment.places[at])
        stack += below.get(at, [])[::-1]
    return found


class Common(NamedTuple):
    """What two runs share: different beginnings that each has, and that both have; the deepest
    shared one, in steps."""

    one: int
    other: int
    both: int
    deepest: int


def common(alignment: Alignment, one: int, other: int) -> Common:
    """How much of two searches is the same, over all their branches."""
    of_one = [place for place in alignment.places if one in place.holders]
    both = [place for place in of_one if other in place.holders]
    return Common(
        len(of_one),
        sum(other in place.holders for place in alignment.places),
        len(both),
        max((place.depth for place in both), default=0),
    )


@dataclass(frozen=True)
class Difference:
    """Where two branches part: after `shared` equal steps; the texts of the next step, None where a
    branch has ended."""

    shared: int
    one: str | None
    other: str | None

    @property
    def same(self) -> bool:
        return self.one is None and self.other is None


def first_difference(one: Sequence[str], other: Sequence[str]) -> Difference:
    """The first step that two branches do not have in common."""
    shared = next(
        (at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right),
        min(len(one), len(other)),
    )
    return Difference(
        shared,
        one[shared] if shared < len(one) else None,
        other[shared] if shared < len(other) else None,
    )


class AlignedPiece(NamedTuple):
    """A stretch of a text: `same` in both, only in the `one` or only in the `other`."""

    kind: str
    text: str


def word_diff(one: str, other: str) -> tuple[AlignedPiece, ...]:
    """Two texts as stretches of words, spaces and signs; the pieces without `other` spell the one,
    those without `one` the other."""
    left, right = _words(one), _words(other)
    pieces: list[AlignedPiece] = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(AlignedPiece("same", "".join(left[i:j])))
            continue
        pieces += [
            AlignedPiece(kind, text)
            for kind, text in (("one", "".join(left[i:j])), ("other", "".join(right[k:m])))
            if text
        ]
    return tuple(pieces)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+|\s+|[^\w\s]", text)
