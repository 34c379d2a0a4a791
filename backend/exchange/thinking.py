"""Plain thinking text: what a model wrote, as a linear trace. No search was recorded and none is
made up.

The text is cut into steps at blank lines, before headings such as "Step 3" and before turns such as
"Wait" at the beginning of a line; `<think>` and `</think>` end a step too. Fenced code and formulas
stay whole.
The texts of the steps put together are the file.
"""

from __future__ import annotations

import re

from backend.core.blocks import NOTHING, lines_of
from backend.core.errors import BadInput
from backend.exchange.base import LAST, Format, Imported, ImportHints
from backend.exchange.document import UTF_8, decode_text
from backend.exchange.transcript import Transcript
from backend.problems.extraction import extract_answer

_HEADING = re.compile(r"[ \t]*(?:#{1,6}[ \t]+|\*\*)?(?:step|schritt)[ \t]+\d+\b", re.IGNORECASE)
_TURN = re.compile(
    r"[ \t]*(?:wait|hmm+|alternatively|hold on|actually|let me (?:re)?check|let me double-check)\b",
    re.IGNORECASE,
)
_TAGS = re.compile(r"(?<=</think>)|(?<=</thinking>)|(?=<think>)|(?=<thinking>)")
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1f]")


def parse(content: bytes, given: ImportHints) -> list[Imported]:
    """One run, a chain of steps."""
    text = read_text(content)
    trace = Transcript("thinking", given, strategy="linear_trace", program="plain text")
    trace.note(label="a linear trace: no search was recorded")
    steps = segments(text)
    node = trace.root
    for index, step in enumerate(steps):
        node = trace.node(
            node, step, f"step {index + 1}", f"step {index + 1}", done=index == len(steps) - 1
        )
        trace.step([node] if node.done else [], [None] if node.done else [])
    answer = extract_answer(text)
    trace.answer(
        node, answer, reason=None if answer is not None else "no answer could be read from the text"
    )
    return [trace.finish()]


def read_text(content: bytes) -> str:
    """The file as text. Raises `BadInput` with the line of what is none."""
    text = decode_text(content)
    if "\0" in text:
        raise BadInput(
            f"line {text.count(chr(10), 0, text.index(chr(0))) + 1} of the file",
            given="a zero byte",
            accepted=UTF_8,
        )
    if not text.strip():
        raise BadInput("line 1 of the file", given="nothing", accepted="a text")
    return text


def segments(text: str) -> list[str]:
    """The steps of a text; together they are the text."""
    steps, written = [list[str]()], False
    for part in _TAGS.split(text):
        block, blank = NOTHING, True
        for line in lines_of(part):
            begins = not block.open and (blank or _HEADING.match(line) or _TURN.match(line))
            if begins and line.strip() and written:
                steps.append([])
            steps[-1].append(line)
            block, blank = block.after(line.rstrip("\n")), not line.strip()
            written = written or not blank
    return ["".join(step) for step in steps]


def recognises(beginning: bytes) -> bool:
    """Whether it looks like text and not like the bytes of something else."""
    return bool(beginning.strip()) and _BINARY.search(beginning) is None


FORMAT = Format(
    "thinking",
    "Plain thinking text",
    "plain text",
    recognises,
    parse,
    order=LAST,
)

__all__ = ["FORMAT", "segments"]
