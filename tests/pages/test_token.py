"""Pages before a remote service that does not let them in say so, say what to do, and do nothing
more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import streamlit as st

from backend.core.settings import Settings
from tests.pages.conftest import opened
from tests.pages.fake_service import FakeService, serving
from tests.pages.traces import beam_trace

TOKEN = "one-long-secret"
PAGES = ("solve", "trace", "history", "settings")


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a service that asks for the token."""
    fake = FakeService()
    fake.add(beam_trace())
    with serving(fake, lambda: Settings(host="0.0.0.0", token=TOKEN)) as url:
        monkeypatch.setenv("ARBORETUM_BACKEND", url)
        yield url
    st.cache_resource.clear()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("wrong", "refused the token of these pages"),
        ("", "asks for a token, and these pages have none"),
    ],
)
def test_every_page_says_that_the_token_is_refused_and_shows_nothing_else(
    guarded: str, monkeypatch: pytest.MonkeyPatch, name: str, given: str, said: str
) -> None:
    monkeypatch.setenv("ARBORETUM_TOKEN", given)
    page = opened(name)
    assert not page.exception and not page.warning
    [error] = page.error
    shown = error.value.replace("\\", "")
    assert (
        guarded in shown
        and said in shown
        and "Set ARBORETUM_TOKEN to the service's own token" in shown
    )
    assert (
        not page.button
        and not page.get("bidi_component")
        and TOKEN not in shown
        and "wrong" not in shown
    )


@pytest.mark.parametrize("name", PAGES)
def test_with_the_right_token_the_page_is_there(
    guarded: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("ARBORETUM_TOKEN", TOKEN)
    page = opened(name)
    assert not page.exception and not page.error and not page.warning


def test_a_host_that_is_not_listed_is_named_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ARBORETUM_TOKEN", TOKEN)
    with serving(FakeService(), lambda: Settings(host="0.0.0.0", token=TOKEN)) as url:
        monkeypatch.setenv("ARBORETUM_BACKEND", url.replace("127.0.0.1", "0.0.0.0"))
        [error] = opened("history").error
    st.cache_resource.clear()
    assert "is not allowed" in error.value and "ARBORETUM" in error.value
