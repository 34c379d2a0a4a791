"""`reselect`, run as a user runs it."""

from __future__ import annotations

import pytest

from backend.cli.options import RunOptions
from backend.cli.reselect import text_of
from backend.cli.run import spec_of
from backend.messages.runs import Choice, Reselection
from tests.cli.test_commands import RUN, answer, command


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, object]]:
    """A store with one run, and what the run said of itself."""
    db = str(tmp_path_factory.mktemp("reselect") / "a.duckdb")
    done = command(
        *RUN,
        "--strategy",
        "best_of_n",
        "--problem",
        "ledger/3/17",
        "--param",
        "n=12",
        "--temperature",
        "1.5",
        "--db",
        db,
    )
    assert done.returncode == 0, done.stderr
    return db, answer(done)


def test_a_stored_run_is_asked_what_other_rules_would_have_chosen(
    stored: tuple[str, dict[str, object]],
) -> None:
    db, ran = stored
    found = answer(command("reselect", "1", "--selector", "best", "--db", db, "--json"))
    assert (
        found["chosen"]
        == found["own"]
        == {"node": ran["chosen_node"], "answer": ran["answer"], "correct": ran["correct"]}
    )
    assert found["own_selector"] == "best"
    voted = answer(
        command(
            "reselect",
            "1",
            "--selector",
            "softmax",
            "--param",
            "tau=0.2",
            "--aggregation",
            "min",
            "--db",
            db,
            "--json",
        )
    )
    assert (voted["params"], voted["aggregation"]) == ({"tau": 0.2}, "min")
    assert 0.0 < voted["confidence"] <= 1.0
    told = command("reselect", "1", "--selector", "majority", "--db", db)
    assert told.returncode == 0
    assert "majority: node" in told.stdout and "the run itself, best: node" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["1", "--selector", "loudest"], "majority"),
        (["1", "--selector", "softmax", "--param", "heat=1"], "tau"),
        (["1", "--selector", "best", "--aggregation", "max"], "last, min, prod, mean"),
    ],
)
def test_a_rule_that_does_not_exist_is_bad_input(
    stored: tuple[str, dict[str, object]], arguments: list[str], named: str
) -> None:
    done = command("reselect", *arguments, "--db", stored[0], "--json")
    assert done.returncode == 2
    assert named in answer(done)["accepted"]


def test_ties_and_facts_are_told_in_words() -> None:
    found = Reselection(
        run_id=3,
        selector="rpc",
        params={},
        aggregation=None,
        chosen=Choice(node=4, answer="7", correct=True),
        leaders=[4, 9],
        credit=0.5,
        confidence=0.25,
        facts={"pruned": 2},
        candidates=16,
        undecided=[("a", "b")],
        own_selector="best",
        own=None,
    )
    text = text_of(found)
    for part in (
        "run 3, 16 candidates",
        "rpc: node 4, answer 7, right",
        "2 tie",
        "expected credit 0.500",
        "pruned: 2",
        "1 pairs",
        "nothing",
    ):
        assert part in text


def test_a_run_takes_parameters_of_its_selector() -> None:
    fields = {"strategy": "best_of_n", "question": "1 + 1?", "selector": "softmax"}
    spec = spec_of(RunOptions(fields, selector_param=["tau=0.2"]))
    assert spec.selector_params == {"tau": 0.2}
