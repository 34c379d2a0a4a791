"""Files in and out over HTTP: every format becomes runs like any other, a broken one leaves
nothing, an open service asks its settings."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest

from backend.api.routes import exchange
from backend.client import Client, Refused
from backend.core.settings import Preferences, Settings
from tests.api.service import Service, serving
from tests.exchange.files import FORMATS, THOUGHT, content, decoded
from tests.service.jobs.fakes import quick
from tests.storage.traces import finished_run

TOKEN = "a token of the test"


@pytest.mark.parametrize("name", [*FORMATS, "thinking.txt"])
def test_a_file_of_another_program_becomes_runs_like_any_other(service: Service, name: str) -> None:
    client, text = service.client(), content(name) if name in FORMATS else THOUGHT.encode()
    taken = client.import_runs(text, name=name, question="How many?", answer="72")
    assert taken.format == FORMATS.get(name, "thinking")
    assert len(taken.run_ids) == (4 if taken.format == "inspect" else 1)
    for run_id in taken.run_ids:
        run = client.info(run_id)
        assert service.store.verify(run_id) == []
        assert (run.status, run.origin, run.question, run.right_answer) == (
            "finished",
            "import",
            "How many?",
            "72",
        )
        source = run.manifest["imported"]
        assert isinstance(source, dict)
        assert (source["format"], source["file"], source["sha256"]) == (
            taken.format,
            name,
            hashlib.sha256(text).hexdigest(),
        )
        nodes, events = client.nodes(run_id), client.all_events(run_id)
        assert (len(nodes), len(events)) == (run.nodes, run.events)
        assert client.node(run_id, nodes[-1].id).path[0] == 0
        assert client.runs(text=run.strategy).total > 0
        with pytest.raises(ValueError, match="imported"):
            run.again()


def test_imported_runs_leave_and_come_back_with_their_source(service: Service) -> None:
    client = service.client()
    first = client.import_runs(content("llm-reasoners-mcts.json"), name="log.json").run_ids[0]
    for format_ in ("jsonl", "parquet"):
        copy = client.import_runs(
            client.export(first, format_), format=format_, name="copy"
        ).run_ids[0]
        assert client.nodes(copy) == client.nodes(first)
        assert client.all_events(copy) == client.all_events(first)
        mark = client.info(copy).manifest["imported"]
        assert isinstance(mark, dict)
        assert mark["before"] == client.info(first).manifest["imported"]


def test_a_run_is_exported_in_every_format(service: Service) -> None:
    client, run_id = service.client(), finished_run(service.store)
    assert client.export(run_id).startswith(b'{"format":"arboretum-run"')
    with zipfile.ZipFile(io.BytesIO(client.export(run_id, "parquet"))) as tables:
        assert sorted(tables.namelist()) == ["events.parquet", "nodes.parquet", "run.parquet"]
    assert client.export(run_id, "html").startswith(b"<!doctype html>")
    with pytest.raises(Refused, match="jsonl, parquet, html"):
        client.export(run_id, "csv")
    with pytest.raises(Refused, match="no run") as refusal:
        client.export(10**6, "html")
    assert refusal.value.status == 404


def count(client: Client) -> int:
    return client.runs(limit=1).total


def test_a_broken_file_is_refused_with_its_place_and_leaves_nothing(service: Service) -> None:
    client = service.client()
    before = count(client)
    with pytest.raises(Refused, match=r"line \d+, column \d+") as refusal:
        client.import_runs(content("treequest-mcts.json")[:5000])
    assert refusal.value.status == 422
    log = decoded("inspect.json")
    log["samples"][3]["messages"] = 5
    with pytest.raises(
        Refused, match=r"\$\.samples\[3\]\.messages"
    ):  # three sound samples stand before it
        client.import_runs(json.dumps(log).encode())
    unknown = "format of the file"
    for text, words in (
        (b"", unknown),
        (b"\x89PNG\x00", unknown),
        (b'{"a": 1}', unknown),
        (b"PK\x03\x04", "archive"),
    ):
        with pytest.raises(Refused, match=words):
            client.import_runs(text)
    with pytest.raises(Refused, match="accepted: auto, jsonl, parquet, treequest"):
        client.import_runs(b"{}", format="pickle")
    assert count(client) == before


def test_a_body_that_is_too_long_is_refused(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = service.client()
    before = count(client)
    monkeypatch.setattr(exchange, "IMPORT_LIMIT_BYTES", 1000)
    with pytest.raises(Refused, match="accepted: at most 1000 bytes"):
        client.import_runs(THOUGHT.encode() * 20)
    assert count(client) == before


def test_an_open_service_takes_files_only_where_its_settings_allow_it(tmp_path: Path) -> None:
    settings = Settings(db=tmp_path / "public.duckdb", host="0.0.0.0", token=TOKEN, samples=None)
    with serving(tmp_path, quick, settings=settings) as public:
        client = public.client(TOKEN)
        with pytest.raises(Refused, match="switched off"):
            client.import_runs(THOUGHT.encode())
        assert count(client) == 0
        public.services.preferences.save(Preferences(allow_imports=True))
        assert client.import_runs(THOUGHT.encode()).run_ids == [1]
