"""Reruns are compared token by token over HTTP, on runs that the service itself carried out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backend.client import Client, Refused
from backend.engines.scripted.engine import ScriptedEngine
from backend.runs.driver import run
from tests.api.service import Service, serving
from tests.api.test_routes import finished
from tests.review.why.searches import table
from tests.service.jobs.fakes import Growing, spec


@pytest.fixture(scope="module")
def searching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server whose runs are real, on scripts of the problems."""

    async def launch(asked, *, engine, problem, **given):
        return await run(
            asked, engine=ScriptedEngine(table(problem.id, 2)), problem=problem, **given
        )

    with serving(tmp_path_factory.mktemp("compare"), launch) as service:
        service.models.engine = ScriptedEngine()  # type: ignore[assignment]  # tells the texts of tokens
        yield service


def search(client: Client, **more: object) -> int:
    given = {
        "strategy": "best_of_n",
        "params": {"n": 4},
        "verifier": "logprob",
        "sampling": {"temperature": 1.0},
        **more,
    }
    run_id = client.submit(spec(question=None, answer=None, problem="countdown/1/5", **given))
    assert finished(client, run_id).status == "finished"
    return run_id


def test_a_rerun_has_the_same_tokens_and_another_seed_says_where_it_parts(
    searching: Service,
) -> None:
    client = searching.client()
    first = search(client, seed=1)
    again = client.submit(client.info(first).again())
    finished(client, again)
    same = client.compare.divergence(first, again)
    nodes = searching.store.read_paid_nodes(first)
    assert (same.how, same.nodes, same.tokens, same.settings) == (
        "identical",
        len(nodes),
        sum(len(node.token_ids) for node in nodes),
        [],
    )
    assert (
        same.sentence == f"All {same.nodes} nodes and {same.tokens} tokens are the same."
        and same.gap is not None
        and same.gap.value == 0
    )
    other = search(client, seed=2)
    told = client.compare.divergence(first, other)
    assert [(one.name, one.one, one.other) for one in told.settings] == [
        ("seed", 1, 2)
    ] and told.manifest == []
    assert (
        told.how == "token"
        and told.one is not None
        and told.other is not None
        and told.one_node is not None
        and told.position is not None
    )
    mine, its = client.node(first, told.one_node), client.node(other, told.other_node or 0)
    assert mine.key == its.key and mine.token_ids[: told.position] == its.token_ids[: told.position]
    assert (told.one.token_id, told.other.token_id) == (
        mine.token_ids[told.position],
        its.token_ids[told.position],
    )
    assert mine.logprobs is not None and told.one.logprob == mine.logprobs[told.position]
    assert told.one.text == client.node(first, told.one_node).tokens[told.position] != ""
    named = [f"{token.text!r} (log p {token.logprob:.4f})" for token in (told.one, told.other)]
    assert (
        f"token {told.position} of node {told.one_node}" in told.sentence
        and " against ".join(named) in told.sentence
    )


def test_a_run_that_is_not_there_is_refused(searching: Service) -> None:
    client = searching.client()
    with pytest.raises(Refused) as refusal:
        client.compare.divergence(search(client, seed=1), 9_999)
    assert refusal.value.status == 404


def test_a_run_under_way_cannot_be_compared_yet(slow: Service, growing: Growing) -> None:
    client = slow.client()
    run_id = client.submit(spec())
    with pytest.raises(Refused) as refusal:
        client.compare.divergence(run_id, run_id)
    assert refusal.value.status == 409 and "wait for its end" in str(refusal.value)
