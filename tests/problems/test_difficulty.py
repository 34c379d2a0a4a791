"""The map from level to difficulty: what ships, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.problems import SETS, ProblemError
from backend.problems.difficulty import load_levels


def test_every_set_has_levels_one_to_five_and_the_range_that_training_draws_from() -> None:
    levels = load_levels()
    assert (
        set(levels.ledger) == set(levels.countdown) == set(levels.procedure) == {0, 1, 2, 3, 4, 5}
    )
    assert all(tuple(each.levels) == (1, 2, 3, 4, 5) for each in SETS.values())


def test_levels_never_get_shorter() -> None:
    levels = load_levels()
    for low, high in ((1, 2), (2, 3), (3, 4), (4, 5)):
        assert levels.ledger[low].steps <= levels.ledger[high].steps
        assert levels.procedure[low].steps <= levels.procedure[high].steps
        assert levels.countdown[low].numbers <= levels.countdown[high].numbers


@pytest.mark.parametrize(
    ("knobs", "named"),
    [
        ('{"stops": [1, 2]}', "stops"),
        ('{"steps": [3, 2]}', "empty"),
        ('{"shuffled": 1.5}', "shuffled"),
        ('{"steps": "many"}', "steps"),
    ],
)
def test_an_unknown_knob_or_a_bad_value_is_refused_by_name(
    tmp_path: Path, knobs: str, named: str
) -> None:
    path = tmp_path / "levels.json"
    path.write_text(
        f'{{"ledger": {{"1": {knobs}}}, "countdown": {{}}, "procedure": {{}}}}', encoding="utf-8"
    )
    with pytest.raises(ProblemError, match=rf"levels\.json.*{named}"):
        load_levels(path)
