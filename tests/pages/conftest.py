"""A fake service behind every page test, over real HTTP, and pages run by Streamlit's own test
runner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.pages.fake_service import FakeService, serving

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., AppTest]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeService]:
    fake = FakeService()
    with serving(fake) as url:
        monkeypatch.setenv("ARBORETUM_BACKEND", url)
        yield fake
    st.cache_resource.clear()


def opened(name: str, **query: object) -> AppTest:
    """A page at an address, run once: `opened("trace", run=1, node=3)`."""
    page = AppTest.from_file(str(ROOT / "tests" / "pages" / "shown.py"), default_timeout=60)
    page.session_state["shown_page"] = name
    for key, value in query.items():
        page.query_params[key] = str(value)
    return page.run()


@pytest.fixture
def open_page(service: FakeService) -> Open:
    """Open a page before the fake service."""
    return opened
