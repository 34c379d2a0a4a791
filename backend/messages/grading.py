"""What travels over HTTP, and stands in the lines of a file, about grading an answer."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from backend.messages.runs import Answer

LONGEST = 1_000_000
"""Characters of a text from which an answer is read."""


class Ask(BaseModel):
    """An answer, or a text with an answer in it, and the right one. Exactly one of `given` and
    `text` is there. Numbers are taken as they are written; other fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    given: str | None = Field(None, max_length=LONGEST, description="an answer")
    text: str | None = Field(
        None, max_length=LONGEST, description="a text from which the answer is read first"
    )
    right: str = Field(max_length=LONGEST, description="the right answer")
    question: str = Field(
        "", max_length=LONGEST, description="the question; it may ask for a rounded number"
    )
    tolerance: float | None = Field(
        None,
        ge=0.0,
        le=1.0,
        description="how much a number may differ, as a share of the right one",
    )

    @field_validator("given", "right", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return repr(value) if number else value

    @model_validator(mode="after")
    def _one_answer(self) -> Self:
        if (self.given is None) == (self.text is None):
            raise ValueError("give exactly one of given (an answer) and text (a text with one)")
        return self


class Graded(Answer):
    """Whether an answer means the same as the right one (None: undecided), as what the two were
    read, and why. Of a text: `answer` is what was read from it, `read_by` the rule that read it or
    why there is none, and it stands in the text from `start` up to `end`."""

    equal: bool | None
    read_given: str
    read_right: str
    reason: str
    answer: str | None = None
    read_by: str | None = None
    start: int | None = None
    end: int | None = None


__all__ = ["Ask", "Graded"]
