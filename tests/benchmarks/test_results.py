"""The tables of the results: numbers that can be worked out by hand, from the finished tasks
alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from backend import problems
from backend.core.settings import ROOT
from backend.experiments.outcomes import begin_results
from backend.experiments.plan import Task, check, pools, tasks, unit_tasks
from backend.experiments.shards import Folder, Sample, TaskResult
from backend.experiments.spec import Experiment, parse_experiment, read_experiment
from benchmarks.results import main, markdown

POOLED = "\n".join(
    f'[[arms]]\nname = "best_of_n, {rule}"\nstrategy = "best_of_n"\nselector = "{rule}"\n'
    "pooled = true\npool = 4\n"
    for rule in ("best", "weighted", "majority", "coverage")
)
EXPERIMENT = parse_experiment(
    """
name = "by hand"
measured = 2
chains = 2
[[problems]]
set = "ledger"
level = 3
first_seed = 1100000
count = 2
[budgets]
axis = "solutions"
values = [2, 4]
[[arms]]
name = "particle_filter"
strategy = "particle_filter"
by_budget = { particles = [2, 4] }
[[arms]]
name = "beam_search"
strategy = "beam_search"
by_budget = { n = [2, 4], beam_width = [2, 4] }
"""
    + POOLED
)
FIRST, SECOND = EXPERIMENT.problem_ids()
UNIT = 100.0

CHAINS = {
    (FIRST, 0): (True, 90.0), (FIRST, 1): (False, 110.0), (SECOND, 0): (False, 70.0), (SECOND, 1): (False, 130.0),
}  # fmt: skip
SEARCHES = {
    ("particle_filter", 2.0, FIRST): ("1", False, 210.0, 10.0, 5.0),
    ("particle_filter", 2.0, SECOND): ("1", True, 190.0, 11.0, 6.0),
    ("particle_filter", 4.0, FIRST): ("1", True, 380.0, 20.0, 5.0),
    ("particle_filter", 4.0, SECOND): (None, None, 420.0, 24.0, 7.0),
    ("beam_search", 4.0, FIRST): ("1", True, 300.0, 16.0, 4.0),
    ("beam_search", 4.0, SECOND): ("1", True, 340.0, 16.0, 5.0),
}
"""Answer, whether it is right, generated tokens, verifier calls, rounds."""
SAMPLES = {
    FIRST: (("7", 0, True, 0.9, 100), ("8", 1, False, 0.8, 120), ("8.0", 1, False, 0.3, 80), (None, None, False, None, 100)),
    SECOND: (("5", 0, False, 0.6, 100), ("6", 1, False, 0.6, 100), (None, None, False, 0.1, 100), (None, None, False, None, 100)),
}  # fmt: skip
"""Answer, its class, whether it is right, the score, tokens."""


def ended(task: Task, tokens: float, calls: float = 0.0, rounds: float = 1.0, **more) -> TaskResult:
    """The result of a task that ended."""
    [result] = begin_results(task, 0)
    ledger = {"generated_tokens": tokens, "verifier_calls": calls, "rounds": rounds}
    return replace(result, ledger=ledger, **more)


def filled(root: Path, experiment: Experiment = EXPERIMENT) -> Folder:
    """The experiment with its chains, pools and some of its searches finished."""
    folder = Folder.of(root, experiment)
    results = [
        ended(task, tokens, answer="1", correct=right)
        for task in unit_tasks(experiment)
        for right, tokens in (CHAINS[task.problem, task.repeat],)
    ]
    for task in tasks(experiment, {"ledger/3": UNIT}):
        if task.kind == "search" and (*task.arms, *task.budgets, task.problem) in SEARCHES:
            answer, right, *spent = SEARCHES[(*task.arms, *task.budgets, task.problem)]
            results.append(ended(task, *spent, answer=answer, correct=right))
    samples = []
    for problem, drawn in SAMPLES.items():
        [task] = pools(experiment, problem, 0, UNIT)
        results.append(ended(task, 400.0, 3.0))
        samples += [
            Sample(task.key, problem, 0, place, *one, logprob=-0.1, steps=1, first_wrong=None)
            for place, one in enumerate(drawn)
        ]
    folder.add(results, samples)
    return folder


def rows_of(report: str, head: str, which: int) -> Mapping[tuple[str, str], list[str]]:
    """A table under a heading: (budget, arm) to the other columns."""
    table = report.partition(f"## {head}, ")[2].partition("\n## ")[0].strip().split("\n\n")[which]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    return {(line[0], line[1]): line[2:] for line in lines}


def without_interval(row: list[str]) -> list[str]:
    return [row[0], row[1].partition(" ")[0], *row[2:]]


def test_the_table_is_what_can_be_worked_out_by_hand(tmp_path: Path) -> None:
    report = markdown(filled(tmp_path))
    table = rows_of(report, "ledger/3", 1)
    assert table == rows_of(report, "All cells", 1)
    seen = {place: without_interval(row) for place, row in table.items()}
    assert seen["1", "chain"] == ["2", "0.250", "0.000", "100", "–", "0.0", "1.0"]
    assert seen["2", "particle_filter"] == ["2", "0.500", "0.000", "200", "1.00", "10.5", "5.5"]
    assert seen["4", "particle_filter"] == ["2", "0.500", "0.500", "400", "1.00", "22.0", "6.0"]
    assert seen["4", "beam_search"] == ["2", "1.000", "0.000", "320", "0.80", "16.0", "4.5"]
    # Of the six pairs of the first pool three hold the right one; it is scored highest, and ties
    # twice in the vote. Of the second one is silent.
    assert seen["2", "best_of_n, coverage"][:4] == ["2", "0.250", "0.083", "200"]
    assert seen["2", "best_of_n, best"] == ["2", "0.250", "0.083", "200", "1.00", "1.5", "1.0"]
    assert seen["2", "best_of_n, weighted"][1] == "0.250"
    assert seen["2", "best_of_n, majority"] == ["2", "0.167", "0.083", "200", "1.00", "0.0", "1.0"]
    # All four of the first pool: 8 and 8.0 are one answer, which outvotes the right one and
    # outweighs it by 1.1 to 0.9.
    assert seen["4", "best_of_n, best"][1] == "0.500"
    assert seen["4", "best_of_n, weighted"][1] == seen["4", "best_of_n, majority"][1] == "0.000"
    assert ("2", "beam_search") not in seen, "not carried out yet"


def test_intervals_are_over_problems(tmp_path: Path) -> None:
    table = rows_of(markdown(filled(tmp_path)), "ledger/3", 1)
    assert table["4", "beam_search"][1] == "1.000 [0.342, 1.000]"  # Wilson: 1 / (1 + 1.96^2 / 2)
    assert table["4", "particle_filter"][1] == "0.500 [0.095, 0.905]"


def test_differences_are_paired_by_problem(tmp_path: Path) -> None:
    table = rows_of(markdown(filled(tmp_path)), "All cells", 2)
    assert table["4", "particle_filter"][0] == "-0.500 [-0.905, +0.273]"
    assert table["4", "beam_search"][0] == ""
    found = [text.partition(" ")[0] for text in table["2", "particle_filter"]]
    assert found == ["–", "+0.250", "+0.250", "+0.333"]


def test_arms_are_compared_with_those_of_their_own_verifier(tmp_path: Path) -> None:
    arms = [
        arm.model_copy(update={"name": f"{arm.name}, exact", "verifier": "exact"})
        for arm in EXPERIMENT.arms
    ]
    both = EXPERIMENT.model_copy(update={"arms": (*EXPERIMENT.arms, *arms)})
    folder = Folder.of(tmp_path, both)
    units = list(unit_tasks(both))
    folder.add([ended(task, UNIT, answer="1", correct=True) for task in units])
    report = markdown(folder)
    assert "## All cells, verifier prm" in report and "## All cells, verifier exact" in report
    assert set(rows_of(report, "All cells", 1)) == {("1", "chain")}


@pytest.mark.parametrize("name", ["experiment-results.toml", "experiment-results-verifiers.toml"])
def test_the_descriptions_that_the_project_compares_its_strategies_by_can_be_carried_out(
    name: str,
) -> None:
    check(read_experiment(ROOT / "docs" / name), problems.problem)


def test_what_is_no_experiment_in_solutions_is_refused(tmp_path: Path) -> None:
    description = tmp_path / "calls.toml"
    description.write_text(
        (ROOT / "docs" / "experiment-results-verifiers.toml")
        .read_text(encoding="utf-8")
        .replace('axis = "solutions"', 'axis = "rounds"'),
        encoding="utf-8",
    )
    with pytest.raises(SystemExit, match="solutions"):
        main([str(description), "--folder", str(tmp_path)])
