"""Agreement against figures worked out by hand, and against the definition computed another way."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from backend.review.annotate.agreement import agreement, first_errors, kappa, one_against_rest
from backend.review.annotate.counts import CountCell, count_labels


class Row(NamedTuple):
    run_id: int
    kind: str
    label: str
    node: int | None
    step: int | None
    author: str
    blind: bool = True
    strategy: str = "mcts"


def test_kappa_of_a_two_by_two_table_worked_by_hand() -> None:
    """20 both yes, 5 yes/no, 10 no/yes, 15 both no: p_o = 35/50; p_e = (25 * 30 + 25 * 20) / 2500 =
    1/2; kappa = (7/10 - 1/2) / (1/2) = 2/5."""
    found = kappa(
        [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15,
        ("yes", "no"),
    )
    assert found.table == ((20, 5), (10, 15))
    assert (found.units, found.observed, found.expected, found.kappa) == (
        50,
        Fraction(7, 10),
        Fraction(1, 2),
        Fraction(2, 5),
    )


def test_kappa_of_three_labels_and_of_each_against_the_rest_worked_by_hand() -> None:
    """Rows 4, 3, 3 and columns 4, 3, 3 of 10 units, 7 on the diagonal: p_e = (16 + 9 + 9) / 100;
    kappa = (70 - 34) / (100 - 34) = 6/11."""
    alike = [("good", "good")] * 3 + [("neutral", "neutral")] * 2 + [("bad", "bad")] * 2
    pairs = [*alike, ("good", "bad"), ("neutral", "good"), ("bad", "neutral")]
    found = kappa(pairs, ("good", "neutral", "bad"))
    assert found.table == ((3, 0, 1), (1, 2, 0), (0, 1, 2)) and found.kappa == Fraction(6, 11)
    rest = one_against_rest(pairs, "good")
    assert rest.table == ((3, 1), (1, 5)) and rest.kappa == (
        Fraction(8, 10) - Fraction(52, 100)
    ) / Fraction(48, 100)


def test_kappa_has_its_ends_and_its_gaps() -> None:
    assert kappa([]).kappa is None and kappa([]).observed is None
    alike = kappa([("good", "good")] * 3)
    assert (alike.observed, alike.expected, alike.kappa) == (1, 1, None), (
        "two who always say good may be asleep"
    )
    assert kappa([("a", "a"), ("b", "b")]).kappa == 1
    assert kappa([("a", "b"), ("b", "a")]).kappa == -1
    assert kappa(list(product("ab", "ab"))).kappa == 0


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), min_size=1, max_size=60)
)
def test_kappa_is_the_definition_by_all_pairs_of_units(pairs: list[tuple[str, str]]) -> None:
    """p_e is the chance that the first's label of one unit is the other's of another drawn
    independently: here by enumeration."""
    found = kappa(pairs)
    chance = Fraction(
        sum(one == other for (one, _), (_, other) in product(pairs, pairs)), len(pairs) ** 2
    )
    same = Fraction(sum(one == other for one, other in pairs), len(pairs))
    assert (found.observed, found.expected) == (same, chance)
    assert found.kappa == (None if chance == 1 else (same - chance) / (1 - chance))
    turned = kappa([(other, one) for one, other in pairs])
    assert turned.kappa == found.kappa and turned.table == tuple(zip(*found.table, strict=True))


def test_first_errors_agree_exactly_or_by_one_and_no_error_is_near_to_nothing() -> None:
    found = first_errors([(2, 2), (2, 3), (0, -1), (-1, 0), (-1, -1), (5, 3)])
    assert (found.exact, found.within_one, found.kappa.units) == (2, 3, 6)
    assert found.kappa.labels == ("none", "1", "3", "4", "6")


ROWS = [
    Row(1, "verdict", "good", 3, 0, "Ada"), Row(1, "verdict", "good", 3, 0, "Bo"), Row(1, "verdict", "bad", 4, 1, "Ada"),
    Row(1, "verdict", "neutral", 4, 1, "Bo"), Row(1, "verdict", "bad", 5, 2, "Ada"), Row(1, "category", "misread", 4, 1, "Ada"),
    Row(1, "category", "arithmetic", None, None, "Ada"), Row(1, "category", "arithmetic", 5, 2, "Bo"), Row(1, "first_error", "1", 5, 1, "Ada"),
    Row(1, "first_error", "2", 5, 2, "Bo"), Row(1, "first_error", "0", 9, 0, "Bo"), Row(2, "note", "", None, None, "Ada", strategy="beam_search"),
    Row(2, "verdict", "good", 1, 0, "Bo", blind=False, strategy="beam_search"), Row(3, "category", "misread", None, None, "Bo"),
]  # fmt: skip


def test_only_what_both_labelled_is_compared_and_a_run_without_category_counts() -> None:
    found = agreement(ROWS, "Ada", "Bo", categories=["misread", "arithmetic", "unused"])
    assert (found.runs, found.verdicts.units, found.verdicts.observed) == (2, 2, Fraction(1, 2))
    assert found.verdicts.table == ((1, 0, 0), (0, 0, 0), (0, 1, 0))
    assert (
        found.first_errors.kappa.units,
        found.first_errors.exact,
        found.first_errors.within_one,
    ) == (1, 0, 1)
    assert found.categories.labels == (
        "none",
        "arithmetic",
        "misread + arithmetic",
    ) and found.categories.observed == Fraction(1, 2)
    assert (
        found.by_category["misread"].table == ((0, 1), (0, 1))
        and found.by_category["arithmetic"].kappa == 1
    )
    assert "unused" not in found.by_category
    blind = agreement(ROWS, "Ada", "Bo", categories=["misread", "arithmetic"], blind_only=True)
    assert blind.runs == 1 and blind.verdicts == found.verdicts


def test_counts_are_of_runs_and_of_labels() -> None:
    found = count_labels(ROWS)
    assert found.labelled == {"beam_search": 1, "mcts": 2}
    assert found.cells == (
        CountCell("mcts", "arithmetic", 1, 2),
        CountCell("mcts", "misread", 2, 2),
    )
