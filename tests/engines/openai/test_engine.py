"""The openai engine against a real HTTP server with various manners."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from backend.core.errors import EngineFailure, MissingCapability
from backend.core.ports import Completion, Given, Request, Sampling, Until
from backend.core.types import Finish
from backend.engines.openai.engine import UNKNOWN, OpenAiEngine
from tests.engines import tiny
from tests.support.fake_server import FakeServer, Manners, serving
from tests.support.waiting import until

Open = Callable[..., Awaitable[tuple[OpenAiEngine, FakeServer]]]
TOKENIZER = tiny.tokenizer()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    TOKENIZER.save(str(tmp_path / "tokenizer.json"))
    settings = {"chat_template": tiny.TEMPLATE, "eos_token": "<|im_end|>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    return tmp_path


@pytest.fixture
async def connect() -> AsyncGenerator[Open]:
    async with AsyncExitStack() as stack:

        async def opened(
            manners: Manners, tokenizer: Path | None = None, **settings: object
        ) -> tuple[OpenAiEngine, FakeServer]:
            server = await stack.enter_async_context(serving(TOKENIZER, manners))
            given = {"pause_seconds": 0.01, "timeout_seconds": 5.0} | settings
            engine = await OpenAiEngine.connect(server.url, tokenizer=tokenizer, **given)  # type: ignore[arg-type]
            stack.push_async_callback(engine.close)
            return engine, server

        yield opened


async def requests(
    engine: OpenAiEngine, count: int, until: Until | None = None, **sampling: float
) -> list[Request]:
    prompt = await engine.prompt("Ana has 7 apples.", None)
    settings = Sampling(**({"temperature": 1.0, "max_tokens": 40} | sampling))  # type: ignore[arg-type]
    return [
        Request(f"k{i}", prompt.text, prompt.token_ids, 100 + i, until or Until(1), settings)
        for i in range(count)
    ]


async def collect(engine: OpenAiEngine, asked: list[Request]) -> dict[str, Completion]:
    async with aclosing(engine.generate(asked)) as completions:
        return {completion.key: completion async for completion in completions}


async def test_with_a_tokenizer_prompts_go_out_as_ids_and_ids_come_back(
    connect: Open, folder: Path
) -> None:
    engine, server = await connect(Manners(), folder)
    asked = await requests(engine, 8)
    found = await collect(engine, asked)
    assert server.bodies[-1]["prompt"] == list(asked[0].token_ids)
    assert engine.info.capabilities.token_ids
    assert engine.info.context == 512
    for completion in found.values():
        assert completion.logprobs is not None
        assert len(completion.token_ids) == len(completion.logprobs)
        assert UNKNOWN not in completion.token_ids
        assert (
            "".join(await engine.tokens(completion.token_ids)).removesuffix("<|im_end|>")
            == completion.text
        )
        assert completion.prompt_tokens == len(asked[0].token_ids)
        assert completion.cached_tokens == 3


@pytest.mark.parametrize(
    "manners",
    [
        Manners(),
        Manners(vllm=False),
        Manners(vllm=False, strict=True),
        Manners(vllm=False, logprobs=False),
    ],
)
@pytest.mark.parametrize("with_tokenizer", [True, False])
async def test_a_step_keeps_its_delimiter_on_every_kind_of_server(
    connect: Open, folder: Path, manners: Manners, with_tokenizer: bool
) -> None:
    engine, _ = await connect(replace(manners), folder if with_tokenizer else None)
    found = await collect(engine, await requests(engine, 24))
    assert {completion.finish for completion in found.values()} >= {Finish.STEP, Finish.END}
    for completion in found.values():
        assert completion.text.count("\n\n") == (completion.finish is Finish.STEP)
        assert completion.text.endswith("\n\n") == (completion.finish is Finish.STEP)
        assert completion.failure is None
        assert len(completion.token_ids) > 0


async def test_an_event_that_reaches_into_the_next_step_is_cut_after_the_delimiter(
    connect: Open,
) -> None:
    engine, _ = await connect(Manners(vllm=False, logprobs=False, tokens_an_event=4))
    found = await collect(engine, await requests(engine, 24))
    steps = [completion for completion in found.values() if completion.finish is Finish.STEP]
    assert steps
    assert all(completion.text.endswith("\n\n") for completion in steps)


async def test_several_steps_and_a_token_limit_are_kept_to(connect: Open, folder: Path) -> None:
    engine, _ = await connect(Manners(), folder)
    for completion in (
        await collect(engine, await requests(engine, 12, Until(3), max_tokens=300))
    ).values():
        assert completion.text.count("\n\n") == 3 or completion.finish is Finish.END
    cut = (await collect(engine, await requests(engine, 12, Until(0, 5)))).values()
    assert any(completion.finish is Finish.LENGTH for completion in cut)
    for completion in cut:
        assert len(completion.token_ids) == 5 or completion.finish is Finish.END
        assert (completion.finish is Finish.LENGTH) == (
            len(completion.token_ids) == 5 and completion.finish is not Finish.END
        )


async def test_missing_logprobs_are_told_and_counts_come_from_the_server(connect: Open) -> None:
    engine, _ = await connect(Manners(vllm=False, logprobs=False, tokens_an_event=3))
    assert not engine.info.capabilities.logprobs
    assert "no log-probabilities" in engine.info.settings["logprobs"]
    [completion] = (
        await collect(engine, await requests(engine, 1, Until(0), max_tokens=20))
    ).values()
    assert completion.logprobs is None
    assert set(completion.token_ids) == {UNKNOWN}
    assert (await engine.stats()).generated_tokens == len(completion.token_ids)


async def test_alternatives_are_given_when_asked_for(connect: Open, folder: Path) -> None:
    engine, _ = await connect(Manners(), folder)
    [completion] = (await collect(engine, await requests(engine, 1, alternatives=2))).values()
    assert len(completion.alternatives) == len(completion.token_ids)
    for position in completion.alternatives:
        assert [(each.text, each.logprob) for each in position] == [
            ("7", pytest.approx(math.log(0.2))),
            ("\n", pytest.approx(math.log(0.14))),
        ]


async def test_the_same_seed_gives_the_same_text(connect: Open, folder: Path) -> None:
    engine, _ = await connect(Manners(), folder)
    asked = await requests(engine, 6)
    first, second = await collect(engine, asked), await collect(engine, asked)
    assert {key: c.token_ids for key, c in first.items()} == {
        key: c.token_ids for key, c in second.items()
    }
    assert len({c.token_ids for c in first.values()}) > 1


async def test_a_busy_server_is_asked_again(connect: Open, folder: Path) -> None:
    engine, server = await connect(Manners(), folder)
    server.manners.faults += [429, 503, 500]
    before = len(server.bodies)
    [completion] = (await collect(engine, await requests(engine, 1))).values()
    assert completion.failure is None
    assert len(server.bodies) - before == 4


async def test_retry_after_is_waited_for(connect: Open, folder: Path) -> None:
    engine, server = await connect(Manners(retry_after="0.4"), folder)
    server.manners.faults.append(429)
    started = time.monotonic()
    await collect(engine, await requests(engine, 1))
    assert time.monotonic() - started >= 0.4


async def test_a_server_that_stays_busy_fails_with_its_words(connect: Open, folder: Path) -> None:
    engine, server = await connect(Manners(), folder, retries=2)
    server.manners.faults += [429] * 3
    with pytest.raises(EngineFailure, match=r"HTTP 429: please wait \(3 tries\)"):
        await collect(engine, await requests(engine, 1))


async def test_a_timeout_is_told(connect: Open, folder: Path) -> None:
    engine, server = await connect(Manners(), folder, timeout_seconds=0.3, retries=1)
    server.manners.hang = 2.0
    with pytest.raises(EngineFailure, match=r"did not answer in time \(2 tries\)"):
        await collect(engine, await requests(engine, 1))


async def test_a_dropped_connection_is_taken_up_again_and_its_tokens_are_counted(
    connect: Open, folder: Path
) -> None:
    engine, server = await connect(Manners(endless=True), folder)
    [whole] = (await collect(engine, await requests(engine, 1, Until(0)))).values()
    before = (await engine.stats()).generated_tokens
    assert len(whole.token_ids) > 2
    server.manners.drop_after, server.manners.drops = 2, 1
    [again] = (await collect(engine, await requests(engine, 1, Until(0)))).values()
    assert again.token_ids == whole.token_ids
    assert (await engine.stats()).generated_tokens - before == len(whole.token_ids) + 2


async def test_closing_the_iterator_ends_the_stream_and_reports_what_came(
    connect: Open, folder: Path
) -> None:
    engine, server = await connect(Manners(endless=True, pause=0.01), folder)
    asked = await requests(engine, 4, Until(0), max_tokens=400)
    asked[0] = structs.replace(asked[0], until=Until(0, 3))
    async with aclosing(engine.generate(asked)) as completions:
        assert (await anext(completions)).key == "k0"
        await asyncio.sleep(0.2)
    assert (await engine.stats()).running == 0
    left = await engine.take_aborted([request.key for request in asked])
    assert [c.key for c in left] == ["k1", "k2", "k3"]
    assert all(c.finish is Finish.ABORTED and 0 < len(c.token_ids) < 400 for c in left)
    assert (await engine.stats()).generated_tokens == 3 + sum(len(c.token_ids) for c in left)
    await until(lambda: server.disconnects == 3)


async def test_a_full_context_is_the_requests_failure_alone(connect: Open, folder: Path) -> None:
    engine, _ = await connect(Manners(), folder)
    asked = await requests(engine, 2)
    asked[1] = structs.replace(asked[1], token_ids=asked[1].token_ids * 40)
    found = await collect(engine, asked)
    assert found["k0"].failure is None
    assert (found["k1"].failure or "").startswith("context full")


async def test_given_tokens_that_the_server_refuses_fail_alone(connect: Open, folder: Path) -> None:
    engine, _ = await connect(Manners(), folder)
    ids, plain = (await engine.prompt("q", None)).token_ids, Sampling(temperature=1.0)
    fine, full = await engine.likelihoods([Given(ids, ids[:3], plain), Given(ids, ids * 60, plain)])
    assert len(fine.logprobs) == 3 and fine.failure is None
    assert (full.failure or "").startswith("context full") and (await engine.stats()).running == 0


@pytest.mark.parametrize(
    ("manners", "sampling", "said"),
    [
        (Manners(), Sampling(temperature=0.8), "for temperature 1 without truncation only"),
        (
            Manners(),
            Sampling(temperature=1.0, top_p=0.9),
            "for temperature 1 without truncation only",
        ),
        (
            Manners(echoes=False),
            Sampling(temperature=1.0),
            "does not tell log-probabilities of given tokens",
        ),
        (
            Manners(vllm=False),
            Sampling(temperature=1.0),
            "does not tell log-probabilities of given tokens",
        ),
    ],
    ids=str,
)
async def test_likelihoods_that_a_server_cannot_tell_are_refused(
    connect: Open, folder: Path, manners: Manners, sampling: Sampling, said: str
) -> None:
    engine, _ = await connect(manners, folder)
    with pytest.raises(MissingCapability, match=said):
        await engine.likelihoods([Given((1, 2), (3,), sampling)])


async def test_without_a_tokenizer_the_prompt_is_plain_chatml(connect: Open) -> None:
    engine, server = await connect(Manners())
    prompt = await engine.prompt("q", "s")
    assert prompt == (
        "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n",
        (),
    )
    await collect(engine, await requests(engine, 1))
    assert isinstance(server.bodies[-1]["prompt"], str)


async def test_wrong_key_wrong_model_and_no_server_have_their_own_words(connect: Open) -> None:
    with pytest.raises(EngineFailure, match=r"refuses access: HTTP 401: wrong key\. Set the key"):
        await connect(Manners(key="secret"))
    engine, _ = await connect(Manners(key="secret"), api_key="secret")
    assert engine.info.model == "fake-model"
    async with serving(TOKENIZER, Manners()) as server:
        with pytest.raises(EngineFailure, match=r"has no model 'other'\. It serves: fake-model"):
            await OpenAiEngine.connect(server.url, "other")
        url = server.url
    with pytest.raises(EngineFailure, match=r"\(2 tries\)\. Check that it runs"):
        await OpenAiEngine.connect(url, retries=1, pause_seconds=0.01)
