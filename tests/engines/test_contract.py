"""The engine contract on the engines that need no server: torch and scripted. Behind a connection:
`test_contract_remote`, `test_vllm`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from backend.engines.scripted.engine import ScriptedEngine
from backend.engines.torch.engine import TorchEngine
from tests.engines import tiny
from tests.engines.contract import (  # noqa: F401 - the contract's two tests run in this module, on its own `subject`
    Subject,
    test_check_fails_on_the_engine_that_breaks_it,
    test_engine_keeps_its_promise,
)
from tests.engines.contract_given import (  # noqa: F401 - and what it promises about given tokens
    test_check_fails_on_the_engine_that_misjudges_them,
    test_engine_judges_given_tokens,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(params=["torch", "scripted"])
async def subject(request: pytest.FixtureRequest, folder: Path) -> AsyncGenerator[Subject]:
    if request.param == "scripted":
        yield Subject(ScriptedEngine(token_seconds=0.0002), question="Add 7, 5 and 20.", long=60)
        return
    engine = TorchEngine.load(folder, threads=1)
    yield Subject(engine, logprobs=tiny.reference(folder), tolerance=1e-4)
    await engine.close()
