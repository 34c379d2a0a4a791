"""Trace: why, and what if other settings had been taken, asked of the real service over a real
store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from backend.runs.driver import run
from components.why.what_if_panel import describe_confidence, shorten
from tests.api.service import Service, serving
from tests.api.test_routes import finished
from tests.pages.conftest import opened
from tests.pages.test_solve_page import texts
from tests.runs.test_compared import ANSWERS, Algebra, Answering
from tests.service.jobs.fakes import spec


@pytest.fixture
def voting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A service whose runs are real, on an engine that gives known answers."""

    async def launch(asked, *, engine, **given):
        return await run(asked, engine=Answering(ANSWERS), compare=Algebra(), **given)

    with serving(tmp_path, launch) as service:
        monkeypatch.setenv("ARBORETUM_BACKEND", service.url)
        yield service
    st.cache_resource.clear()


@pytest.fixture
def run_id(voting: Service) -> int:
    """A run that chose by score where all are equally likely, so that the first answer, a wrong
    one, won."""
    client = voting.client()
    submitted = client.submit(
        spec(strategy="best_of_n", params={"n": len(ANSWERS)}, verifier="logprob", answer="x+1")
    )
    finished(client, submitted)
    return submitted


def panel(run_id: int, **query: object) -> AppTest:
    """The Trace page with the panel open."""
    return opened("trace", run=run_id, why="true", **query)


def asked(run_id: int, rule: str) -> AppTest:
    return panel(run_id).selectbox(key=f"what.{run_id}.selector").select(rule).run()


def links(page: AppTest) -> dict[str, str]:
    """The links of a page by their labels: where they lead (the trace is the main page of the
    test), and with which query."""
    return {
        link.proto.label: f"{link.proto.page or 'trace'}?{link.proto.query_string}"
        for link in page.get("page_link")
    }


def test_nothing_is_asked_while_the_panel_is_closed_and_no_what_if_until_something_is_changed(
    run_id: int,
) -> None:
    closed = opened("trace", run=run_id)
    assert not closed.exception and not [
        box for box in closed.selectbox if box.key == f"what.{run_id}.selector"
    ]
    page = panel(run_id)
    assert (
        not page.exception
        and page.selectbox(key=f"what.{run_id}.selector").value == ""
        and "As it ran" not in texts(page)
    )
    assert "what" not in page.query_params


def test_the_panel_tells_the_cause_and_leads_to_the_node_and_to_more(
    voting: Service, run_id: int
) -> None:
    found, page = voting.client().why(run_id), panel(run_id)
    assert found.cause == "not_chosen" and found.sentence in texts(page).replace("\\", "")
    assert (
        links(page)[f"Show where (node {found.node})"]
        == f"trace?run={run_id}&node={found.node}&event={found.seq}"
    )
    assert links(page)["More on the Why page"].startswith(f"why?run={run_id}")


def test_the_choice_of_the_rule_stands_beside_that_of_the_run(voting: Service, run_id: int) -> None:
    found = voting.client().reselect(run_id, "majority")
    assert found.chosen is not None and found.own is not None and found.chosen != found.own
    page = asked(run_id, "majority")
    said = texts(page).replace("\\", "")
    assert (
        not page.exception
        and "As it ran, by the rule best" in said
        and "What if, by the rule majority" in said
    )
    assert (
        f"answer {found.own.answer}, wrong" in said
        and f"answer {found.chosen.answer}, right" in said
    )
    assert (
        describe_confidence(found).startswith(f"{len(ANSWERS)} candidates.")
        and describe_confidence(found) in said
    )
    assert f"Exact, all {len(ANSWERS)} rounds" in said
    assert page.query_params["what"] == '{"selector":"majority"}'


def test_an_address_fills_the_form_and_a_changed_search_says_how_far_it_is_exact(
    run_id: int,
) -> None:
    more = len(ANSWERS) + 3
    page = panel(run_id, what=f'{{"params":{{"n":{more}}}}}')
    assert page.number_input(key=f"what.{run_id}.params.n").value == more
    said = texts(page).replace("\\", "")
    assert (
        f"Exact for the {len(ANSWERS)} rounds that the run took, and it would have gone "
        "on: then a continuation would have been drawn"
    ) in said
    assert links(page)["Node 0, where it would have gone on"].startswith(
        f"trace?run={run_id}&node=0&what="
    )
    page.number_input(key=f"what.{run_id}.params.n").set_value(2).run()
    assert page.query_params["what"] == '{"params":{"n":2}}' and "Exact, all 2 rounds" in texts(
        page
    ).replace("\\", "")
    page.query_params["what"] = '{"first":3}'
    page.run()
    assert (
        page.number_input(key=f"what.{run_id}.first").value == 3
        and not page.toggle(key=f"what.{run_id}.more").value
    )
    assert "3 candidates." in texts(page).replace("\\", "")
    for broken in ("{", '{"luck":1}'):
        page.query_params["what"] = broken
        assert not page.run().exception and "As it ran" not in texts(page)


def test_pairs_that_algebra_could_not_decide_are_counted(voting: Service) -> None:
    client = voting.client()
    submitted = client.submit(
        spec(
            strategy="best_of_n",
            params={"n": len(ANSWERS)},
            verifier="logprob",
            answer="x+1",
            selector="majority",
        )
    )
    finished(client, submitted)
    found = client.reselect(submitted, "majority")
    assert found.undecided and f"{len(found.undecided)} pair" in texts(asked(submitted, "majority"))


def test_ties_are_told_with_the_chance_to_be_right(voting: Service, run_id: int) -> None:
    found = voting.client().reselect(run_id, "best")
    said = texts(asked(run_id, "best")).replace("\\", "")
    assert found.credit is not None
    assert (
        f"{len(found.leaders)} tie" in said
        and f"would be right with probability {found.credit:.3f}" in said
    )


def test_the_rule_takes_its_parameters_and_the_scores_that_are_asked_for(
    voting: Service, run_id: int
) -> None:
    page = asked(run_id, "softmax")
    page.number_input(key=f"what.{run_id}.rule.softmax.tau").set_value(0.5)
    page.selectbox(key=f"what.{run_id}.aggregation").select("min").run()
    found = voting.client().reselect(run_id, "softmax", params={"tau": 0.5}, aggregation="min")
    assert found.confidence is not None and f"own confidence is {found.confidence:.3f}" in texts(
        page
    ).replace("\\", "")


def test_numbers_of_a_fact_are_shortened_wherever_they_stand() -> None:
    assert shorten({"first": [1.23456789, 7], "why": "none", "all": None}) == {
        "first": [1.23457, 7],
        "why": "none",
        "all": None,
    }


def test_both_choices_lead_to_their_nodes(voting: Service, run_id: int) -> None:
    found = voting.client().reselect(run_id, "majority")
    page = asked(run_id, "majority")
    assert found.chosen is not None and found.own is not None
    for choice in (found.own, found.chosen):
        assert links(page)[f"Node {choice.node}"].startswith(
            f"trace?run={run_id}&node={choice.node}&what="
        )


def test_what_else_the_rule_found_is_listed(voting: Service, run_id: int) -> None:
    page = asked(run_id, "marker_vote")
    page.number_input(key=f"what.{run_id}.rule.marker_vote.share").set_value(0.25)
    page.text_area(key=f"what.{run_id}.rule.marker_vote.hedges").set_value("").run()
    facts = (
        voting.client().reselect(run_id, "marker_vote", params={"share": 0.25, "hedges": []}).facts
    )
    assert facts["voters"] == 3 and not page.exception
    listed = next(code.value for code in page.code if "voters" in code.value)
    assert [line.split()[0] for line in listed.splitlines()] == list(
        facts
    ) and "voters               3" in listed
