"""A verdict on an answer in words."""

from __future__ import annotations

from backend.messages.grading import Graded
from components.run.words import rule_in_words
from components.store.grading import mark_answer, rule_line, verdict_line

TEXT = "We add and add, and so the answer is 42 apples because 40 + 2 = 42, as one can see there."
AT = TEXT.index("42")
READ = Graded(
    equal=True,
    read_given="number 42",
    read_right="number 42",
    reason="both are the same",
    answer="42 apples",
    read_by="marker",
    start=AT,
    end=AT + 9,
)


def test_a_verdict_tells_the_reason_and_both_readings() -> None:
    assert verdict_line(READ) == "Equal: both are the same. Read as number 42, against number 42."
    unread = READ.model_copy(update={"equal": None, "read_given": ""})
    assert verdict_line(unread).startswith("Undecided") and "nothing, against" in verdict_line(
        unread
    )


def test_the_rule_is_told_where_a_text_was_read() -> None:
    assert rule_line(READ).startswith("Read by: what follows words")
    assert rule_line(READ.model_copy(update={"answer": None, "read_by": "nothing"})) == (
        "No answer: no rule found an answer."
    )
    assert rule_line(READ.model_copy(update={"answer": None, "read_by": None})) == ""
    assert rule_in_words("of a newer version") == "of a newer version"


def test_the_answer_is_marked_in_the_words_around_it() -> None:
    assert "the answer is ⟦42 apples⟧ because" in mark_answer(TEXT, READ)
    assert mark_answer(TEXT, READ.model_copy(update={"answer": None})) == ""
