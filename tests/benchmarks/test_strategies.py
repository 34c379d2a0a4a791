"""The benchmark of the strategies: every run once, whatever interrupts it, and a report whose
numbers can be worked out by hand."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from backend.core.registry import STRATEGIES
from backend.engines.scripted.engine import ScriptedEngine, ScriptedRewardModel
from benchmarks.strategies import Bench, main
from benchmarks.strategies_figures import Row, accuracy, difference, pool_of, results
from benchmarks.strategies_log import Finished, Log, Sample
from benchmarks.strategies_plan import CELLS, FIRST_SEED, POOL, WIDTHS, Plan, searching
from benchmarks.strategies_report import markdown

FIRST, SECOND = f"ledger/3/{FIRST_SEED}", f"ledger/3/{FIRST_SEED + 1}"
SMALL = Plan(
    cells=("ledger/3",), problems=2, budgets=(4,), measured=2, chains=2, pool=8, engine="scripted"
)


def bench(
    path: Path, plan: Plan = SMALL, reward: ScriptedRewardModel | None = None, **more
) -> Bench:
    return Bench(
        plan,
        ScriptedEngine(),
        reward or ScriptedRewardModel(),
        Log(path),
        tell=lambda text: None,
        **more,
    )


class Doomed(Log):
    """A log that has its benchmark stopped once so many more runs are finished."""

    task: asyncio.Task[None]
    left: int

    def add(self, finished: Finished) -> None:
        super().add(finished)
        self.left -= 1
        if self.left == 0:
            self.task.cancel()


def lasting(runs: list[Finished]) -> dict[str, Finished]:
    """Runs by key, without the clock."""
    return {
        run.key: run.model_copy(
            update={"ledger": {axis: n for axis, n in run.ledger.items() if axis != "seconds"}}
        )
        for run in runs
    }


def made(
    strategy: str,
    problem: str,
    right: bool,
    tokens: float,
    *,
    solutions=4,
    unit: float | None = 100.0,
    seed=0,
    **more,
) -> Finished:
    """A finished run as the log keeps it."""
    ledger = {
        "generated_tokens": tokens,
        "verifier_calls": more.pop("calls", 0.0),
        "rounds": more.pop("rounds", 1.0),
    }
    given = {"answer": "1", "correct": right, "params": {}, "ledger": ledger, **more}
    key = f"{strategy}-{problem}-{solutions}-{seed}"
    return Finished(
        key=key,
        cell="ledger/3",
        problem=problem,
        strategy=strategy,
        solutions=solutions,
        unit=unit,
        seed=seed,
        **given,
    )


def logged(path: Path, runs: list[Finished]) -> Log:
    log = Log(path)
    for run in runs:
        log.add(run)
    return log


def rows_of(report: str, head: str) -> dict[tuple[str, str], list[str]]:
    """The first table under a heading: (budget, strategy) to the other columns."""
    table = report.partition(f"### {head}")[2].partition("\n### ")[0].strip().split("\n\n")[0]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    return {(line[0], line[1]): line[2:] for line in lines}


POOLED = [
    made(POOL, FIRST, True, 400.0, samples=(
        Sample("7", True, 0.9, 100), Sample("8", False, 0.8, 120), Sample("8.0", False, 0.3, 80), Sample(None, False, None, 100))),
    made(POOL, SECOND, False, 400.0, samples=(
        Sample("5", False, 0.6, 100), Sample("6", False, 0.6, 100), Sample(None, False, 0.1, 100), Sample(None, False, None, 100))),
]  # fmt: skip
SEARCHED = [
    made("particle_filter", FIRST, False, 210.0, solutions=2, calls=10.0, rounds=5.0),
    made("particle_filter", SECOND, True, 190.0, solutions=2, calls=11.0, rounds=6.0),
    made("particle_filter", FIRST, True, 380.0, calls=20.0, rounds=5.0),
    made(
        "particle_filter", SECOND, False, 420.0, calls=24.0, rounds=7.0, answer=None, correct=None
    ),
    made("beam_search", FIRST, True, 300.0, calls=16.0, rounds=4.0),
    made("beam_search", SECOND, True, 340.0, calls=16.0, rounds=5.0),
]
CHAINS = [
    made("chain", problem, right, tokens, solutions=1, unit=None, seed=seed)
    for problem, seed, right, tokens in (
        (FIRST, 0, True, 90.0),
        (FIRST, 1, False, 110.0),
        (SECOND, 0, False, 70.0),
        (SECOND, 1, False, 130.0),
    )
]


async def test_every_strategy_runs_on_every_problem_within_its_limit(tmp_path: Path) -> None:
    log = bench(tmp_path / "a.jsonl").log
    await bench(log.path).carry_out()
    done = Counter((run.strategy, run.solutions) for run in Log(log.path).runs.values())
    assert done == {("chain", 1): 4, (POOL, 8): 2, **{(name, 4): 2 for name in searching()}}
    unit = (
        sum(
            run.ledger["generated_tokens"]
            for run in Log(log.path).runs.values()
            if run.strategy == "chain"
        )
        / 4
    )
    for run in Log(log.path).runs.values():
        slack = WIDTHS[run.strategy].slack if run.strategy in WIDTHS else 1.0
        assert run.failure is None and run.unit == (None if run.strategy == "chain" else unit)
        assert (
            run.strategy in ("chain", POOL)
            or run.ledger["generated_tokens"] <= slack * 4 * unit + 1
        )
    assert all(len(run.samples) == 8 for run in Log(log.path).runs.values() if run.strategy == POOL)
    assert set(searching()) == set(STRATEGIES) - {"chain", POOL}


async def test_a_benchmark_that_was_killed_goes_on_without_repeating_a_run(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    plan = Plan(**{**SMALL.__dict__, "strategies": ("particle_filter", "beam_search", "mcts")})
    await bench(whole, plan).carry_out()
    for lines in (1, 3, 5):
        doomed = Bench(
            plan,
            ScriptedEngine(),
            ScriptedRewardModel(),
            Doomed(cut),
            at_once=2,
            tell=lambda text: None,
        )
        doomed.log.task, doomed.log.left = asyncio.create_task(doomed.carry_out()), lines
        with pytest.raises(asyncio.CancelledError):
            await doomed.log.task
        kept = cut.read_bytes()
        cut.write_bytes(kept + kept.splitlines()[-1][:40])  # a line that was being written
    await bench(cut, plan).carry_out()
    assert cut.read_bytes().startswith(kept), "a finished run is never touched again"
    assert len(cut.read_bytes().splitlines()) == 1 + len(Log(cut).runs), (
        "one line a run and one for the setup"
    )
    assert lasting(list(Log(cut).runs.values())) == lasting(list(Log(whole).runs.values()))
    before = cut.read_bytes()
    await bench(cut, plan).carry_out()
    assert cut.read_bytes() == before


async def test_no_run_is_started_after_the_time_is_over(tmp_path: Path) -> None:
    await bench(tmp_path / "a.jsonl", deadline=float("-inf")).carry_out()
    assert Log(tmp_path / "a.jsonl").runs == {}


async def test_a_search_that_the_verifier_fails_counts_as_wrong_and_is_not_repeated(
    tmp_path: Path,
) -> None:
    plan = Plan(**{**SMALL.__dict__, "strategies": ("beam_search",)})
    await bench(
        tmp_path / "a.jsonl", plan, ScriptedRewardModel(failure=lambda solution: "no opinion")
    ).carry_out()
    log = Log(tmp_path / "a.jsonl")
    broken = [run for run in log.runs.values() if run.failure is not None]
    assert Counter(run.strategy for run in broken) == {"beam_search": 2, POOL: 2}
    assert results(log.runs.values())[Row(4, "beam_search")][FIRST].accuracy == 0.0
    assert f"beam_search on {FIRST} at 4: none of 4 nodes" in markdown(log)
    size = log.path.stat().st_size
    await bench(log.path, plan).carry_out()
    assert log.path.stat().st_size == size


def test_wherever_it_is_stopped_no_cell_strategy_or_budget_is_more_than_a_problem_ahead() -> None:
    plan = Plan(problems=3, strategies=("particle_filter", "a_star"), repeats=2)
    tasks = list(plan.search_tasks(dict.fromkeys(CELLS, 80.0)))
    assert tasks == list(plan.search_tasks(dict.fromkeys(CELLS, 80.0)))
    assert len(tasks) == len({task.key for task in tasks}) == 2 * 3 * 5 * (1 + 2 * 3)
    done = Counter({(task.cell, task.spec.strategy, task.solutions): 0 for task in tasks})
    for task in tasks:
        done[task.cell, task.spec.strategy, task.solutions] += 1
        assert max(done.values()) - min(done.values()) <= 1


@pytest.mark.parametrize("name", list(WIDTHS))
def test_the_table_of_widths_names_parameters_that_the_strategy_has(name: str) -> None:
    for solutions in (1, 2, 3, 4, 6, 16, 64):
        assert STRATEGIES[name].parse(WIDTHS[name].params(solutions))


def test_the_table_is_what_can_be_worked_out_by_hand(tmp_path: Path) -> None:
    report = markdown(logged(tmp_path / "a.jsonl", [*CHAINS, *POOLED, *SEARCHED]))
    table = rows_of(report, "ledger/3")
    assert table == rows_of(report, "All cells: ledger/3")
    assert table["1", "chain"] == ["2", "0.250 [0.000, 0.500]", "0.000", "100", "–", "0.0", "1.0"]
    assert table["2", "particle_filter"] == [
        "2",
        "0.500 [0.000, 1.000]",
        "0.000",
        "200",
        "1.00",
        "10.5",
        "5.5",
    ]
    assert table["4", "particle_filter"] == [
        "2",
        "0.500 [0.000, 1.000]",
        "0.500",
        "400",
        "1.00",
        "22.0",
        "6.0",
    ]
    assert table["4", "beam_search"] == [
        "2",
        "1.000 [1.000, 1.000]",
        "0.000",
        "320",
        "0.80",
        "16.0",
        "4.5",
    ]
    # Of the six pairs of the first pool three hold the right one; it is scored highest, and ties
    # twice in the vote. Of the second one is silent.
    assert table["2", "best_of_n, coverage"] == [
        "2",
        "0.250 [0.000, 0.500]",
        "0.083",
        "200",
        "1.00",
        "0.0",
        "2.0",
    ]
    assert table["2", "best_of_n, best"] == [
        "2",
        "0.250 [0.000, 0.500]",
        "0.083",
        "200",
        "1.00",
        "1.5",
        "2.0",
    ]
    assert table["2", "best_of_n, weighted"] == [
        "2",
        "0.250 [0.000, 0.500]",
        "0.083",
        "200",
        "1.00",
        "1.5",
        "2.0",
    ]
    assert table["2", "best_of_n, majority"] == [
        "2",
        "0.167 [0.000, 0.333]",
        "0.083",
        "200",
        "1.00",
        "0.0",
        "2.0",
    ]
    # All four of the first pool: 8 and 8.0 are one answer, which outvotes the right one and
    # outweighs it by 1.1 to 0.9.
    assert table["4", "best_of_n, best"][1] == "0.500 [0.000, 1.000]"
    assert (
        table["4", "best_of_n, weighted"][1]
        == table["4", "best_of_n, majority"][1]
        == "0.000 [0.000, 0.000]"
    )


def test_differences_are_paired_by_problem(tmp_path: Path) -> None:
    report = markdown(logged(tmp_path / "a.jsonl", [*CHAINS, *POOLED, *SEARCHED]))
    table = rows_of(report, "Paired differences of accuracy, all cells\n")
    assert table["4", "particle_filter"][3] == "-0.500 [-1.000, +0.000]"
    assert table["2", "particle_filter"] == [
        "+0.250 [-0.500, +1.000]",
        "+0.250 [-0.500, +1.000]",
        "+0.333 [-0.333, +1.000]",
        "–",
    ]
    found = results([*SEARCHED[:2], *POOLED])
    assert (
        difference(
            found[Row(2, "particle_filter")], {SECOND: found[Row(2, "best_of_n, majority")][SECOND]}
        ).value
        == 1.0
    )


def test_runs_of_one_problem_are_no_independent_evidence() -> None:
    runs = [
        made("chain", problem, problem == FIRST, 80.0, solutions=1, seed=seed)
        for problem in (FIRST, SECOND)
        for seed in range(50)
    ]
    assert accuracy(results(runs)[Row(1, "chain")]) == (0.5, 0.0, 1.0)


def test_a_run_with_other_parameters_takes_the_place_of_the_earlier_one() -> None:
    again = made("particle_filter", FIRST, False, 500.0).model_copy(
        update={"key": "later", "params": {"particles": 5}}
    )
    assert results([*SEARCHED, again])[Row(4, "particle_filter")][FIRST].tokens == 500.0


def test_expressions_of_one_value_are_one_answer_in_the_vote_of_a_pool() -> None:
    written = (("(1 + 2) * 3", True), ("3 * (2 + 1)", True), ("1 + 2", False), (" ", False))
    samples = tuple(Sample(answer, right, 0.5, 40) for answer, right in written)
    pool = pool_of(made(POOL, f"countdown/2/{FIRST_SEED}", True, 160.0, samples=samples))
    assert (
        [len(group) for group in pool.right],
        [len(group) for group in pool.wrong],
        pool.blank,
    ) == ([2], [1], 1)


def test_the_report_is_made_of_the_files_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = logged(tmp_path / "a.jsonl", [*CHAINS, *SEARCHED])
    before = log.path.read_bytes()
    main(["--report", "--folder", str(tmp_path)])
    assert capsys.readouterr().out == markdown(log) + "\n"
    assert log.path.read_bytes() == before


@pytest.mark.parametrize(
    ("given", "told"),
    [(["--strategies", "nonsense"], "particle_filter"), (["--cells", "ledger/9"], "no level 9")],
)
def test_what_does_not_exist_is_refused_before_anything_runs(
    given: list[str], told: str, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match=told):
        main([*given, "--folder", str(tmp_path)])
