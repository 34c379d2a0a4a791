"""Analyses: their numbers are those of the estimators, whatever is missing leaves one out, and nothing is said of what was not measured."""

from __future__ import annotations

import numpy as np
import pytest

from backend.experiments.analyses import ALL, Material, Solution, analyses, groups
from backend.experiments.curves import Cell, Sampled, majority
from backend.experiments.spec import Experiment, parsed
from backend.sampling.estimators import best_of_k, pass_at_k
from backend.sampling.intervals import paired
from tests.experiments.examples import BEAM, HEAD, POOLED

TEXT = HEAD.format(count=4) + POOLED.format(rule="majority") + POOLED.format(rule="coverage") + BEAM
PROBLEMS = ["countdown/1/7", "countdown/1/8", "ledger/2/1", "ledger/2/2"]


def pool(right: list[int], scores: list[float], group: list[int]) -> Sampled:
    return Sampled(*(np.array(column, dtype=np.float64) for column in (right, scores, group, [10] * len(right))))


POOLS = dict(zip(PROBLEMS, [
    pool([1, 1, 0, 0, 0, 0, 0, 0], [0.9, 0.4, 0.95, 0.1, 0.2, 0.3, 0.2, 0.1], [0, 0, 1, 1, 1, 2, 3, -1]),
    pool([0, 0, 0, 0, 0, 0, 0, 1], [0.1, 0.2, 0.3, 0.1, 0.2, 0.6, 0.2, 0.8], [0, 0, 1, 1, 2, 2, 3, 4]),
    pool([1, 1, 1, 1, 1, 1, 0, 0], [0.9, 0.8, 0.7, 0.9, 0.6, 0.9, 0.2, 0.1], [0, 0, 0, 0, 0, 0, 1, 2]),
    pool([0, 0, 0, 0, 0, 0, 0, 0], [0.1, 0.2, 0.1, 0.7, 0.2, 0.3, 0.2, 0.1], [0, 1, 2, 3, 4, 5, 6, -1]),
], strict=True))  # fmt: skip


def cell(credit: float, tokens: float) -> Cell:
    return Cell(credit, 1.0, {"generated_tokens": tokens}, 1)


def material(**changed: object) -> Material:
    experiment = parsed(TEXT)
    cells = {
        (arm, budget): {p: cell(float(credit), 10.0 * budget) for p, credit in zip(PROBLEMS, credits_, strict=True)}
        for arm, by in {"majority": [[0, 0, 1, 0], [0, 0, 1, 0], [1, 0, 1, 0]], "beam": [[1, 0, 0, 0], [1, 0, 1, 0], [1, 1, 1, 0]]}.items()
        for budget, credits_ in zip((1.0, 2.0, 4.0), by, strict=True)
    }
    solutions = {p: [Solution(3, None if r else 1, bool(r)) for r in POOLS[p].right] for p in PROBLEMS}
    given: dict[str, object] = {
        "pools": POOLS, "solutions": solutions, "needed": {"ledger/2/1": 2, "ledger/2/2": 4}, "reading": {"beam": (100.0, 25.0)}, **changed,
    }  # fmt: skip
    return Material(experiment, cells, **given)  # type: ignore[arg-type]


def test_every_analysis_says_something_where_there_is_enough() -> None:
    found = {one.name: one for one in analyses(material())}
    assert set(found) == {
        "pairs", "pareto", "coverage", "judge", "imperfect", "saturation", "cost of pass", "difficulty", "spread", "horizon", "cache",
    }  # fmt: skip
    assert all(one.sentence and one.limits and any(one.tables.values()) for one in found.values())


def test_without_pools_only_those_of_the_searches_are_left() -> None:
    bare = {one.name for one in analyses(material(pools={}, solutions={}, needed={}, reading={}))}
    assert bare == {"pairs", "pareto", "cost of pass", "difficulty"}
    nothing = Material(Experiment.model_validate(parsed(TEXT)), {})
    assert [make(nothing) for make in ALL] == [None] * len(ALL)


def test_the_figures_are_those_of_the_exact_estimators() -> None:
    found = {one.name: one for one in analyses(material())}
    curve = {row["k"]: row for row in found["coverage"].tables["curve"] if row["problems"] == "all"}
    assert curve[4]["coverage"] == pytest.approx(np.mean([pass_at_k(8, int(POOLS[p].right.sum()), 4) for p in PROBLEMS]))
    best = {(row["problems"], row["k"]): row["best of k"] for row in found["judge"].tables["curve"]}
    told = [best_of_k(list(POOLS[p].scores), list(POOLS[p].right), 8) for p in PROBLEMS[:2]]
    assert best["countdown/1", 8] == pytest.approx(np.mean(told)) == 0.5
    spread = {row["k"]: row for row in found["spread"].tables["curve"]}
    assert spread[1]["best"] == spread[1]["worst"] == spread[1]["average"] == pytest.approx((2 + 1 + 6 + 0) / 32)
    assert majority(POOLS["countdown/1/7"], 8) == 0.0 and majority(POOLS["ledger/2/1"], 8) == 1.0
    assert found["cache"].tables["arms"] == [{"arm": "beam", "prompt tokens": 100.0, "from the cache": 25.0, "share": 0.25}]


def test_pairs_are_compared_on_the_same_problems() -> None:
    [pairs] = [one for one in analyses(material()) if one.name == "pairs"]
    row = next(each for each in pairs.tables["difference at equal budget"] if each["budget"] == 4.0)
    assert (row["one"], row["less"], row["difference"]) == ("majority", "beam", -0.25)
    assert row["p"] == paired([1, 0, 1, 0], [1, 1, 1, 0]).p == 1.0


def test_resampling_stops_sooner_where_a_wrong_answer_costs_more() -> None:
    cheap, dear = (
        next(one for one in analyses(material(wrong_costs=cost)) if one.name == "imperfect").tables["attempts"] for cost in (0.0, 5.0)
    )
    best = [max(range(64), key=lambda at: rows[at]["value"]) for rows in (cheap, dear)]
    assert best[0] > best[1]
    lenient = next(one for one in analyses(material(threshold=0.0)) if one.name == "imperfect")
    assert all(row["false positives"] == 1.0 for row in lenient.tables["problems"] if row["right"] < 1.0)


def test_problems_that_need_more_steps_are_the_horizon() -> None:
    [told] = [one for one in analyses(material()) if one.name == "horizon"]
    assert [(row["steps"], row["accuracy"]) for row in told.tables["accuracy"]] == [(2, 0.75), (4, 0.0)]
    assert [row["right"] for row in told.tables["steps"]] == [1.0, 9 / 32, 1.0]


def test_arms_that_differ_in_one_setting_are_put_side_by_side() -> None:
    warm = BEAM.replace('"beam"', '"warm"') + "sampling = { temperature = 1.2 }\n"
    found = material()
    both = {**found.cells, **{("warm", budget): found.cells["beam", budget] for budget in (1.0, 2.0, 4.0)}}
    [told] = [one for one in analyses(Material(parsed(TEXT + warm), both)) if one.name == "settings"]
    seen = {(row["setting"], row["value"], row["arm"]) for row in told.tables["curve"]}
    assert seen == {("temperature", 0.8, "beam"), ("temperature", 1.2, "warm")}


def test_problems_are_grouped_by_set_and_level() -> None:
    assert groups(dict.fromkeys(PROBLEMS)) == [("all", PROBLEMS), ("countdown/1", PROBLEMS[:2]), ("ledger/2", PROBLEMS[2:])]
    assert groups({}) == []
