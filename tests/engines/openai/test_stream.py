"""What becomes of the streams that servers send."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator

import pytest

from backend.core.errors import EngineFailure
from backend.core.ports import Request, Until
from backend.core.splitting import Splitting
from backend.core.types import Finish
from backend.engines.openai.sse import BrokenStream, SentEvent, read_events, split_lines
from backend.engines.openai.wire import ENDS, end_of
from tests.engines.openai.loopback import (
    DONE,
    JSON,
    STOP,
    Answer,
    Loopback,
    complete,
    connected,
    said,
    stream,
    written,
)


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
async def test_lines_end_at_cr_and_lf_alone_wherever_the_chunks_do(size: int) -> None:
    content = "a\u2028b\r\nc\x0b\x85\rd\n\n\u00e9\u2029".encode()
    found = [line async for line in split_lines(pieces(content, size))]
    assert found == ["a\u2028b", "c\x0b\x85", "d", "", "\u00e9\u2029"]


async def test_an_event_is_read_over_several_lines_and_without_an_empty_line_between() -> None:
    async def lines() -> AsyncIterator[str]:
        for line in (": hello", "event: ping", 'data: {"a":', "id: 3", "data: 1}", "data: [2]", ""):
            yield line

    def read(event: SentEvent) -> JSON:
        try:
            return json.loads(event.data)
        except ValueError:
            return None

    assert [found async for found in read_events(lines(), read)] == [{"a": 1}, [2]]


async def test_an_event_that_never_becomes_whole_is_an_error() -> None:
    async def lines() -> AsyncIterator[str]:
        for line in ('data: {"a":', ""):
            yield line

    with pytest.raises(BrokenStream, match="no JSON"):
        _ = [found async for found in read_events(lines(), lambda event: None)]


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\r\r", "\n", "\r\n"])
async def test_a_separator_in_a_text_does_not_part_a_line(end: str) -> None:
    found = await written(said("one\u2028two\x85"), said(" three"), STOP, DONE, end=end)
    assert (found.text, found.finish) == ("one\u2028two\x85 three", Finish.END)


async def test_a_stream_without_its_last_line_is_complete_after_a_finish_reason() -> None:
    found = await written(said("yes"), STOP)
    assert (found.text, found.finish, found.failure) == ("yes", Finish.END, None)


async def test_a_stream_that_breaks_off_is_asked_for_again_and_fails_in_the_end() -> None:
    server = Loopback(lambda body: stream(said("yes"), STOP, DONE))
    async with connected(server, retries=2) as engine:
        server.first = [stream(said("ye"))]
        assert (await complete(engine)).text == "yes"
        server.first = [stream(said("ye"))] * 3
        with pytest.raises(EngineFailure, match="ended before it was done"):
            await complete(engine)


@pytest.mark.parametrize(
    "broken",
    ['{"choices": [{"text": "x', '{"choices": "none"}', "[1, 2]", "null", "[" * 100_000],
    ids=lambda text: text[:20],
)
async def test_an_event_that_cannot_be_read_is_told(broken: str) -> None:
    server = Loopback(lambda body: stream(said("yes"), STOP, DONE))
    async with connected(server, retries=1) as engine:
        server.first = [stream(said("ye"), broken, STOP, DONE)] * 2
        with pytest.raises(EngineFailure, match="sent an event"):
            await complete(engine)


async def test_a_web_page_is_no_completion() -> None:
    server = Loopback(lambda body: Answer(b"<html></html>", kind="text/html; charset=utf-8"))
    with pytest.raises(EngineFailure, match="answered with a web page"):
        async with connected(server):
            raise AssertionError("connected to a web page")


async def test_a_server_that_does_not_stream_gives_its_text_whole() -> None:
    whole = {
        "choices": [{"text": "A B", "finish_reason": "stop"}],
        "usage": {"completion_tokens": 2},
    }
    server = Loopback(lambda body: Answer(json.dumps(whole).encode(), kind="application/json"))
    async with connected(server) as engine:
        found = await complete(engine)
    assert (found.text, found.finish, len(found.token_ids)) == ("A B", Finish.END, 2)


@pytest.mark.parametrize("reason", [*ENDS, None, "", "banana", "tool_calls"])
async def test_every_finish_reason_means_what_the_table_says(reason: str | None) -> None:
    found = await written(said("A"), said("", finish_reason=reason), DONE)
    assert found.text == "A"
    assert (found.finish, found.failure) == end_of(reason)
    assert (found.finish in (Finish.END, Finish.LENGTH)) == (found.failure is None)
    assert (
        found.failure is None
        or reason is None
        or reason in found.failure
        or reason in ENDS
        or not reason
    )


async def test_a_text_without_a_reason_that_reached_its_limit_was_cut_by_it() -> None:
    found = await written(*[said(" a")] * 50, DONE)
    assert (found.finish, found.failure) == (Finish.LENGTH, None)


async def test_an_error_in_a_stream_is_the_requests_failure() -> None:
    server = Loopback(lambda body: stream(said("yes"), STOP, DONE))
    async with connected(server) as engine:
        server.first = [stream(said("y"), {"error": {"message": "no slot", "code": 500}})]
        assert "no slot" in ((await complete(engine)).failure or "")
        server.first = [Answer(b'event: error\ndata: {"message": "no room"}\n\n')]
        assert "no room" in ((await complete(engine)).failure or "")


WORDS = ("12", " apples", ".")


def table(words: tuple[str, ...], values: JSON = None) -> JSON:
    return {"tokens": list(words), "token_logprobs": values or [-0.5] * len(words)}


def chat(words: tuple[str, ...]) -> JSON:
    alike = [{"token": word, "logprob": -0.5} for word in words]
    return {"content": [one | {"top_logprobs": alike[:1]} for one in alike]}


@pytest.mark.parametrize(
    "events",
    [
        [said(word, logprobs=table((word,))) for word in WORDS],
        [said(word, logprobs=chat((word,))) for word in WORDS],
        [said(word, logprobs=table(WORDS[: i + 1])) for i, word in enumerate(WORDS)],
        [said(word, logprobs=chat(WORDS[: i + 1])) for i, word in enumerate(WORDS)],
        [said("12 apples.", logprobs=table(WORDS))],
        [said("12 apples.", logprobs=chat(WORDS))],
        [said("12", logprobs=table(("12",))), said(" apples.", logprobs=table(WORDS[1:]))],
    ],
    ids=[
        "lists",
        "entries",
        "repeated lists",
        "repeated entries",
        "at once",
        "chat at once",
        "two",
    ],
)
async def test_log_probabilities_of_every_shape_are_one_a_token(events: list[JSON]) -> None:
    found = await written(*events, STOP, DONE)
    assert (found.text, found.logprobs) == ("12 apples.", (-0.5,) * 3)
    assert len(found.token_ids) == 3


async def test_equal_tokens_one_after_the_other_are_no_repetition() -> None:
    found = await written(*[said("ha", logprobs=table(("ha",)))] * 3, STOP, DONE)
    assert (found.text, found.logprobs) == ("hahaha", (-0.5,) * 3)


@pytest.mark.parametrize("value", ["NaN", "null", "-Infinity", "Infinity", '"x"', "3.5"])
async def test_a_value_that_is_no_log_probability_is_missing_and_loses_nothing_else(
    value: str,
) -> None:
    event = json.dumps(said("12", logprobs=table(("12",), [-0.25]))).replace("-0.25", value)
    good = said(" apples", logprobs=table((" apples",)))
    server = Loopback(lambda body: stream(good, STOP, DONE))
    async with connected(server, retries=0) as engine:
        server.first = [stream(event, good, STOP, DONE)]
        if value == '"x"':  # not a number at all: the event is not as the protocol has it
            with pytest.raises(EngineFailure, match="not as the protocol has it"):
                await complete(engine)
            return
        found = await complete(engine)
    assert (found.text, found.finish, found.logprobs) == ("12 apples", Finish.END, None)
    assert len(found.token_ids) == 2


async def test_a_log_probability_above_0_by_rounding_is_0() -> None:
    found = await written(said("12", logprobs=table(("12",), [1.2e-7])), STOP, DONE)
    assert found.logprobs == (0.0,)


async def test_alternatives_that_are_not_finite_are_left_out() -> None:
    told = table(("a",)) | {"top_logprobs": [{"a": -0.5, "b": -math.inf, "c": None}]}
    async with connected(
        Loopback(lambda body: stream(said("a", logprobs=told), STOP, DONE))
    ) as engine:
        from backend.core.ports import Sampling

        found = await complete(engine, sampling=Sampling(max_tokens=9, alternatives=5))
    assert [one.text for one in found.alternatives[0]] == ["a"]


async def test_a_text_that_each_event_repeats_is_taken_once() -> None:
    grown = [said("12 apples."[:length]) for length in range(2, 11, 2)]
    found = await written(*grown, STOP, DONE)
    assert found.text == "12 apples."


async def test_halves_of_a_character_are_joined_and_a_lone_half_is_marked() -> None:
    halves = '{"choices": [{"text": "a\\ud83d"}]}', '{"choices": [{"text": "\\ude00b"}]}'
    assert (await written(*halves, STOP, DONE)).text == "a\U0001f600b"
    assert (await written(halves[0], said(" c"), STOP, DONE)).text == "a\ufffd c"
    assert (await written('{"choices": [{"text": "a\\u0000"}]}', STOP, DONE)).text == "a\ufffd"


@pytest.mark.parametrize(
    ("told", "count", "remarked"),
    [
        (None, 3, False),
        (3, 3, False),
        (40, 40, False),
        (19_503, 3, True),
        (1, 3, True),
        (-5, 3, False),
    ],
)
async def test_a_count_that_cannot_be_is_not_taken_and_told(
    told: int | None, count: int, remarked: bool
) -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": told}}
    found = await written(*map(said, WORDS), STOP, usage, DONE)
    assert len(found.token_ids) == count
    assert (found.remark is not None) == remarked


async def test_tokens_that_were_told_one_by_one_count_and_not_the_servers_sum() -> None:
    usage = {"choices": [], "usage": {"completion_tokens": 40}}
    events = [said(word, logprobs=table((word,))) for word in WORDS]
    found = await written(*events, STOP, usage, DONE)
    assert (len(found.token_ids), len(found.logprobs or ())) == (3, 3)
    assert found.remark == "the server counts 40 tokens; its stream held 3, which count"


def with_id(word: str, token: int) -> JSON:
    return said(word, logprobs=table((word,)), token_ids=[token])


@pytest.mark.parametrize("trims", [True, False])
async def test_a_step_is_one_whether_the_server_keeps_its_stop_text_or_cuts_it_off(
    trims: bool,
) -> None:
    words = ("A.", "\n\n", "B")

    def answer(body: JSON) -> Answer:
        events = []
        for token, word in enumerate(words):
            stops = word in body.get("stop", ())
            events += [] if stops and trims else [with_id(word, token)]
            if stops:
                break
        return stream(*events, STOP, DONE)

    async with connected(Loopback(answer)) as engine:
        found = await complete(engine, Until(steps=1))
    assert (found.text, found.finish, found.failure) == ("A.\n\n", Finish.STEP, None)
    assert found.token_ids == (0, 1)


async def test_a_stop_text_that_the_server_names_and_cuts_off_is_put_back() -> None:
    stopped = said("", finish_reason="stop", stop_reason="\n\n")
    found = await written(said("A."), stopped, DONE, until=Until(steps=1))
    assert (found.text, found.finish) == ("A.\n\n", Finish.STEP)


@pytest.mark.parametrize("line_end", ["\n \n", "\r\n\r\n", "\n\t\n"])
async def test_a_blank_line_of_any_kind_ends_a_step(line_end: str) -> None:
    found = await written(said(f"A.{line_end}"), said("B."), STOP, DONE, until=Until(steps=1))
    assert (found.text, found.finish) == (f"A.{line_end}", Finish.STEP)
    found = await written(said(f"A.{line_end}B."), STOP, DONE, until=Until(steps=1))
    assert (found.text, found.finish) == (f"A.{line_end}", Finish.STEP)


CODE = ("```\n", "x", "\n\n", "y\n", "```", "\n\n", "B")


def keeps_stops(body: JSON) -> Answer:
    """A server that keeps the text at which it stops, and goes on behind its prompt."""
    _, _, before = body["prompt"].partition("<|im_start|>assistant\n")
    words, begun = list(CODE), before
    while words and begun:
        begun = begun.removeprefix(words.pop(0))
    events = []
    for word in words or CODE:
        events.append(said(word, logprobs=table((word,)), token_ids=[CODE.index(word)]))
        if word in body.get("stop", ()):
            break
    usage = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": len(events)}}
    return stream(*events, STOP, usage, DONE)


async def test_a_server_that_stops_within_code_is_asked_to_go_on() -> None:
    server = Loopback(keeps_stops)
    async with connected(server) as engine:
        found = await complete(engine, Until(steps=1))
    assert (found.text, found.finish) == ("".join(CODE[:-1]), Finish.STEP)
    assert found.token_ids == (0, 1, 2, 3, 4, 2) and len(found.logprobs or ()) == 6
    assert (found.prompt_tokens, found.failure, found.remark) == (14, None, None)
    first, second = server.asked
    assert second["prompt"] == first["prompt"] + "".join(CODE[:3])
    assert second["max_tokens"] == first["max_tokens"] - 3 and second["seed"] != first["seed"]


async def test_a_stream_that_breaks_in_the_second_part_is_asked_for_again_from_there() -> None:
    server = Loopback(keeps_stops)
    server.first = [keeps_stops({"prompt": "<|im_start|>assistant\n", "stop": ["\n\n"]})]
    server.first.append(Answer(b"", 503))
    async with connected(server) as engine:
        found = await complete(engine, Until(steps=1))
    assert (found.text, found.finish) == ("".join(CODE[:-1]), Finish.STEP)
    assert len(found.token_ids) == 6


@pytest.mark.parametrize(
    ("splitting", "text"),
    [
        (Splitting("line"), "```\nx\n\ny\n```\n"),
        (Splitting("tokens", length=3), "```\nx\n\n"),
        (Splitting("text"), "```\nx\n\n"),
    ],
)
async def test_each_splitter_ends_a_step_on_a_server(splitting: Splitting, text: str) -> None:
    words = [*CODE[:5], "\n", "B"]
    events = [said(word, logprobs=table((word,))) for word in words]
    async with connected(Loopback(lambda body: stream(*events, STOP, DONE))) as engine:
        prompt = await engine.prompt("How many?", None)
        request = Request("k", prompt.text, (), 3, Until(steps=1), splitting=splitting)
        [found] = [one async for one in engine.generate([request])]
    assert (found.text, found.finish) == (text, Finish.STEP)


async def test_comments_pings_and_parts_without_a_text_are_passed_over() -> None:
    content = (
        b'\xef\xbb\xbf: hi\n\nevent: ping\ndata: {"type": "ping"}\n\n:\n\n'
        b'data: {"choices": [], "prompt_filter_results": []}\n\nretry: 5\ndata:\n\n'
    )
    rest = stream(
        said("yes", reasoning_content="hm"), {"choices": [{"index": 1, "text": "no"}]}, STOP
    )
    async with connected(Loopback(lambda body: Answer(content + rest.content))) as engine:
        assert (await complete(engine)).text == "yes"
