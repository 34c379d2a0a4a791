"""The report: the numbers of the curves, nothing that runs, nothing that is fetched."""

from __future__ import annotations

import html
import math
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from backend.core.statistics.intervals import METHOD
from backend.experiments.cells import read_cells
from backend.experiments.costs import Prices
from backend.experiments.curves import curve
from backend.experiments.plot import DrawnLine, line_chart
from backend.experiments.read_material import read_material
from backend.experiments.report import format_cell, report
from tests.experiments.examples import carried_out, small

EVIL = "<script>alert(1)</script>"


async def test_a_report_holds_the_points_of_the_curves_and_runs_nothing(tmp_path: Path) -> None:
    experiment = small(3).model_copy(update={"name": EVIL, "note": EVIL})
    folder, _ = await carried_out(experiment, tmp_path)
    made = read_material(folder)
    page = report(folder, made)
    assert (
        "<script" not in page
        and "&lt;script&gt;" in page
        and not re.search(r"(src|href)=|url\(|@import|\son\w+=", page)
    )
    for arm in ("majority", "beam", "mcts"):
        for point in curve(made.cells, arm, "generated_tokens"):
            assert (
                f"<td>{arm}</td><td>{format_cell(point.budget)}</td><td>{format_cell(point.cost)}</td><td>{format_cell(point.accuracy.value)}</td>"
                in page
            )
    assert "Arms in pairs" in page and "scripted" in page and folder.path.name in page


def test_a_chart_places_its_points_by_the_logarithm() -> None:
    rising = DrawnLine("a & b", [(1, 0.0, 0.0, 0.1), (10, 0.5, 0.4, 0.6), (100, 1.0, None, None)])
    drawn = ElementTree.fromstring(line_chart([rising], x="cost", y="accuracy"))
    line = next(path for path in drawn.iter() if path.get("stroke-width") == "2")
    points = [
        tuple(map(float, pair.split(",")))
        for pair in str(line.get("d")).removeprefix("M").split("L")
    ]
    assert points[1][0] - points[0][0] == pytest.approx(points[2][0] - points[1][0], abs=0.2)
    assert points[1][1] == pytest.approx((points[0][1] + points[2][1]) / 2, abs=0.2)
    assert "a & b" in [text.text for text in drawn.iter() if text.tag.endswith("text")]
    assert ElementTree.fromstring(line_chart([], x="cost", y="accuracy")) is not None


def test_a_chart_over_names_or_plain_numbers_has_a_place_for_each() -> None:
    named = DrawnLine(
        "rule", [("last", 0.5, None, None), ("min", 0.7, None, None), ("prod", 0.2, None, None)]
    )
    plain = DrawnLine(
        "fall", [(0.4, -1.0, None, None), (0.7, 3.0, None, None), (1.0, 2.0, None, None)]
    )
    for line in (named, plain):
        drawn = ElementTree.fromstring(
            line_chart([line], x="setting", y="value", logarithmic=False)
        )
        path = next(path for path in drawn.iter() if path.get("stroke-width") == "2")
        across, down = zip(
            *(
                map(float, pair.split(","))
                for pair in str(path.get("d")).removeprefix("M").split("L")
            ),
            strict=True,
        )
        assert (
            across[1] - across[0] == pytest.approx(across[2] - across[1], abs=0.2)
            and across[0] < across[1]
        )
        assert sorted(range(3), key=lambda at: down[at]) == sorted(
            range(3), key=lambda at: -line.points[at][1]
        )
    texts = [
        text.text
        for text in ElementTree.fromstring(
            line_chart([named], x="x", y="y", logarithmic=False)
        ).iter()
        if text.tag.endswith("text")
    ]
    assert {"last", "min", "prod"} <= set(texts)


async def test_a_report_draws_the_charts_of_the_analyses(tmp_path: Path) -> None:
    folder, _ = await carried_out(small(3), tmp_path)
    page = report(folder, read_material(folder))
    assert "How much of a right way is followed" in page and "sequential match" in page
    assert (
        'aria-label="prefix accuracy against budget in solutions"' in page
        and page.count("<svg") > 5
    )


async def test_what_has_to_be_known_of_an_axis_is_said_beside_it(tmp_path: Path) -> None:
    folder, _ = await carried_out(small(3), tmp_path)
    for axis, said in (
        ("money", "No prices are given"),
        ("rounds", "A pool counts as one round"),
        ("seconds", "other tasks in flight"),
        ("verifier_calls", "no place on a logarithmic axis"),
    ):
        page = report(folder, read_material(folder, axis=axis))
        assert said in page and html.escape(METHOD) in page, axis
    paid = report(folder, read_material(folder, axis="money", prices=Prices(generated=1.0)))
    assert "No prices are given" not in paid
    unpaid = curve(read_cells(folder), "beam", "money")
    assert all(math.isnan(point.cost) for point in unpaid), "not known is not 0"
