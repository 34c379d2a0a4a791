"""A radix tree of token sequences with their keys and values: what was computed once is not
computed again.

Search asks for the same prefixes over and over: a question, then the question with one step, then
with two. Every edge of the tree (a *stretch*) holds a run of token ids and the keys and values
computed for them; a sequence is a path. Finding the longest known prefix of a request costs one
comparison a token (Zheng et al., SGLang, arXiv 2312.07104, section 3: RadixAttention). When the
tree outgrows its bytes, the leaves that were used least recently go first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

Read = Callable[[int, int], Tensor]
"""(start, stop) -> keys and values (2, layers, K, stop - start, D) of those positions of the
sequence at hand."""


@dataclass(eq=False, slots=True)
class Stretch:
    """An edge of the tree: token ids and their keys and values (2, layers, K, tokens, D). `touched`
    orders them by last use."""

    ids: tuple[int, ...]
    kept: Tensor | None
    parent: Stretch | None
    children: dict[int, Stretch]
    touched: int = 0


class PrefixPart(NamedTuple):
    """A stretch on the path of a match and how many of its tokens matched: all of them, except
    perhaps in the last part."""

    stretch: Stretch
    used: int


class Match(NamedTuple):
    """The longest known prefix of a sequence: its parts in order and its length in tokens."""

    parts: tuple[PrefixPart, ...]
    length: int


class PrefixTree:
    """Known sequences, up to `limit_bytes` of keys and values at `token_bytes` a token."""

    def __init__(self, limit_bytes: int, token_bytes: int) -> None:
        self.limit_tokens = max(0, limit_bytes // token_bytes)
        self.tokens = 0
        self._root = Stretch((), None, None, {})
        self._clock = 0

    def match(self, ids: Sequence[int]) -> Match:
        """The longest prefix of `ids` that is known; using it makes it recent."""
        self._clock += 1
        ids, parts, at, stretch = tuple(ids), [], 0, self._root
        while at < len(ids) and (child := stretch.children.get(ids[at])) is not None:
            used = count_shared(child.ids, ids, at)
            child.touched = self._clock
            parts.append(PrefixPart(child, used))
            at += used
            if used < len(child.ids):
                break
            stretch = child
        return Match(tuple(parts), at)

    def insert(self, ids: Sequence[int], read: Read) -> Stretch | None:
        """Make `ids` known, reading only what is new, and return the stretch that ends there (None
        where it was at once too old to keep)."""
        found = self.match(ids)
        stretch = self._cut(*found.parts[-1]) if found.parts else self._root
        if found.length < len(ids):
            fresh = Stretch(
                tuple(ids[found.length :]), read(found.length, len(ids)), stretch, {}, self._clock
            )
            stretch.children[fresh.ids[0]] = stretch = fresh
            self.tokens += len(fresh.ids)
        if self.tokens > self.limit_tokens:
            self._evict()
        return stretch if stretch.parent is not None else None

    def _cut(self, stretch: Stretch, used: int) -> Stretch:
        """The stretch whose end lies `used` tokens into this one; this one keeps its end, so what
        pointed to it stays true."""
        if used == len(stretch.ids):
            return stretch
        assert stretch.kept is not None and stretch.parent is not None
        upper = Stretch(
            stretch.ids[:used],
            stretch.kept[..., :used, :].clone(),
            stretch.parent,
            {stretch.ids[used]: stretch},
            stretch.touched,
        )
        stretch.parent.children[upper.ids[0]] = upper
        stretch.ids, stretch.kept, stretch.parent = (
            stretch.ids[used:],
            stretch.kept[..., used:, :].clone(),
            upper,
        )
        return upper

    def _evict(self) -> None:
        """Drop the oldest leaves until an eighth of the limit is free; a parent whose last child
        went becomes a leaf in turn."""
        goal = self.limit_tokens - self.limit_tokens // 8
        while self.tokens > goal:
            for leaf in sorted(
                (s for s in self._walk() if not s.children), key=lambda s: s.touched
            ):
                assert leaf.parent is not None
                del leaf.parent.children[leaf.ids[0]]
                self.tokens -= len(leaf.ids)
                leaf.parent = None
                if self.tokens <= goal:
                    return

    def _walk(self) -> Iterator[Stretch]:
        ahead = list(self._root.children.values())
        while ahead:
            stretch = ahead.pop()
            ahead.extend(stretch.children.values())
            yield stretch


def count_shared(known: tuple[int, ...], ids: tuple[int, ...], at: int) -> int:
    """How many tokens of `known` agree with `ids` from position `at` on."""
    there = ids[at : at + len(known)]
    if there == known:
        return len(known)
    return next(
        (i for i, (a, b) in enumerate(zip(known, there, strict=False)) if a != b), len(there)
    )
