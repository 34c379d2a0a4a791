"""Pairs of answers of every type, over every bridge, and the pairs beside them that differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backend.problems.answers import algebra
from backend.problems.answers.grader import grade_answer, same_answer

PAIRS: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parent / "pairs.jsonl").read_text(encoding="utf-8").split("\n")
    if line
]


def equal(pair: dict[str, Any], *, swapped: bool = False) -> bool | None:
    given, right = pair["given"], pair["right"]
    if swapped:
        given, right = right, given
    asked = {key: pair[key] for key in ("question", "tolerance") if key in pair}
    return grade_answer(given, right, algebra=algebra.compare, **asked).equal


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair['given']} ~ {pair['right']}")
def test_a_pair_is_equal_exactly_where_it_means_the_same(pair: dict[str, Any]) -> None:
    """What differs may be undecided, but never equal."""
    assert (equal(pair) is True) is pair["equal"]


def test_which_of_the_two_is_the_right_answer_makes_no_difference() -> None:
    pairs = [pair for pair in PAIRS if "tolerance" not in pair]
    assert [pair for pair in pairs if equal(pair) is not equal(pair, swapped=True)] == []


def test_the_strict_relation_is_a_part_of_the_one_with_a_right_answer() -> None:
    for pair in PAIRS:
        if same_answer(pair["given"], pair["right"], algebra.compare):
            assert equal(pair) is True


def test_every_answer_is_the_same_as_itself() -> None:
    for pair in PAIRS:
        for answer in (pair["given"], pair["right"]):
            assert same_answer(answer, answer) is True


def test_few_pairs_are_left_undecided() -> None:
    undecided = [pair for pair in PAIRS if equal(pair) is None]
    assert len(undecided) < len(PAIRS) / 25
