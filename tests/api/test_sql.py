"""SQL over HTTP: rows, files, mistakes with their place, kept queries, and who may ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.client import Refused
from backend.core.settings import Settings
from tests.api.service import Service, serving
from tests.service.jobs.fakes import quick
from tests.storage.traces import finished_run

TOKEN = "a token of the test"


def test_a_query_is_answered_from_a_copy_that_says_how_old_it_is(service: Service) -> None:
    client, run_id = service.client(), finished_run(service.store)
    before = client.sql.renew()
    answer = client.sql(f"SELECT id AS run_id, answer FROM run WHERE id = {run_id}")
    assert answer.rows == [[run_id, "42"]]
    assert [(column.name, column.type) for column in answer.columns] == [
        ("run_id", "BIGINT"),
        ("answer", "VARCHAR"),
    ]
    later = finished_run(service.store)
    assert client.sql(f"SELECT * FROM run WHERE id = {later}").rows == []
    assert client.sql.copy() == before and answer.copied_at == before.copied_at
    assert client.sql.renew().copied_at != before.copied_at
    assert client.sql.file(f"SELECT id FROM run WHERE id = {later}") == f"id\n{later}\n".encode()
    assert client.sql.file("SELECT 1", "parquet").startswith(b"PAR1")
    assert "node" in {table.name for table in client.sql.tables()}


def test_a_mistake_comes_with_its_place_and_what_is_accepted(service: Service) -> None:
    client = service.client()
    with pytest.raises(Refused, match=r"^line 2, column 5: syntax error") as refusal:
        client.sql("SELECT 1\nFRM run")
    assert refusal.value.status == 422
    with pytest.raises(Refused) as refusal:
        client.sql.file("SELECT * FROM read_text('/etc/hostname')")
    assert (
        refusal.value.accepted
        == "what is in the store: files, networks and extensions are shut off"
    )


def test_queries_are_kept_by_name(service: Service) -> None:
    client = service.client()
    client.sql.keep("zebra", "SELECT 1")
    client.sql.keep("Ant", "SELECT 2")
    assert [(one.name, one.query) for one in client.sql.keep("zebra", "SELECT 3").saved] == [
        ("Ant", "SELECT 2"),
        ("zebra", "SELECT 3"),
    ]
    assert [one.name for one in client.sql.forget("Ant").saved] == ["zebra"] and len(
        client.sql.queries().examples
    ) == 10
    with pytest.raises(Refused, match="no query is kept as 'Ant'"):
        client.sql.forget("Ant")


@pytest.mark.parametrize("on", [True, False])
def test_the_token_and_the_setting_guard_it(tmp_path: Path, on: bool) -> None:
    settings = Settings(
        db=tmp_path / "public.duckdb", host="0.0.0.0", token=TOKEN, samples=None, sql=on
    )
    with serving(tmp_path, quick, settings=settings) as public:
        with pytest.raises(Refused, match="needs a token"):
            public.client("another").sql("SELECT 1")
        if on:
            assert public.client(TOKEN).sql("SELECT 1").rows == [[1]]
            return
        client = public.client(TOKEN)
        for ask in (
            lambda: client.sql("SELECT 1"),
            lambda: client.sql.file("SELECT 1"),
            client.sql.copy,
            client.sql.renew,
            client.sql.tables,
        ):
            with pytest.raises(Refused, match="switched off"):
                ask()
        assert not list(tmp_path.glob("*.copy*"))
