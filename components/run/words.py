"""A run in words: its state, what is right about its answer, what it cost. Pure text, safe to test
without a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backend.core.grades import grade_state
from backend.problems.extraction import IN_WORDS, ReadBy

STATES = {
    "queued": ("queued", "waits until a place is free"),
    "loading": ("loading model", "the model is being loaded"),
    "running": ("live", "the search is growing"),
    "paused": ("paused", "waits at the next model call"),
    "finished": ("finished", "the search came to its end"),
    "failed": ("failed", "the run could not go on"),
    "cancelled": ("stopped", "somebody stopped it; what it wrote is kept"),
    "crashed": (
        "cut off",
        "the service ended while it ran; it can be resumed without paying again",
    ),
}


def rule_in_words(rule: str) -> str:
    """The rule that read an answer, or why none was read, as it is stored, for a reader; one that
    is not known here stays as it is."""
    return IN_WORDS[ReadBy(rule)] if rule in list(ReadBy) else rule


def grade_word(correct: bool | None, right_answer: str | None) -> str:
    """What is known of an answer's being right, where the right one is known or not."""
    return grade_state(correct, known=right_answer is not None)


@dataclass(frozen=True)
class CostWords:
    """One figure of the ledger: its name for readers and its value with unit."""

    name: str
    value: str


_COSTS = (
    ("generated_tokens", "Generated tokens", ""),
    ("model_calls", "Model calls", ""),
    ("verifier_calls", "Scores", ""),
    ("rounds", "Rounds", ""),
    ("seconds", "Time", " s"),
    ("prompt_tokens", "Prompt tokens", ""),
    ("cached_tokens", "of them cached", ""),
    ("discarded_tokens", "Discarded tokens", ""),
    ("verifier_tokens", "Verifier tokens", ""),
    ("flops", "FLOPs", ""),
)


def costs(ledger: Mapping[str, float]) -> list[CostWords]:
    """The ledger in reading order; what was not counted is left out."""
    return [
        CostWords(title, amount(ledger[name]) + unit)
        for name, title, unit in _COSTS
        if ledger.get(name) is not None
    ]


def amount(value: float) -> str:
    """A figure as people read it: 12,345 or 3.2 or 4.1e12."""
    if value >= 1e9:
        return f"{value:.1e}".replace("e+", "e")
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def state_word(status: str) -> str:
    return STATES.get(status, (status, ""))[0]


def clock(iso: str | None) -> str:
    """2026-03-01T10:00:05Z as 2026-03-01 10:00:05."""
    return (iso or "")[:19].replace("T", " ")


def size(bytes_: int) -> str:
    """A number of bytes with a unit: 3.4 MB."""
    value = float(bytes_)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
