"""Who may talk to the service: host, origin and token, for pages, websocket and API alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from backend.api.guard import COOKIE, Guard
from backend.client import Refused
from backend.settings import Settings
from tests.api.service import Service, serving
from tests.jobs.fakes import quick, spec

TOKEN = "one-long-secret"
SOCKET = "ws://127.0.0.1:8501/_stcore/stream"
LOCAL = Settings()
OPEN = Settings(host="0.0.0.0", token=TOKEN, hosts=("tree.example.org",), origins=("https://notebook.example.org",))


def visitor(settings: Settings, base_url: str = "http://127.0.0.1:8501") -> TestClient:
    async def page(request: object) -> PlainTextResponse:
        return PlainTextResponse("inside")

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("inside")
        await websocket.close()

    routes = [Route("/{path:path}", page, methods=["GET", "POST"]), WebSocketRoute("/_stcore/stream", socket)]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(Guard, settings=lambda: settings)]), base_url=base_url)


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:8501", "[::1]:8501", "LOCALHOST"])
def test_the_names_of_this_machine_are_let_in(host: str) -> None:
    assert visitor(LOCAL).get("/", headers={"Host": host}).text == "inside"


@pytest.mark.parametrize("host", ["evil.example.com", "127.0.0.1.evil.example.com", "", "localhost.evil:8501", "[::2]:8501", "[broken"])
def test_a_rebound_name_is_turned_away_everywhere(host: str) -> None:
    with visitor(LOCAL) as client:
        for path in ("/", "/api/health", "/static/js/main.js"):
            response = client.get(path, headers={"Host": host})
            assert response.status_code == 403
            assert response.json()["accepted"].startswith("localhost")
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(SOCKET, headers={"Host": host}):
            pass


@pytest.mark.parametrize(
    ("origin", "inside"),
    [
        ("http://127.0.0.1:8501", True), (None, True), ("http://127.0.0.1:9999", False), ("https://evil.example.com", False), ("null", False),
        ("http://localhost:8501", False),
    ],
)
def test_only_the_own_origin_may_send_requests(origin: str | None, inside: bool) -> None:
    headers = {"Host": "127.0.0.1:8501", **({} if origin is None else {"Origin": origin})}
    with visitor(LOCAL) as client:
        assert client.post("/api/runs", headers=headers).status_code == (200 if inside else 403)
        if inside:
            with client.websocket_connect(SOCKET, headers=headers) as socket:
                assert socket.receive_text() == "inside"
        else:
            with pytest.raises(WebSocketDisconnect), client.websocket_connect(SOCKET, headers=headers):
                pass


def test_listed_names_and_origins_are_let_in() -> None:
    client = visitor(OPEN, "http://tree.example.org")
    headers = {"Authorization": f"Bearer {TOKEN}", "Origin": "https://notebook.example.org"}
    assert client.get("/", headers=headers).text == "inside"


@pytest.mark.parametrize("path", ["/", "/trace", "/api/health", "/_stcore/health", "/static/js/main.js", "/api/openapi.json", "/media/x.png"])
def test_without_the_token_an_open_service_answers_nothing(path: str) -> None:
    with visitor(OPEN) as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": f"{COOKIE}=wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            response = client.get(path, headers=headers)
            assert response.status_code == 401
            assert TOKEN not in response.text
        assert client.get(f"{path}?token=wrong").status_code == 401
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(SOCKET):
            pass


def test_the_token_is_taken_from_header_cookie_or_once_from_the_address() -> None:
    with visitor(OPEN) as client:
        assert client.get("/api/health", headers={"Authorization": f"Bearer {TOKEN}"}).text == "inside"
        assert client.get(f"/api/health?token={TOKEN}").text == "inside"
        with client.websocket_connect(SOCKET, headers={"Cookie": f"{COOKIE}={TOKEN}"}) as socket:
            assert socket.receive_text() == "inside"


def test_a_page_opened_with_the_token_keeps_it_in_a_strict_cookie_and_drops_it_from_the_address() -> None:
    with visitor(OPEN) as client:
        response = client.get(f"/trace?run=3&token={TOKEN}", headers={"Accept": "text/html"}, follow_redirects=False)
        assert response.status_code == 303
        assert response.headers["location"] == "/trace?run=3"
        cookie = response.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert client.get("/trace").text == "inside"


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Service]:
    settings = Settings(db=tmp_path / "public.duckdb", host="0.0.0.0", token=TOKEN, samples=None)
    with serving(tmp_path, quick, settings=settings) as running:
        yield running


def test_an_open_service_takes_models_and_imports_from_its_lists_only(public: Service) -> None:
    with pytest.raises(Refused, match="token"):
        public.client().health()
    client = public.client(TOKEN)
    with pytest.raises(Refused, match="model"):
        client.submit(spec(model="/etc"))
    with pytest.raises(Refused, match="model"):
        client.load("torch", "somebody/else")
    with pytest.raises(Refused, match="import"):
        client.import_(b"{}")
    assert client.submit(spec(model="classroom")) > 0


def test_an_open_service_does_not_let_its_lists_be_changed_from_outside(public: Service) -> None:
    client = public.client(TOKEN)
    preferences = client.settings()
    assert client.save_settings(preferences.model_copy(update={"runs_at_once": 2})).runs_at_once == 2
    with pytest.raises(Refused, match="loopback"):
        client.save_settings(preferences.model_copy(update={"allow_imports": True}))
    assert client.settings().allow_imports is False


def test_a_foreign_origin_gets_no_answer_it_could_read(public: Service) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Origin": "https://evil.example.com"}
    response = httpx.get(f"{public.url}/api/health", headers=headers)
    assert response.status_code == 403
    assert "access-control-allow-origin" not in response.headers
