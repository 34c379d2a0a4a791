"""What belongs together in a written text over several lines: code between fences, formulas on
lines of their own, and a thought between `<think>` and `</think>`.

Fences are those of CommonMark 0.31.2 (section 4.5), at any indentation; a fence that nobody closes
reaches to the end of the text. Formulas are `$$ ... $$`, `\\[ ... \\]` and the environments of
`ENVIRONMENTS`. One that nobody closes is given up at the second blank line in it, after
`FORMULA_LINES` lines, or where a fence opens: no formula has those. The end of a thought ends
whatever the thought left open.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec
from msgspec.structs import replace

_NAMES = (
    "align alignat aligned alignedat array bmatrix Bmatrix cases darray dcases displaymath "
    "eqnarray equation flalign gather gathered math matrix multline multlined numcases pmatrix "
    "rcases smallmatrix split subequations vmatrix Vmatrix"
)
ENVIRONMENTS: Final = frozenset(_NAMES.split())
"""Environments of LaTeX and amsmath that hold a formula; each also with a star."""
FORMULA_LINES: Final = 30
"""The most lines of a formula."""

_SIGN = re.compile(r"`{3}|~{3}|\$\$|\\[\[b]|</?think")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r"[ \t]*(`{3,}+(?!.*`)|~{3,})")
_FENCE_END = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t\r]*$")
_THOUGHT_END = re.compile(r"</think(?:ing)?>")
_MARK = re.compile(
    r"\\\\|\\\$|(?P<open>\$\$|\\\[|\\begin\{(?P<name>[A-Za-z]+)\*?\})"
    r"|\\\]|\\end\{[A-Za-z]+\*?\}|(?P<thought><think(?:ing)?>)"
)


class OpenBlock(msgspec.Struct, frozen=True, gc=False):
    """What is open at the end of a line: the marks that opened a fence, the text that will close a
    formula (both empty where there is none), lines and blank lines of the formula so far, and
    whether it is within a thought."""

    fence: str = ""
    closer: str = ""
    lines: int = 0
    blank: int = 0
    thought: bool = False

    @property
    def open(self) -> bool:
        """Whether the next line belongs to the same piece of code or formula."""
        return bool(self.fence or self.closer)

    def after(self, line: str) -> OpenBlock:
        """What is open after one more line, given without its end."""
        if not self.open and _SIGN.search(line) is None:
            return self
        ends = [found.end() for found in _THOUGHT_END.finditer(line)]
        if ends:
            return NOTHING.after(line[ends[-1] :])
        if self.fence:
            found = _FENCE_END.match(line)
            closes = found is not None and found[1].startswith(self.fence)
            return replace(self, fence="") if closes else self
        if (opening := _FENCE.match(line)) is not None:
            return OpenBlock(opening[1], thought=self.thought)
        return self._formulas(line)

    def _formulas(self, line: str) -> OpenBlock:
        closer, thought, was_open = self.closer, self.thought, bool(self.closer)
        for mark in _MARK.finditer(line):
            if closer:
                closer = "" if mark[0] == closer else closer
                was_open = was_open and bool(closer)
            elif mark["thought"]:
                thought = True
            elif mark["open"] and mark["name"] is None:
                closer = "$$" if mark[0] == "$$" else "\\]"
            elif mark["open"] and mark["name"] in ENVIRONMENTS:
                closer = mark[0].replace("begin", "end", 1)
        if not closer:
            return OpenBlock(thought=thought)
        lines, blank = (self.lines, self.blank) if was_open else (0, 0)
        lines, blank = lines + 1, blank + (not line.strip())
        given_up = lines > FORMULA_LINES or blank > 1
        return (
            OpenBlock(thought=thought) if given_up else OpenBlock("", closer, lines, blank, thought)
        )


NOTHING: Final = OpenBlock()


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends, which are LF or CR LF."""
    return _LINE.findall(text)


def opens_thought(prompt: str) -> bool:
    """Whether a prompt ends within a thought, as the chat templates of some thinking models do."""
    at = max(prompt.rfind("<think>"), prompt.rfind("<thinking>"))
    return at >= 0 and not prompt[at:].partition(">")[2].strip()


__all__ = ["ENVIRONMENTS", "FORMULA_LINES", "NOTHING", "OpenBlock", "lines_of", "opens_thought"]
