"""History and Settings: find, open, delete; see and change what the service keeps."""

from __future__ import annotations

import pytest

from backend.core.settings import Preferences
from components.history.run_picker_form import PAGE_SIZE
from tests.exchange.test_registry import dummy_format
from tests.pages import fake_service
from tests.pages.conftest import Open
from tests.pages.fake_service import FakeService
from tests.pages.test_solve_page import press, texts
from tests.pages.traces import beam_trace, particle_trace


def test_runs_are_listed_newest_first(service: FakeService, open_page: Open) -> None:
    service.add(beam_trace())
    service.add(particle_trace(), "particle_filter")
    page = open_page("history")
    assert list(page.dataframe[0].value["run"]) == [2, 1]
    assert list(page.dataframe[0].value["verdict"]) == ["right", "right"]


def test_a_search_narrows_the_list(service: FakeService, open_page: Open) -> None:
    service.add(beam_trace())
    service.add(particle_trace(), "particle_filter")
    page = open_page("history")
    page.selectbox(key="strategy").select("beam_search").run()
    assert list(page.dataframe[0].value["run"]) == [1]


def test_a_search_has_a_link(service: FakeService, open_page: Open) -> None:
    service.add(beam_trace())
    service.add(particle_trace(), "particle_filter")
    assert list(open_page("history", strategy="particle_filter").dataframe[0].value["run"]) == [2]


def test_an_empty_list_says_what_to_do(open_page: Open) -> None:
    page = open_page("history")
    assert "start a run on Solve" in texts(page) and not page.exception


def test_deleting_asks_first_and_then_deletes(service: FakeService, open_page: Open) -> None:
    service.add(beam_trace())
    page = open_page("history")
    assert "Delete this run" not in [button.label for button in page.button]
    page.session_state["runs"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    page.run()
    assert "will be gone for good" in texts(page) and 1 in service.runs
    press(page, "Delete this run")
    assert service.runs == {}


def test_settings_are_saved(service: FakeService, open_page: Open) -> None:
    page = open_page("settings")
    next(box for box in page.number_input if box.label == "Runs at once").set_value(2)
    press(page, "Save")
    assert service.preferences.runs_at_once == 2


def test_servers_are_added_tested_and_removed_on_the_settings_page(
    service: FakeService, open_page: Open
) -> None:
    page = open_page("settings")
    for name, url in (("lab", "http://lab:1/v1"), ("den", "http://gone")):
        page.text_input(key="servers.name").set_value(name)
        page.text_input(key="servers.url").set_value(url)
        page = press(page, "Add")
    assert {one.name: one.url for one in service.servers.values()} == {
        "lab": "http://lab:1",
        "den": "http://gone",
    }
    [table] = [frame.value for frame in page.dataframe if "refuses" in frame.value]
    assert list(table["state"]) == ["works", "does not work"]
    assert "den: nobody answers **here**. Start it" in [text.value for text in page.text]
    page.text_input(key="servers.name").set_value("Not a name")
    page = press(page, "Add")
    assert len(service.servers) == 2 and "small letters" in page.error[0].value
    page = press(page, "Test")
    page.multiselect(key="servers.chosen").select("den")
    press(page.run(), "Remove")
    assert list(service.servers) == ["lab"]


def test_the_models_that_solve_begins_with_are_saved_and_used(
    service: FakeService, open_page: Open
) -> None:
    page = open_page("solve")
    page = page.switch_page("../../pages/settings.py").run()
    page.selectbox(key="preferences.Verifier").select("exact")
    page.selectbox(key="preferences.Model").select("classroom")
    press(page, "Save")
    saved = service.preferences
    assert (
        saved.default_verifier,
        saved.default_model,
        saved.default_reward_model,
        saved.runs_at_once,
    ) == ("exact", "classroom", None, 4)
    press(page.switch_page("../../pages/solve.py").run(), "Run")
    assert (service.specs[0].verifier, service.specs[0].model, service.specs[0].verifier_model) == (
        "exact",
        "classroom",
        None,
    )


def test_solve_begins_with_the_preferred_models(service: FakeService, open_page: Open) -> None:
    service.preferences = Preferences(
        default_model="my/policy", default_reward_model="classroom-prm-full"
    )
    press(open_page("solve"), "Run")
    assert (service.specs[0].engine, service.specs[0].model, service.specs[0].verifier_model) == (
        "torch",
        "my/policy",
        "classroom-prm-full",
    )


def test_a_model_is_preferred_with_its_own_engine_only(
    service: FakeService, open_page: Open
) -> None:
    service.preferences = Preferences(
        default_engine="vllm", default_model="my/policy", default_reward_model="my/judge"
    )
    page = open_page("solve")
    page.selectbox(key="form.engine").select("torch").run()
    press(page, "Run")
    assert (service.specs[0].engine, service.specs[0].model, service.specs[0].verifier_model) == (
        "torch",
        None,
        None,
    )


def test_a_preference_that_cannot_be_is_refused_with_what_is_accepted(
    service: FakeService, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = [fake_service.CATALOG.engines[0].model_copy(update={"models": ["x" * 401]})]
    monkeypatch.setattr(
        fake_service, "CATALOG", fake_service.CATALOG.model_copy(update={"engines": long})
    )
    page = open_page("settings")
    page.selectbox(key="preferences.Model").select("x" * 401)
    press(page, "Save")
    said = texts(page).replace("\\", "")
    assert (
        "default_model: got" in said
        and "at most 400 characters" in said
        and service.preferences == Preferences()
    )


def test_a_page_of_a_long_list_has_a_link(service: FakeService, open_page: Open) -> None:
    trace = beam_trace()
    for _ in range(PAGE_SIZE + 3):
        service.add(trace)
    assert len(open_page("history").dataframe[0].value) == PAGE_SIZE
    assert list(open_page("history", page=2).dataframe[0].value["run"]) == [3, 2, 1]


def test_a_search_on_a_later_page_shows_what_it_found(
    service: FakeService, open_page: Open
) -> None:
    trace = beam_trace()
    for at in range(PAGE_SIZE + 3):
        service.add(trace, "particle_filter" if at == 0 else "beam_search")
    assert list(
        open_page("history", page=2, strategy="particle_filter").dataframe[0].value["run"]
    ) == [1]


def test_models_are_listed_loaded_and_unloaded(service: FakeService, open_page: Open) -> None:
    page = open_page("settings")
    assert list(page.dataframe[0].value["state"]) == ["ready"] and list(
        page.dataframe[0].value["memory"]
    ) == ["41.0 MB"]
    press(press(page, "Load"), "Unload")
    assert service.loads == [("load", "torch"), ("unload", "torch")]


def test_the_store_tells_its_size_and_deletes_by_age(service: FakeService, open_page: Open) -> None:
    page = open_page("settings")
    assert "0 runs, 3.4 MB" in texts(page)
    page.number_input(key="prune.days").set_value(7.0).run()
    page = press(page, "Delete them")
    assert service.pruned == [7.0] and any(
        "1 runs were deleted" in success.value for success in page.success
    )


def test_a_service_that_does_not_answer_is_said_to_be_away(
    monkeypatch: pytest.MonkeyPatch, open_page: Open
) -> None:
    monkeypatch.setenv("ARBORETUM_BACKEND", "http://127.0.0.1:9")
    for name in ("solve", "trace", "history", "settings"):
        page = open_page(name)
        assert "does not answer" in texts(page) and not page.exception


def test_a_format_added_from_outside_can_be_chosen_in_the_import_form(open_page: Open) -> None:
    with dummy_format():
        box = open_page("history").selectbox(key="import.format")
        assert "A dummy from outside" in box.options
    assert "A dummy from outside" not in open_page("history").selectbox(key="import.format").options
