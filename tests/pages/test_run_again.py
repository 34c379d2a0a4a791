"""A run's settings fill the form by a link, completely, once, and again after a reload."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from backend.core.spec import RunSpec
from tests.pages.conftest import Open
from tests.pages.fake_service import FakeService
from tests.pages.test_solve_page import press, texts
from tests.pages.traces import beam_trace

EVERYTHING = RunSpec.model_validate({
    "strategy": "beam_search", "params": {"n": 8, "temperature": 0.35, "duplicates": False, "scheme": "systematic"}, "problem": "countdown/5/12",
    "seed": 77, "budget": {"seconds": 2.5, "generated_tokens": 12_345.0}, "engine": "vllm", "model": "somebody/a-model", "verifier": "prm",
    "verifier_model": "/models/judge", "aggregation": "prod", "selector": "softmax", "selector_params": {"tau": 0.25}, "system": "Think in steps.",
    "sampling": {"temperature": 0.65, "top_p": 0.9, "top_k": 40, "min_p": 0.05, "max_tokens": 256, "alternatives": 5},
})  # fmt: skip
AVAILABLE = EVERYTHING.model_copy(update={"engine": "torch"})
OWN = RunSpec(
    strategy="particle_filter",
    question="What is 17 * 23?",
    answer="391",
    verifier="exact",
    system="",
)
RULE = RunSpec(
    strategy="particle_filter",
    problem="curated/4",
    selector="marker_vote",
    selector_params={"share": 0.75, "hedges": ["hmm", "let me see"], "opening": ""},
)
PLAIN = RunSpec(strategy="particle_filter", problem="curated/4")


def links(page: AppTest) -> dict[str, str]:
    return {link.proto.label: link.proto.query_string for link in page.get("page_link")}


def visited(page: AppTest, name: str, **query: object) -> AppTest:
    """Another page in the same session."""
    page.query_params.clear()
    for key, value in query.items():
        page.query_params[key] = str(value)
    return page.switch_page(f"../../pages/{name}.py").run()


@pytest.mark.parametrize(
    "spec",
    [AVAILABLE, OWN, RULE, PLAIN],
    ids=["everything", "own text", "a rule's lists", "defaults"],
)
@pytest.mark.parametrize("status", ["finished", "queued"])
def test_the_filled_form_asks_for_the_same_run(
    service: FakeService, open_page: Open, spec: RunSpec, status: str
) -> None:
    service.add(beam_trace(), spec=spec, status=status, held=5)
    page = open_page("solve", like=1)
    assert not page.exception and "Filled from run 1" in texts(page)
    press(page, "Run")
    assert service.specs == [spec]


def test_the_problem_of_the_link_is_the_one_that_is_shown(
    service: FakeService, open_page: Open
) -> None:
    service.add(beam_trace(), spec=EVERYTHING)
    page = open_page("solve", like=1)
    assert "countdown/5/12" in texts(page)
    assert (
        "vllm is not installed" in texts(page)
        and next(button for button in page.button if button.label == "Run").disabled
    )


def test_what_is_changed_in_the_filled_form_stays(service: FakeService, open_page: Open) -> None:
    service.add(beam_trace(), spec=AVAILABLE)
    page = open_page("solve", like=1)
    page.number_input(key="form.seed").set_value(5).run()
    page.number_input(key="form.beam_search.n").set_value(16).run()
    press(page, "Run")
    assert service.specs == [
        AVAILABLE.model_copy(update={"seed": 5, "params": {**AVAILABLE.params, "n": 16}})
    ]


def test_the_link_fills_the_form_over_what_the_session_remembers(
    service: FakeService, open_page: Open
) -> None:
    service.add(beam_trace(), spec=AVAILABLE)
    page = open_page("solve")
    page.number_input(key="form.seed").set_value(5).run()
    page.query_params["like"] = "1"
    press(page.run(), "Run")
    assert service.specs == [AVAILABLE]


def test_following_the_link_again_fills_the_form_anew(
    service: FakeService, open_page: Open
) -> None:
    service.add(beam_trace(), spec=AVAILABLE)
    page = open_page("solve", like=1)
    page.number_input(key="form.seed").set_value(5).run()
    page = visited(page, "trace", run=1)
    assert links(page)["Run again with these settings"] == "like=1"
    assert visited(page, "solve", like=1).number_input(key="form.seed").value == 77


def test_looking_elsewhere_and_coming_back_keeps_the_form(
    service: FakeService, open_page: Open
) -> None:
    listed = AVAILABLE.model_copy(
        update={"model": "classroom", "verifier_model": "classroom-prm-full"}
    )
    service.add(beam_trace(), spec=listed)
    page = open_page("solve", like=1)
    page.number_input(key="form.seed").set_value(5).run()
    press(visited(visited(page, "settings"), "solve"), "Run")
    assert service.specs == [listed.model_copy(update={"seed": 5})]


def test_after_run_the_address_names_the_new_run_and_its_settings(
    service: FakeService, open_page: Open
) -> None:
    page = open_page("solve")
    page.selectbox(key="form.strategy").select("beam_search").run()
    page.number_input(key="form.seed").set_value(9).run()
    page = press(page, "Run")
    assert (page.query_params["run"], page.query_params["like"]) == ("1", "1")
    press(open_page("solve", run=1, like=1), "Run")
    assert service.specs[1] == service.specs[0]


def test_what_the_form_cannot_hold_is_named_and_the_rest_is_taken_over(
    service: FakeService, open_page: Open
) -> None:
    strange = {
        "strategy": "beam_search",
        "params": {"n": 100_000, "gone": 1},
        "problem": "file:gsm8k/3",
        "selector": "oracle",
        "seed": 2**60,
        "budget": {"verifier_calls": 7.0},
        "aggregation": "min",
    }
    service.add(beam_trace(), spec=RunSpec.model_validate(strange))
    page = open_page("solve", like=1)
    assert not page.exception
    said = texts(page).replace("\\", "")
    for part in (
        "n 100000",
        "gone 1",
        "problem file:gsm8k/3",
        "selector oracle",
        f"seed {2**60}",
        "budget verifier_calls 7",
    ):
        assert part in said
    press(page, "Run")
    assert (service.specs[0].aggregation, service.specs[0].problem, service.specs[0].params) == (
        "min",
        "ledger/3/1000017",
        {},
    )


def test_parameters_of_a_rule_that_has_none_any_more_are_named(
    service: FakeService, open_page: Open
) -> None:
    service.add(
        beam_trace(),
        spec=PLAIN.model_copy(update={"selector": "majority", "selector_params": {"quorum": 3}}),
    )
    page = open_page("solve", like=1)
    assert "quorum 3" in texts(page) and not page.exception
    press(page, "Run")
    assert (service.specs[0].selector, service.specs[0].selector_params) == ("majority", {})


def test_a_run_that_is_not_there_leaves_the_first_choices(
    service: FakeService, open_page: Open
) -> None:
    page = open_page("solve", like=12)
    assert "The settings of run 12 cannot be taken over" in texts(page) and not page.exception
    press(page, "Run")
    assert service.specs[0].problem == "ledger/3/1000017"


def test_history_offers_the_chosen_run_again(service: FakeService, open_page: Open) -> None:
    service.add(beam_trace())
    page = open_page("history")
    page.session_state["runs"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    assert "like=1" in links(page.run())["Run again with these settings"]
