"""The table's figures against their definitions, by enumeration."""

from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np
import pytest

from backend.classroom.measures import (
    JudgedSample,
    Steps,
    auroc,
    best_of,
    distinct_right,
    majority,
    mean,
    pass_at,
    rank_by,
    score_steps,
)
from backend.classroom.table import Bound, bounds, falls, first_mistakes, kind_shares
from backend.core.statistics.intervals import Interval, bootstrap_interval


def sample(
    correct: bool,
    score: float = 0.5,
    answer: str | None = "1",
    kinds: tuple[str | None, ...] = (None,),
    text: str = "x",
) -> JudgedSample:
    return JudgedSample(correct, answer, text, kinds, {"prm": (score,) * len(kinds)})


@pytest.mark.parametrize(("right", "k"), list(product(range(6), (1, 2, 5))))
def test_pass_at_k_is_the_share_of_subsets_with_a_right_sample(right: int, k: int) -> None:
    samples = [sample(i < right) for i in range(5)]
    expected = mean([float(any(s.correct for s in chosen)) for chosen in combinations(samples, k)])
    assert pass_at(samples, k) == pytest.approx(expected)


def test_best_of_k_is_the_mean_over_subsets_with_ties_shared() -> None:
    samples = [
        sample(c, s)
        for c, s in ((True, 0.9), (False, 0.9), (True, 0.2), (False, 0.5), (False, 0.2))
    ]
    for k in (1, 2, 3, 5):
        picks = []
        for chosen in combinations(samples, k):
            top = max(s.scores["prm"][0] for s in chosen)
            picks.append(mean([float(s.correct) for s in chosen if s.scores["prm"][0] == top]))
        # ties are shared over all samples of that score, not over those in the subset: equal in
        # expectation
        assert best_of(samples, k, rank_by("prm", "last")) == pytest.approx(mean(picks))


def test_equally_common_answers_share_the_majority() -> None:
    assert majority([sample(False, answer="2"), sample(True, answer="1")]) == pytest.approx(0.5)
    assert majority(
        [sample(True, answer="1"), sample(False, answer="2"), sample(False, answer="3")]
    ) == pytest.approx(1 / 3)
    assert (
        majority([sample(False, answer=None), sample(False, answer=None), sample(True, answer="1")])
        == 1.0
    )
    assert majority([sample(False, answer=None)]) == 0.0
    assert (
        majority([sample(True, answer="1"), sample(False, answer="2"), sample(True, answer="1")])
        == 1.0
    )


def test_a_right_answer_with_a_wrong_step_is_no_distinct_right_solution() -> None:
    samples = [
        sample(True, text="a"),
        sample(True, text="a"),
        sample(True, text="b"),
        sample(True, text="c", kinds=("slip",)),
    ]
    assert distinct_right(samples) == 2


def test_steps_after_the_first_mistake_do_not_count() -> None:
    found = score_steps([sample(False, kinds=(None, "slip", "after_mistake"))], "prm")
    assert found.good.tolist() == [True, False]
    assert found.kinds.tolist() == ["", "slip"]
    assert first_mistakes([sample(False, kinds=(None, "slip", "after_mistake"))]) == [(2, "slip")]


def test_auroc_is_the_share_of_ordered_pairs() -> None:
    scores, good = np.array([0.1, 0.4, 0.4, 0.8, 0.3]), np.array([False, True, False, True, True])
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[good] for b in scores[~good]]
    steps = Steps(scores, good, np.zeros(5, int), np.array([""] * 5))
    assert auroc(steps) == pytest.approx(np.mean(pairs))
    assert math.isnan(auroc(steps.where(good)))


def test_the_bootstrap_interval_of_equal_problems_is_a_point() -> None:
    assert bootstrap_interval([0.5, 0.5, 0.5], mean) == (0.5, 0.5, 0.5)


def test_a_bound_is_missed_only_if_the_whole_interval_lies_outside() -> None:
    assert Bound("touching", Interval(0.7, 0.6, 0.76), 0.75, 1.0).met
    assert not Bound("outside", Interval(0.7, 0.6, 0.74), 0.75, 1.0).met
    assert not Bound("above", Interval(0.7, 0.61, 0.74), 0.05, 0.60).met


def test_over_optimisation_is_found_where_the_verifier_prefers_a_wrong_sample() -> None:
    problem = [sample(False, 0.99), *(sample(True, 0.5) for _ in range(3))]
    key, verifier, _, peak, lost = falls({("ledger", 5): [problem] * 3})[0]
    assert (key, verifier, peak) == (("ledger", 5), "prm", 1)
    assert lost.value == pytest.approx(0.75)


def test_every_bound_of_a_ledger_table_is_decided() -> None:
    good, bad = sample(True, 0.9), sample(False, 0.1, kinds=(None, None, "operand"))
    cells = {
        ("ledger", level): [([good] * (6 - level) + [bad] * level) * 4 for _ in range(4)]
        for level in (1, 2, 3, 4, 5)
    }
    names = [bound.name for bound in bounds(cells)]
    assert len(names) == len(set(names)) == 15
    assert kind_shares(list(cells.values())) == {"operand": 1.0}
    assert not next(b for b in bounds(cells) if b.name.startswith("commonest")).met
