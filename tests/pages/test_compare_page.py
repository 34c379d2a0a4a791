"""The Compare page before a fake service: choosing, one clock, branches, settings, reruns and
races."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from backend.core.spec import RunSpec
from components.frame.prose import plain_markdown
from tests.pages.conftest import Open
from tests.pages.fake_service import FakeService
from tests.pages.test_solve_page import press, texts
from tests.pages.traces import HOSTILE, beam_trace, particle_trace

SPEC = RunSpec(strategy="beam_search", problem="ledger/3/17", seed=3)


@pytest.fixture
def two(service: FakeService) -> FakeService:
    service.add(beam_trace(seed=1), spec=SPEC)
    service.add(
        particle_trace(), spec=SPEC.model_copy(update={"strategy": "particle_filter", "seed": 4})
    )
    return service


def shown(page: AppTest) -> str:
    assert not page.exception
    return texts(page) + " ".join(element.proto.body for element in page.get("html"))


def test_the_branches_part_where_they_part_and_only_differences_of_settings_are_shown(
    two: FakeService, open_page: Open
) -> None:
    page = open_page("compare", runs="1,2")
    said = shown(page)
    assert (
        "Runs 1 and 2: 4 of 4 and 4 beginnings in common, down to step 4. Their answers' "
        "paths are the same, word for word."
    ) in said
    assert "strategy" in said and ">seed<" in said and ">engine<" not in said
    assert ">engine<" in shown(open_page("compare", runs="1,2", all="true"))


def test_one_clock_moves_all_runs(two: FakeService, open_page: Open) -> None:
    page = open_page("compare", runs="1,2", clock="verifier", at="8")
    said = shown(page)
    assert said.count("8 of 32 verifier calls") == 2 and "none yet" in said
    press_icon(page, "last_page")
    assert "at" not in page.query_params and shown(page).count("32 of 32 verifier calls") == 2


def press_icon(page: AppTest, icon: str) -> None:
    next(button for button in page.button if icon in button.label).click()
    page.run()


def test_hostile_steps_settings_and_answers_stay_text(
    service: FakeService, open_page: Open
) -> None:
    service.add(beam_trace(seed=1, hostile=True), spec=SPEC)
    service.add(beam_trace(seed=2), spec=SPEC.model_copy(update={"model": HOSTILE}))
    page = open_page("compare", runs="1,2")
    bodies = " ".join(element.proto.body for element in page.get("html"))
    assert (
        "&lt;script&gt;" in bodies
        and "<script" not in bodies
        and "<img" not in bodies
        and "\u202e" not in bodies
    )
    assert "the first difference is step 2" in shown(page)


def test_too_few_runs_in_the_address_lead_to_the_list_and_unknown_ones_to_a_remedy(
    two: FakeService, open_page: Open
) -> None:
    page = open_page("compare", runs="1,x")
    assert "Run 1 is one of them" in shown(page) and list(page.dataframe[0].value["run"]) == [2]
    assert "there is no run 9" in shown(open_page("compare", runs="1,9"))


def test_running_again_asks_for_the_same_and_shows_both(two: FakeService, open_page: Open) -> None:
    page = open_page("compare", runs="1,2")
    next(button for button in page.button if button.key == "compare.again.1").click()
    page.run()
    assert two.specs == [SPEC] and page.query_params["runs"] == "1,3"


def test_a_race_starts_one_run_for_each_strategy_and_shows_all(
    service: FakeService, open_page: Open
) -> None:
    page = open_page("compare", way="Race")
    page.multiselect(key="race.strategies").set_value(["beam_search"]).run()
    assert plain_markdown("Choose 2 to 4 strategies.") in shown(page)
    page.multiselect(key="race.strategies").set_value(["beam_search", "best_of_n"]).run()
    assert plain_markdown("needs log-probabilities") in shown(page)
    page.multiselect(key="race.strategies").set_value(["beam_search", "particle_filter"]).run()
    press(page, "Start the race")
    assert [spec.strategy for spec in service.specs] == [
        "beam_search",
        "particle_filter",
    ] and page.query_params["runs"] == "1,2"
    common = [spec.model_dump(exclude={"strategy", "params"}) for spec in service.specs]
    assert common[0] == common[1] and common[0]["budget"] == {"generated_tokens": 2000.0}
