"""Problems of one's own on the command line: they lie beside the store, as experiments do."""

from __future__ import annotations

import json
from pathlib import Path

from backend.core.settings import Settings
from backend.problems.shelf import Shelf
from tests.cli.test_commands import answer, command

ROWS = [
    {"problem": f"What is {at} + 1?", "answer": at + 1, "level": f"Level {at % 2 + 1}"}
    for at in range(8)
]
SPEC = """name = "own problems"
[[problems]]
set = "file:sums"
level = 2
count = 3
[budgets]
axis = "generated_tokens"
values = [200]
[[arms]]
name = "best of n"
strategy = "best_of_n"
params = { n = 2 }
engine = "scripted"
verifier = "logprob"
"""


def test_runs_and_sweeps_use_the_files_beside_their_store(tmp_path: Path) -> None:
    db = tmp_path / "here" / "runs.duckdb"
    settings, at = Settings(db=db), ["--db", str(db), "--json"]
    Shelf(settings.own_problems).add(json.dumps(ROWS).encode(), "sums")
    spec = tmp_path / "spec.toml"
    spec.write_text(SPEC, encoding="utf-8")

    shown = answer(command("problems", "file:sums/2", *at))
    assert (shown["question"], shown["answer"], shown["level"]) == ("What is 1 + 1?", "2", 2)
    ran = answer(
        command("run", "--strategy", "best_of_n", "--engine", "scripted", "--verifier", "logprob",
                "--problem", "file:sums/2", "--param", "n=2", *at)
    )  # fmt: skip
    assert (ran["status"], ran["right_answer"]) == ("finished", "2")

    planned = answer(command("sweep", str(spec), "--plan", *at))
    assert planned["planned"] == 3
    swept = answer(command("sweep", str(spec), *at))
    assert (swept["status"], swept["done"], swept["failed"]) == ("finished", 3, 0)
    assert Path(swept["folder"]).parent == settings.experiments
    [kept] = settings.experiments.glob("*/*.json")
    [group] = json.loads(kept.read_text("utf-8"))["problems"]
    assert group["ids"] == ["file:sums/2", "file:sums/4", "file:sums/6"]


def test_a_set_that_there_is_not_is_refused_by_its_name(tmp_path: Path) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_text(SPEC, encoding="utf-8")
    done = command("sweep", str(spec), "--plan", "--db", str(tmp_path / "a.duckdb"), "--json")
    assert done.returncode == 2 and "no problem set 'file:sums'" in json.dumps(answer(done))
