"""Experiments in a real browser, the whole product behind them: one is described, watched and read;
curves, matrix and report lead to runs."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from backend.client import Client
from backend.experiments.spec import parse_experiment, read_experiment
from tests.browser.conftest import PATIENCE_MS, ROOT, choose, press
from tests.experiments.examples import BEAM, HEAD, POOLED

SHIPPED = read_experiment(ROOT / "docs" / "experiment.toml").hash
TEXT = HEAD.format(count=3) + POOLED.format(rule="majority") + POOLED.format(rule="coverage") + BEAM
POINTS = ".js-plotly-plot .scatterlayer .points path"


@pytest.fixture(scope="module")
def finished(product: str) -> str:
    """The hash of a small experiment that is carried out."""
    with Client(product) as client:
        name = client.experiments.start(parse_experiment(TEXT)).hash
        while client.experiments.info(name).status == "running":
            time.sleep(0.1)
        info = client.experiments.info(name)
        assert info.done == info.planned and info.failed == 0
    return name


def test_an_experiment_is_described_estimated_begun_and_watched_to_its_curves(
    product: str, tab: Any
) -> None:
    experiment = parse_experiment(TEXT.replace("first_seed = 7", "first_seed = 70"))
    with Client(product) as client:
        about = client.experiments.estimate(experiment)
        assert (
            about.done == 0 < about.left
            and next(each for each in client.experiments.all() if each.hash == SHIPPED).shipped
        )
    tab.goto(f"{product}/experiments", wait_until="commit")
    press(tab.get_by_role("textbox", name="Description"))
    tab.get_by_role("textbox", name="Description").fill(
        TEXT.replace("first_seed = 7", "first_seed = 70")
    )
    tab.keyboard.press("Control+Enter")
    press(tab.get_by_role("button", name="What would it cost?"))
    tab.get_by_text(about.sentence).wait_for()
    press(tab.get_by_role("button", name="Begin"))
    tab.wait_for_url(re.compile(f"experiment={experiment.hash}"))
    tab.get_by_text(f"{about.planned} of {about.planned} tasks are done, 0 failed.").wait_for()
    press(tab.get_by_test_id("stPageLink").filter(has_text="Budget curves"))
    tab.wait_for_url(re.compile(rf"/budget\?experiment={experiment.hash}"))
    tab.locator(POINTS).first.wait_for()


def test_a_point_of_a_curve_leads_to_the_trace_of_a_run_behind_it(
    product: str, finished: str, tab: Any
) -> None:
    tab.goto(f"{product}/budget?experiment={finished}&arms=2", wait_until="commit")
    tab.locator(POINTS).first.wait_for()
    choose(tab, "Scale", "linear")
    tab.wait_for_url(re.compile("scale=linear"))
    choose(tab, "Axis", "verifier calls")
    tab.wait_for_url(re.compile("axis=verifier_calls"))
    tab.get_by_text("paths scored by the verifier").wait_for()
    click_on(tab, tab.locator(POINTS).last)
    tab.wait_for_url(re.compile("arm=beam&budget=4"))
    tab.get_by_text("Behind beam at 4").wait_for()
    choose_first_line(tab)
    press(tab.get_by_role("button", name="Open this run on the Trace page"))
    tab.wait_for_url(re.compile(r"/trace\?run=\d+"))
    with Client(product) as client:
        run = client.info(int(tab.url.split("run=")[1].split("&")[0]))
    assert (run.strategy, run.engine) == ("beam_search", "scripted")


def test_the_matrix_is_sorted_and_a_flip_leads_to_its_run(product: str, tab: Any) -> None:
    with Client(product) as client:
        told = client.experiments.matrix(SHIPPED, budget=1.0)
    one, other = (told.arms.index(arm) for arm in ("DVTS", "A*"))
    gained = sorted(
        problem
        for problem, row in zip(told.problems, told.rows, strict=True)
        if (row[one] or 0) > (row[other] or 0)
    )
    solved = {
        problem: sum(each or 0 for each in row)
        for problem, row in zip(told.problems, told.rows, strict=True)
    }
    tab.goto(f"{product}/matrix?experiment={SHIPPED}&at=1&one=DVTS&other=A*", wait_until="commit")
    choose(tab, "Order of problems", "hardest first")
    tab.wait_for_url(re.compile("order=hardest"))
    hardest = min(told.problems, key=lambda name: solved[name])
    tab.wait_for_function(
        "(first) => document.querySelector('.js-plotly-plot')?.data?.[0].y[0] === first",
        arg=hardest,
    )
    tab.get_by_text(f"DVTS is better: {len(gained)} problems").wait_for()
    choose_first_line(tab)
    tab.wait_for_url(re.compile("problem="))
    assert re.search("problem=([^&]+)", tab.url)[1].replace("%2F", "/") == gained[0]
    choose(tab, "The run of", "DVTS")
    press(tab.get_by_role("button", name="Open this run on the Trace page"))
    tab.wait_for_url(re.compile(r"/trace\?run=\d+"))
    with Client(product) as client:
        run = client.info(int(tab.url.split("run=")[1].split("&")[0]))
    assert run.strategy == "dvts" and run.problem is not None and run.problem.id == gained[0]


def test_the_shipped_experiment_is_there_with_its_report_its_analyses_and_its_pictures(
    product: str, tab: Any, tmp_path: Path
) -> None:
    tab.goto(f"{product}/experiments?experiment={SHIPPED}", wait_until="commit")
    page = downloaded(
        tab, tab.get_by_role("button", name="Download the report (HTML)"), tmp_path / "report.html"
    )
    for said in (
        "Solutions against verifications at equal cost",
        "How much of a right way is followed",
        "sequential match",
        SHIPPED,
    ):
        assert said in page
    assert page.count("<svg") > 10 and "<script" not in page
    tab.goto(f"{product}/budget?experiment={SHIPPED}&analysis=prefixes", wait_until="commit")
    tab.get_by_text("follows a right way longest").wait_for()
    press(tab.get_by_role("button", name="Save as a picture"))
    drawn = downloaded(
        tab,
        tab.get_by_role("button", name=re.compile("accuracy against generated_tokens.* as SVG")),
        tmp_path / "curves.svg",
    )
    assert drawn.startswith("<svg") and "particle filter" in drawn


def click_on(tab: Any, mark: Any) -> None:
    """A click in the middle of a mark, which Plotly takes only after it has seen the pointer
    there.
    """
    tab.locator("[data-testid='stApp'][data-test-script-state='notRunning']").wait_for()
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.wait_for_timeout(400)
    tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def choose_first_line(tab: Any) -> None:
    """Choose the first line of the first table that can be seen. It is drawn on a canvas: the
    line's box stands at the left, below the head."""
    tab.locator("[data-testid='stApp'][data-test-script-state='notRunning']").wait_for()
    canvas = tab.locator(
        "[data-testid=stDataFrame] canvas[data-testid=data-grid-canvas]:visible"
    ).first
    canvas.scroll_into_view_if_needed()
    place = canvas.bounding_box()
    tab.mouse.click(place["x"] + 16, place["y"] + 52)


def downloaded(tab: Any, button: Any, path: Path) -> str:
    """What a button gives, as text. A report is made when it is asked for, which takes time."""
    button.wait_for()
    with tab.expect_download(timeout=3 * PATIENCE_MS) as waiting:
        press(button)
    waiting.value.save_as(path)
    return path.read_text(encoding="utf-8")
