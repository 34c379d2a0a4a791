"""What the row of a run takes over from its problem and from how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from backend.core.errors import StorageFailure
from backend.core.limits import Limit, describe_end
from backend.core.types import JSON
from backend.problems.base import Problem
from backend.runs.driver import Outcome
from backend.service.jobs.failure import failure
from backend.service.jobs.tap import Tap


def problem_fields(problem: Problem) -> dict[str, JSON]:
    """A problem as the store keeps it."""
    return {**asdict(problem), "dataset": problem.set, "meta": dict(problem.meta)}


def links_of(forked_from: JSON) -> list[tuple[int, int, str]]:
    """The link from the node that a fork begins at to the one of its origin; none for other
    runs.
    """
    origin = forked_from if isinstance(forked_from, dict) else {}
    root, node = origin.get("root"), origin.get("node")
    return [(root, node, "forked_from")] if isinstance(root, int) and isinstance(node, int) else []


def outcome_fields(outcome: Outcome) -> dict[str, object]:
    """What the row of a run takes over from its outcome."""
    return {
        "answer": outcome.answer,
        "correct": outcome.correct,
        "reason": outcome.reason if outcome.answer is None else None,
        **limit_fields(outcome.limit),
        "chosen_node": outcome.chosen,
        "ledger": outcome.ledger,
    }


def limit_fields(limit: Limit | None) -> dict[str, object]:
    """The budget that ended a run, as the row holds it."""
    return {
        "limit_axis": None if limit is None else limit.axis,
        "limit_value": None if limit is None else float(limit.value),
    }


def words_of(fields: Mapping[str, object]) -> str:
    """Why a run ended, in words, from the fields of its row; empty where there is nothing to
    say."""
    reason, axis, value = (fields.get(name) for name in ("reason", "limit_axis", "limit_value"))
    spent = Limit(axis, value) if isinstance(axis, str) and isinstance(value, float) else None
    return describe_end(reason if isinstance(reason, str) else None, spent) or ""


def standing_fields(tap: Tap) -> dict[str, object]:
    """What is known of a run that did not come to its own end: its ledger, the answer it would
    have given, and the budget that was spent, if it came so far."""
    last = tap.answer
    return {
        "ledger": dict(tap.ledger),
        "chosen_node": None if last is None else last.node,
        "answer": None if last is None else last.answer,
        "correct": None if last is None else last.correct,
        **limit_fields(tap.limit),
    }


def loss_fields(lost: StorageFailure) -> dict[str, object]:
    """What the row says of a run whose records could not be stored."""
    cause = failure(lost)
    return {"reason": cause.reason, "error": cause.kind, "remedy": cause.remedy}


__all__ = [
    "limit_fields",
    "links_of",
    "loss_fields",
    "outcome_fields",
    "problem_fields",
    "standing_fields",
    "words_of",
]
