"""Analyses: their numbers are those of the estimators, whatever is missing leaves one out, and
nothing is said of what was not measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.core.statistics.estimators import best_of_k, pass_at_k
from backend.core.statistics.intervals import compare_pairs
from backend.experiments.analyses import ANALYSES, analyse
from backend.experiments.analyses.prefixes import prefix, states
from backend.experiments.cells import Cell
from backend.experiments.charts import ChartLine, Plan, draw_lines
from backend.experiments.material import Material, StoredSolution, groups
from backend.experiments.pool_estimates import keys_of
from backend.experiments.read_material import read_material
from backend.experiments.rules import SampledPool, majority
from backend.experiments.slices import narrow, thirds
from backend.experiments.spec import Experiment, parse_experiment
from tests.experiments.examples import BEAM, HEAD, POOLED, carried_out

TEXT = HEAD.format(count=4) + POOLED.format(rule="majority") + POOLED.format(rule="coverage") + BEAM
PROBLEMS = ["countdown/1/7", "countdown/1/8", "ledger/2/1", "ledger/2/2"]


def pool(right: list[int], scores: list[float], group: list[int]) -> SampledPool:
    return SampledPool(
        *(
            np.array(column, dtype=np.float64)
            for column in (right, scores, group, [10] * len(right))
        )
    )


POOLS = dict(
    zip(
        PROBLEMS,
        [
            pool(
                [1, 1, 0, 0, 0, 0, 0, 0],
                [0.9, 0.4, 0.95, 0.1, 0.2, 0.3, 0.2, 0.1],
                [0, 0, 1, 1, 1, 2, 3, -1],
            ),
            pool(
                [0, 0, 0, 0, 0, 0, 0, 1],
                [0.1, 0.2, 0.3, 0.1, 0.2, 0.6, 0.2, 0.8],
                [0, 0, 1, 1, 2, 2, 3, 4],
            ),
            pool(
                [1, 1, 1, 1, 1, 1, 0, 0],
                [0.9, 0.8, 0.7, 0.9, 0.6, 0.9, 0.2, 0.1],
                [0, 0, 0, 0, 0, 0, 1, 2],
            ),
            pool(
                [0, 0, 0, 0, 0, 0, 0, 0],
                [0.1, 0.2, 0.1, 0.7, 0.2, 0.3, 0.2, 0.1],
                [0, 1, 2, 3, 4, 5, 6, -1],
            ),
        ],
        strict=True,
    )
)


def cell(credit: float, tokens: float) -> Cell:
    return Cell(credit, 1.0, {"generated_tokens": tokens}, 1)


def material(**changed: object) -> Material:
    experiment = parse_experiment(TEXT)
    cells = {
        (arm, budget): {
            p: cell(float(credit), 10.0 * budget)
            for p, credit in zip(PROBLEMS, credits_, strict=True)
        }
        for arm, by in {
            "majority": [[0, 0, 1, 0], [0, 0, 1, 0], [1, 0, 1, 0]],
            "beam": [[1, 0, 0, 0], [1, 0, 1, 0], [1, 1, 1, 0]],
        }.items()
        for budget, credits_ in zip((1.0, 2.0, 4.0), by, strict=True)
    }
    solutions = {
        p: [StoredSolution(3, None if r else 1, bool(r)) for r in POOLS[p].right] for p in PROBLEMS
    }
    given: dict[str, object] = {
        "pools": POOLS,
        "solutions": solutions,
        "needed": {"ledger/2/1": 2, "ledger/2/2": 4},
        "reading": {"beam": (100.0, 25.0)},
        **changed,
    }
    return Material(experiment, cells, **given)  # type: ignore[arg-type]


def test_every_analysis_says_something_where_there_is_enough() -> None:
    found = {one.name: one for one in analyse(material())}
    assert set(found) == {
        "pairs",
        "duels",
        "pareto",
        "coverage",
        "judge",
        "imperfect",
        "saturation",
        "cost of pass",
        "difficulty",
        "spread",
        "horizon",
        "prefixes",
        "cache",
    }
    assert all(one.sentence and one.limits and any(one.tables.values()) for one in found.values())


def test_without_pools_only_those_of_the_searches_are_left() -> None:
    bare = {one.name for one in analyse(material(pools={}, solutions={}, needed={}, reading={}))}
    assert bare == {"pairs", "duels", "pareto", "cost of pass", "difficulty"}
    nothing = Material(Experiment.model_validate(parse_experiment(TEXT)), {})
    assert [entry.find(nothing) for entry in ANALYSES.values()] == [None] * len(ANALYSES)


def test_the_figures_are_those_of_the_exact_estimators() -> None:
    found = {one.name: one for one in analyse(material())}
    curve = {row["k"]: row for row in found["coverage"].tables["curve"] if row["problems"] == "all"}
    assert curve[4]["coverage"] == pytest.approx(
        np.mean([pass_at_k(8, int(POOLS[p].right.sum()), 4) for p in PROBLEMS])
    )
    best = {(row["problems"], row["k"]): row["best of k"] for row in found["judge"].tables["curve"]}
    told = [best_of_k(list(POOLS[p].scores), list(POOLS[p].right), 8) for p in PROBLEMS[:2]]
    assert best["countdown/1", 8] == pytest.approx(np.mean(told)) == 0.5
    spread = {row["k"]: row for row in found["spread"].tables["curve"]}
    assert (
        spread[1]["best"]
        == spread[1]["worst"]
        == spread[1]["average"]
        == pytest.approx((2 + 1 + 6 + 0) / 32)
    )
    assert majority(POOLS["countdown/1/7"], 8) == 0.0 and majority(POOLS["ledger/2/1"], 8) == 1.0
    assert found["cache"].tables["arms"] == [
        {"arm": "beam", "prompt tokens": 100.0, "from the cache": 25.0, "share": 0.25}
    ]


def test_problems_are_parted_in_thirds_by_how_often_the_model_is_right() -> None:
    rates = {
        f"ledger/2/{at}": right
        for at, right in enumerate(([0, 0], [1, 1], [0, 1], [1, 0], [0, 0], [1, 1]))
    }
    pools = {problem: pool(right, [0.5, 0.5], [0, 1]) for problem, right in rates.items()}
    told = thirds(pools, sorted(rates))
    assert [told[f"ledger/2/{at}"].split()[0] for at in range(6)] == [
        "hardest",
        "easiest",
        "middle",
        "middle",
        "hardest",
        "easiest",
    ]
    assert thirds({}, sorted(rates)) == {} == thirds(POOLS, PROBLEMS)


def test_material_of_some_problems_speaks_of_no_other() -> None:
    answered = {("beam", 4.0): {problem: [StoredSolution(2, None, True)] for problem in PROBLEMS}}
    few = narrow(material(answered=answered), {"ledger/2/1"})
    assert (
        set(few.pools)
        == set(few.solutions)
        == set(few.cells["beam", 1.0])
        == set(few.answered["beam", 4.0])
        == {"ledger/2/1"}
    )
    assert (
        next(one for one in analyse(few) if one.name == "spread").tables["curve"][0]["average"]
        == 0.75
    )


def test_pairs_are_compared_on_the_same_problems() -> None:
    [pairs] = [one for one in analyse(material()) if one.name == "pairs"]
    row = next(each for each in pairs.tables["difference at equal budget"] if each["budget"] == 4.0)
    assert (row["one"], row["less"], row["difference"]) == ("majority", "beam", -0.25)
    assert row["p"] == compare_pairs([1, 0, 1, 0], [1, 1, 1, 0]).p == 1.0


def test_resampling_stops_sooner_where_a_wrong_answer_costs_more() -> None:
    cheap, dear = (
        next(one for one in analyse(material(wrong_costs=cost)) if one.name == "imperfect").tables[
            "attempts"
        ]
        for cost in (0.0, 5.0)
    )
    best = [max(range(64), key=lambda at: rows[at]["value"]) for rows in (cheap, dear)]
    assert best[0] > best[1]
    strict = next(one for one in analyse(material(threshold=1.0)) if one.name == "imperfect")
    assert "nothing is accepted" in strict.sentence
    lenient = next(one for one in analyse(material(threshold=0.0)) if one.name == "imperfect")
    assert all(
        row["false positives"] == 1.0 for row in lenient.tables["problems"] if row["right"] < 1.0
    )


def test_problems_that_need_more_steps_are_the_horizon() -> None:
    [told] = [one for one in analyse(material()) if one.name == "horizon"]
    assert [(row["steps"], row["accuracy"]) for row in told.tables["accuracy"]] == [
        (2, 0.75),
        (4, 0.0),
    ]
    assert [row["right"] for row in told.tables["steps"]] == [1.0, 9 / 32, 1.0]


def test_arms_that_differ_in_one_setting_are_put_side_by_side() -> None:
    warm = BEAM.replace('"beam"', '"warm"') + "sampling = { temperature = 1.2 }\n"
    found = material()
    both = {
        **found.cells,
        **{("warm", budget): found.cells["beam", budget] for budget in (1.0, 2.0, 4.0)},
    }
    [told] = [
        one
        for one in analyse(Material(parse_experiment(TEXT + warm), both))
        if one.name == "settings"
    ]
    seen = {
        (row["rule"], row["temperature"], row["arm"], row["budget"])
        for row in told.tables["temperature"]
    }
    assert seen == {
        ("beam search", value, arm, budget)
        for value, arm in ((0.8, "beam"), (1.2, "warm"))
        for budget in (1.0, 2.0, 4.0)
    }


SWEPT = """
[[arms]]
name = "{name}"
strategy = "best_of_n"
selector = "{rule}"
engine = "scripted"
pooled = true
sampling = {{ temperature = {temperature}, top_p = {top_p} }}
aggregation = "{aggregation}"
"""


def swept(**settings: object) -> str:
    given = {"rule": "best", "temperature": 1.0, "top_p": 1.0, "aggregation": "last", **settings}
    return SWEPT.format(name=" ".join(map(str, given.values())), **given)


def test_a_sweep_is_read_at_each_budget_and_its_best_value_stands_against_its_worst() -> None:
    arms = [
        swept(),
        swept(temperature=0.4),
        swept(top_p=0.8),
        swept(aggregation="min"),
        swept(rule="majority", temperature=0.4),
    ]
    credits_ = [[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    experiment = parse_experiment(HEAD.format(count=4) + "".join(arms))
    cells = {
        (arm.name, 4.0): {
            p: cell(float(credit), 40.0) for p, credit in zip(PROBLEMS, told, strict=True)
        }
        for arm, told in zip(experiment.arms, credits_, strict=True)
    }
    [found] = [one for one in analyse(Material(experiment, cells)) if one.name == "settings"]
    seen = {
        name: [(row["rule"], row[name], row["accuracy"]) for row in rows]
        for name, rows in found.tables.items()
        if name != "best"
    }
    assert seen == {
        "temperature": [("best of N", 0.4, 0.25), ("best of N", 1.0, 0.5)],
        "top-p": [("best of N", 0.8, 0.0), ("best of N", 1.0, 0.5)],
        "aggregation": [("best of N", "last", 0.5), ("best of N", "min", 0.75)],
    }
    best = {
        row["setting"]: (row["best at"], row["worst at"], row["best less worst"])
        for row in found.tables["best"]
    }
    assert best == {
        "temperature": (1.0, 0.4, 0.25),
        "top-p": (1.0, 0.8, 0.5),
        "aggregation": ("min", "last", 0.25),
    }
    drawn = {chart.table: chart for chart in found.charts}
    assert (
        drawn["aggregation"].lines[0].points[1][:2] == ("min", 0.75)
        and drawn["temperature"].part == "best of N"
    )


async def test_arms_with_another_aggregation_draw_the_same_solutions(tmp_path: Path) -> None:
    experiment = parse_experiment(HEAD.format(count=1) + swept() + swept(aggregation="prod"))
    folder, _ = await carried_out(experiment, tmp_path)
    one, other = (
        sorted(folder.samples(keys_of(experiment, arm)).to_pylist(), key=lambda row: row["place"])
        for arm in experiment.arms
    )
    told = [
        [(row["answer"], row["tokens"], row["logprob"]) for row in rows] for rows in (one, other)
    ]
    assert told[0] == told[1] and [row["key"] for row in one] != [row["key"] for row in other]


async def test_a_verification_takes_its_place_beside_a_solution_at_equal_cost(
    tmp_path: Path,
) -> None:
    experiment = parse_experiment(
        HEAD.format(count=3) + POOLED.format(rule="majority") + POOLED.format(rule="best")
    )
    folder, _ = await carried_out(experiment, tmp_path)
    made = read_material(folder)
    assert set(made.verifying) == {"majority", "best"}
    [found] = [
        one
        for one in analyse(replace(made, verifying={"majority": 0.5, "best": 0.5}))
        if one.name == "iso-cost"
    ]
    costs = {(row["way"], row["solutions"]): row["cost"] for row in found.tables["grid"]}
    assert costs == {
        (f"V = {v}, {rule}", s): s * (1 + 0.5 * v)
        for v, rule in enumerate(("majority", "best"))
        for s in (1, 2, 4)
    }
    frontier = [
        (row["cost"], row["accuracy"])
        for row in found.tables["grid"]
        if row["no cheaper one beats it"]
    ]
    assert (
        sorted(frontier) == sorted(frontier, key=lambda pair: pair[1])
        and "costs 0.50 of a solution" in found.sentence
    )
    assert {chart.kind for chart in found.charts} == {"lines", "grid"}


def test_the_states_of_a_solution_are_its_right_steps_and_the_answer_is_the_last() -> None:
    told = {
        "right": StoredSolution(3, None, True),
        "another way": StoredSolution(5, None, True),
        "wrong at the second": StoredSolution(3, 1, False),
        "lucky": StoredSolution(3, 1, True),
        "cut off": StoredSolution(2, None, False),
        "rambling": StoredSolution(6, 3, False),
        "nothing": StoredSolution(0, None, False),
    }
    seen = {name: tuple(prefix(*states(one, 3)))[1:] for name, one in told.items()}
    assert seen == {
        "right": (1.0, True, True),
        "another way": (1.0, True, True),
        "wrong at the second": (1 / 3, False, False),
        "lucky": (1 / 3, False, True),
        "cut off": (2 / 3, False, False),
        "rambling": (0.5, False, False),
        "nothing": (0.0, False, False),
    }


def test_prefixes_are_told_of_single_samples_and_of_what_searches_answered() -> None:
    told = {
        "ledger/2/1": StoredSolution(2, None, True),
        "ledger/2/2": StoredSolution(4, 2, False),
        "countdown/1/7": StoredSolution(9, 0, False),
    }
    answered = {("beam", 4.0): {problem: [one] for problem, one in told.items()}}
    [found] = [one for one in analyse(material(answered=answered)) if one.name == "prefixes"]
    by = {row["arm"]: row for row in found.tables["arms"]}
    assert (
        by["beam"]["prefix accuracy"],
        by["beam"]["sequential match"],
        by["beam"]["problems"],
    ) == (0.75, 0.5, 2)
    assert by["one sample"]["solutions"] == 16
    assert [
        (row["steps needed"], row["final match"])
        for row in found.tables["lengths"]
        if row["arm"] == "beam"
    ] == [(2, 1.0), (4, 0.0)]


def test_a_table_becomes_lines_by_group_and_column() -> None:
    rows = [
        {"problems": "all", "k": 1, "coverage": 0.2, "fitted": 0.25, "low": 0.1, "high": 0.3},
        {
            "problems": "all",
            "k": 2,
            "coverage": 0.4,
            "fitted": None,
            "low": float("nan"),
            "high": 0.5,
        },
    ]
    [plan] = ANALYSES["coverage"].charts["curve"]
    assert draw_lines(rows, plan) == (
        ChartLine("all, coverage", ((1, 0.2, None, None), (2, 0.4, None, None))),
        ChartLine("all, fitted", ((1, 0.25, None, None),)),
    )
    banded = Plan("k", ("coverage",), "", "", bands=True)
    assert draw_lines(rows, banded) == (
        ChartLine("coverage", ((1, 0.2, 0.1, 0.3), (2, 0.4, None, 0.5))),
    )
    assert draw_lines([], plan) == ()


def test_problems_are_grouped_by_set_and_level() -> None:
    assert groups(dict.fromkeys(PROBLEMS)) == [
        ("all", PROBLEMS),
        ("countdown/1", PROBLEMS[:2]),
        ("ledger/2", PROBLEMS[2:]),
    ]
    assert groups({}) == []
