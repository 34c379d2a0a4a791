"""Experiments over HTTP: one is carried out, steered and read; what cannot be is refused with what
is accepted."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from backend.client import Client, Refused
from backend.engines.models import Models
from backend.experiments.analysis import ANALYSES, Findings, analysis
from backend.experiments.material import Material
from backend.experiments.shards import Folder
from backend.runs.driver import run
from backend.service.computing import ComputeDesk, ComputeQuestion
from tests.api.service import Service, serving
from tests.experiments.examples import carried_out, small


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with serving(tmp_path, run, models=Models()) as started:  # type: ignore[arg-type]
        yield started


def ended(client: Client, name: str) -> None:
    end = time.monotonic() + 60
    while client.experiments.info(name).status == "running" and time.monotonic() < end:
        time.sleep(0.05)


def test_an_experiment_is_estimated_begun_watched_and_read(
    service: Service, tmp_path: Path
) -> None:
    client, experiment = service.client(), small(3)
    before = client.experiments.estimate(experiment)
    assert (before.planned, before.done, before.left) == (
        19,
        0,
        19,
    ) and "guessed" in before.sentence
    name = client.experiments.start(experiment).hash
    ended(client, name)
    [info] = client.experiments.all()
    assert (info.hash, info.status, info.done, info.planned, info.failed) == (
        experiment.hash,
        "idle",
        19,
        19,
        0,
    )
    assert client.experiments.estimate(experiment).left == 0
    alone, _ = asyncio.run(carried_out(experiment, tmp_path / "alone"))
    columns = ["key", "arm", "budget", "answer", "generated_tokens"]
    told = [
        sorted(map(str, each.results().select(columns).to_pylist()))
        for each in (alone, Folder(tmp_path / "experiments" / name))
    ]
    assert told[0] == told[1]


def test_curves_cells_and_analyses_agree_with_each_other(service: Service, tmp_path: Path) -> None:
    client, experiment = service.client(), small(4)
    name = asyncio.run(carried_out(experiment, tmp_path / "experiments"))[0].path.name
    curves = {
        curve.arm: curve.points for curve in client.experiments.curves(name, axis="samples").curves
    }
    matrix = client.experiments.matrix(name)
    assert (matrix.budget, matrix.arms, len(matrix.problems)) == (
        4.0,
        ["majority", "coverage", "beam", "mcts"],
        4,
    )
    for column, arm in enumerate(matrix.arms):
        credits_ = [row[column] for row in matrix.rows]
        assert curves[arm][-1].accuracy.value == pytest.approx(
            sum(each or 0.0 for each in credits_) / 4
        )
        behind = client.experiments.results(name, arm, 4.0)
        assert behind.total == 4 and sum(each.credit for each in behind.results) == pytest.approx(
            sum(each or 0.0 for each in credits_)
        )
    pair = client.experiments.compare(name, "coverage", "majority", 4.0)
    assert pair.difference.value == pytest.approx(
        (curves["coverage"][-1].accuracy.value or 0) - (curves["majority"][-1].accuracy.value or 0)
    )
    assert {each.name for each in client.experiments.analyses(name)} >= {
        "pairs",
        "coverage",
        "spread",
        "cost of pass",
    }
    with pytest.raises(Refused, match="pages"):
        client.experiments.curves(name, axis="pages")
    with pytest.raises(Refused, match="slice"):
        client.experiments.curves(name, within="ledger/9")


def test_a_slice_of_a_third_is_a_third_of_the_problems_for_curves_and_analyses(
    service: Service, tmp_path: Path
) -> None:
    client, experiment = service.client(), small(6)
    name = asyncio.run(carried_out(experiment, tmp_path / "experiments"))[0].path.name
    assert client.experiments.info(name).cells == [
        "countdown/1",
        "hardest third",
        "middle third",
        "easiest third",
    ]
    for third in client.experiments.info(name).cells[1:]:
        assert {
            point.problems
            for curve in client.experiments.curves(name, within=third).curves
            for point in curve.points
        } == {2}
        prefixes = next(
            each
            for each in client.experiments.analyses(name, within=third)
            if each.name == "prefixes"
        )
        assert {row["problems"] for row in prefixes.tables["arms"]} == {2}
        assert prefixes.charts[0].y_title == "prefix accuracy"


def test_one_analysis_is_shown_with_the_names_of_all_and_no_other_is_computed(
    service: Service, tmp_path: Path
) -> None:
    client, computed = service.client(), list[str]()
    name = asyncio.run(carried_out(small(4), tmp_path / "experiments"))[0].path.name

    def find_nothing_cheap(material: Material) -> Findings | None:
        computed.append(material.axis)
        return None

    def allows(material: Material) -> bool:
        return True

    analysis("heavy", "Heavy", order=1000, allows=allows)(find_nothing_cheap)
    try:
        shown = client.experiments.analysis(name)
        every = {each.name: each for each in client.experiments.analyses(name)}
        assert computed == ["generated_tokens"]  # for all of them, and not for the one
        assert [each.name for each in shown.choices] == [*every, "heavy"]
        assert shown.analysis == next(iter(every.values()))
        other = client.experiments.analysis(name, "spread", axis="samples").analysis
        assert other is not None and other.name == "spread" and computed == ["generated_tokens"]
        unknown = client.experiments.analysis(name, "no such", within="countdown/1").analysis
        assert unknown is not None and unknown.name == shown.choices[0].name
    finally:
        ANALYSES.remove("heavy")


def test_an_answer_that_nobody_waits_for_any_more_is_given_up(tmp_path: Path) -> None:
    worker = WaitingWorker()

    async def start() -> WaitingWorker:
        return worker

    name = asyncio.run(carried_out(small(2), tmp_path / "experiments"))[0].path.name
    with serving(tmp_path, run, models=Models(), desk=ComputeDesk(start)) as service:  # type: ignore[arg-type]
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{service.url}/api/experiments/{name}/matrix", timeout=0.5)
        assert worker.ended.wait(20)
        assert service.client().health().status == "ok"


class WaitingWorker:
    """A worker that never answers."""

    alive = True

    def __init__(self) -> None:
        self.ended = threading.Event()

    async def ask(self, question: ComputeQuestion) -> bytes:
        await asyncio.Event().wait()
        return b""

    async def end(self) -> None:
        self.ended.set()


def test_a_result_is_opened_as_a_run_with_its_whole_trace(service: Service, tmp_path: Path) -> None:
    client = service.client()
    folder, _ = asyncio.run(carried_out(small(2), tmp_path / "experiments"))
    row = next(
        row for row in folder.results().to_pylist() if row["arm"] == "beam" and row["budget"] == 4.0
    )
    run_id = client.experiments.open(folder.path.name, row["key"])
    end = time.monotonic() + 60
    while (found := client.info(run_id)).status not in (
        "finished",
        "failed",
    ) and time.monotonic() < end:
        time.sleep(0.05)
    assert (found.status, found.answer, found.ledger["generated_tokens"]) == (
        "finished",
        row["answer"],
        row["generated_tokens"],
    )


def test_one_at_a_time_and_what_is_not_there_is_refused(service: Service) -> None:
    client = service.client()
    name = client.experiments.start(small(60)).hash
    client.experiments.pause(name)
    held = client.experiments.info(name)
    assert (held.status, held.rate, held.left_s) == ("paused", None, None)
    with pytest.raises(Refused, match="under way"):
        client.experiments.start(small(5))
    client.experiments.resume(name)
    assert client.experiments.stop(name) == "stopped"
    left = client.experiments.estimate(small(60)).left
    assert left > 0 and client.experiments.start(small(60)).hash == name
    ended(client, name)
    assert client.experiments.estimate(small(60)).left == 0
    with pytest.raises(Refused, match="not under way"):
        client.experiments.stop(name)
    with pytest.raises(Refused) as refused:
        client.experiments.info("feedface")
    assert refused.value.status == 404
