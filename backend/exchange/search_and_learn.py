"""search-and-learn: the completions of a run as JSON lines, one problem a line, as its scripts push
them to a dataset.

Columns that are read: `problem`, `answer`, `completions` (whole texts), `scores` (for each
completion one number a step, from a process reward model; that program cuts steps at blank lines
wherever they stand, so where as many numbers as such steps are given, its steps are taken), `pred`
(the completion that was chosen). How a search grew is not in the file, so a run is a bundle of
finished paths; beginnings that are the same are kept apart, as nothing says that they were one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from pydantic import model_validator

from backend.core.errors import BadInput
from backend.core.splitting import AT_BLANK_LINES, Splitting
from backend.core.types import Node
from backend.exchange.base import Foreign, Format, Imported, ImportHints, begins, decode
from backend.exchange.transcript import Transcript, some_runs
from backend.problems.extraction import extract_answer

ITS_OWN: Final = Splitting("text")
"""Where the program itself cuts steps."""


class CompletionRow(Foreign):
    """A problem with its completions; numbers of scores that fit no steps are taken as the score of
    the whole."""

    problem: str
    completions: list[str]
    answer: str | None = None
    scores: list[list[float]] | None = None
    pred: str | None = None

    @model_validator(mode="after")
    def _one_each(self) -> CompletionRow:
        if self.scores is not None and len(self.scores) != len(self.completions):
            raise ValueError(f"one list of scores a completion, {len(self.completions)}")
        return self


def parse(content: bytes, given: ImportHints) -> list[Imported]:
    """One run a line."""
    return some_runs([run(row, number, given) for number, row in rows(content)], "the file")


def rows(content: bytes) -> Iterator[tuple[int, CompletionRow]]:
    """The lines that are not blank, with their numbers from 1."""
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            yield number, decode(CompletionRow, line, f"line {number}, $")


def run(row: CompletionRow, number: int, given: ImportHints) -> Imported:
    """The run of a line. The user's own question and answer, if there are any, stand above those of
    the file."""
    asked = ImportHints(given.question or row.problem, given.answer or row.answer)
    trace = Transcript(
        "search_and_learn",
        asked,
        strategy="search-and-learn completions",
        program="search-and-learn",
    )
    ends = [write_completion(trace, row, number, place) for place in range(len(row.completions))]
    if not ends:
        raise BadInput(
            f"line {number}, $.completions", given="none", accepted="at least one completion"
        )
    last = [scores[-1] if scores else None for scores in row.scores or [[]] * len(ends)]
    trace.step(
        ends, [score if score is not None and 0.0 <= score <= 1.0 else None for score in last]
    )
    if row.pred is not None:
        chosen = ends[row.completions.index(row.pred)] if row.pred in row.completions else None
        if chosen is not None:
            answer = extract_answer(row.pred)
            trace.answer(
                chosen,
                answer,
                reason=None
                if answer is not None
                else "no answer could be read from the chosen completion",
            )
    return trace.finish()


def write_completion(trace: Transcript, row: CompletionRow, number: int, place: int) -> Node:
    """The path of one completion, its last step finished."""
    text, scores = row.completions[place], row.scores[place] if row.scores else []
    texts = steps(text, ITS_OWN if scores else AT_BLANK_LINES)
    if scores and len(scores) != len(texts):
        texts, scores = [text], scores[-1:]
    where, node = f"line {number}, $.completions[{place}]", trace.root
    for at, text in enumerate(texts):
        node = trace.node(
            node, text, f"completion {place + 1}, step {at + 1}", where, done=at == len(texts) - 1
        )
        if scores:
            trace.score(node, "prm", scores[at])
    return node


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
    lambda beginning: begins(beginning, rb'^\s*\{[^\n]*"completions"\s*:\s*\['),
    parse,
    order=60,
)

__all__ = ["FORMAT", "steps"]
