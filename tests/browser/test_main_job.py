"""The whole product, nothing faked but the model: pages, service, jobs, store and scripted engine
in one process behind a real browser."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.client import Client
from backend.core.spec import RunSpec
from tests.browser.conftest import press, run_to_end, streamlit
from tests.browser.test_pages import PROBE, RESULT, click_node, drawn_nodes
from tests.support.stopwatch import Stopwatch

SPEC = RunSpec(
    strategy="beam_search", problem="ledger/3/1000017", engine="scripted", verifier="prm", seed=3
)


def test_a_run_started_on_the_page_grows_a_tree_and_ends_with_an_answer(
    product: str, tab: Any
) -> None:
    with Client(product) as client:
        client.save_settings(client.settings().model_copy(update={"default_engine": "scripted"}))
    tab.goto(product, wait_until="commit")
    tab.wait_for_selector(".arboretum-tree")
    tab.evaluate(PROBE)
    press(tab.get_by_role("button", name="Run", exact=True))
    tab.get_by_text("finished", exact=True).first.wait_for()
    found = tab.evaluate(RESULT)
    assert (found["mounts"], found["plots"], found["blanks"]) == (1, 1, 0)
    with Client(product) as client:
        run = client.runs(limit=1).runs[0]
    assert f"run={run.id}" in tab.url and run.answer is not None
    tab.get_by_text(f"given  {run.answer}").wait_for()


def test_a_click_shows_the_text_that_is_stored(product: str, tab: Any) -> None:
    run_id = run_to_end(product, SPEC)
    with Client(product) as client:
        node = client.nodes(run_id)[3]
    tab.goto(f"{product}/trace?run={run_id}", wait_until="commit")
    drawn_nodes(tab, 4)
    click_node(tab, node.id)
    tab.get_by_text(f"Node {node.id}", exact=True).wait_for()
    tab.locator(".an-text").filter(has_text=node.text.strip()).wait_for()


def test_history_lists_the_run(product: str, tab: Any) -> None:
    run_to_end(product, SPEC)
    tab.goto(f"{product}/history", wait_until="commit")
    tab.get_by_text("newest first").wait_for()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["interrupt", "terminate"])
def test_with_pages_open_it_ends_within_three_seconds(
    tmp_path: Path, tab: Any, number: signal.Signals
) -> None:
    with streamlit("app.py", ARBORETUM_DB=str(tmp_path / "runs.duckdb")) as (url, process):
        run_id = run_to_end(url, SPEC)
        tab.goto(f"{url}/?run={run_id}", wait_until="commit")
        drawn_nodes(tab, 2)
        assert httpx.get(f"{url}/api/health", trust_env=False).status_code == 200
        watch = Stopwatch()
        process.send_signal(number)
        process.wait(60)
        assert watch.seconds() < 3.0
