"""Figures of experiments: their numbers by equality, and nothing told by colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from components.experiments.analysis_figure import analysis_figure
from components.experiments.budget_curve import (
    CurveInfo,
    CurveMark,
    curve_figure,
    curve_info,
    label,
    left_out,
)
from components.experiments.matrix import ORDERS, Flips, flips, matrix_figure, matrix_info


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


COVERAGE = Curve(
    "coverage",
    (
        Point(1, 10, Band(0.3, 0.1, 0.5)),
        Point(4, 40, Band(0.8, 0.6, 0.9)),
        Point(16, None, Band(0.9, 0.8, 1.0)),
    ),
)
MAJORITY = Curve(
    "<b>majority", (Point(1, 10, Band(0.3, 0.1, 0.5)), Point(4, 41, Band(0.5, None, None)))
)


def test_points_without_a_place_are_left_out_and_the_gap_is_at_equal_budgets() -> None:
    found = curve_info(
        [COVERAGE, MAJORITY], ["<b>majority", "coverage", "missing"], ("coverage", "<b>majority")
    )
    marks = (
        CurveMark(1, 10, 0.3, 0.1, 0.5, 3, 3, 0.0),
        CurveMark(4, 41, 0.5, None, None, 3, 3, 0.0),
    )
    assert found == CurveInfo(
        (
            ("<b>majority", marks),
            (
                "coverage",
                (
                    CurveMark(1, 10, 0.3, 0.1, 0.5, 3, 3, 0.0),
                    CurveMark(4, 40, 0.8, 0.6, 0.9, 3, 3, 0.0),
                ),
            ),
        ),
        ((10, 0.3, 0.3), (41, 0.5, 0.8)),
    )
    assert curve_info([COVERAGE], ["coverage"], ("coverage", "missing")).gap == ()


def test_lines_differ_in_mark_and_dash_and_names_are_text() -> None:
    figure = curve_figure(
        curve_info([COVERAGE, MAJORITY], ["coverage", "<b>majority"]),
        counts="tokens generated",
        logarithmic=True,
    )
    drawn = [trace for trace in figure.data if trace.mode == "lines+markers"]
    assert [trace.name for trace in drawn] == ["coverage", "&lt;b&gt;majority"]
    assert (
        len({trace.marker.symbol for trace in drawn})
        == len({trace.line.dash for trace in drawn})
        == 2
    )
    assert (
        figure.layout.xaxis.type == "log" and figure.layout.xaxis.title.text == "tokens generated"
    )
    assert "&lt;b&gt;majority" in label("<b>majority", CurveMark(1, 10, 0.3, 0.1, 0.5, 3, 3, 0.0))


ROWS = [[1.0, 0.0], [0.5, 0.5], [0.0, None], [0.0, 1.0]]


def test_the_matrix_is_sorted_by_how_many_solved_a_problem_or_how_far_arms_are_apart() -> None:
    orders = {
        order: matrix_info(["a", "b", "c", "d"], ["x", "y"], ROWS, order).problems
        for order in ORDERS
    }
    assert orders == {
        "as listed": ("a", "b", "c", "d"),
        "hardest first": ("c", "a", "b", "d"),
        "most disputed first": ("a", "d", "b", "c"),
    }
    found = matrix_info(["a", "b", "c", "d"], ["x", "y"], ROWS)
    assert found.solved == (0.5, 0.5, 0.0, 0.5) and found.accuracy == (0.375, 0.5)
    assert flips(found, "x", "y") == Flips((("a", 1.0, 0.0),), (("d", 0.0, 1.0),))
    assert list(matrix_figure(found).data[0].y) == ["a", "b", "c", "d"]


@dataclass(frozen=True)
class Lined:
    name: str
    points: tuple[tuple[float | str, float, float | None, float | None], ...]


@dataclass(frozen=True)
class Charted:
    kind: str
    lines: tuple[Lined, ...]
    logarithmic: bool = False
    part: str = ""
    x_title: str = "x"
    y_title: str = "y"
    neutral: float = 1.0


def test_a_law_is_drawn_in_the_colour_of_what_it_is_fitted_to_and_without_marks() -> None:
    points = ((1.0, 0.2, None, None), (10.0, 0.4, None, None))
    chart = Charted(
        "lines",
        (
            Lined("all, coverage", points),
            Lined("all, fitted", points),
            Lined("ledger/3, coverage", points),
        ),
        logarithmic=True,
    )
    figure = analysis_figure(chart)
    assert [trace.mode for trace in figure.data] == ["lines+markers", "lines", "lines+markers"]
    colours = [trace.line.color for trace in figure.data]
    assert colours[0] == colours[1] != colours[2]
    assert "10" in figure.layout.xaxis.ticktext and "5" in figure.layout.xaxis.ticktext


def test_a_grid_holds_none_where_nothing_was_measured_and_an_interval_its_two_sides() -> None:
    rows = (
        Lined("V = 0", ((1.0, 0.2, None, None), (16.0, 0.4, None, None))),
        Lined("V = 1", ((2.0, 0.5, None, None),)),
    )
    [heat] = analysis_figure(Charted("grid", rows)).data
    assert [list(row) for row in heat.z] == [[0.2, None, 0.4], [None, 0.5, None]] and list(
        heat.x
    ) == ["1", "2", "16"]
    pair = Lined(
        "times cheaper", (("<a> against b", 4.0, 2.0, 7.0), ("a against c", 1.0, None, None))
    )
    [mark] = analysis_figure(Charted("intervals", (pair,), logarithmic=True)).data
    assert (list(mark.y), list(mark.error_x.array), list(mark.error_x.arrayminus)) == (
        ["&lt;a&gt; against b"],
        [3.0],
        [2.0],
    )


def test_points_that_a_logarithmic_axis_has_no_place_for_are_named() -> None:
    free = Curve("free", (Point(1, 0.0, Band(0.3, 0.1, 0.5)), Point(4, 4.0, Band(0.8, 0.6, 0.9))))
    info = curve_info([free, COVERAGE], ["free", "coverage"])
    [said] = left_out(info, logarithmic=True)
    assert "free (1)" in said and "coverage" not in said
    assert left_out(info, logarithmic=False) == []
