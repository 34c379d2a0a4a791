"""Grading an answer, or the answer that is read from a text, against the right one."""

from __future__ import annotations

from typing import Any

from backend.messages.grading import Ask, Graded
from backend.problems.extraction import IN_WORDS, extract
from backend.problems.library import Library


def grade_ask(ask: Ask, library: Library) -> Graded:
    """The verdict on an answer. A text in which no answer is read is graded as wrong. May block for
    a second where algebra is needed."""
    given, place = ask.given, dict[str, Any]()
    if ask.text is not None:
        read = extract(ask.text)
        given = read.answer
        place = {"answer": given, "read_by": str(read.rule), "start": read.start, "end": read.end}
        if given is None:
            right = library.judge(ask.right, ask.right).read_right
            why = f"no answer was read: {IN_WORDS[read.rule]}"
            return Graded(equal=False, read_given="", read_right=right, reason=why, **place)
    assert given is not None
    verdict = library.judge(given, ask.right, question=ask.question, tolerance=ask.tolerance)
    return Graded(
        equal=verdict.equal,
        read_given=verdict.read_given,
        read_right=verdict.read_right,
        reason=verdict.reason,
        **place,
    )


__all__ = ["grade_ask"]
