"""A real Chromium before the real pages: session-wide browser, a fresh context for each test,
console errors are failures."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright import sync_api

from backend.client import Client
from backend.core.spec import RunSpec
from tests.pages.fake_service import FakeService, serving
from tests.support.parts import PARTS, browser
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_MS = 1000 * int(os.environ.get("ARBORETUM_BROWSER_PATIENCE_S", "60"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[sync_api.Browser]:
    path = browser()
    assert path is not None, PARTS["browser"].missing
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield running
        running.close()


@contextmanager
def streamlit(script: str, **environment: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`streamlit run script` on a free port; its address and process."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        script,
        "--server.port",
        str(port),
        "--server.headless",
        "true",
    ]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}", process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"streamlit ended with {process.returncode} before it listened")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on port {port} after 90 s")


@pytest.fixture(scope="session")
def fake() -> FakeService:
    return FakeService(pace_s=0.05)


@pytest.fixture(scope="session")
def site(fake: FakeService) -> Iterator[str]:
    """The pages in front of the fake service, which is a remote backend to them."""
    with (
        serving(fake) as backend,
        streamlit("pages/frame.py", ARBORETUM_BACKEND=backend) as (url, _),
    ):
        yield url


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The whole product on a store of its own, the shipped samples in it: nothing faked. Its runs
    take the engine that their spec names."""
    store = tmp_path_factory.mktemp("store") / "runs.duckdb"
    with streamlit("app.py", ARBORETUM_DB=str(store)) as (url, _):
        yield url


def run_to_end(url: str, spec: RunSpec) -> int:
    """Carry out a run on the service at `url`; its id."""
    with Client(url) as client:
        run_id = client.submit(spec)
        assert [message.kind for message in client.follow(run_id)][-1] == "done"
        assert client.info(run_id).status == "finished"
        return run_id


def press(target: sync_api.Locator) -> None:
    """Click once the page is at rest: what a script still draws moves under a click, and a list
    that was just opened is closed by it."""
    target.wait_for()
    target.page.locator("[data-testid='stApp'][data-test-script-state='notRunning']").wait_for()
    target.click()


def choose(tab: sync_api.Page, label: str, option: str) -> None:
    """Open the select box `label` and take `option`; opened again when the page closed it, as a
    reader would do."""
    offered = tab.get_by_role("option", name=option, exact=True)
    end = time.monotonic() + PATIENCE_MS / 1000
    while True:
        press(tab.get_by_role("combobox", name=label))
        try:
            offered.click(timeout=5_000)
            return
        except sync_api.TimeoutError:
            if time.monotonic() > end:
                raise
            tab.keyboard.press("Escape")


@pytest.fixture
def tab(chromium: sync_api.Browser) -> Iterator[sync_api.Page]:
    """A fresh tab; the test fails if the page raised an error."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


Go = Callable[[str], sync_api.Page]


@pytest.fixture
def go(tab: sync_api.Page, site: str) -> Go:
    """Open an address of the site and wait for the tree's frame."""

    def opened(address: str) -> sync_api.Page:
        tab.goto(site + address, wait_until="commit")
        tab.wait_for_selector(".arboretum-tree")
        return tab

    return opened
