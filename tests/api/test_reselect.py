"""Another final rule over HTTP, and votes on hostile answers while the service goes on
answering.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.client import Refused
from backend.problems import classes
from backend.problems.equivalence import Equivalence
from backend.runs.driver import run
from tests.api.service import Service, serving
from tests.api.test_routes import finished
from tests.runs.test_compared import ANSWERS, Algebra, Answering
from tests.service.jobs.fakes import spec

TOWER = "9^{9^{9^{9}}}"
GIANT = "x+" * 45_000 + "1"


@pytest.fixture(scope="module")
def voting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server whose runs are real, on an engine that gives known answers."""

    async def launch(asked, *, engine, **given):
        return await run(asked, engine=Answering(ANSWERS), compare=Algebra(), **given)

    with serving(tmp_path_factory.mktemp("voting"), launch) as service:
        yield service


def ballot(**more: object):
    return spec(
        strategy="best_of_n", params={"n": len(ANSWERS)}, verifier="logprob", answer="x+1", **more
    )


def test_a_stored_run_is_asked_about_other_rules(voting: Service) -> None:
    client = voting.client()
    run_id = client.submit(ballot())
    stored = finished(client, run_id)
    same = client.reselect(run_id, "best")
    assert same.own_selector == "best"
    assert same.chosen == same.own is not None
    assert (same.chosen.node, same.chosen.answer) == (stored.chosen_node, stored.answer)
    assert same.candidates == len(ANSWERS) == len(same.leaders)  # all are equally likely here
    softmax = client.reselect(run_id, "softmax", params={"tau": 0.5}, aggregation="min")
    assert (softmax.params, softmax.aggregation) == ({"tau": 0.5}, "min")
    assert softmax.confidence is not None and softmax.confidence > 1 / len(ANSWERS)
    assert softmax.chosen is not None and softmax.chosen.correct is True


def test_what_the_run_heard_of_its_answers_decides(voting: Service) -> None:
    """The service's own algebra has never seen these answers: the run's stored verdicts are
    used.
    """
    client = voting.client()
    run_id = client.submit(ballot(selector="majority"))
    finished(client, run_id)
    found = client.reselect(run_id, "majority")
    assert found.chosen == found.own
    assert ("hostile?", "0") in found.undecided


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"selector": "loudest"}, "majority"),
        ({"selector": "softmax", "params": {"tau": -1}}, "greater than 0"),
        ({"selector": "best", "params": {"luck": 1}}, "no parameters"),
        ({"selector": "best", "aggregation": "max"}, "'last'"),
    ],
)
def test_a_rule_that_does_not_exist_is_refused_with_those_that_do(
    voting: Service, query: dict[str, object], named: str
) -> None:
    client = voting.client()
    run_id = client.submit(ballot())
    finished(client, run_id)
    with pytest.raises(Refused) as refusal:
        client.reselect(run_id, **query)  # type: ignore[arg-type]
    assert refusal.value.status == 422
    assert named in refusal.value.accepted


def test_parameters_of_a_selector_are_checked_before_a_run_is_accepted(voting: Service) -> None:
    client = voting.client()
    with pytest.raises(Refused, match="tau of the selector softmax"):
        client.submit(ballot(selector="softmax", selector_params={"tau": -1}))
    run_id = client.submit(ballot(selector="softmax", selector_params={"tau": 0.1}))
    assert finished(client, run_id).spec["selector_params"] == {"tau": 0.1}


def test_a_run_that_does_not_exist_is_not_found(voting: Service) -> None:
    with pytest.raises(Refused) as refusal:
        voting.client().reselect(77_777, "best")
    assert refusal.value.status == 404


def test_the_service_answers_while_a_hostile_answer_is_voted_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tower of powers and an answer of 90,000 characters stand for election; the comparison is
    under way while health is asked for. The limit is the tower's alone: a busy machine must not
    decide what else is compared."""
    monkeypatch.setattr(classes, "PATIENCE_S", 600.0)
    honest, short = Equivalence(workers=1, limit_s=600.0), Equivalence(workers=1, limit_s=2.0)
    comparing, hostile = threading.Event(), list[bool | None]()

    def compare(answer: str, other: str) -> bool | None:
        if TOWER not in (answer, other):
            return honest.equal(answer, other)
        comparing.set()
        hostile.append(short.equal(answer, other))
        comparing.clear()
        return hostile[-1]

    answers = (TOWER, "x+1", GIANT, "1+x", "7")

    async def launch(asked, *, engine, **given):
        return await run(asked, engine=Answering(answers), compare=compare, **given)

    try:
        with serving(tmp_path, launch) as service:
            client = service.client()
            run_id = client.submit(
                spec(
                    strategy="best_of_n",
                    params={"n": 5},
                    verifier="logprob",
                    answer="x+1",
                    selector="majority",
                )
            )
            assert comparing.wait(timeout=60)
            answered = 0
            while comparing.is_set():
                assert client.health().status == "ok"
                answered += comparing.is_set()
            assert answered > 0
            stored = finished(client, run_id, within_s=60.0)
            compared = [
                pair
                for event in client.all_events(run_id, kinds=["compared"])
                for pair in event.data["pairs"]
            ]
    finally:
        honest.close()
        short.close()
    assert (
        stored.status,
        stored.answer is not None and stored.answer.replace(" ", "") in ("x+1", "1+x"),
    ) == ("finished", True)
    assert hostile == [None]
    assert [pair for pair in compared if TOWER in pair] == [[TOWER, "0", None]]
    assert any("characters" in pair[0] and pair[2] is None for pair in compared)
