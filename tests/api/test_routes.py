"""What the service answers, asked through the typed client over real HTTP."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import httpx
import pytest

from backend.api.routes import trace
from backend.client import Client, Refused, SlowAnswer, Unreachable
from backend.core.settings import Preferences
from backend.messages.runs import Run
from components.frame.service import explain
from tests.api.service import Service
from tests.service.jobs.fakes import Growing, spec
from tests.support.stopwatch import Stopwatch


def finished(client: Client, run_id: int, within_s: float = 30.0) -> Run:
    end = time.monotonic() + within_s
    while (run := client.info(run_id)).status not in ("finished", "failed", "cancelled"):
        assert time.monotonic() < end, f"run {run_id} is still {run.status}"
        time.sleep(0.02)
    return run


def test_health_says_how_many_runs_there_are(slow: Service, growing: Growing) -> None:
    client = slow.client()
    assert client.health().status == "ok"
    client.submit(spec())
    while growing.running < 1:
        time.sleep(0.01)
    assert client.health().runs.running == 1


def test_the_catalogue_lists_everything_a_run_can_name(service: Service) -> None:
    catalog = service.client().catalog()
    names = {each.name for each in catalog.strategies}
    assert {
        "chain",
        "best_of_n",
        "stepwise_best_of_n",
        "beam_search",
        "dvts",
        "particle_filter",
        "a_star",
        "mcts",
    } <= names
    beam = next(each for each in catalog.strategies if each.name == "beam_search")
    assert beam.params_schema["properties"]["beam_width"]["description"]  # type: ignore[index,call-overload]
    assert {each.name for each in catalog.verifiers} == {
        "prm",
        "exact",
        "logprob",
        "perplexity",
        "entropy",
        "top_gap",
        "deep_conf",
    }
    assert [each.name for each in catalog.engines if not each.available] == ["vllm"]
    assert next(each.levels for each in catalog.problem_sets if each.name == "ledger") == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert "generated_tokens" in [each.name for each in catalog.budget_axes]


def test_a_problem_is_found_by_set_level_and_seed(service: Service) -> None:
    client = service.client()
    problem = client.problem("ledger/3/17")
    assert (problem.set, problem.level, problem.seed) == ("ledger", 3, 17)
    assert problem.question
    assert problem == client.problem("ledger/3/17")
    with pytest.raises(Refused) as refusal:
        client.problem("ledger/77/1")
    assert refusal.value.status == 404


def test_a_run_is_accepted_at_once_and_read_back_whole(service: Service) -> None:
    client = service.client()
    run_id = client.submit(spec(seed=5, params={"n": 8}, budget={"rounds": 9}))
    run = finished(client, run_id)
    assert (run.status, run.answer, run.right_answer, run.correct) == ("finished", "12", "12", True)
    assert (run.question, run.params, run.budget, run.seed) == (
        "What is 7 + 5?",
        {"n": 8},
        {"rounds": 9.0},
        5,
    )
    assert run.grade_reason == "12 it is"
    assert (run.nodes, run.events) == (3, 5)
    assert run.ledger["generated_tokens"] == 6
    nodes = client.nodes(run_id)
    assert [(node.id, node.parent_id, node.depth, node.n_tokens) for node in nodes] == [
        (0, None, 0, 2),
        (1, 0, 1, 3),
        (2, 1, 2, 3),
    ]
    assert client.nodes(run_id, after=1) == nodes[2:]


def test_a_node_shows_its_tokens_and_the_exact_prompt_it_was_written_under(
    service: Service,
) -> None:
    client = service.client()
    run_id = client.submit(spec())
    finished(client, run_id)
    node = client.node(run_id, 2)
    assert node.path == [0, 1, 2]
    assert node.prompt_text == "<What is 7 + 5?>7 + 5 = 12.\n\n"
    assert node.token_ids == [6, 7, 0]
    assert node.logprobs == pytest.approx([-0.1, -0.1, -0.1])
    assert node.sampling["temperature"] == 0.8
    with pytest.raises(Refused, match="node 99") as refusal:
        client.node(run_id, 99)
    assert refusal.value.status == 404


def test_events_come_in_pages_with_the_nodes_they_announce(service: Service) -> None:
    client = service.client()
    run_id = client.submit(spec())
    finished(client, run_id)
    page = client.events(run_id, limit=2)
    assert [event.kind for event in page.events] == ["node", "node"]
    assert page.events[1].node is not None
    assert page.events[1].node.text == "7 + 5 = 12.\n\n"
    assert (page.last_seq, page.status) == (1, "finished")
    rest = client.events(run_id, after=1)
    assert [event.seq for event in rest.events] == [2, 3, 4]
    assert [event.kind for event in client.all_events(run_id, kinds=["step", "answer"])] == [
        "step",
        "answer",
    ]


def test_a_long_page_of_events_is_packed_for_who_takes_it_so(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = service.client().submit(spec())
    finished(service.client(), run_id)
    short = httpx.get(
        f"{service.url}/api/runs/{run_id}/events",
        headers={"Accept-Encoding": "gzip"},
        trust_env=False,
    )
    monkeypatch.setattr(trace, "PACKED_FROM", len(short.content))
    packed, refused = (
        httpx.get(
            f"{service.url}/api/runs/{run_id}/events",
            headers={"Accept-Encoding": taken},
            trust_env=False,
        )
        for taken in ("gzip", "identity")
    )
    assert short.content == packed.content == refused.content
    assert [answer.headers.get("content-encoding") for answer in (short, packed, refused)] == [
        None,
        "gzip",
        None,
    ]


def test_runs_are_found_by_what_they_are(service: Service) -> None:
    client = service.client()
    run_id = client.submit(spec(question="How many legs have 8 spiders?", answer="64"))
    finished(client, run_id)
    found = client.runs(text="spiders")
    assert [run.id for run in found.runs] == [run_id]
    assert found.total == 1
    assert client.runs(strategy="mcts").total == 0
    assert client.runs(limit=1).total > 1


def test_an_export_is_imported_as_the_same_run(service: Service) -> None:
    client = service.client()
    run_id = client.submit(spec(seed=9))
    finished(client, run_id)
    content = client.export(run_id)
    assert all(json.loads(line) for line in content.splitlines())
    copy = client.import_(content)
    assert copy != run_id
    assert client.nodes(copy) == client.nodes(run_id)
    assert [event.model_dump() for event in client.all_events(copy)] == [
        event.model_dump() for event in client.all_events(run_id)
    ]
    with pytest.raises(Refused, match="line") as refusal:
        client.import_(content[:-30])
    assert refusal.value.status == 422


def test_a_run_is_paused_resumed_stopped_and_deleted(slow: Service, growing: Growing) -> None:
    client = slow.client()
    run_id = client.submit(spec())
    while growing.written < 3:
        time.sleep(0.01)
    assert client.pause(run_id) == "paused"
    assert client.info(run_id).status == "paused"
    assert client.resume(run_id) == "running"
    assert client.cancel(run_id) == "cancelled"
    with pytest.raises(Refused, match="cancelled") as refusal:
        client.pause(run_id)
    assert refusal.value.status == 409
    client.delete(run_id)
    with pytest.raises(Refused) as refusal:
        client.info(run_id)
    assert refusal.value.status == 404


def test_an_estimate_says_in_a_sentence_what_a_run_will_cost(service: Service) -> None:
    estimate = service.client().estimate(spec(budget={"generated_tokens": 300}))
    assert 0 < estimate.tokens <= 300
    assert "tokens" in estimate.sentence


def test_settings_are_kept_and_take_effect(slow: Service, growing: Growing) -> None:
    client = slow.client()
    assert client.settings() == Preferences()
    client.save_settings(Preferences(runs_at_once=1))
    assert client.settings().runs_at_once == 1
    assert slow.store.settings()["preferences"]["runs_at_once"] == 1  # type: ignore[index,call-overload]
    first, second = client.submit(spec()), client.submit(spec())
    while growing.written < 3:
        time.sleep(0.01)
    assert [client.info(run_id).status for run_id in (first, second)] == ["running", "queued"]


def test_the_store_tells_its_size_and_forgets_old_runs(service: Service) -> None:
    client = service.client()
    finished(client, client.submit(spec()))
    assert client.store().bytes > 0
    assert client.store().runs > 0
    assert client.prune(days=1) == 0


def test_models_are_loaded_and_unloaded_by_name(slow: Service) -> None:
    client = slow.client()
    assert [state.model for state in client.load("torch", "classroom")] == ["classroom"]
    assert [(state.engine, state.state) for state in client.engines()] == [("torch", "ready")]
    assert client.unload("torch") == []
    with pytest.raises(Refused) as refusal:
        client.unload("torch")
    assert refusal.value.status == 404


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"strategy": "dowsing", "question": "1 + 1?"}, "beam_search"),
        (
            {"strategy": "beam_search", "question": "1 + 1?", "params": {"beam_width": "wide"}},
            "integer",
        ),
        ({"strategy": "beam_search"}, "exactly one"),
        (
            {"strategy": "beam_search", "question": "1 + 1?", "budget": {"euros": 3}},
            "generated_tokens",
        ),
        ({"strategy": "beam_search", "question": "1 + 1?", "luck": 3}, "not permitted"),
        ({"strategy": "beam_search", "problem": "ledger/3/x"}, "ledger"),
        ({"strategy": "beam_search", "question": "1 + 1?", "engine": "vllm"}, "not installed"),
        ([], "valid"),
    ],
)
def test_bad_input_is_answered_with_what_was_given_and_what_is_accepted(
    service: Service, body: object, named: str
) -> None:
    response = httpx.post(f"{service.url}/api/runs", json=body)
    found = response.json()
    assert response.status_code == 422
    assert set(found) == {"error", "given", "accepted", "remedy"}
    assert named in f"{found['error']} {found['accepted']}"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nowhere", 404),
        ("GET", "/api/runs/77", 404),
        ("GET", "/api/runs/77/events", 404),
        ("GET", "/api/runs/77/nodes", 404),
        ("GET", "/api/runs/abc", 422),
        ("POST", "/api/runs/77/cancel", 404),
        ("DELETE", "/api/runs/77", 404),
        ("PUT", "/api/health", 405),
        ("GET", "/api/runs?limit=0", 422),
        ("GET", "/api/runs?status=odd", 422),
    ],
)
def test_every_refusal_has_the_same_shape(
    service: Service, method: str, path: str, status: int
) -> None:
    response = httpx.request(method, service.url + path)
    assert response.status_code == status
    assert response.json()["error"]
    assert set(response.json()) == {"error", "given", "accepted", "remedy"}


def test_the_document_describes_every_path_and_its_refusals(service: Service) -> None:
    document = httpx.get(f"{service.url}/api/openapi.json", timeout=30).json()
    assert {
        "/health",
        "/catalog",
        "/runs",
        "/runs/{run_id}/events",
        "/runs/{run_id}/nodes/{node_id}",
        "/settings",
    } <= set(document["paths"])
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            assert described["summary"], f"{method} {path}"
            assert described["responses"]["422"]["content"]["application/json"]["schema"][
                "$ref"
            ].endswith("/ErrorBody"), f"{method} {path}"


def test_plotly_comes_packed_from_the_installed_package_and_is_cached(service: Service) -> None:
    url = f"{service.url}/api/assets/plotly.min.js"
    with httpx.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as response:
        packed = b"".join(response.iter_raw())
    assert response.headers["content-encoding"] == "gzip"
    assert "max-age" in response.headers["cache-control"]
    assert b"plotly.js v" in gzip.decompress(packed)[:200]
    assert httpx.get(url, headers={"If-None-Match": response.headers["etag"]}).status_code == 304


def test_a_service_that_is_not_there_is_called_unreachable() -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(Unreachable, match="is it running"):
        client.health()


def test_a_slow_answer_is_not_taken_for_a_service_that_is_not_there() -> None:
    def too_slow(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow", request=request)

    transport = httpx.MockTransport(too_slow)
    with Client("http://127.0.0.1:9", transport=transport, timeout_s=7.0) as client:
        with pytest.raises(SlowAnswer, match=r"has not answered within 7 s.*ask again") as slow:
            client.health()
        with pytest.raises(SlowAnswer, match="within 175 s"):
            client.experiments.matrix("one")
    for said in (str(slow.value), explain(slow.value)):
        assert "running" not in said and "Start it" not in said


def test_health_answers_quickly_while_eight_runs_are_under_way(tmp_path: Path) -> None:
    from tests.api.service import serving

    with serving(tmp_path, Growing(0.05), runs_at_once=8) as service:
        client = service.client()
        idle = sorted(timed(client) for _ in range(40))
        for seed in range(8):
            client.submit(spec(seed=seed))
        while client.health().runs.running < 8:
            time.sleep(0.01)
        times = sorted(timed(client) for _ in range(100))
    assert times[94] <= 0.1 + 2 * idle[38], f"p95 {times[94]:.3f} s, idle p95 {idle[38]:.3f} s"


def timed(client: Client) -> float:
    watch = Stopwatch()
    client.health()
    return watch.seconds()
