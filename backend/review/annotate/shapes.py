"""Labelled paths in the shapes of two public datasets, so that programs written for those read
them.

ProcessBench (Zheng et al. 2024, arXiv:2412.06559): one object a path and author with exactly `id`,
`generator`, `problem`, `steps`, `final_answer_correct`, `label`; `label` is the index of the first
wrong step from 0, or -1. A path has one where its author said so, or judged every step up to the
first bad one, or all of them.

PRM800K (Lightman et al. 2023, arXiv:2305.20050; the fields of its phase 2): one object a path and
author with a rated step. Each step of the path has `completions`: the step itself first
(`chosen_completion` 0), then other steps that the same author rated in the same place, which lie on
other branches. `rating` is -1, 0 or 1, or null where the author did not rate. What the dataset has
and this program does not measure is null: `total_time`, `generation`, `ground_truth_solution`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from backend.core.types import JSON
from backend.review.annotate.labels import NO_ERROR, RATINGS

BAD_PROBLEM = "bad_problem"
"""The category that says so of a problem; see the first codebook."""

Place = tuple[int, int]
"""A step: the node in which it ends, and its number on the path."""


@dataclass(frozen=True)
class LabelledPath:
    """A path as one author labelled it. `places[i]` names step i; `ratings` are verdicts by place.
    `others` are rated steps of other branches that continue this path: the number of the step, its
    text and its rating. `correct` is the grade of the path's answer, None where undecided; `whole`
    False means that the path goes on below."""

    run_id: int
    node: int
    author: str
    at: datetime
    generator: str
    problem: str
    right_answer: str | None
    answer: str | None
    correct: bool | None
    score: float | None
    steps: Sequence[str]
    places: Sequence[Place]
    ratings: Mapping[Place, str]
    first_error: int | None
    categories: frozenset[str] = frozenset()
    others: Sequence[tuple[int, str, str]] = field(default=())
    whole: bool = True


def first_wrong(path: LabelledPath) -> int | None:
    """Return the number of the first wrong step: `NO_ERROR` where no step is wrong, None where the
    author did not label enough to know."""
    if path.first_error is not None:
        return path.first_error
    for number, place in enumerate(path.places):
        if place not in path.ratings:
            return None
        if path.ratings[place] == "bad":
            return number
    return NO_ERROR if path.places and path.whole else None


def processbench(paths: Iterable[LabelledPath]) -> Iterator[dict[str, JSON]]:
    """The paths whose first wrong step is known, or that are known to have none."""
    for path in paths:
        label = first_wrong(path)
        if label is not None:
            yield {
                "id": f"run{path.run_id}-node{path.node}-{path.author}",
                "generator": path.generator,
                "problem": path.problem,
                "steps": list(path.steps),
                "final_answer_correct": path.correct,
                "label": label,
            }


def prm800k(paths: Iterable[LabelledPath]) -> Iterator[dict[str, JSON]]:
    """The paths with at least one rated step."""
    for path in paths:
        if any(place in path.ratings for place in path.places):
            steps: list[JSON] = [
                {
                    "completions": _completions(path, number),
                    "human_completion": None,
                    "chosen_completion": 0,
                }
                for number in range(len(path.steps))
            ]
            yield {
                "labeler": path.author,
                "timestamp": path.at.replace(tzinfo=None).isoformat(),
                "generation": None,
                "is_quality_control_question": False,
                "is_initial_screening_question": False,
                "question": _question(path),
                "label": {"steps": steps, "total_time": None, "finish_reason": finish_reason(path)},
            }


def _question(path: LabelledPath) -> dict[str, JSON]:
    return {
        "problem": path.problem,
        "ground_truth_solution": None,
        "ground_truth_answer": path.right_answer,
        "pre_generated_steps": list(path.steps),
        "pre_generated_answer": path.answer,
        "pre_generated_verifier_score": path.score,
    }


def _completions(path: LabelledPath, number: int) -> list[JSON]:
    rating = path.ratings.get(path.places[number])
    own: JSON = {
        "text": path.steps[number],
        "rating": None if rating is None else RATINGS[rating],
        "flagged": None,
    }
    others: list[JSON] = [
        {"text": text, "rating": RATINGS[verdict], "flagged": None}
        for at, text, verdict in path.others
        if at == number
    ]
    return [own, *others]


def finish_reason(path: LabelledPath) -> str:
    """`bad_problem` where the run has that category, `found_error` where a step of the path is
    wrong, `solution` where none is said to be and the answer is right, else `give_up`."""
    wrong = any(path.ratings.get(place) == "bad" for place in path.places) or (
        path.first_error is not None and path.first_error >= 0
    )
    if BAD_PROBLEM in path.categories:
        return "bad_problem"
    return "found_error" if wrong else "solution" if path.correct else "give_up"


__all__ = [
    "BAD_PROBLEM",
    "LabelledPath",
    "Place",
    "finish_reason",
    "first_wrong",
    "prm800k",
    "processbench",
]
