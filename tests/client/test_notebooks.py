"""The client for notebooks: frames with the same columns whatever a run holds, and a documentation
whose examples run."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pandas as pd
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from backend.api.app import create_app
from backend.client import Client, Refused
from backend.core.settings import ROOT, Settings
from backend.service.assembly import Services, open_services
from storage import SeriesScore
from tests.api.listening import listening
from tests.storage.traces import new_run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Services]]:
    """The real service on a store with the shipped runs: its address, and what it is made of."""
    settings, api, opened = (
        Settings(db=tmp_path_factory.mktemp("notebook") / "runs.duckdb"),
        create_app(),
        list[Services](),
    )

    @asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        async with open_services(settings) as services:
            api.state.services = services
            opened.append(services)
            yield

    with listening(Starlette(routes=[Mount("/api", app=api)], lifespan=life)) as address:
        yield f"http://{address}", opened[0]


def test_every_example_of_the_documentation_runs(
    whole: tuple[str, Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARBORETUM_BACKEND", whole[0])
    blocks = re.findall(
        r"^```python\n(.*?)^```$",
        (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/notebooks.md", "exec"), names)
    run, again, copy = (names[name] for name in ("run", "again", "copy"))
    assert run.info.status == again.info.status == "finished"  # type: ignore[attr-defined]
    assert (again.info.seed, again.info.strategy) == (4, "beam_search")  # type: ignore[attr-defined]
    assert list(names["curve"].values())[-1] == run.info.answer  # type: ignore[attr-defined]
    assert names["by_depth"].between(0, 1).all() and len(names["by_depth"]) > 1  # type: ignore[attr-defined, arg-type]
    assert names["client"].run(copy).nodes.equals(run.nodes)  # type: ignore[attr-defined]
    assert set(names["table"].columns) == {"strategy", "runs", "accuracy"}  # type: ignore[attr-defined]
    names["client"].close()  # type: ignore[attr-defined]


def test_frames_hold_what_the_store_holds(whole: tuple[str, Services]) -> None:
    url, services = whole
    with Client(url) as client:
        run = client.run(2)
        nodes, events = services.store.nodes(2), services.store.event_rows(2, limit=None)
        assert list(run.nodes.index) == list(range(len(nodes))) and run.nodes["text"].tolist() == [
            node.text for node in nodes
        ]
        assert run.nodes["parent_id"].isna().tolist() == [node.parent_id is None for node in nodes]
        assert list(run.events.index) == list(range(len(events))) and run.events[
            "data"
        ].tolist() == [event.data for event in events]
        assert run.ledger.iloc[-1].to_dict() == pytest.approx(run.info.ledger)
        assert run.ledger["generated_tokens"].is_monotonic_increasing
        scores = services.store.scores(2)
        assert run.scores.loc["run", "value"].tolist() == [score.value for score in scores]
        assert run.scores.loc["run", "seq"].tolist() == [score.seq for score in scores]
        services.store.keep_series(
            2,
            "another: one/two",
            [SeriesScore(3, None, (), "no reason"), SeriesScore(1, 0.5, (0.5,), None)],
        )
        later = run.scores.loc["another: one/two"]
        assert later.index.tolist() == [1, 3] and later["steps"].tolist() == [[0.5], []]
        assert later["value"].isna().tolist() == [False, True] and later["seq"].isna().all()
        with pytest.raises(Refused, match="no series"):
            client.series_scores(2, "nothing")
        with pytest.raises(Refused, match="999"):
            client.run(999)


def test_a_run_without_anything_has_the_same_columns(whole: tuple[str, Services]) -> None:
    url, services = whole
    run_id = new_run(services.store)
    services.store.update_run(run_id, status="failed", error="nothing came of it")
    with Client(url) as client:
        empty, full = client.run(run_id), client.run(1)
        for name in ("nodes", "events", "ledger", "scores"):
            nothing, something = getattr(empty, name), getattr(full, name)
            assert len(nothing) == 0 < len(something)
            pd.testing.assert_series_equal(nothing.dtypes, something.dtypes)
            assert nothing.index.names == something.index.names


def test_a_run_that_grows_is_read_on(whole: tuple[str, Services], tmp_path: Path) -> None:
    with Client(whole[0]) as client:
        run = client.start(
            strategy="best_of_n", problem="countdown/1/3", engine="scripted", params={"n": 4}
        )
        lengths = [len(run.events) for _ in run.follow()]
        assert lengths == sorted(lengths)
        assert len(run.wait().events) == run.info.events and len(run.nodes) == run.info.nodes
        assert repr(run).startswith(f"<run {run.id}: best_of_n, finished")
        assert (
            run.export(tmp_path / "it.jsonl")
            == (tmp_path / "it.jsonl").read_bytes()
            == client.export(run.id)
        )
