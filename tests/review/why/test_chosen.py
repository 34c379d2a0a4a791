"""What a rule goes by is said by its selector, also by one from outside."""

from __future__ import annotations

import pytest

from backend.core.types import Kind, Node
from backend.judging.measures import Candidates, ClassOf, Measured
from backend.judging.rules import SELECTORS, selector
from backend.judging.selectors.best import Best
from backend.review.reselect import Ranked
from backend.review.why.chosen import measure_by

TEXTS = ("\\boxed{1}", "Well. \\boxed{2}", "\\boxed{2}")
PROMPT = Node("?", kind=Kind.PROMPT)
POOL = [
    Ranked(Node(text, (7,) * size, (-0.5,) * size, PROMPT, 1), value)
    for text, size, value in zip(TEXTS, (3, 2, 4), (0.9, 0.25, 0.5), strict=True)
]


def worth_by(rule: str) -> tuple[str, list[float | None], bool]:
    found = measure_by(rule, POOL, lambda node: node.text[-2:-1])
    return found.name, [found.worth[one.node] for one in POOL], found.least


@pytest.mark.parametrize(
    ("rule", "worth"),
    [
        ("best", ("score", [0.9, 0.25, 0.5], False)),
        ("first", ("place in order of finishing", [1.0, 2.0, 3.0], True)),
        ("majority", ("votes", [1.0, 2.0, 2.0], False)),
        ("weighted", ("sum of scores", [0.9, 0.75, 0.75], False)),
        ("mean_score", ("mean score", [0.9, 0.375, 0.375], False)),
        ("softmax", ("votes", [1.0, 2.0, 2.0], False)),
        ("a rule of a newer version", ("votes", [1.0, 2.0, 2.0], False)),
    ],
)
def test_a_rule_goes_by_what_its_selector_says(
    rule: str, worth: tuple[str, list[float | None], bool]
) -> None:
    assert worth_by(rule) == worth


def test_a_selector_from_outside_brings_its_measure() -> None:
    def count_characters(pool: Candidates, of: ClassOf) -> Measured:
        return Measured("characters", {node: float(len(node.text)) for node, _ in pool})

    selector("briefly_there", measure=count_characters)(Best)
    try:
        assert worth_by("briefly_there") == ("characters", [*map(float, map(len, TEXTS))], False)
    finally:
        SELECTORS.remove("briefly_there")
    assert worth_by("briefly_there")[0] == "votes"
