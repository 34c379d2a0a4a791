"""Trace: every node, every number, every moment of a run, by link, by click and by keyboard."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from backend.client import public_url
from backend.core.events import AnswerChanged
from backend.core.records import EventRow
from backend.core.tree import tree_table
from backend.core.types import JSON
from components.tree.live_tree_panel import TreeEvents, read_events
from components.tree.step_table_panel import neighbours, table_of
from components.views.registry import VIEWS, view
from components.views.view_data import ViewData
from tests.components.traced import search_trace
from tests.pages import fake_service
from tests.pages.conftest import Open
from tests.pages.fake_service import FakeService, strategy
from tests.pages.test_solve_page import press, texts
from tests.pages.traces import HOSTILE, Trace, beam_trace, particle_trace
from tests.support.logged import of


def html_of(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def head(page: AppTest) -> dict[str, Any]:
    """What the page says of the chosen node in short."""
    told = [
        json.loads(element.proto.json)
        for element in page.get("bidi_component")
        if '"head"' in element.proto.json
    ]
    found: dict[str, Any] = told[-1]["head"]
    return found


def test_a_link_to_a_node_opens_that_node(service: FakeService, open_page: Open) -> None:
    run = service.add(beam_trace())
    page = open_page("trace", run=1, node=12)
    assert (head(page)["id"], head(page)["text"]) == (12, run.trace.nodes[12].text.rstrip("\n"))


@pytest.mark.parametrize("trace", [beam_trace(), particle_trace()], ids=["beam", "particles"])
@pytest.mark.parametrize("data", [None, {}, {"nodes": "<b>", "particles": [[]], "steps": 7}])
def test_events_that_cannot_be_read_are_named_and_left_out(
    service: FakeService, open_page: Open, trace: Trace, data: dict[str, JSON] | None
) -> None:
    events = [
        event
        if event.kind in ("node", "status")
        else event.row()._replace(node_id=None, value=None, data=data).record()
        for event in trace.events
    ]
    service.add(Trace(trace.nodes, events))
    page = open_page("trace", run=1, node=3)
    first = next(event for event in events if event.problem is not None)
    assert not page.exception
    assert any("cannot be read" in warning.value for warning in page.warning)
    assert any(f"Event {first.seq}: {first.problem}" in code.value for code in page.code)
    assert not open_page("compare", runs="1").exception


def test_an_event_of_a_newer_version_disturbs_nothing(
    service: FakeService, open_page: Open
) -> None:
    trace = beam_trace()
    events = [*trace.events, EventRow(len(trace.events), 9.0, "dreamt", data={"x": 1}).record()]
    service.add(Trace(trace.nodes, events))
    page = open_page("trace", run=1, node=3)
    assert not page.exception and not page.warning


def test_without_a_node_the_answer_is_shown(service: FakeService, open_page: Open) -> None:
    run = service.add(beam_trace())
    chosen = of(AnswerChanged, run.trace.events)[0].node
    assert head(open_page("trace", run=1))["id"] == chosen


def test_without_a_run_the_newest_is_shown(service: FakeService, open_page: Open) -> None:
    service.add(beam_trace())
    service.add(particle_trace(), "particle_filter")
    page = open_page("trace")
    assert "**Run 2**" in texts(page) and page.query_params["run"] == "2"


def test_without_any_run_the_page_says_how_to_make_one(open_page: Open) -> None:
    page = open_page("trace")
    assert "one click on Run" in texts(page) and not page.exception


@pytest.mark.parametrize("node", ["999", "-1", "x"])
def test_a_node_that_is_not_there_is_no_crash(
    service: FakeService, open_page: Open, node: str
) -> None:
    service.add(beam_trace())
    assert not open_page("trace", run=1, node=node).exception


def test_the_exact_prompt_shows_its_special_tokens(service: FakeService, open_page: Open) -> None:
    service.add(beam_trace())
    assert "<mark>&lt;|im_start|&gt;</mark>" in html_of(
        open_page("trace", run=1, node=12, panel="Prompt")
    )


def test_every_token_shows_its_probability(service: FakeService, open_page: Open) -> None:
    run = service.add(beam_trace())
    page = open_page("trace", run=1, node=12, panel="Tokens")
    shown = next(
        json.loads(element.proto.json)
        for element in page.get("bidi_component")
        if '"tokens":' in element.proto.json
    )
    assert [token["logp"] for token in shown["tokens"]] == list(run.trace.nodes[12].logprobs or ())
    assert not shown["kept"] and "set **alternatives** above 0 in the form" in texts(page)
    page.toggle(key="inspector.values").set_value(True).run()
    assert any(
        list(frame.value.columns)[:5] == ["position", "id", "token", "p", "log p"]
        for frame in page.dataframe
    )


def test_model_text_is_raw_until_rendering_is_asked_for(
    service: FakeService, open_page: Open
) -> None:
    run = service.add(beam_trace(hostile=True))
    node = next(record.id for record in run.trace.nodes if record.text == HOSTILE)
    page = open_page("trace", run=1, node=node)
    assert not any("onerror" in markdown.value for markdown in page.markdown)
    assert not re.search(r"<(script|img)\b", html_of(page))
    assert "\u27e8U+202E\u27e9" in head(page)["text"]
    page = open_page("trace", run=1, node=node, panel="Rendered")
    rendered = next(markdown.value for markdown in page.markdown if "onerror" in markdown.value)
    assert "<img" not in rendered and "\\!\\[i\\]\\(" in rendered and "\\$5" in rendered


def test_the_table_holds_every_node(service: FakeService, open_page: Open) -> None:
    service.add(beam_trace())
    page = open_page("trace", run=1)
    table = next(frame.value for frame in page.dataframe if "mean log p" in frame.value.columns)
    assert len(table) == 33


def test_at_an_earlier_moment_the_table_holds_what_was_there_then(
    service: FakeService, open_page: Open
) -> None:
    service.add(beam_trace())
    page = open_page("trace", run=1, event=9)
    table = next(frame.value for frame in page.dataframe if "mean log p" in frame.value.columns)
    assert len(table) == 9


def test_keys_walk_from_node_to_node(service: FakeService, open_page: Open) -> None:
    service.add(beam_trace())
    page = press(open_page("trace", run=1, node=12), "Next")
    assert page.query_params["node"] == "13"
    page = press(press(page, "Previous"), "Parent")
    assert page.query_params["node"] == str(head(page)["id"]) and head(page)["id"] in range(1, 9)


def test_particle_views_come_with_particle_events_and_only_then(
    service: FakeService, open_page: Open
) -> None:
    service.add(beam_trace())
    service.add(particle_trace(), "particle_filter")
    assert [tab.label for tab in open_page("trace", run=1).tabs][-3:] == [
        "Answers",
        "Scores by step",
        "Timeline",
    ]
    assert [tab.label for tab in open_page("trace", run=2).tabs][-5:] == [
        "Particles",
        "Lineage",
        "Answers",
        "Scores by step",
        "Timeline",
    ]


@pytest.mark.parametrize(
    ("strategy", "titles", "said"),
    [
        (
            "dvts",
            ["Beam", "Answers", "Scores by step", "Timeline"],
            "The candidates of each step, best first",
        ),
        (
            "mcts",
            ["Visits", "Answers", "Scores by step", "Timeline"],
            "Children along the path of the answer after 20 walks.",
        ),
        ("a_star", ["Frontier", "Answers", "Scores by step", "Timeline"], "f never fell."),
        (
            "ab_mcts",
            ["Visits", "Draws", "Answers", "Scores by step", "Timeline"],
            "Children along the path of the answer",
        ),
        ("chain", ["Answers", "Timeline"], "The rule best compares equal answers by: votes."),
    ],
)
def test_each_search_has_the_charts_its_log_holds(
    service: FakeService, open_page: Open, strategy: str, titles: list[str], said: str
) -> None:
    service.add(asyncio.run(search_trace(strategy, seed=1)), strategy)
    page = open_page("trace", run=1)
    assert not page.exception and [tab.label for tab in page.tabs][-len(titles) :] == titles
    assert said in texts(page)
    early = open_page("trace", run=1, event=1, chart="Answers")
    assert not early.exception and "No finished solution gives an answer yet." in texts(early)


def test_a_remote_service_finds_its_token_in_the_address_that_the_tree_asks(
    service: FakeService, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARBORETUM_TOKEN", "sesame")
    service.add(beam_trace())
    for name in ("trace", "solve"):
        components = [
            json.loads(one.proto.json) for one in open_page(name, run=1).get("bidi_component")
        ]
        asking = [one for one in components if "base" in one]
        assert asking and all(
            (one["base"], one["token"]) == (public_url(), "sesame") for one in asking
        )


def test_scores_and_settings_of_a_node_are_listed(service: FakeService, open_page: Open) -> None:
    service.add(beam_trace())
    shown = texts(open_page("trace", run=1, node=12, panel="Record"))
    assert '"temperature": 0.8' in shown and "call key" in shown and "a batch of 8 scores" in shown
    page = open_page("trace", run=1, node=12, panel="Scores")
    assert any(
        {"verifier", "score", "step by step"} <= set(frame.value.columns)
        for frame in page.dataframe
    )


def test_a_live_run_is_shown_by_the_same_page(service: FakeService, open_page: Open) -> None:
    run = service.add(beam_trace(), pace_s=60.0)
    run.hold("running")
    run.held = 30
    page = open_page("trace", run=1)
    assert not page.exception and "live" in texts(page)


def test_what_the_browser_sends_is_believed_for_its_own_run_only() -> None:
    assert read_events(
        3, {"run": 3, "node": 7}, {"run": 3, "status": "finished"}, {"run": 3, "seq": 5}
    ) == TreeEvents(7, "finished", 5)
    assert read_events(
        3, {"run": 2, "node": 7}, {"run": 2, "status": "finished"}, {"run": 2, "seq": 5}
    ) == TreeEvents(None, None, None)
    assert read_events(3, {"run": 3, "node": "7; drop"}, None, "x") == TreeEvents(None, None, None)


def test_the_first_node_has_none_before_it_and_the_last_none_after() -> None:
    run = FakeService().add(beam_trace())
    rows = tree_table([run.node(record.id) for record in run.trace.nodes], [])
    assert (
        neighbours(rows, 0) == (None, 1)
        and neighbours(rows, 32) == (31, None)
        and neighbours(rows, None) == (None, 0)
    )
    assert list(table_of(rows)["node"]) == list(range(33))


def test_the_right_answer_is_marked_in_words_and_samples_are_counted_up_to_the_one_in_the_address(
    service: FakeService, open_page: Open
) -> None:
    trace = asyncio.run(search_trace("best_of_n", params={"n": 24}, selector="majority", seed=5))
    service.add(trace, "best_of_n")
    page = open_page("trace", run=1, chart="Answers", sample=20)
    bars, growth = (json.loads(each.proto.spec) for each in page.get("plotly_chart")[-2:])
    assert (
        not page.exception
        and page.slider(key="view.at.sample").value == 20
        and len(growth["data"]) > 1
    )
    assert sum(int(text.split()[0]) for text in bars["data"][0]["text"]) == 20
    assert {change.answer for change in of(AnswerChanged, trace.events) if change.correct} == {"7"}
    assert [
        label.removeprefix("\u2605 ")
        for _, label in bars["data"][0]["customdata"]
        if "(right)" in label
    ] == ["7 (right)"]


def test_a_simulation_and_its_phase_stand_in_the_address(
    service: FakeService, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    announcing = strategy("mcts", "Monte-Carlo tree search", ["walks"])
    monkeypatch.setattr(
        fake_service,
        "CATALOG",
        fake_service.CATALOG.model_copy(update={"strategies": [announcing]}),
    )
    service.add(asyncio.run(search_trace("mcts", seed=1)), "mcts")
    page = open_page("trace", run=1, walk=3, phase="back up")
    assert not page.exception and "**Simulation 3 of 20, back up.**" in texts(page)
    assert (
        next(frame.value for frame in page.dataframe if "Q after" in frame.value.columns)[
            "node"
        ].iloc[0]
        == 0
    )
    page.slider(key="view.at.walk").set_value(4).run()
    assert page.query_params["walk"] == "4" and "**Simulation 4 of 20, back up.**" in texts(page)
    early = open_page("trace", run=1, event=1, walk=3)
    assert not early.exception and "No walk has come back yet." in texts(early)


def test_a_view_added_from_outside_gets_a_tab_where_the_log_has_something_for_it(
    service: FakeService, open_page: Open
) -> None:
    service.add(beam_trace())

    @view("Dummy", order=1, needs=("score",))
    def draw_dummy(data: ViewData) -> None:
        st.text(f"a dummy drawn from {len(data.events)} events")

    try:
        page = open_page("trace", run=1, chart="Dummy")
        assert "Dummy" in [tab.label for tab in page.tabs] and not page.exception
        assert "a dummy drawn from" in texts(page)
    finally:
        VIEWS.remove("Dummy")
    assert "Dummy" not in [tab.label for tab in open_page("trace", run=1).tabs]
