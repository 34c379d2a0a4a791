"""The mixture by which RPC tells likely paths from unlikely ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize
from scipy.stats import weibull_min

from backend.core.statistics.weibull import (
    BOUNDS,
    START,
    Mixture,
    Weibull,
    cost,
    fit,
    logarithms,
)

LIKELY, UNLIKELY = 48, 16


def planted(seed: int = 0) -> np.ndarray:
    """Probabilities of 48 likely and 16 unlikely paths, length-normalised, in this order."""
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [
            np.clip(rng.normal(0.85, 0.04, LIKELY), 0.01, 0.99),
            np.clip(rng.normal(0.45, 0.08, UNLIKELY), 0.01, 0.6),
        ]
    )


@pytest.mark.parametrize(("shape", "scale"), [(1.0, 1.0), (0.4, 3.0), (25.0, 0.8)])
def test_density_and_mean_are_those_of_the_weibull_distribution(shape: float, scale: float) -> None:
    x = np.array([0.05, 0.3, 0.7, 0.95])
    assert Weibull(shape, scale).log_density(x) == pytest.approx(
        weibull_min.logpdf(x, shape, scale=scale), rel=1e-10
    )
    assert Weibull(shape, scale).mean == pytest.approx(weibull_min.mean(shape, scale=scale))


@pytest.mark.parametrize("point", [START, (0.3, 5.0, 0.7, 2.0, 0.4), (0.7, 20.0, 0.9, 6.0, 0.5)])
def test_the_slopes_are_those_of_the_cost(point: tuple[float, ...]) -> None:
    logs = logarithms(planted())
    differences = approx_fprime(np.array(point), lambda p: cost(p, logs)[0], 1e-7)
    assert cost(np.array(point), logs)[1] == pytest.approx(differences, rel=1e-4, abs=1e-3)


def test_the_fit_is_the_published_optimisation() -> None:
    """The same start, bounds and method with slopes by differences, as the published program has
    them, end at the same maximum."""
    x = planted()

    def negative_log_likelihood(parameters: np.ndarray) -> float:
        w, k1, l1, k2, l2 = parameters
        return -np.log(
            w * weibull_min.pdf(x, k1, scale=l1) + (1 - w) * weibull_min.pdf(x, k2, scale=l2)
        ).sum()

    published = minimize(negative_log_likelihood, START, method="L-BFGS-B", bounds=BOUNDS)
    mixture = fit(x)
    assert mixture is not None
    w, k1, l1, k2, l2 = published.x
    assert (mixture.weight, *mixture.first, *mixture.second) == pytest.approx(
        (w, k1, l1, k2, l2), rel=1e-3
    )
    assert START == (0.5, 1.0, 1.0, 1.5, 2.0)
    assert ((0.2, 0.8), *[(0.01, None)] * 4) == BOUNDS


def test_the_first_component_is_the_likelier_one_whatever_the_fit_calls_it() -> None:
    for seed in range(5):
        mixture = fit(planted(seed))
        assert mixture is not None
        assert mixture.first.mean > mixture.second.mean
        assert mixture.weight == pytest.approx(LIKELY / (LIKELY + UNLIKELY), abs=0.1)
    other = fit(1.0 - planted())
    assert other is not None
    assert other.first.mean > other.second.mean
    assert other.weight == pytest.approx(UNLIKELY / (LIKELY + UNLIKELY), abs=0.1)


def test_the_posterior_finds_the_planted_paths() -> None:
    mixture = fit(planted())
    assert mixture is not None
    assert (mixture.posterior(planted()) >= 0.5).tolist() == [True] * LIKELY + [False] * UNLIKELY


def test_the_posterior_is_bayes_rule_and_stays_finite_far_out() -> None:
    mixture = Mixture(0.3, Weibull(9.0, 0.8), Weibull(2.0, 0.3))
    x = np.array([0.1, 0.4, 0.9])
    one = 0.3 * weibull_min.pdf(x, 9.0, scale=0.8)
    assert mixture.posterior(x) == pytest.approx(
        one / (one + 0.7 * weibull_min.pdf(x, 2.0, scale=0.3))
    )
    assert np.isfinite(
        Mixture(0.5, Weibull(9000.0, 0.8), Weibull(0.7, 900.0)).posterior([1e-300, 1e-9, 0.8, 1.0])
    ).all()


@pytest.mark.parametrize("values", [[], [0.5] * 20, [0.5]])
def test_values_that_do_not_differ_have_no_mixture(values: list[float]) -> None:
    assert fit(values) is None


def test_raw_probabilities_of_whole_texts_are_beyond_the_bounds() -> None:
    """Why probabilities are length-normalised: with e^-40 to e^-120 both scales end far above every
    value, and nothing is below one half."""
    raw = np.exp(-np.random.default_rng(1).uniform(40.0, 120.0, 64))
    mixture = fit(raw)
    assert mixture is None or not ((mixture.posterior(raw) < 0.5) & (raw < raw.mean())).any()


def test_zero_has_a_logarithm_here() -> None:
    mixture = fit([0.0, 0.2, 0.7, 0.8])
    assert mixture is None or all(
        map(math.isfinite, (mixture.weight, *mixture.first, *mixture.second))
    )
