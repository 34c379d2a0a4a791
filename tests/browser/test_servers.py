"""Completions servers on the settings page: added, tested with what the probe found, removed; and the
list of those that may be asked where others reach the service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from backend.client import Client
from tests.api.listening import listening
from tests.browser.conftest import ROOT, press, streamlit
from tests.support.fake_server import FakeServer, Manners
from tests.support.ports import free_port

TOKENIZER = ROOT / "backend" / "classroom" / "policy" / "tokenizer.json"
TOKEN = "a-token-of-some-length"


@pytest.fixture(scope="module")
def lab() -> Iterator[str]:
    """A completions server on loopback."""
    fake = FakeServer(Tokenizer.from_file(str(TOKENIZER)), Manners())
    with listening(fake, lifespan="off") as address:
        yield f"http://{address}/v1"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = tmp_path_factory.mktemp("servers") / "runs.duckdb"
    with streamlit("app.py", ARBORETUM_DB=str(store)) as (url, _):
        yield url


def open_settings(tab: Any, url: str) -> None:
    tab.goto(f"{url}/settings", wait_until="commit")
    tab.get_by_text("A run uses a server by the engine").wait_for()


def add(tab: Any, name: str, url: str) -> None:
    tab.get_by_label("Name", exact=True).fill(name)
    tab.get_by_label("Address", exact=True).fill(url)
    press(tab.get_by_role("button", name="Add", exact=True))


def choose_server(tab: Any, name: str) -> None:
    press(tab.get_by_role("combobox", name="Servers"))
    tab.get_by_role("option", name=name, exact=True).click()
    tab.keyboard.press("Escape")


def test_a_server_is_added_probed_and_removed(local: str, tab: Any, lab: str) -> None:
    with Client(local) as client:
        open_settings(tab, local)
        tab.get_by_text("No server is known").wait_for()
        add(tab, "lab", lab)
        tab.get_by_role("combobox", name="Servers").wait_for()
        [found] = client.servers().servers
        assert (found.name, found.url) == ("lab", lab.removesuffix("/v1"))
        assert found.probed is not None and found.probed.ok
        assert found.probed.model == "fake-model"
        add(tab, "gone", f"http://127.0.0.1:{free_port()}")
        tab.get_by_text("gone: ").first.wait_for()  # the probe's reason and remedy
        states = {one.name: one.probed and one.probed.ok for one in client.servers().servers}
        assert states == {"lab": True, "gone": False}
        choose_server(tab, "gone")
        press(tab.get_by_role("button", name="Remove", exact=True))
        tab.get_by_text("gone: ").first.wait_for(state="detached")
        assert [one.name for one in client.servers().servers] == ["lab"]
        choose_server(tab, "lab")
        press(tab.get_by_role("button", name="Test", exact=True))
        tab.wait_for_timeout(500)
        press(tab.get_by_role("button", name="Remove", exact=True))
        tab.get_by_text("No server is known").wait_for()
        assert client.servers().servers == []


def test_an_address_that_is_none_is_refused_with_what_is_accepted(local: str, tab: Any) -> None:
    open_settings(tab, local)
    add(tab, "lab", "ftp://somewhere")
    tab.get_by_text("accepted: an address such as").wait_for()
    with Client(local) as client:
        assert client.servers().servers == []


def test_the_list_of_servers_that_may_be_asked_is_changed_on_loopback(local: str, tab: Any) -> None:
    open_settings(tab, local)
    field = tab.get_by_role("textbox", name="Servers that others may ask")
    field.fill("http://127.0.0.1:9000/v1\nhttps://lab.example.org")
    press(tab.get_by_role("button", name="Save", exact=True))
    tab.get_by_text("Saved.").wait_for()
    with Client(local) as client:
        found = client.settings().allowed_servers
        assert found == ("http://127.0.0.1:9000", "https://lab.example.org")
    field.fill("nowhere")
    press(tab.get_by_role("button", name="Save", exact=True))
    tab.get_by_text("allowed_servers").wait_for()
    with Client(local) as client:
        assert client.settings().allowed_servers == found


def test_where_others_reach_the_service_the_list_is_shown_and_refused(
    tmp_path: Path, tab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"ARBORETUM_TOKEN": TOKEN, "STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}
    with streamlit("app.py", ARBORETUM_DB=str(tmp_path / "runs.duckdb"), **environment) as (url, _):
        tab.goto(f"{url}/settings?token={TOKEN}", wait_until="commit")
        field = tab.get_by_role("textbox", name="Servers that others may ask")
        field.fill("http://127.0.0.1:9000")
        press(tab.get_by_role("button", name="Save", exact=True))
        tab.get_by_text("start the service on loopback to change them").wait_for()
        with Client(url, token=TOKEN) as client:
            assert client.settings().allowed_servers == ()
