"""ECE, Brier score and NLL, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest

from backend.core.errors import BadInput
from backend.core.statistics.calibration import calibration, reliability


def test_figures_of_a_small_table() -> None:
    """Bins (0.2, 0.3], (0.6, 0.7] twice, (0.9, 1.0]: gaps 0.25, |0.5 - 0.65| and 0.05."""
    found = calibration([0.25, 0.7, 0.6000001, 0.95], [0.0, 1.0, 0.0, 1.0])
    assert found.ece == pytest.approx((0.25 + 2 * 0.15 + 0.05) / 4, abs=1e-6)
    assert found.brier == pytest.approx((0.25**2 + 0.3**2 + 0.6**2 + 0.05**2) / 4, abs=1e-6)
    assert found.nll == pytest.approx(
        -(math.log(0.75) + math.log(0.7) + math.log(0.4) + math.log(0.95)) / 4, abs=1e-5
    )
    assert found.problems == 4


def test_a_rule_that_is_right_as_often_as_it_says_has_no_calibration_error() -> None:
    found = calibration([0.8] * 5, [1.0, 1.0, 1.0, 1.0, 0.0])
    assert found.ece == pytest.approx(0.0, abs=1e-15)
    assert found.brier == pytest.approx(0.16)
    assert found.nll == pytest.approx(-0.8 * math.log(0.8) - 0.2 * math.log(0.2), abs=1e-5)


def test_errors_of_opposite_sign_cancel_inside_a_bin_and_not_across_bins() -> None:
    assert calibration([0.45, 0.45], [0.0, 0.9]).ece == pytest.approx(0.0, abs=1e-15)
    assert calibration([0.45, 0.55], [0.0, 1.0]).ece == pytest.approx(0.45)


def test_a_confidence_on_an_edge_lies_below_it() -> None:
    found = reliability([0.0, 0.1, 0.3, 0.7, 1.0], [0.0, 0.0, 1.0, 1.0, 1.0])
    assert [one.problems for one in found] == [2, 0, 1, 0, 0, 0, 1, 0, 0, 1]
    assert (found[0].low, found[0].high, found[0].confidence, found[0].credit) == (
        0.0,
        0.1,
        pytest.approx(0.05),
        0.0,
    )
    assert math.isnan(found[1].confidence)


def test_the_number_of_bins_matters() -> None:
    confidences, correct = [0.1, 0.9], [1.0, 0.0]
    assert calibration(confidences, correct, bins=1).ece == pytest.approx(0.0, abs=1e-15)
    assert calibration(confidences, correct, bins=2).ece == pytest.approx(0.9)


def test_shared_credit_of_a_tie_counts_as_a_half() -> None:
    found = calibration([0.5], [0.5])
    assert (found.ece, found.brier) == (0.0, 0.0)
    assert found.nll == pytest.approx(math.log(2))


def test_one_certain_error_is_costly_and_finite() -> None:
    assert calibration([1.0], [0.0]).nll == pytest.approx(-math.log(1e-6), abs=1e-4)
    assert calibration([1.0, 0.0], [1.0, 0.0]).nll == pytest.approx(0.0, abs=2e-5)


@pytest.mark.parametrize(
    ("confidences", "correct"),
    [([], []), ([0.5], [0.5, 1.0]), ([1.1], [1.0]), ([0.5], [-0.1]), ([math.nan], [1.0])],
)
def test_what_is_no_confidence_is_refused(confidences: list[float], correct: list[float]) -> None:
    with pytest.raises(BadInput, match="confidences"):
        calibration(confidences, correct)
