"""What the probe finds out: what a server takes, and what it gives."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from backend.core.errors import EngineFailure, MissingCapability
from backend.core.ports import Sampling, Until
from backend.engines.openai.dialect import RUNGS
from tests.engines.openai.loopback import (
    DONE,
    JSON,
    STOP,
    Answer,
    Loopback,
    complete,
    connected,
    refusal,
    said,
    stream,
)

Refuses = Callable[[JSON], str | None]
LOGPROBS = {"tokens": ["yes"], "token_logprobs": [-0.5]}
ANSWER = stream(said("yes", logprobs=LOGPROBS), STOP, DONE)


def picky(refuses: Refuses, status: int = 400) -> Loopback:
    """A server that refuses a body with these words."""

    def answer(body: JSON) -> Answer:
        words = refuses(body)
        return ANSWER if words is None else refusal(status, words)

    return Loopback(answer)


def has(name: str) -> Refuses:
    return lambda body: f"{name} is not supported" if name in body else None


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    ("refuses", "told"),
    [
        (has("stream_options"), "stream_options"),
        (has("seed"), "seed"),
        (
            lambda b: "seed out of range" if b.get("seed", 0) >= 2**31 else None,
            "seeds from 2147483648 up",
        ),
        (
            lambda b: "logprobs must be at most 5" if b.get("logprobs", 0) > 5 else None,
            "logprobs above 5",
        ),
        (has("logprobs"), "logprobs"),
        (
            lambda b: "top_k must be -1 or at least 1" if b.get("top_k") == 0 else None,
            "top_k = 0 (-1 is sent)",
        ),
        (has("top_k"), "top_k"),
        (has("min_p"), "min_p"),
        (has("return_token_ids"), "return_token_ids"),
        (
            lambda b: "temperature must be positive" if b["temperature"] == 0 else None,
            "temperature 0 (0.01 is sent)",
        ),
        (
            lambda b: "`top_p` must be < 1.0" if b.get("top_p") == 1.0 else None,
            "top_p = 1 (left out)",
        ),
        (lambda b: "no" if "min_p" in b else None, "min_p"),
        (lambda b: "no" if "seed" in b else None, "seed"),
        (
            lambda b: "no" if b.get("logprobs", 0) > 5 or "top_k" in b else None,
            "top_k; logprobs above 5",
        ),
        (lambda b: f"bad: {b}" if "min_p" in b else None, "min_p"),
    ],
)
async def test_only_what_is_refused_is_given_up_and_told(
    refuses: Refuses, told: str, status: int
) -> None:
    server = picky(refuses, status)
    async with connected(server) as engine:
        assert engine.info.settings["refused"] == told
        assert engine.info.capabilities.seeds == ("seed" not in told.split("; "))
        for temperature in (0.0, 1.0):
            sampling = Sampling(temperature=temperature, max_tokens=9, alternatives=5)
            found = await complete(engine, Until(steps=1), sampling)
            assert (found.text, found.failure) == ("yes", None)


async def test_the_probe_sends_every_setting_that_a_request_sends() -> None:
    server = Loopback(lambda body: ANSWER)
    async with connected(server) as engine:
        sampling = Sampling(0.7, 0.9, 40, 0.1, 20, 20)
        await complete(engine, Until(steps=1), sampling)
        await complete(engine, Until(steps=0, tokens=3), sampling)
    probed = set(server.bodies[0])
    assert all(set(body) <= probed for body in server.asked)
    assert len(server.asked) == 2


async def test_a_setting_that_would_change_the_draw_and_is_refused_is_not_left_out_in_silence() -> (
    None
):
    async with connected(picky(has("top_k"))) as engine:
        with pytest.raises(MissingCapability, match="top_k = 40 is asked for"):
            await complete(engine, sampling=Sampling(top_k=40))


async def test_a_server_that_refuses_everything_is_told_with_its_words() -> None:
    with pytest.raises(EngineFailure, match="refuses the simplest completion: HTTP 400: never"):
        async with connected(picky(lambda body: "never")):
            raise AssertionError("connected")


async def test_what_comes_back_is_what_the_server_can() -> None:
    async with connected(Loopback(lambda body: stream(said("yes"), STOP, DONE))) as engine:
        assert not engine.info.capabilities.logprobs
        assert engine.info.settings["refused"] == "nothing"
    async with connected(Loopback(lambda body: stream(said("yes"), DONE))) as engine:
        assert engine.info.settings["ends"].startswith("not told")


def test_levels_are_different_and_the_full_one_has_nothing_to_tell() -> None:
    for rung in RUNGS:
        assert len(dict(rung.levels)) == len(rung.levels) > 1
        assert [told for _, told in rung.levels].index("") == 0
