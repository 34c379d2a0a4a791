"""Exact figures of k samples from a pool, against the enumeration of every subset."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.errors import BadInput
from backend.core.statistics.estimators import (
    MOST_SUMS,
    Group,
    best_of_k,
    majority_at_k,
    pass_at_k,
    weighted_at_k,
)

Sample = tuple[str | None, Fraction]
"""An answer (None: unreadable) and a weight."""

RIGHT = {"r", "R"}


def share(parts: Sequence[bool]) -> Fraction:
    return Fraction(sum(parts), len(parts)) if parts else Fraction(0)


def voted(
    subset: Sequence[Sample], strength: Callable[[Sequence[Fraction]], tuple[Fraction, ...]]
) -> Fraction:
    """Expected credit of a vote: the share of right answers among the classes that tie for the
    win.
    """
    classes: defaultdict[str, list[Fraction]] = defaultdict(list)
    for answer, weight in subset:
        if answer is not None:
            classes[answer].append(weight)
    top = max((strength(weights) for weights in classes.values()), default=None)
    return share(
        [answer in RIGHT for answer, weights in classes.items() if strength(weights) == top]
    )


def count(weights: Sequence[Fraction]) -> tuple[Fraction, ...]:
    return (Fraction(len(weights)),)


def total(weights: Sequence[Fraction]) -> tuple[Fraction, ...]:
    return (sum(weights, Fraction(0)), Fraction(len(weights)))


def over_subsets(
    pool: Sequence[Sample], k: int, credit: Callable[[Sequence[Sample]], Fraction]
) -> float:
    correct = [credit(subset) for subset in combinations(pool, k)]
    return float(sum(correct, Fraction(0)) / len(correct))


def pooled(sizes: dict[str | None, int]) -> list[Sample]:
    return [(answer, Fraction(1)) for answer, size in sizes.items() for _ in range(size)]


def grouped(pool: Sequence[Sample]) -> list[Group]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for answer, weight in pool:
        if answer is not None:
            found[answer].append(float(weight))
    return [Group(answer in RIGHT, weights) for answer, weights in found.items()]


# pass@k


@pytest.mark.parametrize(
    ("n", "right", "k", "value"),
    [(10, 3, 5, 0.916667), (10, 3, 1, 0.3), (4, 1, 2, 0.5), (10, 8, 3, 1.0), (5, 0, 5, 0.0)],
)
def test_golden_pass_at_k(n: int, right: int, k: int, value: float) -> None:
    assert pass_at_k(n, right, k) == pytest.approx(value, abs=5e-7)


@pytest.mark.parametrize(
    ("n", "right", "k"),
    [(n, c, k) for n in (1, 4, 7) for c in range(n + 1) for k in range(1, n + 1)],
)
def test_pass_at_k_is_the_share_of_subsets_with_a_right_sample(n: int, right: int, k: int) -> None:
    subsets = list(combinations(range(n), k))
    assert pass_at_k(n, right, k) == pytest.approx(
        sum(min(subset) < right for subset in subsets) / len(subsets), abs=1e-15
    )
    assert pass_at_k(n, right, k) == pytest.approx(
        float(1 - Fraction(math.comb(n - right, k), math.comb(n, k))), abs=1e-15
    )


def test_pass_at_k_has_no_bias_where_the_plug_in_has() -> None:
    chances = {c: math.comb(10, c) * 0.3**c * 0.7 ** (10 - c) for c in range(11)}
    assert (
        sum(p * pass_at_k(10, c, 5) for c, p in chances.items())
        == pytest.approx(1 - 0.7**5)
        == pytest.approx(0.83193)
    )
    assert sum(p * (1 - (1 - c / 10) ** 5) for c, p in chances.items()) == pytest.approx(
        0.759740, abs=5e-7
    )


def test_pass_at_k_neither_overflows_nor_rounds_to_nothing_in_a_large_pool() -> None:
    expected = 1 - Fraction(math.comb(9_997, 1_000), math.comb(10_000, 1_000))
    assert pass_at_k(10_000, 3, 1_000) == pytest.approx(float(expected), rel=1e-12)
    assert pass_at_k(1_000_000, 1, 1) == pytest.approx(1e-6, rel=1e-9)


@pytest.mark.parametrize(("n", "right", "k"), [(4, 1, 5), (4, 1, 0), (4, 5, 1), (0, 0, 1)])
def test_more_samples_than_there_are_is_refused(n: int, right: int, k: int) -> None:
    with pytest.raises(BadInput, match="accepted"):
        pass_at_k(n, right, k)


# best-of-k


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([None, 0.1, 0.5, 0.9]), st.booleans()), min_size=1, max_size=7
    ),
    st.data(),
)
def test_best_of_k_shares_the_win_among_equal_scores(
    pool: list[tuple[float | None, bool]], data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(pool)))
    correct = []
    for subset in combinations(pool, k):
        top = max(-1.0 if score is None else score for score, _ in subset)
        correct.append(
            share([right for score, right in subset if (-1.0 if score is None else score) == top])
        )
    expected = float(sum(correct) / len(correct))
    assert best_of_k(
        [score for score, _ in pool], [float(right) for _, right in pool], k
    ) == pytest.approx(expected, abs=1e-12)


def test_best_of_k_without_ties_is_the_published_sum() -> None:
    """sum over ranks i of z_i C(N - i, k - 1) / C(N, k), best first."""
    flags, n = [1, 0, 0, 1, 1, 0, 1, 0], 8
    for k in range(1, n + 1):
        published = sum(
            z * math.comb(n - i, k - 1) for i, z in enumerate(flags, start=1)
        ) / math.comb(n, k)
        assert best_of_k(
            [float(-i) for i in range(n)], list(map(float, flags)), k
        ) == pytest.approx(published, abs=1e-15)


def test_best_of_one_is_the_mean_and_best_of_all_is_the_winner() -> None:
    scores, correct = [0.3, 0.8, 0.8, 0.1], [1.0, 0.0, 1.0, 1.0]
    assert best_of_k(scores, correct, 1) == pytest.approx(0.75)
    assert best_of_k(scores, correct, 4) == pytest.approx(0.5)


def test_best_of_k_with_a_perfect_verifier_is_coverage() -> None:
    for k in range(1, 11):
        assert best_of_k([1.0] * 3 + [0.0] * 7, [1.0] * 3 + [0.0] * 7, k) == pytest.approx(
            pass_at_k(10, 3, k)
        )


# majority@k

POOLS: list[dict[str | None, int]] = [
    {"r": 3, "a": 2, "b": 1}, {"r": 2, "a": 2, "b": 2}, {"r": 1, "a": 1, "b": 1, "c": 1, None: 2}, {"r": 4, "a": 3, None: 3},
    {"a": 3, "b": 2}, {"r": 5}, {None: 4}, {"r": 2, "R": 3, "a": 3}, {"r": 1, "a": 6}, {None: 3, "r": 2},
]  # fmt: skip


@pytest.mark.parametrize("sizes", POOLS, ids=str)
def test_majority_at_k_is_the_mean_over_all_subsets(sizes: dict[str | None, int]) -> None:
    pool = pooled(sizes)
    right = [size for answer, size in sizes.items() if answer in RIGHT]
    wrong = [size for answer, size in sizes.items() if answer is not None and answer not in RIGHT]
    for k in range(1, len(pool) + 1):
        found = majority_at_k(right, wrong, sizes.get(None, 0), k)
        assert found == pytest.approx(
            over_subsets(pool, k, lambda subset: voted(subset, count)), abs=1e-12
        ), k


def test_majority_of_one_is_the_share_of_right_samples() -> None:
    assert majority_at_k([5], [3, 2], 4, 1) == pytest.approx(5 / 14)


def test_majority_of_all_is_the_vote_itself() -> None:
    assert majority_at_k([5], [3, 2], 4, 14) == pytest.approx(1.0)
    assert majority_at_k([3], [3, 2], 4, 12) == pytest.approx(0.5)
    assert majority_at_k([2], [3, 2], 4, 11) == pytest.approx(0.0, abs=1e-12)


def test_classes_of_one_tie_for_ever() -> None:
    """All answers differ: a vote of any size is a guess, so majority@k does not depend on k."""
    assert {round(majority_at_k([1], [1] * 9, 0, k), 12) for k in range(1, 11)} == {0.1}


def test_unreadable_answers_are_drawn_and_never_win() -> None:
    """With 99 blanks in 100 a vote of one is right as often as it meets the one answer; a vote for
    blanks would be worth 0 always."""
    assert majority_at_k([1], [], 99, 1) == pytest.approx(0.01)
    assert majority_at_k([1], [], 99, 50) == pytest.approx(0.5)


def test_majority_at_k_of_a_large_pool_agrees_with_counting_in_whole_numbers() -> None:
    """Two classes, so that the tie can be written down: x of r right, k - x of the other."""
    r, w, k = 150, 106, 64
    ways = {x: math.comb(r, x) * math.comb(w, k - x) for x in range(k + 1)}
    exactly = Fraction(
        sum(2 * n for x, n in ways.items() if 2 * x > k) + ways[k // 2], 2 * math.comb(r + w, k)
    )
    assert majority_at_k([r], [w], 0, k) == pytest.approx(float(exactly), rel=1e-10)


def test_a_pool_of_many_classes_does_not_lose_a_chance() -> None:
    """Whoever wins, somebody does: the correct of all classes add up to the chance that not all are
    blank."""
    sizes, blank, k = [40, 30, 20, 11, 7, 7, 3, 1, 1], 10, 24
    won = sum(
        majority_at_k([size], sizes[:i] + sizes[i + 1 :], blank, k) for i, size in enumerate(sizes)
    )
    assert won == pytest.approx(1.0, abs=1e-11)


# weighted@k

weights = st.sampled_from(
    [Fraction(0), Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(1)]
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["r", "R", "a", "b", None]), weights), min_size=1, max_size=8
    ),
    st.data(),
)
def test_weighted_at_k_is_the_mean_over_all_subsets(
    pool: list[Sample], data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(pool)))
    blank = sum(answer is None for answer, _ in pool)
    expected = over_subsets(pool, k, lambda subset: voted(subset, total))
    assert weighted_at_k(grouped(pool), blank, k) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("sizes", POOLS[:6], ids=str)
def test_weighted_with_equal_weights_is_the_majority(sizes: dict[str | None, int]) -> None:
    pool, blank = pooled(sizes), sizes.get(None, 0)
    right = [size for answer, size in sizes.items() if answer in RIGHT]
    wrong = [size for answer, size in sizes.items() if answer is not None and answer not in RIGHT]
    for k in range(1, len(pool) + 1):
        for weight in (0.3, None):
            groups = [Group(True, [weight] * size) for size in right] + [
                Group(False, [weight] * size) for size in wrong
            ]
            assert weighted_at_k(groups, blank, k) == pytest.approx(
                majority_at_k(right, wrong, blank, k), abs=1e-12
            )


def test_sums_of_decimal_weights_tie_where_doubles_would_not() -> None:
    assert 0.1 + 0.2 > 0.3
    assert weighted_at_k(
        [Group(True, [0.1, 0.2]), Group(False, [0.3, 0.0])], 0, 4
    ) == pytest.approx(0.5)
    # equal sums: the larger class
    assert weighted_at_k([Group(True, [0.1, 0.2]), Group(False, [0.3])], 0, 3) == pytest.approx(1.0)


def test_copies_of_a_sample_change_the_weighted_vote() -> None:
    """Why no strategy may fill its candidates up with copies: here the right answer wins only by
    voting twice."""
    once = [Group(True, [0.4]), Group(False, [0.6])]
    twice = [Group(True, [0.4, 0.4]), Group(False, [0.6])]
    assert weighted_at_k(once, 0, 2) == pytest.approx(0.0, abs=1e-12)
    assert weighted_at_k(twice, 0, 3) == pytest.approx(1.0)


def test_a_pool_of_sixty_four_scores_of_two_digits_is_counted() -> None:
    scores = [((37 * i) % 100) / 100 for i in range(64)]
    groups = [Group(True, scores[:30]), Group(False, scores[30:50]), Group(False, scores[50:60])]
    found = weighted_at_k(groups, 4, 8)
    rivals = [
        weighted_at_k(
            [
                Group(not group.right if group is other else False, group.weights)
                for group in groups
            ],
            4,
            8,
        )
        for other in groups[1:]
    ]
    assert found + sum(rivals) == pytest.approx(1.0, abs=1e-10)


def test_too_many_different_sums_are_refused_with_a_way_out() -> None:
    scores = [math.sqrt(i) / 8 for i in range(1, 64)]
    with pytest.raises(BadInput, match=f"{MOST_SUMS}.*two digits"):
        weighted_at_k([Group(True, scores), Group(False, [0.5])], 0, 32)


def test_negative_sizes_are_refused() -> None:
    with pytest.raises(BadInput, match="sizes"):
        majority_at_k([-1], [2], 0, 1)
    assert Counter(answer for answer, _ in pooled({"r": 2})) == {"r": 2}


def test_at_one_every_estimate_is_the_share_of_right_samples_to_the_last_digit() -> None:
    assert pass_at_k(49, 3, 1) == majority_at_k([3], [40], 6, 1) == 3 / 49
    weights = Group(True, [0.1, None, 0.0]), Group(False, [0.9] * 40)
    assert weighted_at_k(weights, 6, 1) == 3 / 49


def test_best_of_k_never_takes_a_text_without_an_answer_where_another_has_one() -> None:
    scores, right = [0.9, 0.2, None, 0.8], [0.0, 1.0, 0.0, 0.0]
    answered = [False, True, True, False]

    def winner(subset: Sequence[int]) -> float:
        rank = {at: (answered[at], scores[at] is not None, scores[at] or 0.0) for at in subset}
        return right[max(subset, key=rank.__getitem__)]

    for k in range(1, 5):
        expected = [winner(subset) for subset in combinations(range(4), k)]
        found = best_of_k(scores, right, k, answered)
        assert found == pytest.approx(sum(expected) / len(expected))
    assert best_of_k(scores, right, 4) == 0.0


def test_a_vote_that_takes_too_long_to_count_is_refused_before_it_is_begun() -> None:
    with pytest.raises(BadInput, match="steps"):
        majority_at_k([1] * 4000, [1] * 4000, 0, 4000)
    with pytest.raises(BadInput, match="votes_at_ks"):
        majority_at_k([1], [1] * 50_000, 0, 25_000)


@pytest.mark.parametrize("weight", [-0.1, math.nan, math.inf])
def test_weights_that_are_no_weights_are_refused(weight: float) -> None:
    with pytest.raises(BadInput, match="from 0"):
        weighted_at_k([Group(True, [0.5, weight]), Group(False, [0.2])], 0, 2)
