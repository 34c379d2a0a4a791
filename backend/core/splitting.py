"""Where the steps of a written text end: one rule for engines, verifiers, review and imports.

A `Splitting` says by which rule. Its `splitter` reads a text token by token, as a model writes it,
and says behind which characters a step is complete; its `spans` find the same steps in a text that
is there. Both agree however a text is cut into pieces, because what stands before a place decides
alone whether a step ends there.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from backend.core.blocks import OpenBlock
from backend.core.splitters import ByLines, ByText, ByTokens, LineRule, Splitter, StepState

Rule: TypeAlias = LineRule | Literal["tokens", "text"]
"""What ends a step: a blank line, a line end, the next heading, a number of tokens, or a text that
the engine names and that may stand anywhere."""

BLANK_LINE: Final = "\n\n"


class StepSpan(NamedTuple):
    """Characters [start, end) of a text, without the space around them."""

    start: int
    end: int


class Splitting(msgspec.Struct, frozen=True, gc=False):
    """By which rule a text is cut into steps. `delimiter` is the text that ends a step by the rule
    `text`, `length` the tokens of a step by the rule `tokens`. `thoughts`: what a model writes
    between `<think>` and `</think>` is cut as well, else a thought is one step; `thinking`: the
    prompt has opened a thought."""

    rule: Rule = "blank_line"
    delimiter: str = BLANK_LINE
    length: int = 0
    thoughts: bool = True
    thinking: bool = False

    def splitter(self, state: StepState | None = None) -> Splitter:
        """What reads a text token by token, from its beginning or from another splitter's state."""
        if self.rule == "tokens":
            return ByTokens(self.length)
        if self.rule == "text":
            return ByText(self.delimiter, state or self.start)
        return ByLines(self.rule, state or self.start, thoughts=self.thoughts)

    def reader(self, state: StepState | None = None) -> Splitter:
        """What reads the texts of nodes, one after the other. How many tokens they have is not in
        their texts: by the rule `tokens` each is a step."""
        return ByTokens(1) if self.rule == "tokens" else self.splitter(state)

    @property
    def start(self) -> StepState:
        """Where a text begins."""
        return StepState(OpenBlock(thought=True)) if self.thinking else StepState()

    def state_after(self, pieces: Iterable[str]) -> StepState:
        """Where a text goes on behind these pieces. By the rule `text` what a request writes is
        read by itself."""
        return self.start if self.rule in ("text", "tokens") else self._read(pieces).state

    def spans(self, pieces: Iterable[str]) -> list[StepSpan]:
        """Where the steps stand in the text that the pieces, one a node, make together. Empty ones
        are no steps, and a heading with nothing below it yet belongs to the step that it ends."""
        reader, ends, at, texts = self.reader(), list[int](), 0, list(pieces)
        for piece in texts:
            ends += [at + end for end in reader.feed(piece)]
            at += len(piece)
        text = "".join(texts)
        if self.rule == "heading" and not reader.open:
            ends = ends[:-1]
        return [
            StepSpan(start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip()))
            for start, end in pairwise([0, *self.cuts(text, ends), at])
            if (piece := self.bare(text[start:end])).strip()
        ]

    def split(self, pieces: Iterable[str]) -> tuple[str, ...]:
        """The steps that the pieces, one a node, write together."""
        texts = list(pieces)
        text = "".join(texts)
        return tuple(text[start:end] for start, end in self.spans(texts))

    def cuts(self, text: str, ends: Iterable[int]) -> list[int]:
        """Where to cut a text whose steps are complete behind these places: there, but a heading
        belongs to what stands below it."""
        return [line_start(text, end) if self.rule == "heading" else end for end in ends]

    def bare(self, step: str) -> str:
        """A step without the text that ended it, where that is no space."""
        return step.removesuffix(self.delimiter) if self.rule == "text" else step

    def complete(self, pieces: Iterable[str]) -> bool:
        """Whether the last step of these pieces has come to its end."""
        return self.rule != "tokens" and not self._read(pieces).open

    def _read(self, pieces: Iterable[str]) -> Splitter:
        reader = self.reader()
        for piece in pieces:
            reader.feed(piece)
        return reader

    def close(self, before: Iterable[str], step: str) -> str:
        """A step behind others, with its end, which is added where it is missing."""
        if self.rule == "tokens" or self.complete([*before, step]):
            return step
        return step.rstrip("\r\n") + self.mark

    @property
    def mark(self) -> str:
        """The text that ends most steps; empty where no text does."""
        marks = {"text": self.delimiter, "tokens": "", "blank_line": BLANK_LINE}
        return marks.get(self.rule, "\n")

    @property
    def marks(self) -> tuple[str, ...]:
        """Texts with which most steps end, where a server may stop to see whether one does."""
        others = ("\n \n", "\r\n\r\n") if self.rule == "blank_line" else ()
        return () if self.rule in ("tokens", "heading") else (self.mark, *others)


AT_BLANK_LINES: Final = Splitting()
"""Where steps end unless a run or its engine says otherwise."""


def line_start(text: str, end: int) -> int:
    """Where the line begins whose last character, a line end included, stands before `end`."""
    return text.rfind("\n", 0, end - 1) + 1


__all__ = ["AT_BLANK_LINES", "BLANK_LINE", "Rule", "Splitter", "Splitting", "StepSpan", "StepState"]
