from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.service import Service, serving
from tests.service.jobs.fakes import Growing, quick


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server whose runs finish at once."""
    with serving(tmp_path_factory.mktemp("quick"), quick) as running:
        yield running


@pytest.fixture
def growing() -> Growing:
    return Growing()


@pytest.fixture
def slow(tmp_path: Path, growing: Growing) -> Iterator[Service]:
    """A server whose runs grow until they are stopped."""
    with serving(tmp_path, growing) as running:
        yield running
