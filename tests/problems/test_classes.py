"""Classes of equal answers: union-find over pairs, what is undecided, and what a hostile answer may
cost."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import pytest

import backend.problems.classes as module
from backend.problems import Problem
from backend.problems.answers.waiting import add_idle
from backend.problems.classes import PROBE, AnswerClasses, Bridge, Comparison, classes_of
from backend.problems.equivalence import Equivalence, equal_exactly
from backend.problems.exact import canonical

TOWER = "9^{9^{9^{9}}}"
OWN = Problem("", "own", None, None, "?", "x + 1")


class Table:
    """Algebra by a table of equal pairs; counts what it is asked. What names an answer `?` it
    cannot decide."""

    def __init__(self, *equal: tuple[str, str]) -> None:
        self._equal = {frozenset(pair) for pair in equal}
        self.asked: list[tuple[str, str]] = []

    def __call__(self, expected: str, given: str) -> bool | None:
        self.asked.append((expected, given))
        if "?" in expected or "?" in given:
            return None
        return frozenset((expected, given)) in self._equal


@pytest.fixture(scope="module")
def equivalence() -> Iterator[Equivalence]:
    # no honest comparison needs this limit: a busy machine must not decide these tests
    pool = Equivalence(workers=2, limit_s=600.0)
    yield pool
    pool.close()


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run waits for algebra as long as it takes."""
    monkeypatch.setattr(module, "PATIENCE_S", 600.0)


def names(classes: AnswerClasses, *answers: str | None) -> list[str | None]:
    return [classes.of(answer) for answer in answers]


def settled(classes: AnswerClasses, *answers: str | None) -> list[str | None]:
    """The answers as they come one by one, and then the classes that they are in."""
    for answer in answers:
        classes.settle([answer])
    return names(classes, *answers)


@pytest.mark.parametrize("answer", [None, "", "  "])
def test_no_answer_is_in_no_class(answer: str | None) -> None:
    classes = AnswerClasses(Table())
    assert classes.of(answer) is None
    assert classes.settle([answer]).comparisons == []


def test_numbers_and_identical_texts_need_no_algebra() -> None:
    algebra = Table()
    classes = AnswerClasses(algebra)
    assert settled(classes, "1/2", "0.50", "\\frac{2}{4}", "3", "1,234", "1234.0") == [
        "1/2",
        "1/2",
        "1/2",
        "3",
        "1234",
        "1234",
    ]
    assert settled(AnswerClasses(algebra), "X + 1", "x+1") == ["x+1", "x+1"]
    assert algebra.asked == []


def test_without_algebra_only_the_same_text_is_the_same_answer() -> None:
    assert settled(AnswerClasses(), "x+1", "1+x", "2") == ["x+1", "1+x", "2"]


def test_what_needs_algebra_is_told_before_anything_blocks() -> None:
    algebra = Table(("x+1", "1+x"))
    classes = AnswerClasses(algebra)
    assert classes.find_unsettled(["5", "6"]) == []
    assert classes.find_unsettled(["x+1", None, "5"]) == ["x+1"]
    assert algebra.asked == []
    classes.settle(["x+1"])
    assert classes.find_unsettled(["x+1", "X + 1"]) == []
    assert classes.find_unsettled(["1+x", "7"]) == ["1+x", "7"]


def test_one_answer_alone_is_compared_with_nothing() -> None:
    algebra = Table()
    classes = AnswerClasses(algebra)
    assert classes.find_unsettled(["x+1"]) == []
    classes.settle(["x+1", "x + 1"])
    assert algebra.asked == []


def test_answers_of_one_batch_are_compared_once_each() -> None:
    algebra = Table(("a", "b"))
    classes = AnswerClasses(algebra)
    classes.settle(["a", "b", "c"])
    assert names(classes, "a", "b", "c") == ["a", "a", "c"]
    pairs = [pair for pair in algebra.asked if PROBE not in pair]
    assert len(pairs) == len({frozenset(pair) for pair in pairs})
    asked = len(algebra.asked)
    classes.settle(["c", "a", "b"])
    assert len(algebra.asked) == asked


def test_two_classes_become_one_through_a_third_and_that_is_noted() -> None:
    classes = AnswerClasses(Table(("a", "c"), ("b", "c")))
    assert settled(classes, "a", "b") == ["a", "b"]
    changes = classes.changes
    found = classes.settle(["c"])
    assert names(classes, "a", "b", "c") == ["a", "a", "a"]
    assert found.bridges == classes.bridges == [Bridge("a", "b", "c")]
    assert Comparison("a", "b", False) in classes.comparisons
    assert classes.changes > changes


@pytest.mark.usefixtures("unhurried")
def test_an_answer_without_a_name_joins_the_only_class_that_holds_it(
    equivalence: Equivalence,
) -> None:
    classes = AnswerClasses(equivalence.equal)
    assert settled(classes, "x=5", "5") == ["x=5", "x=5"]
    before = classes.changes
    assert settled(classes, "y=5") == ["y=5"]
    assert names(classes, "x=5", "5") == ["x=5", "5"]
    assert classes.changes > before and classes.bridges == []


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize(
    "groups",
    [
        "12 | 12 cm | 12 km",
        "12 & 12 cm & 120 mm",
        "12 | 120 | 12 cm & 120 mm",
        "50 | 50\\% & .5",
        "5 & x=5 & x = 5.0",
        "5 | x=5 | y=5",
        "5 & 5 cm & x = 5 cm",
        "$5 & 5 & 5 dollars & 500 cents",
        "(1,4) & 1<x<4 | (4,1)",
        "2x+2 & 2(x+1) & y=2(x+1) | 7",
        "1, 2 & \\{1,2\\} & 2 and 1 | (1,2)",
        "HTT | TTH | stop | tops",
        "3:4 & 6:8 | 3/4 & 0.75",
    ],
)
def test_classes_are_a_function_of_the_set_of_answers(
    equivalence: Equivalence, groups: str
) -> None:
    """Whatever their order, and whether they come one by one or together."""
    wanted = {frozenset(group.split(" & ")) for group in groups.split(" | ")}
    given = sorted(answer for group in wanted for answer in group)
    for place, order in enumerate(permutations(given)):
        classes = AnswerClasses(equivalence.equal)
        if place % 2:
            settled(classes, *order)
        else:
            classes.settle(order)
        found: dict[str | None, set[str]] = {}
        for answer in order:
            found.setdefault(classes.of(answer), set()).add(answer)
        assert {frozenset(each) for each in found.values()} == wanted


def test_a_stored_comparison_never_joins_two_numbers() -> None:
    """Comparisons that an earlier version stored said that 50% is 0.5, and 50 as well."""
    known = {("1/2", "50%"): True, ("50", "50%"): True, ("50%", PROBE): False}
    classes = AnswerClasses(Table(), known=known)
    assert settled(classes, "0.5", "50", "50%") == ["1/2", "50", "1/2"]


def test_an_undecided_pair_is_asked_again_and_both_times_are_recorded() -> None:
    class Hesitant(Table):
        def __call__(self, expected: str, given: str) -> bool | None:
            first = (expected, given) not in self.asked
            verdict = super().__call__(expected, given)
            return None if first and PROBE not in (expected, given) else verdict

    classes = AnswerClasses(Hesitant(("a", "b")))
    assert settled(classes, "a", "b") == ["a", "a"]
    assert [each for each in classes.comparisons if PROBE not in each] == [
        Comparison("a", "b", None),
        Comparison("a", "b", True),
    ]


def test_waiting_for_a_process_costs_no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    def start(expected: str, given: str) -> bool | None:
        now[0] += 3.0
        add_idle(3.0)
        return False

    classes = AnswerClasses(start)
    settled(classes, *(f"a{i}" for i in range(20)))
    assert None not in {each.equal for each in classes.comparisons}


@pytest.mark.usefixtures("unhurried")
def test_classes_do_not_depend_on_the_order_where_algebra_is_consistent(
    equivalence: Equivalence,
) -> None:
    groups = [
        ["x + 1", "1 + x", "\\frac{2x+2}{2}"],
        ["\\sqrt{8}", "2\\sqrt{2}"],
        ["7", "7.0"],
        ["(x-1)(x+1)", "x^2-1"],
    ]
    answers = [answer for group in groups for answer in group]
    for order in (answers, answers[::-1]):
        classes = AnswerClasses(equivalence.equal)
        settled(classes, *order)
        assert [len({classes.of(answer) for answer in group}) for group in groups] == [1] * len(
            groups
        )
        assert len(set(names(classes, *answers))) == len(groups)


@pytest.mark.usefixtures("unhurried")
def test_words_are_no_products_of_letters(equivalence: Equivalence) -> None:
    assert (
        len(
            set(
                settled(
                    AnswerClasses(equivalence.equal),
                    "stop",
                    "tops",
                    "blue whale",
                    "whale blue",
                    "\\text{stop}",
                )
            )
        )
        == 4
    )
    assert equal_exactly("stop", "tops") is False


def test_an_undecided_pair_is_two_classes_and_is_recorded() -> None:
    classes = AnswerClasses(Table())
    assert settled(classes, "a", "b?", "c") == ["a", "b?", "c"]
    assert Comparison("b?", PROBE, None) in classes.comparisons


def test_an_answer_that_cannot_be_read_is_tried_once_and_not_with_every_other() -> None:
    algebra = Table(("a", "b"))
    classes = AnswerClasses(algebra)
    assert settled(classes, "hostile?", "a", "b", "c", "d") == ["hostile?", "a", "a", "c", "d"]
    assert [pair for pair in algebra.asked if "hostile?" in pair] == [("hostile?", PROBE)]


def test_an_over_long_answer_is_never_sent_and_is_recorded_cut() -> None:
    algebra, giant = Table(), "x+" * 500_000 + "1"
    classes = AnswerClasses(algebra)
    assert settled(classes, "a", giant)[1] == canonical(giant)
    assert all(len(text) < 3_000 for pair in algebra.asked for text in pair)
    [(shown, other, equal)] = [each for each in classes.comparisons if "characters" in each.answer]
    assert (other, equal) == (PROBE, None) and len(shown) < 300


@pytest.mark.usefixtures("unhurried")
def test_a_tower_costs_one_limit_however_many_answers_there_are(equivalence: Equivalence) -> None:
    short = Equivalence(workers=1, limit_s=0.5)

    def equal(answer: str, other: str) -> bool | None:
        return (short if TOWER in (answer, other) else equivalence).equal(answer, other)

    classes = AnswerClasses(equal)
    assert settled(classes, TOWER, "b + 1", "1 + b", "y + 2", "2 + y") == [
        TOWER,
        "b+1",
        "b+1",
        "y+2",
        "y+2",
    ]
    short.close()
    assert [each for each in classes.comparisons if TOWER in each] == [
        Comparison(TOWER, PROBE, None)
    ]


def test_a_run_waits_for_algebra_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    class Slow(Table):
        def __call__(self, expected: str, given: str) -> bool | None:
            now[0] += 3.0
            return super().__call__(expected, given)

    algebra = Slow(("a", "b"))
    classes = AnswerClasses(algebra)
    settled(classes, "a", "b", *(f"c{i}" for i in range(20)))
    assert names(classes, "a", "b") == ["a", "a"]
    assert len(algebra.asked) == 4  # 3, 6, 9 and 12 seconds: then the patience of 10 is over
    assert {each.equal for each in classes.comparisons[4:]} == {None}


def test_known_verdicts_are_not_asked_again_and_give_the_same_classes() -> None:
    first = AnswerClasses(Table(("a", "b"), ("c", "d")))
    answers = ("a", "x?", "c", "b", "5", "d")
    before = settled(first, *answers)
    again = Table()
    second = AnswerClasses(
        again, known={(each.answer, each.other): each.equal for each in first.comparisons}
    )
    assert settled(second, *answers) == before
    assert again.asked == []
    assert second.comparisons == first.comparisons


def test_generated_problems_are_read_by_their_own_rules() -> None:
    """Algebra would take the list 3 1 4 for a product, and so for 4 1 3."""
    algebra = Table(("3 1 4", "4 1 3"))
    for set_name in ("procedure", "ledger"):
        problem = Problem(f"{set_name}/1/1", set_name, 1, 1, "?", "3 1 4")
        assert settled(classes_of(problem, algebra), "3 1 4", "4 1 3", "x+1", "1+x") == [
            "3 1 4",
            "4 1 3",
            "x+1",
            "1+x",
        ]
    assert algebra.asked == []
    assert settled(classes_of(OWN, Table(("x+1", "1+x"))), "x+1", "1+x") == ["x+1", "x+1"]


def test_countdown_expressions_are_the_same_by_value_and_numbers() -> None:
    classes = classes_of(Problem("countdown/2/1", "countdown", 2, 1, "?", None), Table())
    same = settled(
        classes,
        "3*(4+5)",
        "(5 + 4) * 3",
        "$3*5+4*3$",
        "27",
        "(4+5)*3 = 27",
        "(4+5)*3 = 28",
        "3 *",
        "28-1",
    )
    assert same[0] == same[1] == same[4] == "27 from 3 4 5"
    assert len(set(same)) == 6
