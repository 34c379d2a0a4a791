"""The engine contract on engines behind a connection: the engine host's proxy of a torch model, and
openai before servers of three manners.

Each is started once for this file. What the completions server says it has sent is held against
what the openai engine counts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from backend.core.ports import Completion, Request
from backend.engines.models import EngineHost
from backend.engines.openai.engine import OpenAiEngine
from tests.engines import tiny
from tests.engines.contract import (  # noqa: F401 - the contract's two tests run in this module, on its own `subject`
    Subject,
    counts_equal_the_engines_own,
    nothing_runs_a_second_after_a_cancel,
    test_check_fails_on_the_engine_that_breaks_it,
    test_engine_keeps_its_promise,
)
from tests.engines.contract_given import (  # noqa: F401 - and what it promises about given tokens
    test_check_fails_on_the_engine_that_misjudges_them,
    test_engine_judges_given_tokens,
)
from tests.engines.twins import HidesWhatItLoses, LeavesTheServerRunning
from tests.support.fake_server import FakeServer, Manners, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def hosted(folder: Path) -> AsyncIterator[Subject]:
    """The torch engine in the engine host's process."""
    host = EngineHost()
    try:
        engine = await host.engine("torch", str(folder), threads=1)
        yield Subject(engine, logprobs=tiny.reference(folder), tolerance=1e-4)
    finally:
        await host.close()


@asynccontextmanager
async def served(manners: Manners, folder: Path) -> AsyncIterator[Subject]:
    """The openai engine before a completions server."""
    async with serving(tiny.tokenizer(), manners) as server:
        engine = await OpenAiEngine.connect(server.url, tokenizer=folder)
        try:
            yield Subject(
                engine, logprobs=partial(drawn, server), tolerance=1e-9, counters=server.stats
            )
        finally:
            await engine.close()


def drawn(server: FakeServer, request: Request, completion: Completion) -> list[float]:
    """What the server's own draws for a request say; they need no ids."""
    return server.logprobs(request.text, request.seed, len(completion.token_ids))


SUBJECTS: dict[str, Callable[[Path], AbstractAsyncContextManager[Subject]]] = {
    "host": hosted,
    "openai": partial(served, Manners(pause=0.002)),
    "openai-without-ids": partial(served, Manners(vllm=False, strict=True, pause=0.002)),
    "openai-without-logprobs": partial(served, Manners(vllm=False, logprobs=False, pause=0.002)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("tiny"))


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=SUBJECTS)
async def subject(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Subject]:
    async with SUBJECTS[request.param](folder) as opened:
        yield opened


async def test_nothing_but_what_a_server_cannot_do_is_left_out(
    subject: Subject, request: pytest.FixtureRequest
) -> None:
    """Checks are skipped by capability: an engine that told of too few of them would pass
    untested.
    """
    can, name = subject.engine.info.capabilities, request.node.callspec.params["subject"]
    assert (can.seeds, can.abort) == (True, True)
    assert (can.token_ids, can.logprobs) == (
        name in ("host", "openai"),
        name != "openai-without-logprobs",
    )
    assert (can.prompt_logprobs, can.tempered_logprobs) == (
        name in ("host", "openai"),
        name == "host",
    )


async def test_a_token_that_engine_and_completion_lose_together_is_missed_by_the_servers_count(
    folder: Path,
) -> None:
    async with served(Manners(), folder) as opened:
        with pytest.raises(AssertionError):
            await counts_equal_the_engines_own(
                replace(opened, engine=HidesWhatItLoses(opened.engine))
            )
        await counts_equal_the_engines_own(
            replace(opened, engine=HidesWhatItLoses(opened.engine), counters=None)
        )


async def test_streams_left_open_without_a_word_are_seen_at_the_server(folder: Path) -> None:
    # slow enough to be at it still when the check has waited as long as it may
    async with served(Manners(endless=True, pause=0.02), folder) as opened:
        twin = LeavesTheServerRunning(opened.engine)
        with pytest.raises(AssertionError):
            await nothing_runs_a_second_after_a_cancel(replace(opened, engine=twin))
        await twin.hang_up()
        await nothing_runs_a_second_after_a_cancel(opened)
