"""What repeats say: their spread, who wins a duel, and how many are needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from backend.core.statistics.estimators import all_of_k, pass_at_k
from backend.experiments.analyses import ANALYSES, analyse
from backend.experiments.analyses.duels import duel
from backend.experiments.analyses.power import noise_of
from backend.experiments.cells import Cell, average
from backend.experiments.material import Material
from backend.experiments.read_material import read_material
from backend.experiments.slices import narrow
from backend.experiments.spec import parse_experiment
from tests.experiments.examples import BEAM, HEAD, MCTS, carried_out

TOKENS = "generated_tokens"


def runs(credits_: list[float], costs: list[float]) -> dict[int, Cell]:
    return {
        repeat: Cell(credit, 1.0, {TOKENS: cost}, 1)
        for repeat, (credit, cost) in enumerate(zip(credits_, costs, strict=True))
    }


REPEATS: Mapping[tuple[str, float], Mapping[str, Mapping[int, Cell]]] = {
    ("beam", 4.0): {
        "countdown/1/1": runs([1, 1, 0], [10, 12, 14]),
        "countdown/1/2": runs([1, 0, 0], [20, 20, 26]),
        "countdown/1/3": runs([1, 1, 1], [30, 30, 30]),
        "countdown/1/4": runs([1, 1], [1, 1]),
    },
    ("mcts", 4.0): {
        "countdown/1/1": runs([0, 0, 0], [5, 5, 5]),
        "countdown/1/2": runs([1, 0, 0], [40, 40, 40]),
        "countdown/1/3": runs([1, 1, 0], [30, 30, 30]),
        "countdown/1/4": runs([0, 0], [1, 1]),
    },
}


def material() -> Material:
    experiment = parse_experiment(HEAD.format(count=4) + BEAM + MCTS)
    return Material(experiment, average(REPEATS), repeats=REPEATS)


def tables(name: str, given: Material) -> Mapping[str, list[Mapping[str, object]]]:
    found = ANALYSES[name].find(given)
    assert found is not None
    return {table: list(rows) for table, rows in found.tables.items()}


def test_accuracy_and_cost_spread_over_repeats_of_the_problems_that_have_all_of_them() -> None:
    found = tables("repeats", material())
    beam = next(row for row in found["accuracy"] if row["arm"] == "beam")
    each = [1.0, 2 / 3, 1 / 3]
    assert (beam["mean"], beam["low"], beam["high"]) == (
        pytest.approx(2 / 3),
        pytest.approx(1 / 3),
        1.0,
    )
    assert beam["deviation"] == pytest.approx(np.std(each, ddof=1))
    assert (beam["repeats"], beam["problems"]) == (3, 3)
    assert beam["repeats disagree on"] == pytest.approx(2 / 3)
    cost = next(row for row in found["cost"] if row["arm"] == "beam")
    assert (cost["low"], cost["high"]) == (20.0, pytest.approx(70 / 3))
    passes = [row["all right"] for row in found["pass^k"] if row["arm and budget"] == "beam at 4"]
    assert passes == pytest.approx([2 / 3, (1 / 3 + 0 + 1) / 3, 1 / 3])


def test_pass_all_k_is_the_share_of_subsets_that_are_all_right() -> None:
    for n in range(1, 7):
        for right in range(n + 1):
            flags = [1.0] * right + [0.0] * (n - right)
            for k in range(1, n + 1):
                assert all_of_k(flags, k) == pytest.approx(1.0 - pass_at_k(n, n - right, k))
    chances = [0.9, 0.5, 0.2, 0.7]
    for k in range(1, 5):
        products = [float(np.prod(subset)) for subset in combinations(chances, k)]
        assert all_of_k(chances, k) == pytest.approx(sum(products) / len(products))


def test_a_duel_is_over_all_pairs_of_runs_and_ties_go_to_the_cheaper() -> None:
    first, second = (
        list(runs([1, 1, 0], [10, 12, 14]).values()),
        list(runs([0, 1], [5, 13]).values()),
    )
    found = duel(first, second, TOKENS)
    pairs = [(a, b) for a in first for b in second]
    assert found.wins == pytest.approx(sum(a.credit > b.credit for a, b in pairs) / 6)
    assert found.losses == pytest.approx(sum(a.credit < b.credit for a, b in pairs) / 6)
    thrifty = [
        a.credit > b.credit or (a.credit == b.credit and a.costs[TOKENS] < b.costs[TOKENS])
        for a, b in pairs
    ]
    assert found.thrifty == pytest.approx(sum(thrifty) / 6)
    assert found.wins + found.ties + found.losses == pytest.approx(1.0)


def test_a_win_rate_is_half_of_one_plus_the_difference_and_p_is_corrected_for_all_duels() -> None:
    [row] = tables("duels", material())["all budgets"]
    accuracy = {
        arm: np.mean(
            [np.mean([cell.credit for cell in by.values()]) for by in REPEATS[arm, 4.0].values()]
        )
        for arm in ("beam", "mcts")
    }
    assert row["pair"] == "beam against mcts"
    assert row["win rate"] == pytest.approx((1 + accuracy["beam"] - accuracy["mcts"]) / 2)
    assert row["win rate"] == pytest.approx(float(row["wins"]) + float(row["ties"]) / 2)  # type: ignore[arg-type]
    assert row["p by Holm"] == row["p"]
    third = {("chain", 4.0): REPEATS["mcts", 4.0]}
    more = parse_experiment(
        HEAD.format(count=4) + BEAM + MCTS + MCTS.replace('name = "mcts"', 'name = "chain"')
    )
    given = replace(material(), experiment=more, repeats={**REPEATS, **third})
    given = replace(given, cells=average(given.repeats))
    rows = tables("duels", given)["all budgets"]
    assert len(rows) == 3
    assert min(float(row["p by Holm"]) for row in rows) >= min(float(row["p"]) for row in rows)  # type: ignore[arg-type]
    pairs = tables("pairs", given)["difference at equal budget"]
    assert all(row["p by Holm"] >= row["p"] for row in pairs)  # type: ignore[operator]


def test_noise_is_parted_into_that_of_problems_and_that_of_runs() -> None:
    rng = np.random.default_rng(4)
    chances = rng.beta(2.0, 2.0, size=(3000, 2))
    first, second = (
        {
            str(at): rng.binomial(1, chance, size=3).astype(np.float64)
            for at, chance in enumerate(chances[:, side])
        }
        for side in (0, 1)
    )
    noise = noise_of(first, second, [False, False])
    assert noise is not None and (noise.problems, noise.repeats) == (3000, 3)
    within = (chances * (1 - chances)).mean(axis=0).sum()
    assert noise.within == pytest.approx(within, rel=0.05)
    assert noise.between == pytest.approx((chances[:, 0] - chances[:, 1]).var(), rel=0.1)
    drawn = [
        {str(at): np.array([chance]) for at, chance in enumerate(chances[:, side])}
        for side in (0, 1)
    ]
    pooled = noise_of(drawn[0], drawn[1], [True, True])
    assert pooled is not None and pooled.within == pytest.approx(within)
    assert pooled.between == pytest.approx(noise.between, rel=0.1)


def test_a_search_without_a_repeat_says_nothing_of_how_many_are_needed() -> None:
    once = {
        place: {problem: {0: by[0]} for problem, by in cells.items()}
        for place, cells in REPEATS.items()
    }
    bare = replace(material(), repeats=once, cells=average(once))
    assert ANALYSES["power"].find(bare) is None and ANALYSES["repeats"].find(bare) is None
    rows = tables("power", material())["repeats"]
    assert [row["difference to find"] for row in rows] == [0.02, 0.05, 0.1]
    needed = [float(row["problems needed"]) for row in rows]  # type: ignore[arg-type]
    assert needed == sorted(needed, reverse=True)


async def test_repeats_are_read_from_a_folder_and_follow_a_slice(tmp_path: Path) -> None:
    experiment = parse_experiment("repeats = 3\n" + HEAD.format(count=3) + BEAM + MCTS)
    folder, _ = await carried_out(experiment, tmp_path)
    made = read_material(folder)
    assert {len(by) for cells in made.repeats.values() for by in cells.values()} == {3}
    for place, cells in average(made.repeats).items():
        credits_ = {problem: cell.credit for problem, cell in cells.items()}
        assert credits_ == {problem: cell.credit for problem, cell in made.cells[place].items()}
    names = [one.name for one in analyse(made)]
    assert names[:4] == ["pairs", "duels", "repeats", "power"]
    part = narrow(made, {"countdown/1/7"})
    assert {problem for by in part.repeats.values() for problem in by} <= {"countdown/1/7"}
