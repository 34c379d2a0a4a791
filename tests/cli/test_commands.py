"""The command line, run as a user runs it: a process, its standard output, its exit status."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from backend.__main__ import main
from backend.cli.options import RunOptions, plain_type
from backend.cli.run import spec_of
from backend.core.errors import BadInput
from backend.core.spec import RunSpec, SamplingSpec, SplittingSpec
from storage import Store

ROOT = Path(__file__).resolve().parents[2]
RUN = ["run", "--engine", "scripted", "--verifier", "exact", "--json"]
SLOW = [
    *RUN,
    "--strategy",
    "mcts",
    "--problem",
    "ledger/5/3",
    "--param",
    "simulations=1000000",
    "--temperature",
    "2",
]


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backend", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Standard output as JSON: nothing else may be there."""
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_run_is_carried_out_stored_verified_exported_and_imported(tmp_path: Path) -> None:
    db, file = str(tmp_path / "a.duckdb"), str(tmp_path / "run.jsonl")
    arguments = [
        "--strategy",
        "particle_filter",
        "--problem",
        "ledger/2/1000017",
        "--param",
        "particles=6",
        "--seed",
        "3",
        "--db",
        db,
    ]
    done = command(*RUN, *arguments)
    first = answer(done)
    assert done.returncode == 0, done.stderr
    assert (first["run_id"], first["status"]) == (1, "finished")
    assert first["ledger"]["generated_tokens"] > 0
    assert answer(command("verify-run", "1", "--db", db, "--json")) == {
        "sound": True,
        "findings": [],
        "differences": [],
    }
    assert answer(command("export", "1", file, "--db", db, "--json"))["run_id"] == 1
    assert answer(command("verify-run", file, "--json"))["sound"] is True
    assert answer(command("import", file, "--db", db, "--json")) == {
        "format": "jsonl",
        "run_ids": [2],
    }
    again = answer(command(*RUN, *arguments))
    same = ("answer", "correct", "nodes", "events", "chosen_node")
    assert {name: again[name] for name in same} == {name: first[name] for name in same}


def test_an_interrupted_run_is_stopped_recorded_and_reported(tmp_path: Path) -> None:
    db = tmp_path / "a.duckdb"
    started = [sys.executable, "-m", "backend", *SLOW, "--db", str(db)]
    process = subprocess.Popen(
        started, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for_writing(db)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert json.loads(out)["status"] == "cancelled"


def test_a_run_that_was_killed_is_taken_up_without_paying_again(tmp_path: Path) -> None:
    db = tmp_path / "a.duckdb"
    arguments = [
        "--strategy",
        "mcts",
        "--problem",
        "ledger/5/3",
        "--param",
        "simulations=4000",
        "--temperature",
        "2",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", *RUN, *arguments, "--db", str(db)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    wait_for_writing(db)
    process.kill()
    process.communicate()
    done = command("resume", "1", "--db", str(db), "--json")
    resumed = answer(done)
    assert done.returncode == 0, done.stderr
    whole = answer(command(*RUN, *arguments, "--db", str(tmp_path / "b.duckdb")))
    same = ("status", "answer", "nodes", "events", "chosen_node")
    assert {name: resumed[name] for name in same} == {name: whole[name] for name in same}
    assert answer(command("verify-run", "1", "--db", str(db), "--json"))["findings"] == []


def wait_for_writing(db: Path) -> None:
    """Wait until a run has begun to write its log."""
    end = time.monotonic() + 120
    log = db.with_suffix(db.suffix + ".wal")
    while not (log.exists() and log.stat().st_size > 30_000):
        assert time.monotonic() < end, "the run wrote nothing"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--strategy", "dowsing", "--question", "1 + 1?"], "beam_search"),
        (["--strategy", "beam_search"], "exactly one"),
        (["--strategy", "beam_search", "--question", "1 + 1?", "--param", "n"], "NAME=VALUE"),
        (
            ["--strategy", "beam_search", "--question", "1 + 1?", "--budget", "rounds=many"],
            "number",
        ),
    ],
)
def test_bad_input_exits_with_2_and_says_what_is_accepted(
    tmp_path: Path, arguments: list[str], named: str
) -> None:
    done = command(*RUN, *arguments, "--db", str(tmp_path / "a.duckdb"))
    assert done.returncode == 2
    assert named in answer(done)["accepted"]


def test_a_run_that_fails_exits_with_3_and_says_why(tmp_path: Path) -> None:
    folder = str(tmp_path / "no-model")
    arguments = [
        "--strategy",
        "chain",
        "--question",
        "1 + 1?",
        "--model",
        folder,
        "--verifier",
        "logprob",
        "--db",
        str(tmp_path / "a.duckdb"),
    ]
    done = command("run", *arguments, "--json")
    assert done.returncode == 3
    assert answer(done)["error"] == "model missing"
    assert answer(done)["remedy"]


def test_catalogue_and_problems_are_printed_as_json() -> None:
    assert {"particle_filter", "mcts"} <= {
        each["name"] for each in answer(command("catalog", "--json"))["strategies"]
    }
    assert answer(command("problems", "ledger/3/17", "--json"))["id"] == "ledger/3/17"
    assert command("problems", "ledger/99/17", "--json").returncode == 2


def test_parameters_take_the_types_of_the_schema() -> None:
    options = RunOptions(
        {"strategy": "particle_filter", "question": "1 + 1?", "temperature": 0.5, "top_k": 7},
        param=["particles=16", "scheme=systematic"],
        budget=["generated_tokens=2000"],
    )
    spec = spec_of(options)
    assert spec.params == {"particles": 16, "scheme": "systematic"}
    assert spec.budget == {"generated_tokens": 2000.0}
    assert (spec.sampling.temperature, spec.sampling.top_k) == (0.5, 7)


def test_options_of_the_command_line_reach_the_stored_run(tmp_path: Path) -> None:
    """Each in its place: fields of the run, of its sampling, parameters, and a budget."""
    db = tmp_path / "a.duckdb"
    arguments = ["--strategy", "chain", "--problem", "ledger/1/1000001", "--seed", "7"]
    arguments += ["--splitter", "line", "--thoughts", "one_step"]
    arguments += ["--top-p", "0.5", "--max-tokens", "9", "--alternatives", "2"]
    arguments += ["--param", "max_steps=3", "--budget", "rounds=2", "--aggregation", "mean"]
    assert main([*RUN, *arguments, "--db", str(db)]) == 0
    store = Store.open(db)
    spec = RunSpec.model_validate(store.run(1).spec)
    store.close()
    assert (spec.seed, spec.aggregation, spec.engine) == (7, "mean", "scripted")
    assert (spec.params, spec.budget) == ({"max_steps": 3}, {"rounds": 2.0})
    assert spec.sampling == SamplingSpec(top_p=0.5, max_tokens=9, alternatives=2)
    assert spec.splitting == SplittingSpec(splitter="line", thoughts="one_step")


def test_every_plain_field_of_a_run_is_an_option_with_its_description() -> None:
    shown = " ".join(command("run", "--help").stdout.split())
    for model in (RunSpec, SamplingSpec, SplittingSpec):
        for name, field in model.model_fields.items():
            if plain_type(field) is not None:
                assert f"--{name.replace('_', '-')} " in shown
                assert (field.description or "") in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dance"], ["dance", "accepted: serve, run,"]),
        (["run", "--dowsing", "1"], ["--dowsing", "accepted: --strategy, --problem,"]),
        (["run"], ["--strategy"]),
        (["run", "--strategy", "chain", "--seed", "x"], ["--seed", "'x'", "integer"]),
        (["annotations", "burn", "--out", "x"], ["burn", "export"]),
        (["fork", "1"], ["node"]),
        ([], ["accepted: serve, run,"]),
    ],
)
def test_a_command_line_that_cannot_be_read_exits_with_2_and_says_what_is_accepted(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: list[str]
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    usage, error = printed.err.splitlines()
    assert usage.startswith("usage: python -m backend") and error.startswith("error: ")
    assert all(part in error for part in said), error


def test_a_question_and_a_problem_together_are_refused() -> None:
    fields = {"strategy": "chain", "question": "1 + 1?", "problem": "ledger/1/1"}
    with pytest.raises(BadInput, match="exactly one"):
        spec_of(RunOptions(fields))


def test_the_classroom_shows_the_options_of_its_stages() -> None:
    done = command("classroom", "evaluate", "--help")
    assert done.returncode == 0 and "--samples" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["[red]x[/red]"],
        ["catalog", "--[bold]x"],
        ["run", "--strategy", "[red]mcts[/red]", "--problem", "ledger/3/17"],
        ["run", "--strategy", "chain", "--problem", "[link=https://x.example]ledger[/link]"],
        ["run", "--strategy", "chain", "--problem", "ledger/3/17", "--seed", "[red]1"],
    ],
)
def test_markup_in_what_is_given_is_said_as_it_was_given(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    [hostile] = [text for text in arguments if "[" in text]
    assert hostile in capsys.readouterr().err
