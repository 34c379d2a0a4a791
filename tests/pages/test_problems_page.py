"""The page of one's own problems before the real service: bring a file, look at it, remove it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from tests.api.service import Service, serving
from tests.pages.conftest import opened
from tests.pages.test_solve_page import press, texts
from tests.service.jobs.fakes import quick

HOSTILE = "<img src=x onerror=alert(1)> ![a](http://example.org/x) $x$ **bold**"


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with serving(tmp_path, quick) as service:
        monkeypatch.setenv("ARBORETUM_BACKEND", service.url)
        yield service
    st.cache_resource.clear()


def rows(count: int) -> bytes:
    return json.dumps(
        [{"question": f"{HOSTILE} {at}?", "answer": str(at), "level": 1 + at % 2} for at in range(count)]
    ).encode()  # fmt: skip


def test_a_file_is_brought_looked_at_and_removed(real: Service) -> None:
    page = opened("problems")
    assert not page.exception and "No file has been brought yet." in texts(page)
    page.file_uploader[0].upload("my sums.json", rows(4), "application/json").run()
    press(page, "Add")
    assert not page.exception
    assert "4 problems came in" in page.success[0].value
    listed, first = page.dataframe[0].value, page.dataframe[1].value
    assert listed["set"].tolist() == ["file:my-sums"] and listed["levels"].tolist() == [
        "1 (2), 2 (2)"
    ]
    assert first["right answer"].tolist() == ["0", "1", "2"]
    shown = [each.value for each in page.code]
    assert any("--problem file:my-sums/1" in each for each in shown)
    assert any('set = "file:my-sums"\nlevel = 2\ncount = 2' in each for each in shown)
    raw = [each.value for each in (*page.markdown, *page.caption, *page.success, *page.info)]
    assert not any("onerror" in each for each in raw)
    press(page, "Remove it")
    assert "No file has been brought yet." in texts(page) and not page.success


def test_a_set_is_chosen_on_the_page_that_solves(real: Service) -> None:
    opened("problems")
    assert real.services.library.shelf is not None
    real.services.library.shelf.add(rows(3), "mine")
    page = opened("solve")
    assert not page.exception
    page.selectbox(key="form.set").set_value("file:mine").run()
    assert not page.exception
    assert any("<img" in each.value or "0?" in each.value for each in (*page.text, *page.code, *page.markdown))  # fmt: skip


def test_a_file_that_cannot_be_read_says_where_and_leaves_nothing(real: Service) -> None:
    page = opened("problems")
    page.file_uploader[0].upload("bad.csv", b"question,answer\n,1\n", "text/csv").run()
    press(page, "Add")
    assert any("row 1" in error.value for error in page.error)
    assert "No file has been brought yet." in texts(page)
