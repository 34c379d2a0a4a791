"""History and Settings: find, open, delete; see and change what the service keeps."""

from __future__ import annotations

import pytest

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


def test_models_are_listed_loaded_and_unloaded(service: FakeService, open_page: Open) -> None:
    page = open_page("settings")
    assert list(page.dataframe[0].value["state"]) == ["ready"] and list(page.dataframe[0].value["memory"]) == ["41.0 MB"]
    press(press(page, "Load"), "Unload")
    assert service.loads == [("load", "torch"), ("unload", "torch")]


def test_the_store_tells_its_size_and_deletes_by_age(service: FakeService, open_page: Open) -> None:
    page = open_page("settings")
    assert "0 runs, 3.4 MB" in texts(page)
    page.number_input(key="prune.days").set_value(7.0).run()
    page = press(page, "Delete them")
    assert service.pruned == [7.0] and any("1 runs were deleted" in success.value for success in page.success)


def test_a_service_that_does_not_answer_is_said_to_be_away(monkeypatch: pytest.MonkeyPatch, open_page: Open) -> None:
    monkeypatch.setenv("ARBORETUM_BACKEND", "http://127.0.0.1:9")
    for name in ("solve", "trace", "history", "settings"):
        page = open_page(name)
        assert "does not answer" in texts(page) and not page.exception
