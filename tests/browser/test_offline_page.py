"""The page of one search, opened from a file without a network: it draws, replays and explains, and
nothing that was written in it acts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.core.events import ScoreGiven
from backend.exchange.html import page
from tests.components.frame.test_prose import HOSTILE
from tests.pages.fake_service import FakeService
from tests.pages.traces import Trace, beam_trace, particle_trace
from tests.support.logged import of

ATTACKS = [
    *HOSTILE,
    "</script><script>window.hit = 1</script>",
    "<img src=x onerror='window.hit = 1'>",
    "<!--<script>",
    "]]><svg onload=window.hit=1>",
    "javascript:window.hit=1",
    "${window.hit=1}",
    "\\u003cscript>",
]


def written(folder: Path, trace: Trace, **run: object) -> str:
    """The address of the page of a trace."""
    fake = FakeService().add(trace)
    events = [json.loads(fake.event(record.seq).model_dump_json()) for record in trace.events]
    facts = {
        "id": 1,
        "status": "finished",
        "strategy": "beam_search",
        "model": "classroom",
        "question": "How many?",
        "answer": "42",
        "right_answer": None,
        "correct": True,
        "chosen_node": None,
        "created_at": "2026-01-01T00:00:00+00:00",
        "manifest": {},
        "reason": None,
        **run,
    }
    path = folder / "page.html"
    path.write_text(page(facts, events), "utf-8")
    return path.as_uri()


@pytest.fixture(params=["light", "dark"])
def offline(chromium: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A tab without a network; the test fails if the page erred, asked for anything but itself, or
    ran what was written in it."""
    context = chromium.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme=request.param, offline=True
    )
    tab, wrong, asked = context.new_page(), [], set()
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda message: wrong.append(message.text))
    tab.on("request", lambda sent: asked.add(sent.url))
    yield tab
    opened = tab.url
    hit = tab.evaluate("window.hit")
    context.close()
    assert (wrong, hit, asked) == ([], None, {opened})


@pytest.mark.parametrize("trace", [beam_trace(), particle_trace()], ids=["beam", "particles"])
def test_every_moment_shows_the_nodes_written_by_then(
    offline: Any, tmp_path: Path, trace: Trace
) -> None:
    offline.goto(written(tmp_path, trace))
    for seq in (0, len(trace.events) // 2, len(trace.events) - 1):
        offline.locator("#slider").evaluate(
            "(slider, seq) => { slider.value = seq; slider.dispatchEvent(new Event('input')); }",
            seq,
        )
        offline.locator("#position", has_text=f"event {seq} of").wait_for()
        drawn = offline.locator("#marks path").evaluate_all(
            "(marks) => marks.map((mark) => Number(mark.dataset.node))"
        )
        assert drawn == [
            node.id
            for node in trace.nodes
            if node.seq <= seq and node.kind not in ("rollout", "aside")
        ]


def test_a_click_opens_text_scores_and_path_and_arrows_walk(offline: Any, tmp_path: Path) -> None:
    trace = beam_trace()
    node = next(node for node in trace.nodes if node.depth == 2)
    offline.goto(written(tmp_path, trace))
    offline.locator(f"#marks path[data-node='{node.id}']").click()
    assert offline.locator("#name").inner_text() == f"Node {node.id}"
    assert offline.locator("#text").text_content().strip() == node.text.strip()
    scores = [event for event in of(ScoreGiven, trace.events) if event.node == node.id]
    assert offline.locator("#scores li").count() == len(scores) > 0
    assert f"{scores[0].value:.4f}" in offline.locator("#scores li").first.inner_text()
    assert [line.split(":")[0] for line in offline.locator("#path button").all_inner_texts()] == [
        "0",
        str(node.parent_id),
        str(node.id),
    ]
    offline.locator("#tree").press("ArrowUp")
    assert offline.locator("#name").inner_text() == f"Node {node.parent_id}"
    offline.locator("#path button").first.click()
    assert offline.locator("#name").inner_text() == "Node 0"


def test_play_runs_through_the_events_and_stops_at_the_last(offline: Any, tmp_path: Path) -> None:
    trace = beam_trace()
    offline.goto(written(tmp_path, trace))
    last = len(trace.events) - 1
    offline.locator("#slider").evaluate(
        f"(slider) => {{ slider.value = {last - 3}; slider.dispatchEvent(new Event('input')); }}"
    )
    offline.locator("#position", has_text=f"event {last - 3} of").wait_for()
    offline.locator("#play").click()
    offline.locator("#position", has_text=f"event {last} of {last}").wait_for()
    offline.locator("#play", has_text="Play").wait_for()


@pytest.mark.parametrize("text", ATTACKS)
def test_hostile_text_is_shown_and_does_nothing(offline: Any, tmp_path: Path, text: str) -> None:
    trace = beam_trace()
    nodes = [replace(node, text=text, role=text) for node in trace.nodes]
    facts = {
        "question": text,
        "answer": text,
        "right_answer": text,
        "strategy": text,
        "model": text,
        "manifest": {"imported": {"format": text}},
    }
    offline.goto(written(tmp_path, replace(trace, nodes=nodes), **facts))
    offline.locator("#marks path").nth(1).click()
    assert offline.locator("h1, h2, h3, img, iframe, object, a, form, link").count() == 4
    assert offline.locator("script").count() == 2
    shown = offline.locator("#text").text_content()
    assert shown == offline.locator("#question").text_content()
    assert not any(char in shown for char in "\u202e\u2066\u0000")
