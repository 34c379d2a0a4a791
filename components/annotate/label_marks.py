"""Labels as short texts beside the steps that they are about: nothing depends on colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from components.frame.prose import visible

VERDICT_SIGNS = {"good": "\u2713 good", "neutral": "\u2013 neutral", "bad": "\u2717 bad"}
FIRST_WRONG, NONE_WRONG = "\u2691 first wrong step", "\u2691 no step is wrong"


class SpanLike(Protocol):
    """A stretch [start, end) of a step's text."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...

    @property
    def quote(self) -> str: ...


class LabelLike(Protocol):
    """A label as the service sends it."""

    @property
    def id(self) -> int: ...

    @property
    def kind(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def node(self) -> int | None: ...

    @property
    def step(self) -> int | None: ...

    @property
    def span(self) -> SpanLike | None: ...

    @property
    def note(self) -> str | None: ...

    @property
    def author(self) -> str: ...

    @property
    def blind(self) -> bool: ...

    @property
    def updated_at(self) -> str: ...


class LabelledStepLike(Protocol):
    """A step as the service sends it."""

    @property
    def number(self) -> int: ...

    @property
    def node(self) -> int: ...

    @property
    def text(self) -> str: ...

    @property
    def score(self) -> float | None: ...


@dataclass(frozen=True)
class LabelMark:
    """A label in words; `mine` sets off the author's own."""

    text: str
    mine: bool


@dataclass(frozen=True)
class SpanMark:
    """A marked stretch of a step."""

    start: int
    end: int
    title: str


@dataclass(frozen=True)
class StepMarks:
    """A step with its labels; `score` is ready to be shown, empty where there is none or where it
    is hidden."""

    number: int
    text: str
    score: str
    labels: tuple[LabelMark, ...]
    spans: tuple[SpanMark, ...]

    def data(self) -> dict[str, Any]:
        labels = [{"text": mark.text, "mine": mark.mine} for mark in self.labels]
        spans = [{"start": span.start, "end": span.end, "title": span.title} for span in self.spans]
        return {
            "number": self.number,
            "text": self.text,
            "score": self.score,
            "labels": labels,
            "spans": spans,
        }


def mark_steps(
    steps: Sequence[LabelledStepLike],
    labels: Sequence[LabelLike],
    *,
    path: int,
    author: str,
    names: Mapping[str, str],
) -> list[StepMarks]:
    """The steps of the path that ends in node `path`. `names` are the categories as they are
    shown.
    """
    found = []
    for step in steps:
        here = [label for label in labels if about(label, step, path)]
        marks = tuple(
            LabelMark(_whose(label, author) + describe_label(label, names), label.author == author)
            for label in here
        )
        spans = tuple(
            SpanMark(
                label.span.start,
                label.span.end,
                _whose(label, author) + describe_label(label, names),
            )
            for label in here
            if label.span
        )
        found.append(
            StepMarks(
                step.number,
                step.text,
                "" if step.score is None else f"score {step.score:.3f}",
                marks,
                spans,
            )
        )
    return found


def about(label: LabelLike, step: LabelledStepLike, path: int) -> bool:
    """Whether a label stands at a step. A first wrong step is one of its own path only."""
    return label.step == step.number and label.node == (
        path if label.kind == "first_error" else step.node
    )


def describe_label(label: LabelLike, names: Mapping[str, str]) -> str:
    """What a label says, in a few words."""
    if label.kind == "first_error":
        text = NONE_WRONG if label.step == -1 else FIRST_WRONG
    elif label.kind == "verdict":
        text = VERDICT_SIGNS.get(label.label, label.label)
    else:
        text = names.get(label.label, label.label) if label.kind == "category" else "\u270e"
    quote = f" \u201c{_short(label.span.quote)}\u201d" if label.span else ""
    note = f" {_short(label.note)}" if label.note else ""
    return visible(f"{text}{quote}{note}")


def place_of(label: LabelLike) -> str:
    """Where a label stands."""
    if label.step is None:
        return "run"
    if label.kind == "first_error":
        return f"path to node {label.node}" + (
            "" if label.step == -1 else f", step {label.step + 1}"
        )
    return f"step {label.step + 1}, node {label.node}"


def _whose(label: LabelLike, author: str) -> str:
    return "" if label.author == author else f"{visible(label.author)}: "


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "\u2026"
