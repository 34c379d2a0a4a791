"""Which servers may be asked, by the address that a name leads to at that moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx
import pytest

from backend.core.errors import BadInput, EngineFailure
from backend.engines.openai.allowed import AllowedTransport, Resolve
from backend.engines.openai.loading import choose
from tests.engines.openai.loopback import (
    DONE,
    STOP,
    Loopback,
    complete,
    connected,
    listening,
    refusal,
    said,
    stream,
)


def names(table: Mapping[str, Sequence[str]]) -> Resolve:
    """A resolver by a table; numbers lead to themselves."""

    async def resolve(host: str, port: int) -> list[str]:
        return list(table.get(host, [host] if host[0].isdigit() else []))

    return resolve


class Seen(httpx.AsyncBaseTransport):
    """Answers everything and remembers where it went."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200)


async def ask(
    allowed: Sequence[str], url: str, table: Mapping[str, Sequence[str]]
) -> httpx.Request:
    seen = Seen()
    async with httpx.AsyncClient(transport=AllowedTransport(allowed, seen, names(table))) as client:
        await client.get(url)
    [request] = seen.requests
    return request


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    request = await ask(
        ["https://lab.example"], "https://lab.example/v1", {"lab.example": ["10.0.0.7"]}
    )
    assert request.url.host == "10.0.0.7"
    assert request.headers["host"] == "lab.example"
    assert request.extensions["sni_hostname"] == "lab.example"


@pytest.mark.parametrize(
    ("allowed", "url", "table"),
    [
        ([], "http://10.0.0.7", {}),
        (["http://lab"], "http://lab:81", {"lab": ["10.0.0.7"]}),
        (["http://lab"], "https://lab", {"lab": ["10.0.0.7"]}),
        (["http://lab"], "http://den", {"lab": ["10.0.0.7"], "den": ["10.0.0.8"]}),
        (["http://lab"], "http://lab", {"lab": ["169.254.169.254"]}),
        (["http://lab"], "http://lab", {"lab": ["0.0.0.0"]}),
        (["http://lab"], "http://lab", {}),
    ],
)
async def test_any_other_place_is_not_asked(
    allowed: Sequence[str], url: str, table: Mapping[str, Sequence[str]]
) -> None:
    with pytest.raises(EngineFailure, match="is not allowed here"):
        await ask(allowed, url, table)


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("http://127.0.0.1:8000", "http://localhost:8000"),
        ("http://169.254.1.2", "http://169.254.1.2"),
        ("http://lab:80", "http://LAB/v1"),
    ],
)
async def test_the_same_place_by_another_name_is_asked(allowed: str, url: str) -> None:
    table = {"localhost": ["127.0.0.1"], "lab": ["10.0.0.7"]}
    assert (await ask([allowed], url, table)).url.host[0].isdigit()


async def test_a_name_that_leads_elsewhere_later_is_not_followed() -> None:
    found = {"lab": ["10.0.0.7"]}
    seen = Seen()
    allowed = ["http://10.0.0.7"]
    async with httpx.AsyncClient(transport=AllowedTransport(allowed, seen, names(found))) as client:
        await client.get("http://lab")
        found["lab"] = ["127.0.0.1"]
        with pytest.raises(EngineFailure, match="leads elsewhere"):
            await client.get("http://lab")


async def test_the_engine_asks_allowed_servers_only() -> None:
    server = Loopback(lambda body: stream(said("yes"), STOP, DONE))
    async with listening(server):
        port = server.url.rsplit(":", 1)[1]
    server = Loopback(lambda body: stream(said("yes"), STOP, DONE))
    with pytest.raises(EngineFailure, match="is not allowed here"):
        async with connected(server, allowed=[f"http://127.0.0.1:{port}"]):
            raise AssertionError("connected")
    assert not server.paths


async def test_an_allowed_engine_works_and_follows_no_redirect_away() -> None:
    server = Loopback(lambda body: stream(said("yes"), STOP, DONE))
    async with listening(server):
        from backend.engines.openai.engine import OpenAiEngine

        engine = await OpenAiEngine.connect(server.url, allowed=[server.url], timeout_seconds=5.0)
        assert (await complete(engine)).text == "yes"
        server.first = [refusal(307, "there", location="http://169.254.169.254/latest")]
        assert "redirected to another server" in ((await complete(engine)).failure or "")
        await engine.close()


def test_a_key_goes_to_its_own_server_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "main")
    monkeypatch.setenv("KEY_MY_LAB", "of lab")
    servers = {"my-lab": "http://lab", "den": "http://den"}
    assert choose("", "http://own", servers, "KEY") == (None, "http://own", "main")
    assert choose("m", "http://own", servers, "KEY") == ("m", "http://own", "main")
    assert choose("m@my-lab", "http://own", servers, "KEY") == ("m", "http://lab", "of lab")
    assert choose("@den", "http://own", servers, "KEY") == (None, "http://den", None)
    assert choose("", None, servers, "KEY") == (None, "http://lab", "of lab")
    assert choose("org/m@v2", "http://own", servers, "KEY") == ("org/m@v2", "http://own", "main")
    with pytest.raises(BadInput, match="accepted: @my-lab, @den"):
        choose("@gone", "http://own", servers, "KEY")
    with pytest.raises(EngineFailure, match="no completions server is named"):
        choose("m", None, servers, "KEY")
