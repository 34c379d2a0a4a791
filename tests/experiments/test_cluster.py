"""On a local Ray: the same results as in one process, and a worker that is lost costs only what it
had not written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.experiments.cluster import bundles, carry_out
from backend.experiments.shards import Folder
from tests.experiments.examples import carried_out as in_one_process
from tests.experiments.examples import small

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.ray


def test_bundles_hold_every_key_once() -> None:
    assert list(bundles(["a", "b", "c", "d", "e"], 2)) == [("a", "b"), ("c", "d"), ("e",)]


async def test_a_cluster_gives_what_one_process_gives_and_a_lost_worker_costs_nothing_that_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = small(4)
    alone, _ = await in_one_process(experiment, tmp_path / "alone")
    folder = Folder.of(tmp_path / "ray", experiment)
    deadly = tmp_path / "deadly"
    deadly.touch()
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr("backend.experiments.cluster.work", dying(str(deadly)))
    progress = carry_out(experiment, folder, "local", bundle=5)
    assert progress.done == progress.total and not deadly.exists()
    columns = [
        "key",
        "arm",
        "budget",
        "problem",
        "answer",
        "correct",
        "generated_tokens",
        "verifier_calls",
    ]
    told = [
        sorted(map(str, each.results().select(columns).to_pylist())) for each in (alone, folder)
    ]
    assert told[0] == told[1]
    assert folder._table("results", folder.results().schema).num_rows == folder.results().num_rows
    assert sorted(map(str, folder.samples().to_pylist())) == sorted(
        map(str, alone.samples().to_pylist())
    )


def dying(deadly: str) -> Callable[..., int]:
    """The worker's work, but the first process that has finished a bundle ends at once, before Ray
    hears of it."""

    def worked(
        description: str,
        folder: str,
        keys: tuple[str, ...],
        at_once: int,
        retry: bool,
        db: str | None = None,
    ) -> int:
        from backend.experiments.cluster import work

        done = work(description, folder, keys, at_once, retry, db)
        try:
            Path(deadly).unlink()
        except FileNotFoundError:
            return done
        os._exit(1)

    return worked
