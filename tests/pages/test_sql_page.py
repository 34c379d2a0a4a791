"""The SQL page before the real service: what is in the address is asked and shown, and what is
wrong says where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from backend.core.settings import ROOT
from components.store.sql_editor_form import age
from components.store.sql_result_panel import traces, unique
from tests.api.service import Service, serving
from tests.pages.conftest import opened
from tests.pages.test_solve_page import press, texts
from tests.service.jobs.fakes import quick


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with serving(tmp_path, quick) as service:
        service.store.import_run(ROOT / "backend" / "service" / "samples" / "2-beam-search.jsonl")
        monkeypatch.setenv("ARBORETUM_BACKEND", service.url)
        yield service
    st.cache_resource.clear()


def test_the_query_in_the_address_is_answered_with_links_to_the_traces(real: Service) -> None:
    page = opened(
        "sql", q="SELECT run_id, node_id, reason AS run_id FROM pruning ORDER BY node_id LIMIT 2"
    )
    assert not page.exception
    shown = page.dataframe[-1].value
    assert shown.columns.tolist() == ["trace", "run_id", "node_id", "run_id 2"]
    assert shown["trace"].tolist() == [f"trace?run=1&node={node}" for node in shown["node_id"]]
    assert "2 rows in" in texts(page) and "Queries see a copy of the store from" in texts(page)


def test_a_mistake_is_shown_with_its_place_and_the_query_stays(real: Service) -> None:
    page = opened("sql", q="SELECT\n nothing FROM run")
    assert any("line 2, column 2" in error.value for error in page.error)
    assert page.text_area(key="sql.draft").value == "SELECT\n nothing FROM run"
    page.text_area(key="sql.draft").set_value("SELECT 7 AS seven")
    press(page, "Run query")
    assert (
        page.dataframe[-1].value["seven"].tolist() == [7]
        and page.query_params["q"] == "SELECT 7 AS seven"
    )


def test_an_example_is_run_by_choosing_it_and_a_query_is_kept(real: Service) -> None:
    page = opened("sql")
    assert "Choose an example" in texts(page)
    page.selectbox(key="sql.choice").select_index(0).run()
    assert page.dataframe[-1].value["run_id"].tolist() == [1]
    page.text_input(key="sql.name").set_value("mine").run()
    press(page, "Keep this query")
    assert [one.name for one in real.client().sql.queries().saved] == ["mine"]
    assert "Kept: mine" in page.selectbox(key="sql.choice").options


def test_rows_name_a_trace_only_by_whole_numbers() -> None:
    rows: list[list[object]] = [[3, 5], [3, None], [None, 5], ["3", 5], [-1, 2], [True, 2]]
    assert traces(["run", "node_id"], rows) == [
        {"run": "3", "node": "5"},
        {"run": "3"},
        {},
        {},
        {},
        {},
    ]
    assert traces(["a", "node_id"], rows) == [{}] * 6
    assert unique(["a", "b", "a", "a", "a 2"]) == ["a", "b", "a 2", "a 3", "a 2 2"]
    assert [age(seconds) for seconds in (5, 60, 7200, 90_000)] == [
        "less than a minute old",
        "1 minute old",
        "2 hours old",
        "1 day old",
    ]
