"""`why` and `what-if`, run as a user runs them."""

from __future__ import annotations

import pytest

from backend.cli.why import what_if_text, why_text
from backend.messages.runs import Choice
from backend.messages.why import StepVerdict, WhatIf, Why
from tests.cli.test_commands import RUN, answer, command


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with one run, on a problem that the scripted engine knows nothing about."""
    db = str(tmp_path_factory.mktemp("why") / "a.duckdb")
    done = command(
        *RUN, "--strategy", "best_of_n", "--problem", "ledger/3/17", "--param", "n=6", "--db", db
    )
    assert done.returncode == 0, done.stderr
    return db


def test_the_cause_is_told_in_a_sentence_or_as_json(db: str) -> None:
    found = answer(command("why", "1", "--db", db, "--json"))
    assert (found["run_id"], found["cause"], found["checked"]) == (1, "never_generated", True)
    assert found["first_wrong"]["step"] == 1 and found["first_wrong"]["node"] == found["path_node"]
    told = command("why", "1", "--db", db)
    assert told.returncode == 0
    assert "run 1: never generated" in told.stdout and found["sentence"] in told.stdout
    missing = command("why", "7", "--db", db, "--json")
    assert missing.returncode == 2 and "no run 7" in answer(missing)["error"]


def test_other_settings_are_tried_without_a_model(db: str) -> None:
    fewer = answer(
        command(
            "what-if",
            "1",
            "--param",
            "n=2",
            "--selector",
            "softmax",
            "--selector-param",
            "tau=0.5",
            "--db",
            db,
            "--json",
        )
    )
    assert (fewer["strategy_params"]["n"], fewer["params"], fewer["rounds"], fewer["whole"]) == (
        2,
        {"tau": 0.5},
        2,
        True,
    )
    told = command("what-if", "1", "--param", "n=7", "--db", db)
    assert told.returncode == 0
    assert (
        "exact for 6 rounds, so far as the run is stored" in told.stdout
        and "never was (of node 0)" in told.stdout
    )
    refusals = (
        (["--aggregation", "max"], "'last'"),
        (["--first", "0"], "greater than"),
        (["--param", "luck=1"], "n, enough"),
        (["--series", "exact"], "run"),
    )
    for arguments, named in refusals:
        refused = command("what-if", "1", *arguments, "--db", db, "--json")
        assert refused.returncode == 2 and named in answer(refused)["accepted"]


def test_what_was_found_is_told_in_words() -> None:
    wrong = StepVerdict(
        step=3, node=8, text="1 + 1 = 3", ok=False, kind="arithmetic", reason="1 + 1 is 2"
    )
    cause = Why(
        run_id=3,
        cause="pruned",
        sentence="It was dropped.",
        node=5,
        step=2,
        seq=31,
        evidence="sound",
        note="pruned",
        reason="outside the beam",
        value=0.1,
        cut=0.4,
        measure="score",
        path_node=9,
        checked=True,
        first_wrong=wrong,
    )
    text = why_text(cause)
    for part in (
        "run 3: pruned",
        "It was dropped.",
        "look at node 5, event 31",
        "path to node 9: step 3 (node 8), arithmetic: 1 + 1 is 2",
    ):
        assert part in text
    found = WhatIf(
        run_id=3,
        selector="best",
        params={},
        aggregation=None,
        chosen=Choice(node=4, answer="7", correct=True),
        leaders=[4],
        credit=1.0,
        confidence=None,
        facts={},
        candidates=2,
        undecided=[],
        own_selector="best",
        own=None,
        strategy_params={},
        first=None,
        series=None,
        rounds=2,
        own_rounds=2,
        whole=True,
        stopped="",
        stopped_at=None,
    )
    assert what_if_text(found).endswith("exact for 2 rounds, to the end")
