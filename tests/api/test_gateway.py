"""The gateway: a program that speaks to a model speaks to a search, and what it cannot have is
refused in the words that such programs read."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.core.errors import EngineFailure
from backend.core.settings import Settings
from tests.api.service import Service, serving
from tests.service.jobs.fakes import FakeModels, Growing, quick

ASKED = [{"role": "user", "content": "What is 7 + 5?"}]
TOKEN = "a token that nobody guesses"


def body(**changes: Any) -> dict[str, Any]:
    return {"model": "chain:scripted", "messages": ASKED, "verifier": "logprob", **changes}


def post(service: Service, **changes: Any) -> httpx.Response:
    return httpx.post(f"{service.url}/v1/chat/completions", json=body(**changes), timeout=30)


def parts(service: Service, **changes: Any) -> list[Any]:
    """The data of a stream, without comments."""
    found: list[Any] = []
    with httpx.stream(
        "POST", f"{service.url}/v1/chat/completions", json=body(stream=True, **changes), timeout=30
    ) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        for line in response.iter_lines():
            if line.startswith("data: "):
                text = line.removeprefix("data: ")
                found.append(text if text == "[DONE]" else json.loads(text))
    return found


def test_the_names_are_the_strategies_alone_and_with_every_model(service: Service) -> None:
    names = [
        model["id"] for model in httpx.get(f"{service.url}/v1/models", timeout=30).json()["data"]
    ]
    assert {"chain", "best_of_n", "best_of_n:scripted/scripted"} <= set(names)
    assert len(names) == len(set(names)) and not any("vllm" in name for name in names)


def test_an_answer_is_the_chosen_text_of_a_stored_run(service: Service) -> None:
    answered = post(service, budget={"generated_tokens": 500}, seed=3, temperature=0.5).json()
    assert answered["object"] == "chat.completion" and answered["model"] == "chain:scripted"
    [choice] = answered["choices"]
    assert choice["message"] == {"role": "assistant", "content": "7 + 5 = 12.\n\n"}
    assert choice["finish_reason"] == "length", "the chosen text is not one that its model ended"
    assert answered["usage"]["completion_tokens"] == 6
    run = service.client().info(answered["arboretum"]["run_id"])
    assert answered["arboretum"]["url"] == f"/trace?run={run.id}"
    assert (run.question, run.seed, run.budget) == ("What is 7 + 5?", 3, {"generated_tokens": 500})
    assert run.sampling["temperature"] == 0.5 and answered["arboretum"]["answer"] == run.answer


def test_a_stream_says_where_the_run_is_then_the_text_then_what_was_used(service: Service) -> None:
    first, *texts, last, usage, done = parts(service, stream_options={"include_usage": True})
    assert first["choices"][0]["delta"]["role"] == "assistant"
    assert first["arboretum"]["run_id"] == int(first["id"].removeprefix("run-"))
    assert "".join(part["choices"][0]["delta"]["content"] for part in texts) == "7 + 5 = 12.\n\n"
    assert last["choices"][0]["finish_reason"] == "length" and last["arboretum"]["answer"] == "12"
    assert usage["choices"] == [] and usage["usage"]["completion_tokens"] == 6
    assert done == "[DONE]"


def test_a_conversation_is_asked_with_what_was_said_before(service: Service) -> None:
    said = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
        {"role": "assistant", "content": "Yes?"},
        *ASKED,
    ]
    run = service.client().info(post(service, messages=said).json()["arboretum"]["run_id"])
    assert run.question == "user: Hello\n\nassistant: Yes?\n\nWhat is 7 + 5?"
    assert run.spec["system"] == "Be brief."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "wishing"}, "wishing"),
        ({"model": "chain:nothing/such"}, "scripted/scripted"),
        ({"model": "chain:nobody"}, "scripted/scripted"),
        ({"n": 2}, "n: got 2"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"logprobs": True}, "logprobs"),
        ({"response_format": {"type": "json_object"}}, "only text"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "Hm"}]}, "a last message of the user"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0"),
        ({"budget": {"wishes": 3}}, "wishes"),
        ({"params": {"wishes": 3}}, "wishes"),
        ({"temperature": -1}, "temperature"),
        ({"verifier": "nobody"}, "nobody"),
    ],
)
def test_what_it_cannot_have_is_refused_before_anything_is_stored(
    service: Service, changes: dict[str, Any], said: str
) -> None:
    before = service.store.runs().total
    for stream in (False, True):
        refused = post(service, stream=stream, **changes)
        assert refused.status_code == 400, refused.text
        assert refused.json()["error"]["type"] == "invalid_request_error"
        assert said in refused.json()["error"]["message"]
    assert service.store.runs().total == before


def test_a_run_that_fails_is_an_error_with_its_reason(tmp_path: Path) -> None:
    broken = FakeModels(failure=EngineFailure("no memory is left", "Choose a smaller model"))
    with serving(tmp_path, quick, models=broken) as service:
        refused = post(service)
        assert refused.status_code == 503 and "no memory is left" in refused.text
        *_, error, done = parts(service)
        assert "no memory is left" in error["error"]["message"] and done == "[DONE]"


def test_a_client_that_goes_away_stops_its_run(slow: Service, growing: Growing) -> None:
    with httpx.stream(
        "POST", f"{slow.url}/v1/chat/completions", json=body(stream=True), timeout=30
    ) as response:
        first = json.loads(next(response.iter_lines()).removeprefix("data: "))
    client, run_id = slow.client(), first["arboretum"]["run_id"]
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{slow.url}/v1/chat/completions", json=body(), timeout=1.5)
    ended = time.monotonic() + 10
    while {client.info(each).status for each in (run_id, run_id + 1)} != {"cancelled"}:
        assert time.monotonic() < ended, "both runs were left behind"
        time.sleep(0.05)
    assert growing.running == 0


def test_beyond_loopback_the_key_of_the_program_is_the_token(tmp_path: Path) -> None:
    settings = Settings(db=tmp_path / "api.duckdb", samples=None, token=TOKEN)
    with serving(tmp_path, quick, settings=settings) as service:
        url = f"{service.url}/v1/models"
        assert httpx.get(url, timeout=30).status_code == 401
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert httpx.get(url, headers=bearer, timeout=30).status_code == 200
