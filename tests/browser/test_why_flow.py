"""The purpose of the Why page in a real browser: from failed runs to where a right answer died, to
that node, and to what would have saved it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from backend.client import Client
from backend.core.spec import RunSpec
from backend.messages.why import WhatIfAsk
from tests.browser.conftest import choose, press, run_to_end

QUESTION = "Add 17, 25, 8 and 31."
SEEDS = (4, 23)
"""With these the right answer was a candidate of the beam, and the best score preferred a wrong one
that a vote would not."""


@pytest.fixture(scope="module")
def failed(product: str) -> list[int]:
    """Runs that did not answer right, the oldest first."""
    given: dict[str, Any] = {
        "strategy": "beam_search",
        "params": {"n": 4, "beam_width": 2},
        "question": QUESTION,
        "answer": "81",
        "engine": "scripted",
        "verifier": "prm",
        "sampling": {"temperature": 1.0},
    }
    return [run_to_end(product, RunSpec.model_validate({**given, "seed": seed})) for seed in SEEDS]


def test_the_death_of_a_right_answer_is_found_its_node_opened_and_a_what_if_saves_it(
    product: str, failed: list[int], tab: Any
) -> None:
    run_id = failed[0]
    with Client(product) as client:
        found, majority = client.why(run_id), client.what_if(run_id, WhatIfAsk(selector="majority"))
    assert (
        found.cause == "not_chosen"
        and majority.chosen is not None
        and majority.chosen.correct
        and majority.whole
    )
    tab.goto(f"{product}/why?text=Add+17", wait_until="commit")
    tab.get_by_text("0 of 2 runs answered right").wait_for()
    tab.locator(".js-plotly-plot .barlayer .point").first.wait_for()
    press(tab.get_by_role("link", name=f"Run {run_id}"))
    tab.get_by_role("heading", name=re.compile(re.escape(found.sentence[:50]))).wait_for()
    tab.get_by_text("would have saved it: rule").wait_for()
    press(tab.get_by_role("link", name=f"Jump to node {found.node}"))
    tab.wait_for_url(re.compile(rf"/trace\?run={run_id}&node={found.node}&event={found.seq}"))
    tab.get_by_text(f"Node {found.node}", exact=True).wait_for()
    press(tab.get_by_text("Why, and what if"))
    tab.get_by_text("Change something: the search is repeated").wait_for()
    choose(tab, "Final rule", "Majority vote")
    tab.get_by_text("What if, by the rule majority").wait_for()
    tab.get_by_text(f"answer {majority.chosen.answer}, right", exact=True).first.wait_for()
    tab.wait_for_url(re.compile("what=.*majority"))


def test_a_click_on_a_bar_narrows_the_list_to_its_runs(
    product: str, failed: list[int], tab: Any
) -> None:
    tab.goto(f"{product}/why?text=Add+17", wait_until="commit")
    bar = tab.locator(".js-plotly-plot .barlayer .point path").first
    bar.wait_for()
    place = bar.bounding_box()
    tab.mouse.move(place["x"] + place["width"] / 3, place["y"] + place["height"] / 2)
    tab.wait_for_timeout(400)
    tab.mouse.click(place["x"] + place["width"] / 3, place["y"] + place["height"] / 2)
    tab.wait_for_url(re.compile("cause=not_chosen&of=beam_search"))
    tab.get_by_role("button", name="Show all").wait_for()
    tab.get_by_role("link", name=f"Run {failed[-1]}").wait_for()


def test_a_search_is_scored_by_a_second_verifier_while_the_page_lives_on(
    product: str, failed: list[int], tab: Any
) -> None:
    run_id = failed[0]
    tab.goto(f"{product}/why?run={run_id}&series=logprob", wait_until="commit")
    press(tab.get_by_role("button", name=re.compile("Score \\d+ nodes")))
    tab.get_by_text("Where they disagree:").wait_for()
    with Client(product) as client:
        pair = client.lens(run_id, "logprob").disagreements[0]
    press(tab.get_by_role("link", name=f"Node {pair.node}").last)
    tab.wait_for_url(re.compile(rf"/trace\?run={run_id}&node={pair.node}"))
