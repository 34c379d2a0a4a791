"""Figures of experiments: their numbers by equality, and nothing told by colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from components.analysis import PLANS, Line, analysis_figure, lines
from components.budget_curve import CurveInfo, Mark, curve_figure, curve_info, label
from components.matrix import ORDERS, Flips, flips, matrix_figure, matrix_info


@dataclass(frozen=True)
class Band:
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Point:
    budget: float
    cost: float | None
    accuracy: Band
    unanswered: float = 0.0
    problems: int = 3
    n: int = 3


@dataclass(frozen=True)
class Curve:
    arm: str
    points: tuple[Point, ...]


COVERAGE = Curve("coverage", (Point(1, 10, Band(0.3, 0.1, 0.5)), Point(4, 40, Band(0.8, 0.6, 0.9)), Point(16, None, Band(0.9, 0.8, 1.0))))
MAJORITY = Curve("<b>majority", (Point(1, 10, Band(0.3, 0.1, 0.5)), Point(4, 41, Band(0.5, None, None))))


def test_points_without_a_place_are_left_out_and_the_gap_is_at_equal_budgets() -> None:
    found = curve_info([COVERAGE, MAJORITY], ["<b>majority", "coverage", "missing"], ("coverage", "<b>majority"))
    marks = (Mark(1, 10, 0.3, 0.1, 0.5, 3, 3, 0.0), Mark(4, 41, 0.5, None, None, 3, 3, 0.0))
    assert found == CurveInfo(
        (("<b>majority", marks), ("coverage", (Mark(1, 10, 0.3, 0.1, 0.5, 3, 3, 0.0), Mark(4, 40, 0.8, 0.6, 0.9, 3, 3, 0.0)))),
        ((10, 0.3, 0.3), (41, 0.5, 0.8)),
    )
    assert curve_info([COVERAGE], ["coverage"], ("coverage", "missing")).gap == ()


def test_lines_differ_in_mark_and_dash_and_names_are_text() -> None:
    figure = curve_figure(curve_info([COVERAGE, MAJORITY], ["coverage", "<b>majority"]), counts="tokens generated", logarithmic=True)
    drawn = [trace for trace in figure.data if trace.mode == "lines+markers"]
    assert [trace.name for trace in drawn] == ["coverage", "&lt;b&gt;majority"]
    assert len({trace.marker.symbol for trace in drawn}) == len({trace.line.dash for trace in drawn}) == 2
    assert figure.layout.xaxis.type == "log" and figure.layout.xaxis.title.text == "tokens generated"
    assert "&lt;b&gt;majority" in label("<b>majority", Mark(1, 10, 0.3, 0.1, 0.5, 3, 3, 0.0))


ROWS = [[1.0, 0.0], [0.5, 0.5], [0.0, None], [0.0, 1.0]]


def test_the_matrix_is_sorted_by_how_many_solved_a_problem_or_how_far_arms_are_apart() -> None:
    orders = {order: matrix_info(["a", "b", "c", "d"], ["x", "y"], ROWS, order).problems for order in ORDERS}
    assert orders == {"as listed": ("a", "b", "c", "d"), "hardest first": ("c", "a", "b", "d"), "most disputed first": ("a", "d", "b", "c")}
    found = matrix_info(["a", "b", "c", "d"], ["x", "y"], ROWS)
    assert found.solved == (0.5, 0.5, 0.0, 0.5) and found.accuracy == (0.375, 0.5)
    assert flips(found, "x", "y") == Flips((("a", 1.0, 0.0),), (("d", 0.0, 1.0),))
    assert list(matrix_figure(found).data[0].y) == ["a", "b", "c", "d"]


def test_a_table_becomes_lines_by_group_and_column() -> None:
    rows = [{"problems": "all", "k": 1, "coverage": 0.2, "fitted": 0.25}, {"problems": "all", "k": 2, "coverage": 0.4, "fitted": None}]
    plan = PLANS["coverage", "curve"]
    drawn = lines(rows, plan)
    assert drawn == (Line("all, coverage", ((1, 0.2), (2, 0.4))), Line("all, fitted", ((1, 0.25),)))
    figure = analysis_figure(drawn, plan)
    assert [trace.mode for trace in figure.data] == ["lines+markers", "lines"]
    assert lines([], plan) == ()
