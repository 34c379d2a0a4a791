"""Completions servers through the API: added, tested, removed, and guarded beyond loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from backend.client import Client, Refused
from backend.core.errors import EngineFailure
from backend.core.settings import Preferences, ServerAddress, Settings
from backend.engines.models import Models
from backend.service.preferences import PreferenceBook
from backend.service.servers import ServerBook
from storage import Store
from tests.api.service import Service
from tests.engines.openai.loopback import DONE, STOP, Loopback, listening, said, stream
from tests.service.jobs.fakes import FakeModels

GATE = "http://localhost:8000"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "servers.duckdb")
    yield opened
    opened.close()


def book(store: Store, host: str = "127.0.0.1", models: FakeModels | None = None) -> ServerBook:
    settings = Settings(host=host, token="t" * 20)
    return ServerBook(settings, PreferenceBook(store), models or FakeModels())  # type: ignore[arg-type]


def test_servers_are_added_tested_and_removed_over_http(service: Service) -> None:
    with Client(service.url) as client:
        uses_servers(client)


def uses_servers(client: Client) -> None:
    """Everything that the settings page does with servers."""
    assert client.servers().servers == []
    [added] = client.add_server("lab", "http://LOCALHOST:8000/v1/").servers
    assert (added.name, added.url) == ("lab", GATE)
    assert added.probed is not None and added.probed.ok and added.probed.model
    client.add_server("den", "https://example.org/llm/v1")
    assert [one.name for one in client.servers().servers] == ["lab", "den"]
    assert [one.name for one in client.settings().servers] == ["lab", "den"]
    client.test_server("den")
    client.remove_server("lab")
    assert [one.name for one in client.remove_server("den").servers] == []
    with pytest.raises(Refused, match="there is no server 'lab'"):
        client.remove_server("lab")
    with pytest.raises(Refused, match="there is no server 'lab'"):
        client.test_server("lab")


async def test_a_server_that_does_not_work_stays_with_the_reason(store: Store) -> None:
    models = FakeModels(failure=EngineFailure("nobody answers", "Start it"))
    servers = book(store, models=models)
    [found] = (await servers.add(ServerAddress(name="lab", url=GATE))).servers
    assert found.probed is not None and not found.probed.ok
    assert (found.probed.reason, found.probed.remedy) == ("nobody answers", "Start it")
    assert models.servers == {"lab": GATE} and models.allowed is None


async def test_servers_outlive_the_service_and_results_do_not(store: Store) -> None:
    await book(store).add(ServerAddress(name="lab", url=GATE))
    [found] = book(store).all().servers
    assert (found.name, found.probed) == ("lab", None)


async def test_beyond_loopback_only_allowed_servers_are_added(store: Store) -> None:
    PreferenceBook(store).save(Preferences(allowed_servers=(f"{GATE}/v1",)))
    models = FakeModels()
    servers = book(store, "0.0.0.0", models)
    assert models.allowed == (GATE,)
    await servers.add(ServerAddress(name="lab", url=GATE))
    for other in ("http://localhost:8001", "https://localhost:8000", "http://169.254.169.254"):
        with pytest.raises(Exception, match="accepted: http://localhost:8000"):
            await servers.add(ServerAddress(name="other", url=other))
    assert [one.name for one in servers.all().servers] == ["lab"]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a",
        "localhost:8000",
        "http://",
        "http://u:p@a",
        "http://a?x=1",
        "http://a:0",
        "",
        "http://a b",
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        ServerAddress(name="lab", url=url)


@pytest.mark.parametrize("name", ["", "Lab", "a b", "@a", "-a", "a" * 41])
def test_a_name_that_a_model_could_not_be_followed_by_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        ServerAddress(name=name, url=GATE)


async def test_several_servers_are_used_side_by_side_by_their_names() -> None:
    one = Loopback(lambda body: stream(said("one"), STOP, DONE))
    two = Loopback(lambda body: stream(said("two"), STOP, DONE))
    async with listening(one), listening(two):
        models = Models()
        assert [a.ok for a in models.available() if a.engine == "openai"] == [False]
        models.use_servers({"one": one.url, "two": two.url}, None)
        assert [a.ok for a in models.available() if a.engine == "openai"] == [True]
        assert models.offered("openai") == ("@one", "@two")
        first = await models.policy("openai", "@one")
        second = await models.policy("openai", "m@two")
        assert (first.info.settings["url"], second.info.settings["url"]) == (
            f"{one.url}/v1",
            f"{two.url}/v1",
        )
        assert await models.policy("openai", "@one") is first
        assert models.use_servers({"one": two.url, "two": two.url}, None) == {"one"}
        moved = await models.policy("openai", "@one")
        assert moved.info.settings["url"] == f"{two.url}/v1"
        await models.close()
