"""A verdict on an answer in words."""

from __future__ import annotations

from backend.messages.grading import Graded
from components.run.words import rule_in_words

VERDICTS = {True: "Equal", False: "Different", None: "Undecided"}
AROUND = 40
"""Characters of the text that are shown on each side of the answer."""


def verdict_line(found: Graded) -> str:
    """The verdict, why, and as what both answers were read."""
    read = f"{found.read_given or 'nothing'}, against {found.read_right}"
    return f"{VERDICTS[found.equal]}: {found.reason}. Read as {read}."


def rule_line(found: Graded) -> str:
    """The rule that read the answer from the text; empty where the answer itself was given."""
    if found.read_by is None:
        return ""
    said = rule_in_words(found.read_by)
    return f"Read by: {said}." if found.answer is not None else f"No answer: {said}."


def mark_answer(text: str, found: Graded) -> str:
    """The answer between marks in the words around it; empty where none was read from a text."""
    if found.answer is None or found.start is None or found.end is None:
        return ""
    before, after = text[: found.start][-AROUND:], text[found.end :][:AROUND]
    cut = "…" if found.start > AROUND else "", "…" if len(text) - found.end > AROUND else ""
    line = f"{cut[0]}{before}⟦{text[found.start : found.end]}⟧{after}{cut[1]}"
    return "In the text: " + " ".join(line.split())
