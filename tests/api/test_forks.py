"""Forks over HTTP: asked for by the typed client, carried out by real jobs on the scripted engine,
told by the service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.__main__ import main
from backend.cli.run import result_of
from backend.client import Client, Refused
from backend.core.spec import RunSpec, SamplingSpec
from backend.engines.scripted.engine import ScriptedEngine
from backend.messages.forks import Descendant, Origin
from backend.messages.runs import SpentLimit
from backend.runs.driver import run
from components.history.run_cards_panel import nothing_yet
from tests.api.service import serving
from tests.api.test_routes import finished

SPEC = RunSpec(
    strategy="beam_search",
    question="What is 12 + 7 + 25?",
    answer="44",
    engine="scripted",
    verifier="logprob",
    seed=3,
    budget={"generated_tokens": 200},
    sampling=SamplingSpec(alternatives=3),
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The client of a server whose runs are real, on the scripted engine."""
    with serving(tmp_path_factory.mktemp("forks"), run) as service:
        service.models.engine = ScriptedEngine()  # type: ignore[assignment]
        yield service.client()


def test_a_spent_budget_is_an_axis_and_a_number_wherever_it_is_told(
    client: Client, tmp_path: Path
) -> None:
    ended = finished(client, client.submit(SPEC.model_copy(update={"budget": {"rounds": 1}})))
    limit, words = SpentLimit(axis="rounds", value=1.0), "unfinished; budget spent: rounds limit 1"
    assert (ended.limit, ended.reason, ended.answer) == (limit, words, None)
    assert nothing_yet(ended) == (
        "No solution was finished (unfinished; budget spent: rounds limit 1). A larger budget or "
        "more steps may help."
    )
    for format_ in ("jsonl", "parquet"):
        [copy] = client.import_runs(client.export(ended.id, format_)).run_ids
        taken = client.info(copy)
        assert (taken.limit, taken.reason) == (limit, words)
        assert client.forks.of(copy).limit == "rounds"
    assert f'"reason":"{words}"' in client.export(ended.id, "html").decode()
    told = [message.data for message in client.follow(ended.id) if "reason" in message.data]
    assert told[-1]["reason"] == words
    assert result_of(ended)["limit"] == {"axis": "rounds", "value": 1.0}
    whole = finished(client, client.submit(SPEC.model_copy(update={"budget": {}})))
    assert (whole.limit, whole.reason) == (None, None)


def test_forks_are_asked_for_and_told_of_in_both_directions(client: Client) -> None:
    origin = finished(client, client.submit(SPEC)).id
    node = next(node for node in client.nodes(origin) if node.depth == 1)
    detail = client.node(origin, node.id)
    place, other = next(
        (at, one)
        for at, options in enumerate(detail.alternatives)
        for one in options
        if one.token_id != detail.token_ids[at]
    )
    edited = finished(
        client,
        client.forks.start(
            origin, node.id, text="So far 19.", strategy="best_of_n", params={"n": 2}, budget={}
        ),
    )
    exchanged = finished(client, client.forks.start(origin, node.id, token=(place, other.token_id)))
    again = finished(client, client.forks.start(edited.id, 1, strategy="chain", engine="scripted"))
    assert (edited.status, edited.strategy, edited.budget, edited.right_answer) == (
        "finished",
        "best_of_n",
        {},
        "44",
    )
    first = Origin(
        run=origin,
        node=node.id,
        root=1,
        path=[0, node.id],
        edited="text",
        words="So far 19.",
        strategy="beam_search",
    )
    assert client.forks.of(edited.id).origins == [first]
    assert client.forks.of(again.id).origins == [
        Origin(run=edited.id, node=1, root=1, path=[0, 1], strategy="best_of_n"),
        first,
    ]
    told = client.forks.of(origin)
    assert told.origins == [] and told.limit == "generated_tokens"
    assert told.forks[0] == Descendant(
        run=edited.id,
        node=node.id,
        edited="text",
        continued=False,
        strategy="best_of_n",
        status="finished",
        answer=edited.answer,
        correct=edited.correct,
        grade=edited.grade,
    )
    assert [(fork.run, fork.edited) for fork in told.forks] == [
        (edited.id, "text"),
        (exchanged.id, "token"),
    ]
    [taken] = client.import_runs(client.export(edited.id)).run_ids
    assert client.forks.of(taken).origins == [
        first.model_copy(update={"elsewhere": True, "stored": False, "strategy": ""})
    ]
    client.delete(origin)
    assert client.forks.of(edited.id).origins == [
        first.model_copy(update={"stored": False, "strategy": ""})
    ]


def test_more_budget_goes_on_and_what_does_not_fit_is_refused(client: Client) -> None:
    origin = finished(client, client.submit(SPEC)).id
    more = finished(client, client.forks.continued(origin, {"generated_tokens": 900}))
    told = client.forks.of(more.id).origins[0]
    assert told.continued and told.run == origin and told.replayed["model_calls"] > 0
    assert (
        more.ledger["generated_tokens"] > 200
        and more.manifest["forked_from"]["replayed"] == told.replayed
    )
    for ask, status, words in (
        (lambda: client.forks.continued(more.id, {}), 409, "came to its own end"),
        (
            lambda: client.forks.continued(origin, {"generated_tokens": 10}),
            422,
            "budget generated_tokens",
        ),
        (
            lambda: client.forks.expand(more.id, 1),
            409,
            "is finished: a node can be expanded by hand only while its run is paused",
        ),
        (lambda: client.forks.start(origin, 999), 404, "no node 999"),
        (lambda: client.forks.start(origin, 1, colour="red"), 422, "colour: got 'red'"),
        (lambda: client.forks.start(999, 1), 404, "no run 999"),
    ):
        with pytest.raises(Refused, match=words) as refused:
            ask()
        assert refused.value.status == status
    with pytest.raises(
        ValueError,
        match="question cannot be changed: a fork goes on with the problem of its origin",
    ):
        client.forks.start(origin, 1, question="another")


def test_the_command_forks_a_run_and_says_how_it_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--db", str(tmp_path / "a.duckdb"), "--json"]
    asked = [
        "run",
        "--strategy",
        "chain",
        "--question",
        "What is 12 + 7 + 25?",
        "--answer",
        "44",
        "--engine",
        "scripted",
    ]
    assert main([*asked, "--budget", "rounds=2", *at]) == 0
    origin = json.loads(capsys.readouterr().out)["run_id"]
    edit = [
        "--text",
        "Start with 12 + 7 = 19.",
        "--strategy",
        "best_of_n",
        "--param",
        "n=2",
        "--budget",
        "rounds=9",
    ]
    assert main(["fork", str(origin), "1", *edit, *at]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["run_id"], told["status"]) == (origin + 1, "finished") and told["nodes"] == 4
    assert main(["continue", str(origin), *at]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "finished"
    for run_id in (origin, origin + 1, origin + 2):
        assert main(["verify-run", str(run_id), *at]) == 0
