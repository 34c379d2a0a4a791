"""A page whose token a remote service does not take any more says so and asks no further; one that
is only cut off goes on asking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from backend.core.settings import Settings
from tests.browser.conftest import streamlit
from tests.browser.test_pages import drawn_nodes
from tests.pages.fake_service import FakeService, serving
from tests.pages.traces import beam_trace

TOKEN, PAGES = "one-long-secret", "pages/frame.py"


@dataclass
class Remote:
    """Pages at `url` before a guarded service of another origin, which a test may change under
    them."""

    fake: FakeService
    settings: Settings
    url: str = ""

    def interrupt(self) -> None:
        """End every stream as a service does that goes away; new ones are welcome."""
        self.fake.closing = True


@pytest.fixture(scope="module")
def started() -> Iterator[Remote]:
    remote = Remote(FakeService(), Settings(host="0.0.0.0", token=TOKEN))
    with (
        serving(remote.fake, lambda: remote.settings) as backend,
        streamlit(PAGES, ARBORETUM_BACKEND=backend, ARBORETUM_TOKEN=TOKEN) as (url, _),
    ):
        remote.url = url
        yield remote


@pytest.fixture
def remote(started: Remote) -> Remote:
    started.settings, started.fake.closing = (
        Settings(host="0.0.0.0", token=TOKEN, origins=(started.url,)),
        False,
    )
    return started


def followed(remote: Remote, tab: Any) -> list[str]:
    """A page that follows a run under way, and the addresses of streams that it asks for from now
    on."""
    run = remote.fake.add(beam_trace(), pace_s=60.0)
    run.held = 30
    tab.goto(f"{remote.url}/?run={run.id}", wait_until="commit")
    drawn_nodes(tab, 5)
    asked: list[str] = []
    tab.on(
        "request", lambda request: asked.append(request.url) if "/events" in request.url else None
    )
    return asked


def test_a_refused_token_is_said_and_ends_the_asking(remote: Remote, tab: Any) -> None:
    asked = followed(remote, tab)
    remote.settings = replace(remote.settings, token="another-secret")
    remote.interrupt()
    tab.get_by_text("refuses the token of these pages").first.wait_for()
    assert tab.locator(".at-status").get_attribute("data-state") == "refused"
    before = len(asked)
    tab.wait_for_timeout(5000)
    assert before >= 1 and len(asked) == before
    assert not [text for text in tab.locator(".at-bar").all_inner_texts() if TOKEN in text]


def test_a_page_whose_origin_is_not_listed_any_more_is_told_and_goes_on_asking(
    remote: Remote, tab: Any
) -> None:
    asked = followed(remote, tab)
    remote.settings = replace(remote.settings, origins=())
    remote.interrupt()
    tab.get_by_text("is it among its ARBORETUM_ORIGINS?").first.wait_for()
    assert tab.locator(".at-status").get_attribute("data-state") == "reconnecting"
    remote.settings, remote.fake.closing = replace(remote.settings, origins=(remote.url,)), False
    tab.get_by_text("live", exact=True).first.wait_for()
    assert len(asked) >= 2 and tab.locator(".at-reason").inner_text() == ""
