"""Grading over HTTP."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from backend.messages.grading import Ask
from tests.api.service import Service


def test_a_text_is_read_and_graded_with_the_rule_and_the_place(service: Service) -> None:
    ask = Ask(text="So the answer is 0.5, that is half.", right="1/2")
    with service.client() as client:
        found = client.grade(ask)
    assert found.equal is True and (found.answer, found.read_by) == ("0.5", "marker")
    assert ask.text is not None and ask.text[found.start : found.end] == "0.5"


def test_neither_or_both_of_answer_and_text_are_refused() -> None:
    for asked in ({"right": "1"}, {"right": "1", "given": "1", "text": "1"}):
        with pytest.raises(ValidationError, match="exactly one"):
            Ask.model_validate(asked)
