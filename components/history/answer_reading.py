"""How the answer of a run was read and judged, in one line."""

from __future__ import annotations

from collections.abc import Sequence

from backend.core.events import AnswerChanged
from backend.core.records import EventRecord
from components.run.words import rule_in_words


def answer_reading(events: Sequence[EventRecord]) -> str:
    """The rule that read the last answer of the log, or why none was read, and the version of what
    judged it; empty where the log does not say."""
    for event in reversed(events):
        match event.body:
            case AnswerChanged(answer=answer, read_by=str() as rule, grader=grader):
                said = rule_in_words(rule)
                found = f"Answer read by: {said}" if answer is not None else f"No answer: {said}"
                return found if grader is None else f"{found} \u00b7 judged by grader {grader}"
            case AnswerChanged():
                return ""
    return ""
