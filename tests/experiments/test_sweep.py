"""Carrying out: every task once, pools shared, whatever dies in between; and what an anytime run
says of smaller budgets is what they would have said."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from backend import problems
from backend.core.errors import BadInput
from backend.core.records import MemorySink
from backend.core.spec import RunSpec
from backend.core.statistics.estimators import pass_at_k
from backend.engines.scripted.engine import ScriptedEngine, ScriptedRewardModel
from backend.experiments.cells import find_shared_problems, read_cells
from backend.experiments.costs import Prices
from backend.experiments.curves import curve
from backend.experiments.estimate import estimate_sweep
from backend.experiments.plan import check, size, tasks, unit_tasks
from backend.experiments.shards import LEDGER, Folder, Sample, TaskResult
from backend.experiments.spec import parse_experiment
from backend.experiments.sweep import Progress, Stopwatch, units
from backend.runs.control import Control
from backend.runs.driver import run
from tests.experiments.examples import BEAM, HEAD, MCTS, carried_out, small

ROOT = Path(__file__).resolve().parents[2]


async def test_every_task_is_carried_out_once_and_pools_are_shared(tmp_path: Path) -> None:
    experiment = small()
    folder, progress = await carried_out(experiment, tmp_path)
    rows = folder.results().to_pylist()
    assert Counter(row["kind"] for row in rows) == {"unit": 4, "pool": 3, "search": 3 * (3 + 3)}
    assert folder.samples().num_rows == 3 * 4 and (progress.done, progress.failed) == (
        4 + 3 + 9 + 3,
        0,
    )
    before = sorted((tmp_path / experiment.hash / "results").iterdir())
    again, progress = await carried_out(experiment, tmp_path)
    assert (
        sorted((tmp_path / experiment.hash / "results").iterdir()) == before and progress.here == 0
    )
    assert estimate_sweep(experiment, again).left == 0


async def test_a_budget_in_solutions_is_a_multiple_of_the_measured_tokens(tmp_path: Path) -> None:
    experiment = small()
    folder, _ = await carried_out(experiment, tmp_path)
    chains = {task.key for task in unit_tasks(experiment)}
    spent = [
        row["generated_tokens"] for row in folder.results().to_pylist() if row["key"] in chains
    ]
    size = sum(spent) / len(spent)
    assert units(folder, experiment) == {"countdown/1": pytest.approx(size)}
    limits = {
        row["budget"]: json.loads(row["spec"])["budget"]["generated_tokens"]
        for row in folder.results().to_pylist()
        if row["arm"] == "beam"
    }
    assert limits == {n: -(-1.5 * n * size // 1) for n in (1.0, 2.0, 4.0)}


async def test_an_anytime_run_answers_within_each_budget_and_at_the_largest_like_any_run(
    tmp_path: Path,
) -> None:
    text = (
        HEAD.format(count=4)
        .replace('"solutions"', '"model_calls"')
        .replace("[1, 2, 4]", "[3, 20, 60]")
    )
    arm = (
        '[[arms]]\nname = "{name}"\nstrategy = "stepwise_best_of_n"\nengine = '
        '"scripted"\nparams = {{ n = 3 }}\n{extra}\n'
    )
    experiment = parse_experiment(
        text + arm.format(name="once", extra="anytime = true") + arm.format(name="each", extra="")
    )
    folder, _ = await carried_out(experiment, tmp_path)
    rows = {
        (row["arm"], row["problem"], row["budget"]): row for row in folder.results().to_pylist()
    }
    assert len(rows) == 4 * 2 * 3
    once = {key: row for key, row in rows.items() if key[0] == "once"}
    assert len({row["key"] for row in once.values()}) == 4  # one run a problem
    for (_, problem, budget), row in once.items():
        alone = rows["each", problem, budget]
        assert row["model_calls"] <= budget
        # a run that ends there may still finish what was under way
        assert row["answer"] in (
            None,
            alone["answer"],
        )
    assert all(
        row["answer"] == rows["each", problem, 60.0]["answer"] is not None
        for (_, problem, budget), row in once.items()
        if budget == 60.0
    )
    assert any(row["answer"] is None for row in once.values())


async def test_a_pooled_arm_is_the_exact_estimate_and_a_search_the_mean_of_its_runs(
    tmp_path: Path,
) -> None:
    experiment = small(4)
    folder, _ = await carried_out(experiment, tmp_path)
    found = read_cells(folder, prices=Prices(generated=2.0))
    by_problem: dict[str, list[bool]] = {}
    for sample in folder.samples().to_pylist():
        by_problem.setdefault(sample["problem"], []).append(sample["correct"])
    for k in (1, 2, 4):
        for problem, cell in found["coverage", float(k)].items():
            assert (
                cell.credit == pass_at_k(4, sum(by_problem[problem]), k)
                and cell.costs["verifier_calls"] == 0
                and cell.costs["samples"] == k
            )
    pools = {row["problem"]: row for row in folder.results().to_pylist() if row["kind"] == "pool"}
    assert all(row["verifier_tokens"] > 0 for row in pools.values())
    for problem, cell in found[
        "majority", 2.0
    ].items():  # a vote pays for no score, though one was taken
        assert (
            cell.costs["all_tokens"]
            == (pools[problem]["generated_tokens"] + pools[problem]["prompt_tokens"]) / 2
        )
    kept = folder.estimates()
    # votes are kept
    assert len(kept) == 4 * 3 and read_cells(folder, prices=Prices(generated=2.0)) == found
    blank = {
        problem: sum(
            s["group"] is None for s in folder.samples().to_pylist() if s["problem"] == problem
        )
        for problem in by_problem
    }
    for problem, cell in found["majority", 2.0].items():
        assert cell.answered == pytest.approx(pass_at_k(4, 4 - blank[problem], 2))
    rows = [
        row for row in folder.results().to_pylist() if row["arm"] == "beam" and row["budget"] == 4.0
    ]
    point = curve(found, "beam", "generated_tokens")[-1]
    assert point.cost == pytest.approx(sum(row["generated_tokens"] for row in rows) / 4)
    assert (
        point.accuracy.value == sum(row["correct"] is True for row in rows) / 4
        and point.problems == 4
    )
    assert curve(found, "beam", "money")[-1].cost == pytest.approx(2.0 * point.cost / 1e6)
    assert len(find_shared_problems(found, ["beam", "mcts"])) == 4
    assert curve(found, "beam", "rounds", lambda problem: problem.endswith("/7"))[0].problems == 1
    with pytest.raises(BadInput, match="generated_tokens"):
        curve(found, "beam", "pages")


async def test_a_failed_task_is_listed_with_its_cause_and_tried_again_on_request(
    tmp_path: Path,
) -> None:
    openai = '[[arms]]\nname = "server"\nstrategy = "chain"\nengine = "openai"\n'
    experiment = parse_experiment(
        HEAD.format(count=2).replace('"solutions"', '"model_calls"') + MCTS + openai
    )
    folder, progress = await carried_out(experiment, tmp_path)
    failed = [row for row in folder.results().to_pylist() if row["failure"] is not None]
    assert (
        progress.failed == 6
        and {row["arm"] for row in failed} == {"server"}
        and "no completions server" in failed[0]["failure"]
    )
    assert estimate_sweep(experiment, folder).failed == 6
    assert (await carried_out(experiment, tmp_path))[1].here == 0
    folder, progress = await carried_out(experiment, tmp_path, retry=True)
    again = [row for row in folder.results().to_pylist() if row["failure"] is not None]
    assert progress.here == 6 and len(again) == 6 and {row["attempt"] for row in again} == {1}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_sweep_that_was_ended_repeats_nothing_that_it_had_finished(
    tmp_path: Path, number: signal.Signals
) -> None:
    spec, folder = tmp_path / "spec.toml", tmp_path / "kept"
    spec.write_text(HEAD.format(count=60) + BEAM + MCTS, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "backend",
        "sweep",
        str(spec),
        "--folder",
        str(folder),
        "--json",
    ]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 120
    while (
        not list(folder.glob("*/results/*.parquet"))
        and process.poll() is None
        and time.monotonic() < end
    ):
        time.sleep(0.02)
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    [path] = folder.iterdir()
    kept = Folder(path)
    before = kept.read_done_keys()
    assert before
    if number == signal.SIGTERM:
        told = json.loads(said)
        assert (process.returncode, told["status"], told["done"], told["hash"]) == (
            130,
            "interrupted",
            len(before),
            path.name,
        )
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["failed"] == 0
    rows = kept._table("results", kept.results().schema).to_pylist()
    counted = Counter((row["key"], row["arm"], row["budget"]) for row in rows)
    assert set(counted.values()) == {1} and before < kept.read_done_keys()
    wanted = {
        task.key
        for task in (
            *unit_tasks(kept.experiment),
            *tasks(kept.experiment, units(kept, kept.experiment)),
        )
    }
    assert kept.read_done_keys() == wanted


async def test_samples_that_were_written_before_their_result_got_lost_count_once(
    tmp_path: Path,
) -> None:
    folder, _ = await carried_out(small(2), tmp_path)
    before, found = folder.samples(), read_cells(folder)
    again = [Sample(**row) for row in before.to_pylist()]
    folder.add([], again[:5])
    folder.add([], again)
    assert folder.samples().num_rows == before.num_rows and read_cells(folder) == found


def test_names_are_checked_before_anything_runs() -> None:
    with pytest.raises(BadInput, match="beam_search"):
        check(
            parse_experiment(HEAD.format(count=1) + BEAM.replace('"beam_search"', '"beem"')),
            problems.problem,
        )
    with pytest.raises(BadInput, match="beam_width"):
        check(
            parse_experiment(HEAD.format(count=1) + BEAM.replace("beam_width", "beam_wide")),
            problems.problem,
        )


async def test_a_sweep_that_is_stopped_keeps_what_is_finished(tmp_path: Path) -> None:
    experiment, stopped = small(25), asyncio.Event()
    work = asyncio.create_task(
        carried_out(
            experiment,
            tmp_path,
            at_once=2,
            tell=lambda progress: stopped.set() if progress.here > 5 else None,
        )
    )
    await stopped.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    folder = Folder.of(tmp_path, experiment)
    assert len(folder.read_done_keys()) >= 5
    folder, progress = await carried_out(experiment, tmp_path)
    assert progress.done == progress.total and estimate_sweep(experiment, folder).left == 0


async def test_a_result_is_that_of_the_same_run_alone(tmp_path: Path) -> None:
    folder, _ = await carried_out(small(), tmp_path)
    row = next(
        row for row in folder.results().to_pylist() if row["arm"] == "beam" and row["budget"] == 4.0
    )
    spec = RunSpec.model_validate_json(row["spec"])
    outcome = await run(
        spec,
        problem=problems.problem(row["problem"]),
        engine=ScriptedEngine(),
        reward=ScriptedRewardModel(),
        sink=MemorySink(),
        control=Control(),
        grade=problems.grade,
    )
    assert (outcome.answer, outcome.correct, outcome.ledger["generated_tokens"]) == (
        row["answer"],
        row["correct"],
        row["generated_tokens"],
    )


async def test_tasks_are_counted_against_one_number_and_a_failed_one_is_not_done(
    tmp_path: Path,
) -> None:
    told: list[Progress] = []
    experiment = small()
    await carried_out(experiment, tmp_path, tell=told.append)
    assert {one.total for one in told} == {size(experiment)} == {told[-1].done}
    ended = [one.done + one.failed for one in told]
    assert ended == sorted(ended) and {one.phase for one in told} == {"measuring", "running"}

    openai = '[[arms]]\nname = "server"\nstrategy = "chain"\nengine = "openai"\n'
    failing = parse_experiment(
        HEAD.format(count=2).replace('"solutions"', '"model_calls"') + MCTS + openai
    )
    folder, progress = await carried_out(failing, tmp_path)
    assert (progress.done, progress.failed, progress.left) == (2, 6, 0)
    about = await asyncio.to_thread(estimate_sweep, failing, folder)
    assert (about.planned, about.done, about.failed, about.left) == (8, 2, 6, 0)
    assert "6 failed" in about.sentence
    _, again = await carried_out(failing, tmp_path)
    assert (again.done, again.failed, again.here) == (2, 6, 0)


def test_a_pause_is_no_time_and_what_was_not_measured_has_no_rate() -> None:
    now = 100.0
    watch = Stopwatch(lambda: now)
    now = 103.0
    watch.pause()
    now = 200.0
    assert watch.seconds == 3.0
    watch.resume()
    watch.resume()
    now = 202.0
    assert watch.seconds == 5.0
    nothing = Progress("running", 4, 10, 1, 0.0, 5.0)
    assert (nothing.rate, nothing.left_s, nothing.left) == (None, None, 5)
    half = nothing._replace(tokens=50.0, here=2)
    assert (half.rate, half.left_s) == (10.0, 12.5)


async def test_what_is_left_is_told_from_what_finished_tasks_took(tmp_path: Path) -> None:
    experiment = small(4)
    guessed = await asyncio.to_thread(
        estimate_sweep, experiment, Folder.of(tmp_path / "new", experiment)
    )
    assert "guessed" in guessed.sentence
    folder, _ = await carried_out(experiment, tmp_path)
    rows = [TaskResult(**_row(row)) for row in folder.results().to_pylist()]
    part = Folder.of(tmp_path / "part", experiment)
    kept = [row for row in rows if row.kind == "unit" or not row.problem.endswith("7")]
    part.add(kept)
    about = await asyncio.to_thread(estimate_sweep, experiment, part)
    missing = {row.key for row in rows} - {row.key for row in kept}
    assert about.left == len(missing) > 0 and "from finished tasks" in about.sentence
    spent = dict[str, float]()
    for row in rows:
        if row.key in missing:
            spent[row.key] = max(spent.get(row.key, 0.0), row.ledger["generated_tokens"])
    assert about.tokens == pytest.approx(sum(spent.values()), rel=0.5)


def _row(row: dict[str, Any]) -> dict[str, Any]:
    told = {name: row[name] for name in TaskResult.__slots__ if name != "ledger"}
    return {**told, "ledger": {name: row[name] for name in LEDGER}}
