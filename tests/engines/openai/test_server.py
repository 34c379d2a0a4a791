"""Which faults are tried again, where redirects lead, and what servers tell of their models."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from backend.core.errors import EngineFailure
from backend.engines.openai.cards import cards_in
from backend.engines.openai.refusals import Busy, ServerRefusal, retry_after
from backend.engines.openai.refusals import refusal as told
from tests.engines.openai.loopback import (
    DONE,
    JSON,
    STOP,
    Answer,
    Loopback,
    complete,
    connected,
    listing,
    refusal,
    said,
    stream,
)

YES = stream(said("yes"), STOP, DONE)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 520, 524, 529])
async def test_a_passing_fault_is_tried_again(status: int) -> None:
    server = Loopback(lambda body: YES)
    async with connected(server, retries=1) as engine:
        server.first = [refusal(status, "later")]
        assert (await complete(engine)).text == "yes"
        server.first = [refusal(status, "later")] * 2
        with pytest.raises(EngineFailure, match=rf"HTTP {status}: later \(2 tries\)"):
            await complete(engine)


@pytest.mark.parametrize("status", [400, 413, 418, 422])
async def test_a_refusal_is_not_tried_again(status: int) -> None:
    server = Loopback(lambda body: YES)
    async with connected(server) as engine:
        server.first = [refusal(status, "never")]
        assert f"HTTP {status}: never" in ((await complete(engine)).failure or "")
        assert len(server.asked) == 1


@pytest.mark.parametrize("status", [400, 404, 503])
async def test_a_model_that_is_loading_is_waited_for_beyond_the_tries(status: int) -> None:
    server = Loopback(lambda body: YES)
    async with connected(server, retries=1, pause_seconds=0.001) as engine:
        server.first = [refusal(status, "Loading model")] * 6
        assert (await complete(engine)).text == "yes"
        assert len(server.asked) == 7


async def test_a_model_that_is_loading_is_not_waited_for_for_ever() -> None:
    server = Loopback(lambda body: YES)
    async with connected(server, retries=1, timeout_seconds=0.2) as engine:
        server.first = [refusal(503, "Loading model", retry_after="0.1")] * 60
        with pytest.raises(EngineFailure, match="Loading model"):
            await complete(engine)


async def test_the_list_of_models_is_waited_for_too() -> None:
    left = [refusal(503, "Loading model"), refusal(524, "late")]

    def others(path: str) -> Answer | None:
        return left.pop() if left else listing(max_model_len=77) if "models" in path else None

    async with connected(Loopback(lambda body: YES, others)) as engine:
        assert engine.info.context == 77


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "3"}, 3.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"retry-after-ms": "200"}, 0.2),
        ({"retry-after-ms": "200", "retry-after": "9"}, 0.2),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"Retry-After": "-4"}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "in a while"}, None),
        ({}, None),
    ],
)
def test_a_pause_is_read_in_seconds_in_milliseconds_and_as_a_date(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(httpx.Headers(headers)) == seconds


def test_a_date_ahead_is_waited_for() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=60)
    found = retry_after(httpx.Headers({"Retry-After": format_datetime(moment, usegmt=True)}))
    assert found is not None and 55 < found <= 60


async def test_the_pause_that_a_server_asks_for_is_kept() -> None:
    server = Loopback(lambda body: YES)
    async with connected(server, pause_seconds=0.0) as engine:
        server.first = [refusal(429, "later", retry_after_ms="300")]
        began = time.monotonic()
        await complete(engine)
        assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("status", [307, 308])
async def test_a_redirect_on_the_same_server_is_followed_with_its_body(status: int) -> None:
    server = Loopback(lambda body: YES)
    async with connected(server) as engine:
        server.first = [refusal(status, "there", location="/v1/completions/")]
        assert (await complete(engine)).text == "yes"
        assert server.asked[0] == server.asked[1]
        assert server.paths[-1] == "/v1/completions/"


async def test_a_redirect_to_another_server_is_not_followed() -> None:
    reached: list[JSON] = []
    other = Loopback(lambda body: reached.append(body) or YES)
    server = Loopback(lambda body: YES)
    async with connected(other) as _, connected(server) as engine:
        known = len(reached)
        port = server.url.rsplit(":", 1)[1]
        for place in (
            f"{other.url}/v1/completions",
            f"https://127.0.0.1:{port}/",
            "//example.org/",
        ):
            server.first = [refusal(307, "there", location=place)]
            assert "redirected to another server" in ((await complete(engine)).failure or "")
        assert len(reached) == known


async def test_redirects_in_a_circle_end() -> None:
    server = Loopback(lambda body: YES)
    async with connected(server) as engine:
        server.first = [refusal(307, "there", location="/v1/completions")] * 20
        assert "more than 3 redirects" in ((await complete(engine)).failure or "")


@pytest.mark.parametrize(
    ("card", "props", "context"),
    [
        ({"max_model_len": 4096}, None, 4096),
        ({"meta": {"n_ctx": 2048, "n_ctx_train": 32768}}, None, 2048),
        ({"max_model_len": None, "owned_by": None}, {"n_ctx": 1024}, 1024),
        ({}, {"default_generation_settings": {"n_ctx": 512}}, 512),
        ({"context_length": "8192"}, None, 8192),
        ({"max_model_len": -1}, None, 32_768),
        ({}, None, 32_768),
    ],
)
async def test_the_context_is_read_wherever_a_server_tells_it(
    card: JSON, props: JSON, context: int
) -> None:
    def others(path: str) -> Answer | None:
        if path == "/props":
            return None if props is None else refusal(200, props)
        return listing(**card)

    async with connected(Loopback(lambda body: YES, others)) as engine:
        assert engine.info.context == context


@pytest.mark.parametrize(
    "listed", [[{"id": "a"}], {"data": [{"id": "a"}]}, {"models": [{"name": "a"}]}, ["a"]]
)
def test_a_list_of_models_has_several_shapes(listed: JSON) -> None:
    assert [card.name for card in cards_in(listed)] == ["a"]


@pytest.mark.parametrize("listed", [None, 3, {}, {"data": 3}, [3], [{}], {"error": "x"}])
def test_what_is_no_list_of_models_is_refused(listed: JSON) -> None:
    with pytest.raises(ValueError, match=r"no list of models|without a name"):
        cards_in(listed)


@pytest.mark.parametrize("status", [404, 405])
async def test_a_server_without_a_list_has_the_model_that_is_named(status: int) -> None:
    server = Loopback(lambda body: YES, lambda path: refusal(status, "not here"))
    async with connected(server, "mine") as engine:
        assert engine.info.model == "mine"
        assert (await complete(engine)).text == "yes"
    assert {body["model"] for body in server.bodies} == {"mine"}


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 2048 tokens. However, you requested 2100 tokens",
        "The decoder prompt (length 2100) is longer than the maximum model length of 2048",
        "the request exceeds the available context size, try increasing it",
        "context size exceeded (exceed_context_size_error)",
        "input length exceeds maximum context length",
        "the input length exceeds the context length",
        "Requested token count exceeds the model's maximum context length of 4096 tokens",
        "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
        "Trying to keep the first 4690 tokens when context the overflows. However, the model is "
        "loaded with context length of only 4096 tokens",
        "The number of tokens to keep from the initial prompt is greater than the context length",
        "Reached context length of 4096 tokens, but this model does not support mid-generation "
        "context overflow",
        "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens",
    ],
)
@pytest.mark.parametrize("status", [400, 413, 500])
async def test_a_full_context_is_recognised_in_the_words_of_every_server(
    words: str, status: int
) -> None:
    server = Loopback(lambda body: YES)
    async with connected(server) as engine:
        server.first = [refusal(status, words)]
        assert ((await complete(engine)).failure or "").startswith("context full: ")
        assert len(server.asked) == 1


@pytest.mark.parametrize("words", ["seed out of range", "max_tokens is too large", "no such model"])
def test_other_refusals_are_no_full_context(words: str) -> None:
    assert not told(ServerRefusal(words)).startswith("context full")


def test_loading_is_seen_in_the_words() -> None:
    assert Busy("HTTP 503: Loading model").loading and Busy("the model is still loading").loading
    assert not Busy("HTTP 503: overloaded").loading
