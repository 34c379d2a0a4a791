"""Causes, what-ifs and series of scores over HTTP, on runs that the service itself carried out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from backend.client import Client, Refused
from backend.engines.scripted.engine import ScriptedEngine
from backend.messages.why import ScoreAsk, SeriesList, WhatIfAsk
from backend.review.why.death import Cause, Death
from backend.runs.driver import run
from backend.service.deaths import Deaths
from storage import RunRow
from tests.api.service import Service, serving
from tests.api.test_routes import finished
from tests.review.why.brute import verdict
from tests.review.why.searches import table
from tests.service.jobs.fakes import Growing, spec
from tests.support.logged import rows


@pytest.fixture(scope="module")
def searching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server whose runs are real, on scripts of the problems."""

    async def launch(asked, *, engine, problem, **given):
        return await run(
            asked, engine=ScriptedEngine(table(problem.id, 2)), problem=problem, **given
        )

    with serving(tmp_path_factory.mktemp("why"), launch) as service:
        yield service


def search(client: Client, seed: int, **more: object) -> int:
    """A finished run; its verifier is the policy's own confidence, which knows little."""
    given = {
        "strategy": "best_of_n",
        "params": {"n": 4},
        "verifier": "logprob",
        "sampling": {"temperature": 1.0},
        **more,
    }
    run_id = client.submit(
        spec(question=None, answer=None, problem=f"countdown/1/{seed}", seed=seed, **given)
    )
    assert finished(client, run_id).status == "finished"
    return run_id


def test_causes_are_told_for_one_run_and_counted_over_many(searching: Service) -> None:
    client = searching.client()
    ids = [
        *(search(client, seed) for seed in range(6)),
        *(search(client, seed, strategy="chain", params={}) for seed in range(3)),
    ]
    told = {run_id: client.why(run_id) for run_id in ids}
    for run_id, found in told.items():
        nodes = searching.store.read_paid_nodes(run_id)
        events = rows(searching.store.events(run_id, limit=None))
        problem = searching.services.library.find(client.info(run_id).problem.id)  # type: ignore[union-attr]
        assert found.cause == verdict(nodes, events, problem).cause
        assert (found.path_node, found.checked) == (client.info(run_id).chosen_node, True)
        assert (found.first_wrong is None) == (found.cause in ("right", "not_extracted"))
    counts = client.why_counts()
    assert {each.run_id: each.cause for each in counts.runs} == {
        run_id: found.cause for run_id, found in told.items()
    }
    assert {name: count for name, count in counts.causes.items() if count} == Counter(
        found.cause for found in told.values()
    )
    assert len(counts.causes) == 7
    chains = client.why_counts(strategy="chain", limit=2)
    assert (chains.total, chains.looked_at, [each.strategy for each in chains.runs]) == (
        3,
        2,
        ["chain", "chain"],
    )


def test_the_first_wrong_step_is_told_for_the_path_that_is_asked_for(searching: Service) -> None:
    client = searching.client()
    run_id = search(client, 11)
    wrong = [
        found
        for node in client.nodes(run_id)[1:]
        if (found := client.why(run_id, node=node.id).first_wrong) is not None
    ]
    assert wrong and all(not found.ok and found.kind and found.node > 0 for found in wrong)
    nodes = {node.id: node for node in client.nodes(run_id)}
    told = client.why(run_id)
    for node_id, steps in ((told.path_node, told.path), (told.node, told.line)):
        assert node_id is not None and [step.step for step in steps] == list(
            range(1, len(steps) + 1)
        )
        texts = []
        while (parent := nodes[node_id].parent_id) is not None:
            texts.insert(0, nodes[node_id].text)
            node_id = parent
        assert [step.text for step in steps] == [
            text.strip() for text in "".join(texts).split("\n\n")
        ]
        assert all(step.ok is not None for step in steps) and steps[-1].score is not None
    assert told.first_wrong is None or not told.path[told.first_wrong.step - 1].ok
    with pytest.raises(Refused) as refusal:
        client.why(run_id, node=9_999)
    assert refusal.value.status == 422 and refusal.value.accepted.startswith("0 to ")


def test_what_if_answers_without_a_model_and_says_how_far_it_is_exact(searching: Service) -> None:
    client = searching.client()
    run_id = search(client, 12, params={"n": 8})
    same = client.what_if(run_id, WhatIfAsk())
    assert same.chosen == same.own and same.whole and same.rounds == 8
    fewer = client.what_if(run_id, WhatIfAsk(params={"n": 2}))
    assert (
        fewer.strategy_params["n"],
        fewer.candidates,
        fewer.rounds,
        fewer.whole,
        fewer.stopped,
    ) == (2, 2, 2, True, "")
    more = client.what_if(run_id, WhatIfAsk(params={"n": 9}))
    assert (more.rounds, more.whole, more.stopped_at) == (8, False, 0) and more.stopped
    voted = client.what_if(
        run_id, WhatIfAsk(selector="softmax", selector_params={"tau": 0.1}, first=5)
    )
    assert (voted.selector, voted.params, voted.first, voted.candidates) == (
        "softmax",
        {"tau": 0.1},
        5,
        5,
    )
    assert (
        client.reselect(run_id, "majority").chosen
        == client.what_if(run_id, WhatIfAsk(selector="majority")).chosen
    )


def test_several_what_ifs_are_answered_in_turn_and_a_refused_one_stops_no_other(
    searching: Service,
) -> None:
    client = searching.client()
    run_id = search(client, 16, params={"n": 6})
    asks = [
        WhatIfAsk(selector="majority"),
        WhatIfAsk(selector="loudest"),
        WhatIfAsk(params={"n": 2}),
    ]
    majority, refused, fewer = client.what_ifs(run_id, asks)
    assert [each.ask for each in (majority, refused, fewer)] == asks
    assert majority.found == client.what_if(run_id, asks[0]) and fewer.found == client.what_if(
        run_id, asks[2]
    )
    assert majority.found is not None and majority.found.own_rounds == 6
    assert refused.found is None and "loudest" in refused.refused


def test_stored_scores_of_another_verifier_steer_a_what_if(searching: Service) -> None:
    """By the exact checker's scores the run chooses, of candidates among which a right one was
    passed over, one without a wrong step."""
    client, saved = searching.client(), 0
    for seed in (16, 31, 33):
        run_id = search(client, seed, params={"n": 6})
        client.score(run_id, ScoreAsk(verifier="exact"))
        scored(client, run_id)
        found = client.what_if(run_id, WhatIfAsk(series="exact"))
        assert (found.whole, found.series, found.rounds) == (
            True,
            "exact",
            6,
        ) and found.chosen is not None
        assert (
            client.why(run_id).cause == "not_chosen"
            and client.why(run_id, node=found.chosen.node).first_wrong is None
        )
        saved += found.chosen.correct is True
    assert saved
    with pytest.raises(Refused) as refusal:
        client.what_if(run_id, WhatIfAsk(series="nobody"))
    assert refusal.value.accepted == "run, exact"


def test_a_cause_is_found_once_and_anew_when_the_log_has_grown(searching: Service) -> None:
    client = searching.client()
    run_id = search(client, 17)
    row, looks = searching.store.run(run_id), []

    def look(given: RunRow) -> Death:
        looks.append(given.events)
        return Death(Cause.RIGHT, f"{given.events} events")

    deaths = Deaths()
    assert deaths.of(row, look) == deaths.of(row, look)
    assert (
        deaths.of(row._replace(events=row.events + 1), look).sentence == f"{row.events + 1} events"
    )
    assert looks == [row.events, row.events + 1]


@pytest.mark.parametrize(
    ("ask", "named"),
    [
        (WhatIfAsk(selector="loudest"), "majority"),
        (WhatIfAsk(params={"luck": 1}), "n, enough"),
        (WhatIfAsk(params={"n": 0}), "greater than"),
    ],
)
def test_a_what_if_that_cannot_be_is_refused_with_what_can(
    searching: Service, ask: WhatIfAsk, named: str
) -> None:
    client = searching.client()
    run_id = search(client, 13)
    with pytest.raises(Refused) as refusal:
        client.what_if(run_id, ask)
    assert refusal.value.status == 422 and named in refusal.value.accepted


def scored(client: Client, run_id: int, within_s: float = 60.0) -> SeriesList:
    end = time.monotonic() + within_s
    while (found := client.series(run_id)).under_way:
        assert time.monotonic() < end and not found.under_way[0].failed, found.under_way
        time.sleep(0.02)
    return found


def test_a_stored_run_is_scored_by_another_verifier_and_the_two_are_compared(
    searching: Service,
) -> None:
    client = searching.client()
    run_id = search(client, 14, strategy="stepwise_best_of_n", params={"n": 4})
    before = client.info(run_id)
    begun = client.score(run_id, ScoreAsk(verifier="exact"))
    assert (begun.series, begun.failed) == ("exact", "")
    steps = len(client.nodes(run_id)) - 1
    assert scored(client, run_id).series == {"run": steps, "exact": steps}
    seen = client.lens(run_id, "exact")
    assert (seen.one, seen.other, seen.pairs) == ("run", "exact", steps)
    assert {pair.other for pair in seen.disagreements} <= {0.0, 1.0}
    gaps = [abs(pair.one - pair.other) for pair in seen.disagreements]
    assert (
        gaps == sorted(gaps, reverse=True)
        and len(client.lens(run_id, "exact", most=1).disagreements) == 1
    )
    assert sum(each.steps for each in seen.curve) == steps and seen.ece is not None
    assert seen.depths[0].step == 1 and seen.depths[0].steps == 4
    assert client.lens(run_id, "exact", one="exact").disagreements == []
    assert client.info(run_id) == before
    with pytest.raises(Refused) as refusal:
        client.lens(run_id, "nobody")
    assert refusal.value.accepted == "run, exact"


def test_a_model_that_is_not_there_is_told_as_the_failure_of_the_series(searching: Service) -> None:
    client = searching.client()
    run_id = search(client, 15)
    client.score(run_id, ScoreAsk(verifier="prm"))
    end = time.monotonic() + 60.0
    while not (under_way := client.series(run_id).under_way) or not under_way[0].failed:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert "no reward model" in under_way[0].failed


def test_a_run_under_way_is_not_looked_into_and_a_missing_one_not_found(
    slow: Service, growing: Growing
) -> None:
    client = slow.client()
    run_id = client.submit(spec())
    while growing.written < 2:
        time.sleep(0.01)
    for ask in (
        client.why,
        lambda run: client.what_if(run, WhatIfAsk()),
        lambda run: client.score(run, ScoreAsk(verifier="exact")),
    ):
        with pytest.raises(Refused) as refusal:
            ask(run_id)
        assert refusal.value.status == 409
        with pytest.raises(Refused) as refusal:
            ask(77_777)
        assert refusal.value.status == 404
    counts = client.why_counts()
    assert (counts.total, counts.looked_at, counts.skipped, counts.runs) == (1, 0, 1, [])
