"""Trace: another final rule chooses from the candidates of a run, asked of the real service over a real store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from backend.runner import run
from components.controls.other_rule import shortened, told
from tests.api.service import Service, serving
from tests.api.test_routes import finished
from tests.jobs.fakes import spec
from tests.pages.conftest import opened
from tests.pages.test_solve_page import texts
from tests.test_compared import ANSWERS, Algebra, Answering


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
    """A run that chose by score where all are equally likely, so that the first answer, a wrong one, won."""
    client = voting.client()
    submitted = client.submit(spec(strategy="best_of_n", params={"n": len(ANSWERS)}, verifier="logprob", answer="x+1"))
    finished(client, submitted)
    return submitted


def asked(run_id: int, rule: str) -> AppTest:
    page = opened("trace", run=run_id)
    return page.selectbox(key="other.rule").select(rule).run()


def test_nothing_is_asked_until_a_rule_is_chosen(run_id: int) -> None:
    page = opened("trace", run=run_id)
    assert not page.exception and page.selectbox(key="other.rule").value is None and "as it ran" not in texts(page)


def test_the_choice_of_the_rule_stands_beside_that_of_the_run(voting: Service, run_id: int) -> None:
    found = voting.client().reselect(run_id, "majority")
    assert found.chosen is not None and found.own is not None and found.chosen != found.own
    page = asked(run_id, "majority")
    said = texts(page).replace("\\", "")
    assert not page.exception and "**best, as it ran**" in said and "**majority**" in said
    assert f"answer {found.own.answer}, wrong" in said and f"answer {found.chosen.answer}, right" in said
    assert told(found).startswith(f"{len(ANSWERS)} candidates.") and told(found) in said


def test_pairs_that_algebra_could_not_decide_are_counted(voting: Service) -> None:
    client = voting.client()
    submitted = client.submit(spec(strategy="best_of_n", params={"n": len(ANSWERS)}, verifier="logprob", answer="x+1", selector="majority"))
    finished(client, submitted)
    found = client.reselect(submitted, "majority")
    assert found.undecided and f"{len(found.undecided)} pair" in texts(asked(submitted, "majority"))


def test_ties_are_told_with_the_chance_to_be_right(voting: Service, run_id: int) -> None:
    found = voting.client().reselect(run_id, "best")
    said = texts(asked(run_id, "best")).replace("\\", "")
    assert found.credit is not None
    assert f"{len(found.leaders)} tie" in said and f"would be right with probability {found.credit:.3f}" in said


def test_the_rule_takes_its_parameters_and_the_scores_that_are_asked_for(voting: Service, run_id: int) -> None:
    page = asked(run_id, "softmax")
    page.number_input(key="other.softmax.tau").set_value(0.5)
    page.selectbox(key="other.aggregation").select("min").run()
    found = voting.client().reselect(run_id, "softmax", params={"tau": 0.5}, aggregation="min")
    assert found.confidence is not None and f"own confidence is {found.confidence:.3f}" in texts(page).replace("\\", "")


def test_numbers_of_a_fact_are_shortened_wherever_they_stand() -> None:
    assert shortened({"first": [1.23456789, 7], "why": "none", "all": None}) == {"first": [1.23457, 7], "why": "none", "all": None}


def test_a_chosen_node_is_opened(voting: Service, run_id: int) -> None:
    found = voting.client().reselect(run_id, "majority")
    page = asked(run_id, "majority")
    assert found.chosen is not None
    page.button(key="other.chosen").click().run()
    assert page.query_params["node"] == str(found.chosen.node) and f"**Node {found.chosen.node}**" in texts(page)


def test_what_else_the_rule_found_is_listed(voting: Service, run_id: int) -> None:
    page = asked(run_id, "marker_vote")
    page.number_input(key="other.marker_vote.share").set_value(0.25)
    page.text_area(key="other.marker_vote.hedges").set_value("").run()
    facts = voting.client().reselect(run_id, "marker_vote", params={"share": 0.25, "hedges": []}).facts
    assert facts["voters"] == 3 and not page.exception
    listed = next(code.value for code in page.code if "voters" in code.value)
    assert [line.split()[0] for line in listed.splitlines()] == list(facts) and "voters               3" in listed
