"""A description that cannot be carried out is refused with its place; what does not matter does not
change the hash."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.core.errors import BadInput
from backend.experiments.spec import parse_experiment, read_experiment
from tests.experiments.examples import BEAM, HEAD, MCTS, POOLED, small

GOOD = HEAD.format(count=2) + BEAM


def test_name_and_note_do_not_change_the_hash_and_everything_else_does() -> None:
    one = small()
    assert one.model_copy(update={"name": "other", "note": "x"}).hash == one.hash
    assert one.model_copy(update={"repeats": 2}).hash != one.hash
    assert len(one.hash) == 12


@pytest.mark.parametrize(
    ("text", "place", "accepted"),
    [
        (GOOD.replace("values = [1, 2, 4]", "values = [4, 2]"), "budgets", "must rise"),
        (GOOD.replace("values = [1, 2, 4]", "values = [1, 2.5]"), "budgets", "whole numbers"),
        (GOOD.replace("n = [1, 2, 4]", "n = [1, 2]"), "experiment", "2 values for 3 budgets"),
        (GOOD + BEAM, "experiment", "different names"),
        (GOOD.replace('axis = "solutions"', 'axis = "money"'), "budgets.axis", "solutions"),
        (GOOD.replace("level = 1\n", ""), "problems.1", "level of countdown"),
        (
            GOOD + POOLED.format(rule="longest"),
            "arms.2",
            "best, weighted, majority, coverage, perplexity",
        ),
        (
            GOOD + POOLED.format(rule="best") + "pool = 2\n",
            "experiment",
            "cannot serve a budget of 4",
        ),
        (
            GOOD + MCTS + "by_budget = { simulations = [1, 2, 3] }\n",
            "arms.2",
            "one set of parameters",
        ),
        (GOOD + "colour = 1\n", "arms.1.colour", "not permitted"),
        ("name = [", "experiment", "TOML"),
    ],
)
def test_a_description_with_a_mistake_is_refused_with_its_place(
    text: str, place: str, accepted: str
) -> None:
    with pytest.raises(BadInput) as refused:
        parse_experiment(text)
    assert str(refused.value).startswith(place) and accepted in str(refused.value.accepted)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"missing\.toml"):
        read_experiment(tmp_path / "missing.toml")
    (tmp_path / "good.toml").write_text(GOOD, encoding="utf-8")
    assert read_experiment(tmp_path / "good.toml") == parse_experiment(GOOD)
