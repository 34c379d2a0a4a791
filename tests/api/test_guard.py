"""Who may talk to the service: host, origin and token, for pages, websocket and API alike."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.sync.client import connect

from backend.api.guard import COOKIE, Guard, take_token
from backend.api.guesses import Guesses
from backend.client import Refused, messages, public_token, public_url
from backend.core.environment import read_settings
from backend.core.errors import BadInput
from backend.core.settings import Settings
from components.tree.live_tree_panel import TreeView
from tests.api.listening import listening
from tests.api.service import Service, serving
from tests.service.jobs.fakes import quick, spec

TOKEN = "one-long-secret"
SOCKET = "ws://127.0.0.1:8501/_stcore/stream"
LOCAL = Settings()
OPEN = Settings(
    host="0.0.0.0",
    token=TOKEN,
    hosts=("tree.example.org",),
    origins=("https://notebook.example.org",),
)


def guarded(settings: Settings) -> Starlette:
    """Pages and a websocket behind the guard."""

    async def page(request: object) -> PlainTextResponse:
        return PlainTextResponse("inside")

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("inside")
        await websocket.close()

    routes = [
        Route("/{path:path}", page, methods=["GET", "POST"]),
        WebSocketRoute("/_stcore/stream", socket),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard, settings=lambda: settings)])


def guarded_pages() -> Starlette:
    """A page without a guard."""

    async def page(request: object) -> PlainTextResponse:
        return PlainTextResponse("inside")

    return Starlette(routes=[Route("/{path:path}", page)])


def visitor(settings: Settings, base_url: str = "http://127.0.0.1:8501") -> TestClient:
    return TestClient(guarded(settings), base_url=base_url)


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:8501", "[::1]:8501", "LOCALHOST"])
def test_the_names_of_this_machine_are_let_in(host: str) -> None:
    assert visitor(LOCAL).get("/", headers={"Host": host}).text == "inside"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.com",
        "127.0.0.1.evil.example.com",
        "",
        "localhost.evil:8501",
        "[::2]:8501",
        "[broken",
    ],
)
def test_a_rebound_name_is_turned_away_everywhere(host: str) -> None:
    with visitor(LOCAL) as client:
        for path in ("/", "/api/health", "/static/js/main.js"):
            response = client.get(path, headers={"Host": host})
            assert response.status_code == 403
            assert response.json()["accepted"].startswith("localhost")
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect(SOCKET, headers={"Host": host}),
        ):
            pass


@pytest.mark.parametrize(
    ("origin", "inside"),
    [
        ("http://127.0.0.1:8501", True),
        (None, True),
        ("http://127.0.0.1:9999", False),
        ("https://evil.example.com", False),
        ("null", False),
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
            with (
                pytest.raises(WebSocketDisconnect),
                client.websocket_connect(SOCKET, headers=headers),
            ):
                pass


def test_listed_names_and_origins_are_let_in() -> None:
    client = visitor(OPEN, "http://tree.example.org")
    headers = {"Authorization": f"Bearer {TOKEN}", "Origin": "https://notebook.example.org"}
    assert client.get("/", headers=headers).text == "inside"


@pytest.mark.parametrize(
    ("site", "origin", "inside"),
    [
        (None, None, True),
        ("same-origin", "http://127.0.0.1:8501", True),
        ("none", None, True),
        ("cross-site", None, False),
        ("cross-site", "http://127.0.0.1:8501", False),
    ],
)
def test_a_foreign_page_may_read_but_not_write(
    site: str | None, origin: str | None, inside: bool
) -> None:
    headers = {"Sec-Fetch-Site": site, "Origin": origin}
    given = {name: value for name, value in headers.items() if value is not None}
    with visitor(LOCAL) as client:
        assert client.get("/", headers=given).status_code == 200
        answer = client.post("/api/runs", headers=given)
        assert answer.status_code == (200 if inside else 403)
        if not inside:
            assert "another site may not change" in answer.json()["error"]
            with (
                pytest.raises(WebSocketDisconnect),
                client.websocket_connect(SOCKET, headers=given),
            ):
                pass


def test_a_page_of_a_listed_origin_may_write() -> None:
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Origin": "https://notebook.example.org",
        "Sec-Fetch-Site": "cross-site",
    }
    assert visitor(OPEN, "http://tree.example.org").post("/", headers=headers).text == "inside"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/trace",
        "/api/health",
        "/_stcore/health",
        "/static/js/main.js",
        "/api/openapi.json",
        "/media/x.png",
    ],
)
def test_without_the_token_an_open_service_answers_nothing(path: str) -> None:
    with visitor(OPEN) as client:
        for headers in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Cookie": f"{COOKIE}=wrong"},
            {"Authorization": f"Basic {TOKEN}"},
        ):
            response = client.get(path, headers=headers)
            assert response.status_code == 401
            assert TOKEN not in response.text
        assert client.get(f"{path}?token=wrong").status_code == 401
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(SOCKET):
            pass


def test_the_token_is_taken_from_header_cookie_or_once_from_the_address() -> None:
    with visitor(OPEN) as client:
        assert (
            client.get("/api/health", headers={"Authorization": f"Bearer {TOKEN}"}).text == "inside"
        )
        assert client.get(f"/api/health?token={TOKEN}").text == "inside"
        with client.websocket_connect(SOCKET, headers={"Cookie": f"{COOKIE}={TOKEN}"}) as socket:
            assert socket.receive_text() == "inside"


def test_a_page_opened_with_the_token_keeps_it_in_a_strict_cookie_and_drops_it_from_the_address() -> (
    None
):
    with visitor(OPEN) as client:
        response = client.get(
            f"/trace?run=3&token={TOKEN}", headers={"Accept": "text/html"}, follow_redirects=False
        )
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
    assert (
        client.save_settings(preferences.model_copy(update={"runs_at_once": 2})).runs_at_once == 2
    )
    with pytest.raises(Refused, match="loopback"):
        client.save_settings(preferences.model_copy(update={"allow_imports": True}))
    assert client.settings().allow_imports is False


PAGES = "http://pages.example.org:8501"
STREAM = {"Accept": "text/event-stream", "Origin": PAGES}


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Service]:
    """A service with a token behind pages of another origin, which it lists."""
    settings = Settings(
        db=tmp_path / "remote.duckdb", host="0.0.0.0", token=TOKEN, origins=(PAGES,), samples=None
    )
    with serving(tmp_path, quick, settings=settings) as running:
        yield running


def test_pages_of_a_listed_origin_follow_a_run_as_a_browser_does_by_address_alone(
    remote: Service,
) -> None:
    run_id = remote.client(TOKEN).submit(spec())
    with httpx.stream(
        "GET",
        f"{remote.url}/api/runs/{run_id}/events?after=1&token={TOKEN}",
        headers=STREAM,
        timeout=30,
    ) as response:
        assert (response.status_code, response.headers["access-control-allow-origin"]) == (
            200,
            PAGES,
        )
        found = list(messages(response.iter_lines()))
    assert [message.seq for message in found if message.seq is not None] == [2, 3, 4] and found[
        -1
    ].kind == "done"
    # a script element sends no Origin
    script = httpx.get(f"{remote.url}/api/assets/plotly.min.js?token={TOKEN}")
    assert script.status_code == 200 and script.headers["content-type"].startswith(
        "text/javascript"
    )


@pytest.mark.parametrize(
    ("query", "origin", "status"),
    [
        ("", PAGES, 401),
        ("&token=wrong", PAGES, 401),
        (f"&token={TOKEN}", "https://evil.example.com", 403),
        (f"&token={TOKEN}", "null", 403),
    ],
)
def test_a_stream_needs_both_the_token_and_a_listed_origin(
    remote: Service, query: str, origin: str, status: int
) -> None:
    run_id = remote.client(TOKEN).submit(spec())
    response = httpx.get(
        f"{remote.url}/api/runs/{run_id}/events?after=1{query}",
        headers={**STREAM, "Origin": origin},
    )
    assert response.status_code == status and TOKEN not in response.text


@pytest.mark.parametrize(
    ("origin", "let_read"),
    [(PAGES, PAGES), ("https://evil.example.com", None), ("null", None), (None, None)],
)
def test_only_a_page_of_a_listed_origin_can_read_that_its_token_is_refused(
    remote: Service, origin: str | None, let_read: str | None
) -> None:
    headers = {} if origin is None else {"Origin": origin}
    response = httpx.get(f"{remote.url}/api/health?token=wrong", headers=headers)
    assert response.status_code == (401 if origin in (PAGES, None) else 403)
    assert response.headers.get("access-control-allow-origin") == let_read
    assert (let_read is None) or response.headers["vary"] == "Origin"


def test_what_the_pages_hand_to_a_browser_is_accepted_by_the_remote_service(
    remote: Service,
) -> None:
    environ = {"ARBORETUM_BACKEND": remote.url + "/", "ARBORETUM_TOKEN": TOKEN}
    shown = TreeView(
        remote.client(TOKEN).submit(spec()), base=public_url(environ), token=public_token(environ)
    )
    data = shown.data()
    answer = httpx.get(
        f"{data['base']}/api/runs/{data['run']}/events",
        params={"after": -1, "token": data["token"]},
        headers={"Origin": PAGES},
    )
    assert answer.status_code == 200 and TOKEN not in repr(shown)


def test_pages_beside_their_own_service_hand_out_no_token() -> None:
    assert (
        public_token({"ARBORETUM_TOKEN": TOKEN}) == ""
        and public_token({"ARBORETUM_BACKEND": "http://127.0.0.1:1"}) == ""
    )


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[str]:
    """A guarded server of its own that writes an access log; its address."""
    app = guarded(OPEN)
    # Elsewhere in one process Streamlit or another server may have switched this logger off.
    access = logging.getLogger("uvicorn.access")
    before = access.propagate, access.handlers[:]
    try:
        with listening(
            app, log_config=None, log_level=None, access_log=True, lifespan="off"
        ) as address:
            access.propagate, access.handlers[:] = True, []
            with caplog.at_level(logging.INFO, "uvicorn.access"):
                yield address
    finally:
        access.propagate, access.handlers[:] = before


def test_the_token_stands_in_no_access_log(logged: str, caplog: pytest.LogCaptureFixture) -> None:
    for query, accept in (
        (f"after=1&token={TOKEN}", "*/*"),
        (f"%74oken={TOKEN}x&after=2", "*/*"),
        (f"run=3&token={TOKEN}", "text/html"),
    ):
        httpx.get(f"http://{logged}/trace?{query}", headers={"Accept": accept})
    with connect(f"ws://{logged}/_stcore/stream?token={TOKEN}") as websocket:
        assert websocket.recv() == "inside"
    lines = [
        record.getMessage()
        for record in caplog.records
        if record.name in ("uvicorn.access", "uvicorn.error")
    ]
    assert [line for line in lines if TOKEN in line] == []
    said = "\n".join(lines)
    assert (
        'GET /trace?after=1 HTTP/1.1" 200' in said
        and 'GET /trace?after=2 HTTP/1.1" 401' in said
        and 'GET /trace?run=3 HTTP/1.1" 303' in said
    )


@pytest.mark.parametrize(
    ("query", "kept", "token"),
    [
        (b"", b"", None),
        (b"token=a", b"", "a"),
        (b"run=1&token=a%2Bb&node=2", b"run=1&node=2", "a+b"),
        (b"token=a&token=b", b"", "b"),
        (b"tokens=a&q=token%3Da", b"tokens=a&q=token%3Da", None),
        (b"token", b"", ""),
    ],
)
def test_only_the_token_is_taken_from_the_address(
    query: bytes, kept: bytes, token: str | None
) -> None:
    scope: dict[str, object] = {"type": "http", "query_string": query}
    assert take_token(scope) == token and scope["query_string"] == kept


def test_the_way_to_the_address_without_the_token_is_neither_kept_nor_told_and_stays_here() -> None:
    with visitor(OPEN) as client:
        response = client.get(
            f"http://127.0.0.1:8501//evil.example.com/?token={TOKEN}",
            headers={"Accept": "text/html"},
            follow_redirects=False,
        )
        assert response.headers["location"] == "/evil.example.com/"
        assert (response.headers["referrer-policy"], response.headers["cache-control"]) == (
            "no-referrer",
            "no-store",
        )


def test_a_foreign_origin_gets_no_answer_it_could_read(public: Service) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Origin": "https://evil.example.com"}
    response = httpx.get(f"{public.url}/api/health", headers=headers)
    assert response.status_code == 403
    assert "access-control-allow-origin" not in response.headers


class Waits:
    """A clock that goes only while somebody sleeps, and how long each slept."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, list[float]()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def time(self) -> float:
        return self.now


def test_wrong_tokens_are_answered_later_and_later_up_to_a_bound() -> None:
    waits = Waits()
    guesses = Guesses(waits.sleep, waits.time)
    client = TestClient(
        Guard(guarded_pages(), lambda: OPEN, guesses), base_url="http://127.0.0.1:8501"
    )
    for _ in range(9):
        assert client.get("/?token=wrong").status_code == 401
    assert waits.slept == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]
    waits.slept.clear()
    # neither the right token nor a request without any waits
    assert client.get("/", headers={"Authorization": f"Bearer {TOKEN}"}).text == "inside"
    assert client.get("/").status_code == 401 and waits.slept == []
    waits.now += 61
    client.get("/?token=wrong")
    assert waits.slept == [0.05]


def test_one_client_s_guesses_hold_up_no_other() -> None:
    waits = Waits()
    guesses = Guesses(waits.sleep, waits.time)

    async def guess() -> None:
        for _ in range(8):
            await guesses.slow_down("192.0.2.1")
        await guesses.slow_down("192.0.2.2")
        for number in range(3000):
            await guesses.slow_down(f"2001:db8::{number:x}")

    anyio.run(guess)
    assert waits.slept[7:9] == [2.0, 0.05] and guesses.remembered == 1000


def test_a_token_that_could_be_guessed_is_refused_at_the_start_and_not_shown() -> None:
    with pytest.raises(BadInput, match="at least 16 characters") as refused:
        read_settings({"ARBORETUM_TOKEN": "sesame-sesame"})
    assert "sesame" not in str(refused.value) and "13 characters" in str(refused.value)
    assert read_settings({"ARBORETUM_TOKEN": "sixteen-or-more-"}).token == "sixteen-or-more-"
