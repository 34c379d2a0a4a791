"""The map from level to difficulty: what ships, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.problems import SETS, ProblemError
from backend.problems.countdown import CountdownDifficulty
from backend.problems.difficulty import LEVELS_FILE, read_levels
from backend.problems.ledger import LedgerDifficulty
from backend.problems.procedure import ProcedureDifficulty

LEDGER = read_levels("ledger", LedgerDifficulty)
COUNTDOWN = read_levels("countdown", CountdownDifficulty)
PROCEDURE = read_levels("procedure", ProcedureDifficulty)


def test_every_measured_set_has_levels_one_to_five_and_the_range_that_training_draws_from() -> None:
    assert all(set(levels) == {0, 1, 2, 3, 4, 5} for levels in (LEDGER, COUNTDOWN, PROCEDURE))
    measured = json.loads(LEVELS_FILE.read_text(encoding="utf-8"))
    assert list(measured) == ["ledger", "countdown", "procedure"]
    assert all(tuple(SETS[name].levels) == (1, 2, 3, 4, 5) for name in measured)


def test_levels_never_get_shorter() -> None:
    for low, high in ((1, 2), (2, 3), (3, 4), (4, 5)):
        assert LEDGER[low].steps <= LEDGER[high].steps
        assert PROCEDURE[low].steps <= PROCEDURE[high].steps
        assert COUNTDOWN[low].numbers <= COUNTDOWN[high].numbers


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
    with pytest.raises(ProblemError, match=rf"levels\.json: ledger\.1\..*{named}"):
        read_levels("ledger", LedgerDifficulty, path)
