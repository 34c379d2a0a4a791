"""Laws of what more samples bring: figures of the papers, and brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from backend.core.errors import BadInput
from backend.core.statistics.estimators import pass_at_k
from backend.experiments.analyses.coverage import power_law
from backend.experiments.analyses.horizon import Length, horizon, survival
from backend.experiments.analyses.imperfect_verifier import (
    Counted,
    ProblemKind,
    attempts,
    best_attempts,
    ceiling,
)
from backend.experiments.analyses.iso_cost import best_by_cost, exponents, pairs
from backend.experiments.analyses.judge import (
    JudgeModel,
    best_k,
    best_measured_k,
    best_of_k_error,
    error_at,
    limit_error,
    normal_density,
)
from backend.experiments.analyses.prefixes import Prefix, prefix
from backend.experiments.analyses.saturation import first_saturation, saturation, saturation_point
from backend.experiments.analyses.spread import spread

KS = [1, 2, 4, 8, 16, 32, 64]
NOTEBOOK = [ProblemKind(0.58, 0.87, 1.0, 0.75), ProblemKind(0.42, 0.13, 1.0, 0.75)]


def test_an_exponentiated_power_law_is_found_again() -> None:
    law = power_law(KS, [math.exp(-1.2 * k**-0.4) for k in KS])
    assert (
        law is not None
        and (law.a, law.b) == (pytest.approx(-1.2), pytest.approx(-0.4))
        and law.rmse < 1e-9
    )
    assert law(128) == pytest.approx(math.exp(-1.2 * 128**-0.4))


def test_points_that_the_law_cannot_reach_are_left_out() -> None:
    assert power_law([1, 2, 4], [0.0, 0.5, 1.0]) is None
    law = power_law([1, 2, 4, 8, 16], [0.0, 0.3, 0.5, 0.6, 1.0])
    assert law is not None and law.points == 3 == len(law.residuals)
    with pytest.raises(BadInput, match="samples at least 1"):
        power_law([0, 1], [0.1, 0.2])


def test_success_rates_drawn_from_a_beta_law_rise_with_its_exponent() -> None:
    """1 - c(k) falls like k^-alpha for Beta(alpha, beta), so that far out log c = -k^-alpha
    nearly.
    """
    alpha, ks = 0.5, [256, 512, 1024, 2048, 4096]
    uncovered = [
        math.exp(math.lgamma(k + 1.0) + math.lgamma(alpha + 1.0) - math.lgamma(k + alpha + 1.0))
        for k in ks
    ]
    law = power_law(ks, [1.0 - each for each in uncovered])
    assert law is not None and law.b == pytest.approx(-alpha, abs=0.02)


@pytest.mark.parametrize(("v_wrong", "best"), [(-0.7, 3), (-1.0, 2), (-2.0, 1)])
def test_the_published_setting_stops_after_three_two_and_one_attempts(
    v_wrong: float, best: int
) -> None:
    assert best_attempts(NOTEBOOK, 50, v_wrong=v_wrong) == best


def test_the_accuracy_of_accepted_answers_falls_toward_its_limit() -> None:
    found = attempts(NOTEBOOK, 400, v_wrong=-2.0)
    accuracies = [each.accuracy for each in found]
    assert all(
        one is not None and other is not None and one >= other - 1e-12
        for one, other in itertools.pairwise(accuracies)
    )
    assert accuracies[-1] == pytest.approx(0.716, abs=5e-4)
    assert found[-1].value == pytest.approx(0.149, abs=5e-4)
    assert found[9].belief[1] > found[0].belief[1] == 0.42


def test_the_value_of_attempts_is_that_of_all_ways_they_can_end() -> None:
    kind, total, reach = ProblemKind(1.0, 0.3, 0.8, 0.6), 0.0, 1.0
    for _ in range(5):
        total += reach * (2.0 * 0.8 * 0.3 - 0.5 * 0.7 * 0.4 - 0.1)
        reach *= 0.2 * 0.3 + 0.6 * 0.7
    assert attempts([kind], 5, v_right=2.0, v_wrong=-0.5, price=0.1)[-1].value == pytest.approx(
        total
    )
    assert ceiling(kind) == pytest.approx(0.24 / (0.24 + 0.28))


def test_a_verifier_that_accepts_nothing_has_no_ceiling_and_a_loss_is_not_begun() -> None:
    assert ceiling(ProblemKind(1.0, 0.5, 0.0, 1.0)) is None
    assert attempts([ProblemKind(1.0, 0.5, 0.0, 1.0)], 2)[-1].accuracy is None
    assert best_attempts([ProblemKind(1.0, 0.1, 1.0, 0.0)], 20, v_wrong=-1.0) == 0
    with pytest.raises(BadInput, match="add up to 1"):
        attempts([ProblemKind(0.5, 0.5, 1.0, 1.0)], 1)


def test_counts_of_a_pool_become_chances() -> None:
    assert Counted(10, 4, 3, 1).kind(0.5) == ProblemKind(0.5, 0.4, 0.75, pytest.approx(5 / 6))
    assert (
        Counted(3, 3, 2, 0).kind(1.0).soundness == 1.0
        and Counted(3, 0, 0, 1).kind(1.0).completeness == 1.0
    )


@pytest.mark.parametrize(
    ("most", "p", "gain", "n"), [(1.0, 0.3, 0.01, 10), (1.0, 0.5, 0.01, 6), (0.8, 0.2, 0.01, 13)]
)
def test_saturation_comes_where_the_next_sample_gains_too_little(
    most: float, p: float, gain: float, n: int
) -> None:
    assert saturation_point(most, p, gain) == n
    assert most * p * (1 - p) ** n <= gain < most * p * (1 - p) ** (n - 1)


def test_a_saturating_curve_is_found_again_and_says_where_it_ends() -> None:
    curve = [0.8 * (1 - 0.75**n) for n in KS]
    found = saturation(KS, curve)
    assert (
        found is not None
        and (found.most, found.p) == (pytest.approx(0.8), pytest.approx(0.25))
        and found(3) == pytest.approx(0.8 * (1 - 0.75**3))
    )
    assert first_saturation(KS, curve, 0.02) == 8
    assert first_saturation(KS, curve, 1e-12) is None
    assert saturation([1, 2], [0.1, 0.2]) is None and saturation(KS, [0.0] * 7) is None
    assert saturation_point(0.5, 0.01, 0.01) == 0 and saturation_point(0.5, 1.0, 0.01) == 1


def test_a_mistaken_judge_has_a_finite_best_number_of_samples() -> None:
    judge = JudgeModel(0.0, 1.0, 0.5, 1.5, 0.2)
    errors = [error_at(judge, k) for k in (1, 2, 4, 8, 16, 64)]
    assert errors == pytest.approx([1.25, 0.64, 0.57, 0.68, 0.78, 0.83], abs=0.02)
    assert best_k(judge) == 4 and best_k(judge._replace(wanted=2.5)) == 2
    assert error_at(judge, 512, draws=4000) == pytest.approx(limit_error(judge), abs=0.03)


def test_the_error_of_the_nearest_of_k_falls_with_the_square_of_k() -> None:
    rng, k = np.random.default_rng(3), 200
    nearest = np.min(np.abs(rng.normal(size=(20_000, k)) - 0.5), axis=1)
    assert float((nearest**2).mean()) == pytest.approx(
        best_of_k_error(normal_density(0.5, 0.0, 1.0), k), rel=0.05
    )
    assert best_measured_k([1, 4, 16], [0.2, 0.5, 0.5]) == 4


@pytest.mark.parametrize("right", range(6))
def test_best_and_worst_are_those_of_all_subsets(right: int) -> None:
    marks = [1] * right + [0] * (5 - right)
    subsets = list(itertools.combinations(marks, 3))
    found = spread(5, right, 3)
    assert found.best == pytest.approx(sum(max(subset) for subset in subsets) / len(subsets))
    assert found.worst == pytest.approx(sum(min(subset) for subset in subsets) / len(subsets))
    assert (
        found.average == right / 5
        and found.room >= 0
        and found.instability >= 0
        and found.best == pass_at_k(5, right, 3)
    )


def test_the_horizon_of_a_geometric_model_is_found_again() -> None:
    found = horizon([Length(n, 1e6, 1e6 * 0.97**n) for n in (1, 3, 10, 30)])
    assert (
        found is not None
        and found.per_step == pytest.approx(0.97)
        and found.half == pytest.approx(math.log(0.5) / math.log(0.97), rel=1e-4)
    )
    assert (
        horizon([Length(3, 5, 5)]) == (1.0, None)
        and horizon([Length(3, 5, 0)]) == (0.0, 0.0)
        and horizon([]) is None
    )
    one = horizon([Length(4, 10, 5)])
    assert (
        one is not None
        and one.per_step == pytest.approx(0.5**0.25)
        and one.half == pytest.approx(4.0, rel=1e-6)
    )
    with pytest.raises(BadInput):
        horizon([Length(0, 1, 1)])


def test_survival_counts_those_that_got_so_far() -> None:
    assert survival([None, 0, 1, 1], [3, 3, 3, 2]) == [0.75, pytest.approx(1 / 3), 1.0]
    assert survival([0, 0], [2, 2]) == [0.0]


def test_prefix_measures_punish_too_many_states_like_too_few() -> None:
    gold = ["a", "b", "c", "d"]
    assert prefix(gold, gold) == Prefix(4, 1.0, True, True)
    assert prefix(gold, ["a", "b"]) == Prefix(2, 0.5, False, False)
    assert prefix(gold, ["a", "x", "c", "d"]) == Prefix(1, 0.25, False, True)
    assert prefix(gold, [*gold, "d"]) == Prefix(4, 0.8, False, True)
    assert prefix(gold, []) == Prefix(0, 0.0, False, False)
    with pytest.raises(BadInput, match="at least the answer"):
        prefix([], ["a"])


def test_the_iso_cost_grid_finds_the_exponents_of_its_best_cells() -> None:
    """An accuracy whose best pair is S = C^.6 and V about C^.4 by construction."""
    grid = {
        (s, v): -abs(math.log(s) - 1.5 * math.log(v)) - 5.0 / (s * v)
        for s in (1, 2, 4, 8, 16, 32, 64)
        for v in (1, 2, 4, 8, 16)
    }
    best = best_by_cost(pairs(grid, 1.0))
    assert all(
        one.cost < other.cost and one.accuracy < other.accuracy
        for one, other in itertools.pairwise(best)
    )
    found = exponents(best)
    assert (
        found.solutions is not None
        and found.verifications is not None
        and found.solutions > found.verifications > 0
    )
    flat = pairs({(4, 0): 0.5, (2, 1): 0.6}, 1.0)
    assert [(c.solutions, c.verifications, c.cost) for c in flat] == [
        (2, 1, 4.0),
        (4, 0, 4.0),
    ] and best_by_cost(flat) == flat[:1]
    assert exponents(flat[:1]) == (None, None)
    with pytest.raises(BadInput):
        pairs({(0, 1): 0.5}, 1.0)


def test_a_power_law_of_equal_or_falling_points_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="none twice"):
        power_law([4, 4, 4], [0.2, 0.3, 0.4])
    with pytest.raises(BadInput, match="do not fall"):
        power_law([1, 2, 4], [0.5, 0.4, 0.3])
    law = power_law([1, 2, 4, 8], [0.5, 0.5, 0.5, 0.5])
    assert law is not None and law.rmse == pytest.approx(0.0, abs=1e-4)
