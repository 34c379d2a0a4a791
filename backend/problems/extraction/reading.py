"""What reading an answer from a text gives: the answer, the rule that read it, and the place."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class ReadBy(StrEnum):
    """The rule that read an answer, or why none was read. The values are stored in runs."""

    BOX = "box"
    TAG = "tag"
    HASHES = "hashes"
    MARKER = "marker"
    HEADING = "heading"
    SENTENCE = "sentence"
    CONCLUSION = "conclusion"
    ALONE = "alone"
    NOTHING = "nothing"
    UNFINISHED_THINKING = "unfinished thinking"
    SEVERAL_BOXES = "several boxes"
    BOX_AND_MARKER = "box and marker differ"


IN_WORDS: dict[ReadBy, str] = {
    ReadBy.BOX: "the content of the last full box",
    ReadBy.TAG: "the content of the last <answer> tag",
    ReadBy.HASHES: "what follows the last #### mark",
    ReadBy.MARKER: "what follows words such as “the answer is”",
    ReadBy.HEADING: "the line below a heading such as “Final Answer”",
    ReadBy.SENTENCE: "what stands before “is the answer”",
    ReadBy.CONCLUSION: "the value of a sentence that begins with “Therefore” or the like",
    ReadBy.ALONE: "the whole text, which is a value and nothing else",
    ReadBy.NOTHING: "no rule found an answer",
    ReadBy.UNFINISHED_THINKING: "the text ends while the model is still thinking",
    ReadBy.SEVERAL_BOXES: "the last statement holds boxes with different contents",
    ReadBy.BOX_AND_MARKER: "a sentence after the last box gives another number",
}
"""Each rule for a reader, to follow “read by: ” or “no answer: ”."""


class Extraction(NamedTuple):
    """An answer with the rule that read it; `text[start:end]` is where it stands. `answer` is None
    where none was read: then `rule` says why, and the place is the end of the text."""

    answer: str | None
    rule: ReadBy
    start: int
    end: int


class TextSpan(NamedTuple):
    """A part of a text, from `start` up to but not including `end`."""

    start: int
    end: int
