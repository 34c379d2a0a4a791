"""What every answer tells the browser: what a page may load, and who may frame it."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from backend.api.guard import Guard
from backend.api.headers import SafeHeaders, content_policy, hash_scripts
from backend.core.environment import read_settings
from backend.core.errors import BadInput
from backend.core.settings import Settings

SCRIPT = "\n  window.ready = false\n"


def visitor(settings: Settings, page: Path, service: str = "") -> TestClient:
    async def show(request: object) -> PlainTextResponse:
        return PlainTextResponse("inside")

    middleware = [
        Middleware(SafeHeaders, settings=lambda: settings, page=page, service=service),
        Middleware(Guard, settings=lambda: settings),
    ]
    app = Starlette(routes=[Route("/{path:path}", show)], middleware=middleware)
    return TestClient(app, base_url="http://127.0.0.1:8501")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "index.html"
    path.write_text(f"<html><script>{SCRIPT}</script><script src='a.js'></script></html>")
    return path


def directives(policy: str) -> dict[str, list[str]]:
    return {name: rest for name, *rest in (part.split() for part in policy.split("; "))}


@pytest.mark.parametrize("path", ["/", "/trace", "/api/health", "/static/js/main.js"])
def test_every_answer_and_every_refusal_has_the_headers(page: Path, path: str) -> None:
    client = visitor(Settings(), page)
    for answer in (client.get(path), client.get(path, headers={"Host": "evil.example.com"})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        found = directives(answer.headers["content-security-policy"])
        assert found["default-src"] == ["'self'"] and found["connect-src"] == ["'self'"]
        for name in ("object-src", "base-uri", "frame-ancestors"):
            assert found[name] == ["'none'"]
        for name in ("img-src", "font-src", "media-src"):
            assert found[name] == ["'self'", "data:", "blob:"]
        assert found["form-action"] == ["'self'"]


def test_no_script_but_the_page_s_own_may_stand_in_it(page: Path) -> None:
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert hash_scripts(page.read_text()) == (f"'sha256-{digest}'",)
    found = directives(visitor(Settings(), page).get("/").headers["content-security-policy"])
    assert found["script-src"] == ["'self'", "blob:", f"'sha256-{digest}'"]


def test_hosts_of_a_setting_may_frame_the_pages(page: Path) -> None:
    settings = read_settings({"ARBORETUM_FRAMES": "https://lab.example.org, lab.example.org:8443"})
    found = directives(visitor(settings, page).get("/").headers["content-security-policy"])
    assert found["frame-ancestors"] == ["https://lab.example.org", "lab.example.org:8443"]


@pytest.mark.parametrize("given", ["a; script-src *", "'self'", "*", "https://a/b", "a\r\nX: y"])
def test_a_host_that_would_change_the_policy_is_refused(given: str) -> None:
    with pytest.raises(BadInput, match="ARBORETUM_FRAMES"):
        read_settings({"ARBORETUM_FRAMES": given})


def test_pages_of_another_service_may_reach_that_service(page: Path) -> None:
    client = visitor(Settings(), page, "https://tree.example.org:8443/base/")
    found = directives(client.get("/").headers["content-security-policy"])
    assert found["connect-src"] == ["'self'", "https://tree.example.org:8443"]
    assert found["script-src"][-1] == "https://tree.example.org:8443"


def test_an_answer_s_own_stricter_policy_stays(page: Path) -> None:
    async def own(request: object) -> PlainTextResponse:
        return PlainTextResponse("x", headers={"Content-Security-Policy": "sandbox"})

    middleware = [Middleware(SafeHeaders, settings=Settings, page=page)]
    client = TestClient(Starlette(routes=[Route("/", own)], middleware=middleware))
    assert client.get("/").headers["content-security-policy"] == "sandbox"


def test_nothing_is_allowed_everywhere() -> None:
    assert "*" not in content_policy() and "unsafe-eval" not in content_policy()
