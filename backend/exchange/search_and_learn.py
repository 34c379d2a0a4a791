"""search-and-learn: the completions of a run as JSON lines, one problem a line, as its scripts push
them to a dataset.

Columns that are read: `problem`, `answer` (else the box of `solution`), `completions` (whole
texts), `scores` (for each completion one number a step, from a process reward model; that program
cuts steps at blank lines wherever they stand, so where as many numbers as such steps are given, its
steps are taken; or one number), `completion_tokens`, `pred` (the completion that was chosen, or its
answer). How a search grew is not in the file, so a run is a bundle of
finished paths; beginnings that are the same are kept apart, as nothing says that they were one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from pydantic import field_validator, model_validator

from backend.core.errors import BadInput
from backend.core.splitting import AT_BLANK_LINES, Splitting
from backend.core.types import Kind, Node
from backend.exchange.base import (
    FileRemarks,
    Foreign,
    Format,
    Imported,
    ImportHints,
    MaybeText,
    MaybeWhole,
    Number,
    begins,
    decode,
)
from backend.exchange.document import Record, read_records, unwrap
from backend.exchange.transcript import Transcript, some_runs
from backend.problems.answers.grader import same_answer
from backend.problems.extraction import extract, extract_answer

ITS_OWN: Final = Splitting("text")
"""Where the program itself cuts steps."""


class CompletionRow(Foreign):
    """A problem with its completions; numbers of scores that fit no steps are taken as the score of
    the whole."""

    problem: MaybeText = None
    question: MaybeText = None
    prompt: MaybeText = None
    completions: list[str | None]
    answer: list[MaybeText] | MaybeText = None
    solution: MaybeText = None
    scores: list[list[Number]] | None = None
    completion_tokens: list[MaybeWhole] | MaybeWhole = None
    pred: MaybeText = None

    @field_validator("scores", mode="before")
    @classmethod
    def _lists(cls, given: object) -> object:
        """One number a completion counts as a list of one."""
        many = given if isinstance(given, list) else None
        return (
            given
            if many is None
            else [[each] if not isinstance(each, list) else each for each in many]
        )

    @model_validator(mode="after")
    def _one_each(self) -> CompletionRow:
        if self.scores is not None and len(self.scores) != len(self.completions):
            raise ValueError(f"one list of scores a completion, {len(self.completions)}")
        return self

    @property
    def right(self) -> tuple[str, ...]:
        """The answers that the row accepts."""
        given = self.answer if isinstance(self.answer, list) else [self.answer]
        named = tuple(each for each in given if each)
        solved = extract_answer(self.solution) if self.solution and not named else None
        return named or ((solved,) if solved else ())

    @property
    def tokens(self) -> int | None:
        """Tokens of all completions, if the row counts each of them."""
        counts = self.completion_tokens
        given = counts if isinstance(counts, list) else [counts]
        known = [each for each in given if each is not None]
        return sum(known) if known and len(known) == len(given) else None


def parse(content: bytes, given: ImportHints) -> list[Imported]:
    """One run a row; the one row of a file of one is its first line."""
    records = [
        record._replace(where="line 1, $") if record.where == "$" else record
        for record in unwrap(read_records(content))
    ]
    return some_runs([run(record, given) for record in records], "$")


def run(record: Record, given: ImportHints) -> Imported:
    """The run of a row. The user's own question and answer, if there are any, stand above those of
    the file."""
    where, remarks = record.where, FileRemarks()
    row = decode(CompletionRow, record.value, where, remarks)
    if not row.completions:
        raise BadInput(f"{where}.completions", given="none", accepted="at least one completion")
    right = (given.answer,) if given.answer else row.right
    question = given.question or row.problem or row.question or row.prompt
    trace = Transcript(
        "search_and_learn",
        ImportHints(question, right[0] if right else None, right[1:]),
        strategy="search-and-learn completions",
        program="search-and-learn",
        remarks=remarks,
    )
    trace.cost("generated_tokens", row.tokens)
    ends = [write_completion(trace, row, where, place) for place in range(len(row.completions))]
    trace.step([end.node for end in ends], [end.worth for end in ends])
    if row.pred is not None:
        _choose(trace, row, where, ends)
    return trace.finish()


def _choose(trace: Transcript, row: CompletionRow, where: str, ends: Sequence[PathEnd]) -> None:
    """Write down the choice: the completion that `pred` is; else the best of those with its answer;
    else what `pred` says, as a text beside them."""
    pred = row.pred or ""
    found = extract(pred)
    answer = found.answer
    if answer is None and "\n" not in pred.strip():
        answer = pred.strip() or None
    if pred in row.completions:
        trace.answer(ends[row.completions.index(pred)].node, found.answer, read_by=found.rule)
        return
    same = [
        end
        for text, end in zip(row.completions, ends, strict=True)
        if answer is not None and _gives(text or "", answer)
    ]
    if same:
        best = max(same, key=lambda end: -1.0 if end.worth is None else end.worth)
        trace.answer(best.node, answer, read_by=found.rule)
        return
    trace.remarks.say("pred is none of the completions: it stands beside them as a text of its own")
    node = trace.node(
        trace.root, pred, "pred", f"{where}.pred", done=True, kind=Kind.INJECTED, role="file"
    )
    trace.answer(node, answer, read_by=found.rule)


def _gives(text: str, answer: str) -> bool:
    """Whether a completion answers so, as far as reading decides."""
    written = extract_answer(text)
    return written is not None and same_answer(written, answer) is True


class PathEnd(NamedTuple):
    """The last node of a completion, and what its last score is worth."""

    node: Node
    worth: float | None


def write_completion(
    trace: Transcript, row: CompletionRow, place_of_row: str, place: int
) -> PathEnd:
    """The path of one completion, its last step finished."""
    whole, scores = row.completions[place] or "", row.scores[place] if row.scores else []
    if row.completions[place] is None:
        trace.remarks.say(f"completion {place + 1} is null: an empty text")
    texts = steps(whole, ITS_OWN if scores else AT_BLANK_LINES)
    if scores and len(scores) != len(texts):
        texts, scores = [whole], scores[-1:]
    where, node, worth = f"{place_of_row}.completions[{place}]", trace.root, None
    for at, text in enumerate(texts):
        node = trace.node(
            node, text, f"completion {place + 1}, step {at + 1}", where, done=at == len(texts) - 1
        )
        if scores:
            worth = trace.score(node, "prm", scores[at])
    return PathEnd(node, worth)


def steps(text: str, splitting: Splitting) -> Sequence[str]:
    """The text cut after each step; put together the steps are the text. A blank line at the very
    end begins no step."""
    ends = splitting.splitter().feed(text)
    parts = [text[start:end] for start, end in pairwise([0, *ends, len(text)])]
    if len(parts) > 1 and not parts[-1].strip():
        parts[-2:] = ["".join(parts[-2:])]
    return parts


FORMAT = Format(
    "search_and_learn",
    "search-and-learn completions (JSON lines)",
    "search-and-learn",
    lambda beginning: begins(beginning, rb'^\s*\[?\s*\{[^\n]*"completions"\s*:\s*\['),
    parse,
    order=60,
    holds=lambda value: isinstance(value, dict) and isinstance(value.get("completions"), list),
)

__all__ = ["FORMAT", "steps"]
