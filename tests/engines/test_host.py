"""The engine host: one process, many streams, clear words when it dies, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, cast

import pytest

from backend.core.errors import BadInput, EngineFailure, NotFound
from backend.core.ports import Completion, Request, Sampling, Solution, Until
from backend.core.types import Finish
from backend.engines.models import EngineHost, HostedEngine, HostState, Models, ModelSettings
from tests.engines import tiny
from tests.support.host_loader import LAST_WORDS
from tests.support.stopwatch import Stopwatch

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def host() -> AsyncGenerator[EngineHost]:
    host = EngineHost("tests.support.host_loader")
    yield host
    await host.close()


def request(key: str, tokens: int = 4, text: str = "a") -> Request:
    return Request(key, text, (5, 6, 7), 1, sampling=Sampling(max_tokens=tokens))


def stream(engine: HostedEngine, *requests: Request) -> aclosing[Any]:
    return aclosing(engine.generate(requests))


async def collect(engine: HostedEngine, *requests: Request) -> list[Completion]:
    async with stream(engine, *requests) as completions:
        return [completion async for completion in completions]


def alive(pid: int) -> bool:
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


async def gone(pid: int, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:  # noqa: ASYNC110 - another process sets no event
        await asyncio.sleep(0.05)
    return not alive(pid)


async def test_every_method_answers_as_the_model_itself_would(host: EngineHost) -> None:
    engine = await host.engine("fake", "plain")
    assert engine.info.engine == "counting"
    assert engine.info.settings["pid"] == str(host.pid) != str(os.getpid())
    assert await engine.prompt("q", "s") == ("s|q", (1, 2))
    assert await engine.encode("ab") == (97, 98)
    assert await engine.tokens([3, 4]) == ["3", "4"]
    assert [c.key for c in await collect(engine, request("x"), request("y"))] == ["x", "y"]
    assert await engine.stats() == (0, 8, 0, 0, 12345)
    reward = await host.reward("fake", "half")
    assert (await reward.score([Solution("q", ("a", "b"))]))[0].scores == (0.5, 0.5)


async def test_an_engine_error_keeps_reason_and_remedy(host: EngineHost) -> None:
    engine = await host.engine("fake", "plain")
    with pytest.raises(EngineFailure) as caught:
        await engine.tokens([])
    assert (caught.value.reason, caught.value.remedy) == ("no ids", "Give some")


async def test_streams_run_side_by_side(host: EngineHost) -> None:
    engine = await host.engine("fake", "plain", pause=0.02)
    watch = Stopwatch()
    results = await asyncio.gather(
        *(collect(engine, request(f"k{i}", tokens=10)) for i in range(8))
    )
    assert watch.seconds() < 8 * 10 * 0.02
    assert [r[0].key for r in results] == [f"k{i}" for i in range(8)]


async def test_closing_a_stream_aborts_in_the_child_and_reports_what_was_written(
    host: EngineHost,
) -> None:
    engine = await host.engine("fake", "plain", pause=0.01)
    async with stream(
        engine, request("quick", tokens=1), request("long", tokens=10_000)
    ) as completions:
        assert (await anext(completions)).key == "quick"
        await asyncio.sleep(0.2)
    assert (await engine.stats()).running == 0
    [left] = await engine.take_aborted(["long", "quick"])
    assert left.finish is Finish.ABORTED
    assert 0 < len(left.token_ids) < 10_000
    assert (await engine.stats()).generated_tokens == 1 + len(left.token_ids)
    assert await engine.take_aborted(["long"]) == []


async def test_a_completion_that_nobody_received_is_not_lost(host: EngineHost) -> None:
    engine = await host.engine("fake", "plain")
    async with stream(engine, *(request(f"k{i}") for i in range(5))) as completions:
        await anext(completions)
        await asyncio.sleep(0.3)
    assert [c.key for c in await engine.take_aborted([f"k{i}" for i in range(5)])] == [
        "k1",
        "k2",
        "k3",
        "k4",
    ]


async def test_a_cancelled_reader_aborts_too(host: EngineHost) -> None:
    engine = await host.engine("fake", "plain", pause=0.01)
    reader = asyncio.create_task(collect(engine, request("long", tokens=10_000)))
    await asyncio.sleep(0.2)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert (await engine.stats()).running == 0


async def test_killing_the_child_fails_everything_open_and_the_next_use_starts_another(
    host: EngineHost,
) -> None:
    engine = await host.engine("fake", "plain", pause=0.01)
    first = host.pid
    assert first is not None
    readers = [
        asyncio.create_task(collect(engine, request(f"k{i}", tokens=10_000))) for i in range(3)
    ]
    await asyncio.sleep(0.2)
    os.kill(first, signal.SIGKILL)
    for reader in readers:
        with pytest.raises(EngineFailure, match=r"killed by signal 9 \(SIGKILL\)"):
            await reader
    assert host.pid is None
    assert host.states()[0].state is HostState.FAILED
    assert "signal 9" in (host.states()[0].reason or "")
    assert len(await collect(engine, request("again"))) == 1
    assert host.pid not in (None, first)
    assert host.states()[0].state is HostState.READY


async def test_a_model_whose_core_died_has_failed_and_its_next_use_loads_it_anew(
    host: EngineHost, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text("{}")
    models = Models(ModelSettings(names={"fake": tmp_path}, default_policy="fake"), host)
    engine, other = (
        cast(HostedEngine, await models.policy("vllm")),
        await host.engine("fake", "other"),
    )
    await collect(engine, request("before"))
    pid = models.pid
    with pytest.raises(
        EngineFailure, match=rf"the core has died.*{LAST_WORDS}.*It is loaded again"
    ):
        await collect(engine, request("k", text="core dies"))
    [state, beside] = models.states()
    assert (state.state, beside.state, state.memory_bytes) == (HostState.FAILED, HostState.READY, 0)
    assert "the core has died" in (state.reason or "")
    assert (
        len(await collect(cast(HostedEngine, await models.policy("vllm")), request("again"))) == 1
    )
    assert (models.states()[0].state, models.states()[0].reason) == (HostState.READY, None)
    assert (await engine.stats()).generated_tokens == 4, (
        "the engine is a new one, which has written one text"
    )
    assert len(await collect(other, request("x"))) == 1
    assert models.pid == pid, "the process lived on"


async def test_every_stream_of_a_dead_core_fails_and_late_news_of_it_leaves_the_new_model_alone(
    host: EngineHost,
) -> None:
    engine = await host.engine("fake", "plain", pause=0.01)
    async with stream(engine, request("quick", tokens=1), request("long", tokens=10_000)) as late:
        assert (await anext(late)).key == "quick"
        with pytest.raises(EngineFailure, match="the core has died"):
            await collect(engine, request("k", text="core dies"))
        assert len(await collect(engine, request("again"))) == 1
        with pytest.raises(EngineFailure, match="the core has died"):
            await anext(late)
    assert host.states()[0].state is HostState.READY


async def test_a_dead_core_can_be_unloaded_and_a_reward_models_is_loaded_again_too(
    host: EngineHost,
) -> None:
    reward = await host.reward("fake", "half")
    for _ in range(2):
        with pytest.raises(EngineFailure, match="the core has died"):
            await reward.score([Solution("core dies", ("a",))])
        assert host.states()[0].state is HostState.FAILED
        assert (await reward.score([Solution("q", ("a",))]))[0].scores == (0.5,)
    with pytest.raises(EngineFailure):
        await reward.score([Solution("core dies", ("a",))])
    await host.unload("fake", "half", "reward")
    assert host.states()[0].state is HostState.UNLOADED


async def test_an_engine_error_of_a_living_model_leaves_it_ready(host: EngineHost) -> None:
    engine = await host.engine("fake", "plain")
    with pytest.raises(EngineFailure):
        await engine.tokens([])
    assert host.states()[0].state is HostState.READY
    await collect(engine, request("x"))
    assert (await engine.stats()).generated_tokens == 4


async def test_a_child_that_exits_tells_its_code_and_last_words(host: EngineHost) -> None:
    engine = await host.engine("fake", "plain")
    with pytest.raises(EngineFailure, match="exited with code 3; last output: about to die"):
        await collect(engine, request("k", text="die"))


async def test_a_loader_that_cannot_start_is_told_with_its_traceback() -> None:
    host = EngineHost("tests.no_such_module")
    with pytest.raises(EngineFailure, match=r"No module named 'tests\.no_such_module'"):
        await host.engine("fake", "plain")
    await host.close()


async def test_concurrent_loads_are_one_and_states_tell_them(host: EngineHost) -> None:
    tasks = [asyncio.create_task(host.engine("fake", "heavy", name="Heavy")) for _ in range(3)]
    await asyncio.sleep(0.05)
    assert host.states()[0].state is HostState.LOADING
    engines = await asyncio.gather(*tasks)
    [state] = host.states()
    assert (state.name, state.model, state.kind, state.state) == (
        "Heavy",
        "heavy",
        "policy",
        HostState.READY,
    )
    assert state.seconds_loading >= 0.3
    assert {e.info.settings["pid"] for e in engines} == {str(host.pid)}


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("missing", "no such model 'missing'. Choose another"),
        ("huge", "out of memory"),
        ("chatty", "out of memory"),
    ],
)
async def test_a_failed_load_says_why_and_leaves_other_models_alone(
    host: EngineHost, model: str, said: str
) -> None:
    engine = await host.engine("fake", "plain")
    with pytest.raises(EngineFailure, match=said):
        await host.engine("fake", model)
    assert host.states()[1].state is HostState.FAILED
    assert said in (host.states()[1].reason or "")
    assert len(await collect(engine, request("x"))) == 1


async def test_an_unloaded_model_is_loaded_again_at_its_next_use(host: EngineHost) -> None:
    engine = await host.engine("fake", "plain")
    await host.unload("fake", "plain", "policy")
    assert host.states()[0].state is HostState.UNLOADED
    assert len(await collect(engine, request("x"))) == 1
    assert host.states()[0].state is HostState.READY
    with pytest.raises(NotFound, match="plain"):
        await host.unload("fake", "other", "policy")


async def test_closing_leaves_no_process_and_refuses_further_use() -> None:
    host = EngineHost("tests.support.host_loader")
    engine = await host.engine("fake", "plain")
    pid = host.pid
    assert pid is not None
    await host.close()
    assert await gone(pid)
    with pytest.raises(EngineFailure, match="closed"):
        await engine.stats()


async def test_no_orphan_is_left_when_the_parent_is_killed() -> None:
    script = """
import asyncio
from backend.engines.models import EngineHost
async def main():
    host = EngineHost("tests.support.host_loader")
    await host.engine("fake", "plain")
    print(host.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    with subprocess.Popen(  # noqa: ASYNC220 - it is killed, not awaited
        [sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(await asyncio.to_thread(parent.stdout.readline))
        assert alive(pid)
        parent.kill()
    assert await gone(pid)


def test_importing_the_host_imports_no_model_library() -> None:
    code = (
        "import sys, backend.engines.models; print(sorted({'torch', 'vllm', 'transformers'} & "
        "set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


async def test_a_missing_model_is_told_before_any_process_is_started(tmp_path: Path) -> None:
    models = Models(ModelSettings(names={"classroom": tmp_path / "none"}))
    with pytest.raises(
        EngineFailure, match=r"model 'classroom' is missing: .* Run `make classroom`"
    ):
        await models.policy("torch")
    with pytest.raises(EngineFailure, match="model 'elsewhere' is missing"):
        await models.policy("torch", "elsewhere")
    with pytest.raises(BadInput, match="accepted: torch, vllm, openai, scripted"):
        await models.policy("abacus")
    assert models.pid is None
    await models.close()


async def test_models_outside_the_allow_list_are_refused(tmp_path: Path) -> None:
    models = Models(ModelSettings(names={}, allowed=("one",)))
    with pytest.raises(BadInput, match=r"got 'two', accepted: one"):
        await models.policy("torch", "two")
    await models.close()


async def test_the_scripted_engine_lives_in_the_parent() -> None:
    models = Models()
    engine = await models.policy("scripted")
    assert engine is await models.policy("scripted")
    assert (await engine.prompt("What is 1 + 1?", None)).text
    await models.reward("scripted")
    assert [(state.engine, state.kind, state.state) for state in models.states()] == [
        ("scripted", "policy", HostState.READY),
        ("scripted", "reward", HostState.READY),
    ]
    assert models.pid is None
    await models.close()


def test_what_is_missing_is_told_with_the_reason() -> None:
    found = {each.engine: each for each in Models().available()}
    assert found["scripted"].ok
    assert not found["openai"].ok
    assert "ARBORETUM_OPENAI_URL" in found["openai"].reason
    assert {
        each.engine: each
        for each in Models(ModelSettings(base_url="http://localhost:1")).available()
    }["openai"].ok


async def test_a_device_that_torch_cannot_use_is_named(tmp_path: Path) -> None:
    models = Models(
        ModelSettings(names={"tiny": tiny.build(tmp_path)}, default_policy="tiny", device="cuda:99")
    )
    try:
        with pytest.raises(EngineFailure, match=r"on device 'cuda:99': .* Set ARBORETUM_DEVICE"):
            await models.policy("torch")
        assert models.states()[0].state is HostState.FAILED
    finally:
        await models.close()


async def test_a_torch_model_works_through_the_host_and_its_aborted_requests_are_told(
    tmp_path: Path,
) -> None:
    folder, prm = tiny.build(tmp_path / "policy"), tiny.build(tmp_path / "prm", reward=True)
    models = Models(
        ModelSettings(
            names={"tiny": folder, "tiny-prm": prm},
            default_policy="tiny",
            default_reward="tiny-prm",
            threads=1,
        )
    )
    try:
        engine = cast(HostedEngine, await models.policy("torch"))
        assert (engine.info.engine, engine.info.model) == ("torch", "tiny")
        prompt = await engine.prompt("How many?", None)
        asked = [
            Request(
                f"k{i}", prompt.text, prompt.token_ids, i, Until(0), Sampling(1.0, max_tokens=400)
            )
            for i in range(6)
        ]
        first = await collect(engine, asked[0])
        assert first[0].token_ids
        async with stream(engine, *asked[1:]):
            await asyncio.sleep(0)
        assert (await engine.stats()).running == 0
        whole = await collect(engine, asked[0])
        assert whole[0].token_ids == first[0].token_ids
        [scores] = await (await models.reward("torch")).score([Solution("How many?", ("a", "b"))])
        assert len(scores.scores) == 2
        assert all(state.memory_bytes > 0 for state in models.states())
    finally:
        await models.close()
