"""The Content-Security-Policy holds, and nothing of our own needs what it forbids: every page in both
themes, a live run, the tree, the inspector and the charts."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright import sync_api

from backend.client import Client
from tests.browser.conftest import PATIENCE_MS, press, run_to_end
from tests.browser.test_main_job import SPEC
from tests.browser.test_pages import click_node, drawn_nodes

CHARTS = {"trace": 2, "trace scores": 3, "compare": 3, "budget": 1, "matrix": 1}
"""Charts that a page has at least, the tree's counted."""


def pages(one: int, other: int) -> dict[str, str]:
    """Every page with something on it."""
    return {
        "solve": f"/?run={one}",
        "trace": f"/trace?run={one}&node=3",
        "trace scores": f"/trace?run={one}&node=3&panel=Scores",
        "trace rendered": f"/trace?run={one}&node=3&panel=Rendered",
        "compare": f"/compare?runs={one},{other}",
        "history": "/history",
        "why": "/why",
        "why run": f"/why?run={one}",
        "sql": "/sql?q=SELECT%20id%20AS%20run_id%20FROM%20run",
        "annotate": f"/annotate?run={one}&author=Ada",
        "experiments": "/experiments",
        "budget": "/budget",
        "matrix": "/matrix",
        "settings": "/settings",
        "reference": "/api/docs",
    }


def watched(page: sync_api.Page, asked: list[str], forbidden: list[str]) -> None:
    """Write down what a page asks for and what the browser forbids it."""
    page.set_default_timeout(PATIENCE_MS)
    page.on("request", lambda request: asked.append(request.url))
    page.on(
        "console",
        lambda said: (
            forbidden.append(f"{page.url}: {said.text[:200]}")
            if "Content Security Policy" in said.text or "BidiComponent" in said.text
            else None
        ),
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_needs_what_the_policy_forbids(
    product: str, chromium: sync_api.Browser, scheme: Any
) -> None:
    one, other = run_to_end(product, SPEC), run_to_end(product, SPEC.model_copy(update={"seed": 4}))
    context = chromium.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    page, asked, forbidden = context.new_page(), list[str](), list[str]()
    watched(page, asked, forbidden)
    for name, address in pages(one, other).items():
        page.goto(product + address, wait_until="commit")
        if name == "reference":
            page.get_by_text("openapi.json").wait_for()
            continue
        page.wait_for_selector("[data-testid=stMainBlockContainer] *")
        page.locator("[data-testid='stApp'][data-test-script-state='notRunning']").wait_for()
        page.wait_for_function(
            "(least) => document.querySelectorAll('.js-plotly-plot').length >= least",
            arg=CHARTS.get(name, 0),
        )
        page.wait_for_timeout(500)
        broken = page.evaluate(
            "() => [...document.images].filter((one) => one.complete && !one.naturalWidth).length"
        )
        assert broken == 0 and not page.locator("[data-testid=stException]").count(), name
    context.close()
    assert forbidden == []
    assert [url for url in asked if not url.startswith((product, "blob:", "data:"))] == []


def test_a_live_run_grows_and_opens_under_the_policy(product: str, tab: Any) -> None:
    asked, forbidden = list[str](), list[str]()
    watched(tab, asked, forbidden)
    with Client(product) as client:
        client.save_settings(client.settings().model_copy(update={"default_engine": "scripted"}))
    tab.goto(product, wait_until="commit")
    press(tab.get_by_role("button", name="Run", exact=True))
    tab.get_by_text("finished", exact=True).first.wait_for()
    drawn_nodes(tab, 2)
    # what comes below a finished search moves the picture until the page is at rest
    tab.wait_for_function(
        "() => !document.querySelector('[data-testid=stStatusWidget]') && "
        "!document.querySelector('[data-stale=true]')"
    )
    tab.wait_for_timeout(1000)
    click_node(tab, 1)
    tab.get_by_text("Node 1", exact=True).wait_for()
    assert any("/events" in url for url in asked) and forbidden == []


def test_what_no_page_asks_for_the_browser_refuses_all_the_same(product: str, tab: Any) -> None:
    tab.goto(product, wait_until="commit")
    tab.wait_for_selector("[data-testid=stMainBlockContainer] *")
    left = list[str]()
    tab.on("requestfinished", lambda request: left.append(request.url))
    blocked = tab.evaluate(
        """async () => { const seen = []; document.addEventListener('securitypolicyviolation',
             (found) => seen.push(found.effectiveDirective));
           new Image().src = 'http://192.0.2.1/i.png';
           await fetch('http://192.0.2.1/f').catch(() => 0);
           const script = document.createElement('script'); script.textContent = 'window.hit = 1';
           document.body.append(script);
           const frame = document.createElement('iframe'); frame.src = 'http://192.0.2.1/';
           document.body.append(frame);
           await new Promise((done) => setTimeout(done, 500));
           return [seen, window.hit || 0]; }"""
    )
    assert {"img-src", "connect-src", "script-src-elem", "frame-src"} <= set(blocked[0])
    assert blocked[1] == 0 and not [url for url in left if "192.0.2.1" in url]


@pytest.mark.parametrize("path", ["/", "/trace", "/api/health", "/static/js/none.js", "/none"])
def test_pages_api_and_static_files_have_the_headers(product: str, path: str) -> None:
    found = httpx.get(product + path, trust_env=False, timeout=30).headers
    assert found["content-security-policy"].startswith("default-src 'self'; ")
    assert found["x-content-type-options"] == "nosniff"
    assert found["referrer-policy"] == "same-origin"
