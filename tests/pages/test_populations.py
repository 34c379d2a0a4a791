"""Trace: the particles of a search made of several are shown one population at a time, with
references and swaps."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from components.views.populations.marks import DRAWN, HELD
from components.views.populations.passes import Pass, passes
from components.views.populations.swaps import swaps
from tests.components.traced import Seen, search_trace, seen
from tests.pages.conftest import Open
from tests.pages.fake_service import FakeService
from tests.pages.test_solve_page import texts
from tests.pages.traces import particle_trace

GIBBS = {"particles": 4, "iterations": 3}
TEMPERING = {"particles": 3, "chains": 3, "iterations": 2}


def shown(service: FakeService, strategy: str, params: dict[str, object]) -> Seen:
    trace = asyncio.run(search_trace(strategy, params=params, seed=3))
    service.add(trace, strategy)
    return seen(trace)


def chart(page: AppTest, name: str) -> dict[str, Any]:
    """The figure of the chart whose title for readers begins so."""
    [found] = [
        json.loads(each.proto.spec)
        for each in page.get("plotly_chart")
        if each.proto.alt.startswith(name)
    ]
    return found


def nodes_of(page: AppTest) -> set[int]:
    """The nodes in the picture of the lineage."""
    return {
        int(entry[0])
        for trace in chart(page, "Who descends")["data"]
        for entry in trace.get("customdata", ())
    }


def at_chart(page: AppTest, title: str) -> AppTest:
    """The page with another tab open."""
    page.query_params["chart"] = page.session_state["chart"] = title
    return page.run()


def names(figure: dict[str, Any]) -> set[str]:
    return {trace.get("name", "") for trace in figure["data"]}


def of_pass(one: Pass) -> set[int]:
    return {node for row in one.rounds for node in row.particles}


def test_the_pass_of_the_answer_is_shown_alone_with_its_reference_marked(
    service: FakeService, open_page: Open
) -> None:
    of = shown(service, "particle_gibbs", GIBBS)
    page = open_page("trace", run=1, chart="Lineage")
    last = passes(of.rows, of.events)[-1]
    tabs = ["Particles", "Lineage", "References", "Answers", "Scores by step", "Timeline"]
    assert not page.exception and [tab.label for tab in page.tabs][-6:] == tabs
    assert nodes_of(page) == of_pass(last)
    assert {HELD, DRAWN} <= names(chart(page, "Who descends")) and {HELD, DRAWN} <= names(
        chart(at_chart(page, "Particles"), "Weight of each")
    )
    said = texts(page)
    assert "moved 3 populations" in said and f"ends in node {last.reference}" in said


def test_another_pass_is_chosen_by_its_track_and_both_charts_follow(
    service: FakeService, open_page: Open
) -> None:
    of = shown(service, "particle_gibbs", GIBBS)
    page = open_page("trace", run=1)
    assert page.selectbox(key="view.particles.track").options == [
        "iteration 1 of 3",
        "iteration 2 of 3",
        "iteration 3 of 3",
    ]
    page.selectbox(key="view.particles.track").select("iteration 1").run()
    assert HELD not in names(chart(page, "Weight of each")) and DRAWN in names(
        chart(page, "Weight of each")
    )
    at_chart(page, "Lineage")
    assert page.selectbox(key="view.lineages.track").value == "iteration 1"
    assert nodes_of(page) == of_pass(passes(of.rows, of.events)[0]) and HELD not in names(
        chart(page, "Who descends")
    )


def test_a_chain_is_named_with_its_temperature_and_has_passes_of_its_own(
    service: FakeService, open_page: Open
) -> None:
    of = shown(service, "parallel_tempering", TEMPERING)
    page = open_page("trace", run=1, chart="Lineage")
    assert page.selectbox(key="view.lineages.track").options[1] == "chain 2 of 3 at temperature 2"
    page.selectbox(key="view.lineages.track").select("chain 2").run()
    assert "temperature T = 2" in texts(page)
    page.selectbox(key="view.lineages.number").select(1).run()
    [one] = [one for one in passes(of.rows, of.events) if (one.track, one.number) == ("chain 2", 1)]
    assert nodes_of(page) == of_pass(one)
    box = at_chart(page, "Particles").selectbox(key="view.particles.number")
    assert box.options == ["pass 1 of 2", "pass 2 of 2"] and box.value == 1


def test_every_swap_is_in_the_table_with_its_probability(
    service: FakeService, open_page: Open
) -> None:
    of = shown(service, "parallel_tempering", TEMPERING)
    page = open_page("trace", run=1, chart="Swaps")
    assert [tab.label for tab in page.tabs][-7:] == [
        "Particles",
        "Lineage",
        "References",
        "Swaps",
        "Answers",
        "Scores by step",
        "Timeline",
    ]
    table = next(frame.value for frame in page.dataframe if "probability" in frame.value.columns)
    found = swaps(of.events)
    assert list(table["probability"]) == [swap.probability for swap in found] and list(
        table["round"]
    ) == [1, 1, 2, 2]
    assert list(table["accepted"]) == ["yes" if swap.accepted else "no" for swap in found]
    assert list(table["chains"])[:2] == ["chain 1 \u2194 chain 2", "chain 2 \u2194 chain 3"]
    drawn = {
        trace["name"]: len(trace["customdata"])
        for trace in chart(page, "Swaps between")["data"]
        if "customdata" in trace
    }
    assert drawn == {
        "accepted": 2 * sum(swap.accepted for swap in found),
        "refused": 2 * sum(not swap.accepted for swap in found),
    }


def test_every_reference_is_in_the_table_with_what_became_of_it(
    service: FakeService, open_page: Open
) -> None:
    of = shown(service, "particle_gibbs", GIBBS)
    page = open_page("trace", run=1, chart="References")
    table = next(frame.value for frame in page.dataframe if "outcome" in frame.value.columns)
    found = passes(of.rows, of.events)
    assert list(table["track"]) == ["iteration 1 of 3", "iteration 2 of 3", "iteration 3 of 3"]
    assert list(table["drawn node"]) == [one.drawn.node for one in found if one.drawn]
    assert list(table["held to node"].dropna()) == [one.reference for one in found[1:]]
    assert list(table["outcome"]) == [
        "first",
        *("kept" if one.kept else "replaced" for one in found[1:]),
    ]


def test_a_choice_made_for_one_run_does_not_hold_for_another(
    service: FakeService, open_page: Open
) -> None:
    of = shown(service, "particle_gibbs", GIBBS)
    service.add(asyncio.run(search_trace("particle_gibbs", params=GIBBS, seed=3)), "particle_gibbs")
    page = open_page("trace", run=1)
    page.selectbox(key="view.particles.track").select("iteration 1").run()
    page.query_params["run"] = "2"
    page.session_state["chart"] = "Lineage"
    page.run()
    assert nodes_of(page) == of_pass(passes(of.rows, of.events)[-1])


@pytest.mark.parametrize("strategy", ["particle_gibbs", "parallel_tempering"])
def test_at_an_early_moment_there_is_what_had_begun_by_then(
    service: FakeService, open_page: Open, strategy: str
) -> None:
    shown(service, strategy, GIBBS if strategy == "particle_gibbs" else TEMPERING)
    page = open_page("trace", run=1, event=1)
    assert not page.exception and "No round has been weighed yet." in texts(page)
    page = open_page("trace", run=1, event=1, chart="References")
    assert not page.exception and "No pass has come to its end yet." in texts(page)


def test_a_single_population_has_nothing_to_choose(service: FakeService, open_page: Open) -> None:
    service.add(particle_trace(), "particle_filter")
    page = open_page("trace", run=1)
    assert not [
        box for box in page.selectbox if box.label in ("Track", "Pass")
    ] and "populations of particles" not in texts(page)
