"""What reads a text piece by piece and says where its steps end: at a certain text, after so many
tokens, or with a line.

A line ends with LF or CR LF, and is blank with nothing but spaces and tabs in it, as in CommonMark
0.31.2 (sections 2.1 and 2.2); other separators of Unicode are characters of the line, and so is a
CR by itself: as its LF may come with the next token, it can end nothing. No step ends within fenced
code or a formula (`backend.core.blocks`). A line is looked at when it has ended, so the work is
linear in the text.
"""

from __future__ import annotations

import re
from typing import Final, Literal, Protocol, TypeAlias

import msgspec
from msgspec.structs import replace

from backend.core.blocks import NOTHING, OpenBlock

LineRule: TypeAlias = Literal["blank_line", "line", "heading"]

_NUMBERED = re.compile(
    r"[ \t]{0,8}(?:#{1,6}[ \t]{1,4})?(?:\*\*|__)?(?:step|schritt)[ \t]{1,4}\d{1,4}[^\w\r]",
    re.IGNORECASE,
)
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]")
_LONGEST_NUMBERED: Final = 40


class StepState(msgspec.Struct, frozen=True, gc=False):
    """How far a text has come: what is open in it, the line that is being written, whether a line
    has ended, whether a step has, and whether something was written since."""

    block: OpenBlock = NOTHING
    line: str = ""
    lines: bool = False
    steps: bool = False
    body: bool = False


class Splitter(Protocol):
    """Reads a text piece by piece."""

    def feed(self, text: str) -> list[int]:
        """Read one more piece, such as the text of a token; returns the places in it, in characters
        from its beginning, behind which a step is complete."""
        ...

    @property
    def state(self) -> StepState:
        """How far the text has come, for a splitter that is to go on from here."""
        ...

    @property
    def open(self) -> bool:
        """Whether anything is written behind the last complete step."""
        ...


class ByText:
    """Steps that end with a certain text; what closed a step cannot open the next end."""

    def __init__(self, delimiter: str, state: StepState) -> None:
        self._delimiter, self._tail, self._start = delimiter, state.line, state
        self._open = False

    def feed(self, text: str) -> list[int]:
        joined, size = self._tail + text, len(self._delimiter)
        ends, at = list[int](), 0
        while (found := joined.find(self._delimiter, at)) >= 0:
            at = found + size
            ends.append(at - len(self._tail))
        self._tail = joined[max(at, len(joined) - size + 1) :]
        self._open = bool(joined[at:].strip()) or (self._open and not ends)
        return ends

    @property
    def state(self) -> StepState:
        return replace(self._start, line=self._tail)

    @property
    def open(self) -> bool:
        return self._open


class ByTokens:
    """Steps of equally many tokens."""

    def __init__(self, length: int) -> None:
        self._length, self._left = length, length

    def feed(self, text: str) -> list[int]:
        self._left -= 1
        if self._left > 0:
            return []
        self._left = self._length
        return [len(text)]

    @property
    def state(self) -> StepState:
        return StepState()

    @property
    def open(self) -> bool:
        return self._left < self._length


class ByLines:
    """Steps that end with a line, or with the heading at its beginning."""

    def __init__(self, rule: LineRule, state: StepState, *, thoughts: bool) -> None:
        self._rule, self._thoughts = rule, thoughts
        self._block, self._lines = state.block, state.lines
        self._steps, self._body = state.steps, state.body
        self._line, self._length = [state.line], len(state.line)
        self._headed = self._rule == "heading" and _NUMBERED.match(state.line) is not None

    def feed(self, text: str) -> list[int]:
        ends, at = list[int](), 0
        while (found := text.find("\n", at)) >= 0:
            end = self._write(text[at:found])
            ends += [] if end is None else [at + end]
            at = found + 1
            ends += [at] if self._end_line() else []
        end = self._write(text[at:])
        ends += [] if end is None else [at + end]
        return ends

    @property
    def state(self) -> StepState:
        line = "".join(self._line)
        return StepState(self._block, line, self._lines, self._steps, self._body)

    @property
    def open(self) -> bool:
        return self._body or self._has_body("".join(self._line))

    @property
    def _inside(self) -> bool:
        return self._block.open or (self._block.thought and not self._thoughts)

    def _write(self, text: str) -> int | None:
        """Go on with the line; the place in `text` behind which a numbered heading is complete, if
        that ends a step."""
        before = self._length
        self._line.append(text)
        self._length += len(text)
        if self._rule != "heading" or self._headed or before > _LONGEST_NUMBERED or self._inside:
            return None
        found = _NUMBERED.match("".join(self._line)[: _LONGEST_NUMBERED + 1])
        self._headed = found is not None
        return found.end() - before if found is not None and self._close() else None

    def _end_line(self) -> bool:
        """Whether a step is complete with the line that has just ended."""
        line, follows, headed = "".join(self._line), self._lines, self._headed
        heads = self._rule == "heading" and not self._inside and not headed and heading(line)
        body = not heads and self._has_body(line)
        self._block, self._lines = self._block.after(line), True
        self._line, self._length, self._headed = [], 0, False
        self._body = self._body or body
        if self._rule == "heading":
            return heads and self._close()
        if self._inside:
            return False
        if self._rule == "line":
            return self._close()
        return follows and not line.strip(" \t\r") and self._close_at_blank()

    def _has_body(self, line: str) -> bool:
        """Whether a line says anything besides a numbered heading at its beginning."""
        if self._headed and (found := _NUMBERED.match(line.rstrip("\r") + "\n")) is not None:
            line = line[found.end() :].strip(" \t*_")
        return bool(line.strip())

    def _close_at_blank(self) -> bool:
        """End the step at a blank line. One that the text begins with ends a step as well, in
        which nothing was written; those that follow another belong to it."""
        first, self._steps = not self._steps, True
        return self._close() or first

    def _close(self) -> bool:
        """End the step, if it has written anything."""
        closes = self._body
        self._body, self._steps = False, self._steps or closes
        return closes


def heading(line: str) -> bool:
    """Whether a whole line is a heading: a numbered one with nothing behind it, or any that
    Markdown knows."""
    return _NUMBERED.match(line.rstrip("\r") + "\n") is not None or _HEADING.match(line) is not None


__all__ = ["ByLines", "ByText", "ByTokens", "LineRule", "Splitter", "StepState"]
