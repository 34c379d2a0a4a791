"""Queries of strangers: what reads the copy is answered, everything else is refused, and nothing
that a query does reaches anybody else."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from backend.core.events import Pruned
from backend.core.settings import ROOT
from backend.problems.extraction import extract_answer
from storage import Store
from storage.questions import (
    EXAMPLES,
    Example,
    QueryAnswer,
    QueryRefusal,
    SqlDesk,
    SqlLimits,
    StoreCopy,
    sandbox,
)
from tests.storage.traces import finished_run

SECRET = "the file of somebody else"
FOREVER = "SELECT count(*) FROM range(100000000) a, range(1000000) b"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with the shipped runs."""
    opened = Store.open(tmp_path_factory.mktemp("sql") / "runs.duckdb")
    for sample in sorted((ROOT / "backend" / "service" / "samples").glob("*.jsonl")):
        opened.import_run(sample)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def copy(store: Store, tmp_path_factory: pytest.TempPathFactory) -> StoreCopy:
    return StoreCopy(store.snapshot, tmp_path_factory.mktemp("copies") / "it's a : runs.duckdb")


def asked(copy: StoreCopy, query: str, **limits: float) -> QueryAnswer:
    async def once() -> QueryAnswer:
        return (await SqlDesk(copy, SqlLimits(**limits)).ask(query))[0]  # type: ignore[arg-type]

    return asyncio.run(once())


def children() -> list[str]:
    """Processes that this one has started and that are not collected."""
    return [
        line
        for task in Path("/proc/self/task").iterdir()
        for line in (task / "children").read_text().split()
    ]


def born(before: list[str]) -> int:
    """The process that comes next."""
    while not (new := set(children()) - set(before)):
        time.sleep(0.01)
    return int(new.pop())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_every_example_gives_rows_on_the_shipped_runs(copy: StoreCopy, example: Example) -> None:
    answer = asked(copy, example.query)
    assert answer.rows and not answer.cut
    assert all(len(row) == len(answer.columns) for row in answer.rows)


def test_an_answer_in_a_query_is_read_as_the_runs_read_it(copy: StoreCopy, store: Store) -> None:
    """Also from nested braces, which no simple pattern finds the end of."""
    given = asked(copy, "SELECT run_id, node_id, written_answer FROM solution LIMIT 200").rows
    assert given
    for run_id, node_id, answer in given:
        text = next(node.text for node in store.nodes(run_id) if node.id == node_id)
        assert answer == extract_answer(text) or extract_answer(text) is None
    query = "SELECT extract_answer('so \\boxed{\\frac{1}{2}} it is')"
    assert asked(copy, query).rows == [["\\frac{1}{2}"]]


def test_there_are_ten_examples_and_their_numbers_are_those_of_the_store(
    copy: StoreCopy, store: Store
) -> None:
    assert len({example.name for example in EXAMPLES}) == 10
    by_name = {example.name: example.query for example in EXAMPLES}
    runs = asked(copy, by_name["Newest runs with their answers and costs"])
    assert [row[:6] for row in runs.rows] == [
        [
            run.id,
            run.strategy,
            (run.problem or {})["id"],
            run.answer,
            (run.problem or {})["answer"],
            run.correct,
        ]
        for run in store.runs().rows
    ]
    cut = asked(copy, by_name["Nodes that were pruned although their score reached the cut"])
    beam = next(run.id for run in store.runs().rows if run.strategy == "beam_search")
    scores = {score.node_id: score.value for score in store.scores(beam)}
    tied = {
        (beam, node)
        for event in store.events(beam, limit=None, of=[Pruned])
        if isinstance(pruned := event.body, Pruned) and pruned.cut is not None
        for node in pruned.nodes
        if (scores[node] or 0.0) >= pruned.cut
    }
    assert {(row[0], row[1]) for row in cut.rows} == tied


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stranger") / "secret.csv"
    path.write_text(f"a\n{SECRET}\n")
    return path


HOSTILE = (
    "SELECT * FROM read_text('{file}')", ("SELECT * FROM "
"read_blob('{file}')"), "SELECT * FROM read_csv('{file}')", "SELECT * FROM '{file}'",
    ("SELECT * FROM "
"read_csv_auto('/proc/self/environ')"), ("SELECT * FROM "
"parquet_scan('{file}')"), "SELECT * FROM read_json('{file}')",
    "SELECT * FROM glob('{folder}/*')", "SELECT * FROM sniff_csv('{file}')", ("SELECT * FROM "
"read_text('http://127.0.0.1:1/x')"),
    ("SELECT * FROM query('SELECT * FROM "
"read_text(''{file}'')')"), "SELECT * FROM duckdb_secrets()", "FROM sys_modules",
    "COPY run TO '{folder}/out.csv'", ("COPY (SELECT 1) TO '{folder}/out.parquet' (FORMAT "
"parquet)"), "EXPORT DATABASE '{folder}/out'",
    ("EXPLAIN ANALYZE COPY run TO "
"'{folder}/out.csv'"), "ATTACH '{folder}/new.duckdb'", "ATTACH '{file}' AS other", "ATTACH ':memory:' AS other",
    "SET memory_limit = '64GB'", "SET lock_configuration = false", "RESET lock_configuration", "SET enable_external_access = true",
    ("PRAGMA memory_limit "
"= '64GB'"), "INSTALL httpfs", "LOAD httpfs", "LOAD '{file}'", "CREATE SECRET s (TYPE s3)",
    ("INSERT INTO setting VALUES "
"('a', '1')"), "UPDATE run SET answer = '1'", "DELETE FROM run", "DROP TABLE run", "CREATE TABLE t (i INT)",
    "EXPLAIN ANALYZE DELETE FROM run", ("WITH d AS (SELECT 1) DELETE "
"FROM run"), "SELECT nextval('run_id_sequence')", "CALL force_checkpoint()",
)  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [
        *HOSTILE[:5],
        *(
            query
            for query in HOSTILE
            if query.startswith(("EXPLAIN", "COPY (", "SET m", "LOAD h", "DEL"))
        ),
    ],
)
def test_what_does_not_read_the_copy_is_refused(
    copy: StoreCopy, stranger: Path, query: str
) -> None:
    with pytest.raises(QueryRefusal) as refusal:
        asked(copy, query.format(file=stranger, folder=stranger.parent))
    assert SECRET not in str(refusal.value)
    assert [path.name for path in stranger.parent.iterdir()] == ["secret.csv"]


@pytest.mark.parametrize("query", [query for query in HOSTILE if not query.startswith("EXPLAIN")])
def test_the_connection_alone_would_refuse_it_too(
    copy: StoreCopy, stranger: Path, query: str
) -> None:
    """The kind of a statement is checked before, but nothing rests on that: none of these is kept
    from harm by its first word only."""
    connection = sandbox.open_copy(copy.there().path, 128, 1)
    try:
        with pytest.raises(duckdb.Error):
            connection.execute(query.format(file=stranger, folder=stranger.parent)).fetchall()
    finally:
        connection.close()


def test_only_one_statement_that_reads_is_taken(copy: StoreCopy) -> None:
    for query, words in (
        ("SELECT 1; DROP TABLE run", "2 statements"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("", "0 statements"),
        ("-- nothing", "0 statements"),
        ("CREATE TEMP TABLE t AS SELECT 1", "type CREATE"),
        ("BEGIN", "type TRANSACTION"),
        ("CHECKPOINT", "type CALL"),
        ("SET VARIABLE x = 1", "type SET"),
        ("PRAGMA enable_profiling", "type PRAGMA"),
    ):
        with pytest.raises(QueryRefusal, match=words):
            asked(copy, query)
    for query in (
        "FROM run",
        "DESCRIBE run",
        "SHOW TABLES",
        "SUMMARIZE run",
        "VALUES (1)",
        "EXPLAIN SELECT 1;",
        "WITH a AS (SELECT 1) FROM a",
    ):
        assert asked(copy, query).rows


def test_a_mistake_is_told_with_its_place(copy: StoreCopy) -> None:
    with pytest.raises(
        QueryRefusal, match=r'^line 2, column 7: Referenced column "foo" not found'
    ) as refusal:
        asked(copy, "SELECT\n 'é', foo FROM run")
    assert (refusal.value.line, refusal.value.column) == (2, 7)
    with pytest.raises(QueryRefusal, match=r"^line 1, column 1: syntax error"):
        asked(copy, "SELEC 1")


def test_a_query_without_end_is_ended_and_the_next_one_works(copy: StoreCopy) -> None:
    before = children()
    with pytest.raises(QueryRefusal, match=r"longer than 1 s"):
        asked(copy, FOREVER, seconds=1.0)
    assert children() == before
    assert asked(copy, "SELECT 1").rows == [[1]]


async def test_a_query_that_nobody_waits_for_any_more_is_ended(copy: StoreCopy) -> None:
    before = children()
    waiting = asyncio.create_task(SqlDesk(copy).ask(FOREVER))
    assert await asyncio.to_thread(born, before)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert children() == before


async def test_a_process_that_dies_takes_nobody_with_it(copy: StoreCopy) -> None:
    before, desk = children(), SqlDesk(copy)
    waiting = asyncio.create_task(desk.ask(FOREVER))
    os.kill(await asyncio.to_thread(born, before), signal.SIGSEGV)
    with pytest.raises(QueryRefusal, match="SIGSEGV"):
        await waiting
    assert (await desk.ask("SELECT 1"))[0].rows == [[1]]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT repeat('x', 4000000000)",
        "SELECT list(range) FROM range(500000000)",
        "SELECT string_agg(repeat('x', 1000), '') FROM range(10000000)",
        "SELECT * FROM range(50000000) ORDER BY hash(range)",
        "SELECT count(DISTINCT repeat(range::VARCHAR, 50)) FROM range(50000000)",
    ],
)
def test_a_query_gets_no_more_memory_than_there_is_for_it(copy: StoreCopy, query: str) -> None:
    with pytest.raises(QueryRefusal, match="memory"):
        asked(copy, query, memory_mb=64, seconds=60.0)


def test_a_large_result_is_cut_and_says_so(copy: StoreCopy) -> None:
    few = asked(copy, "SELECT * FROM range(1000000000000)", rows=7)
    assert (
        few.rows == [[number] for number in range(7)]
        and few.cut == "only the first 7 rows are shown"
    )
    exact = asked(copy, "SELECT * FROM range(7)", rows=7)
    assert (len(exact.rows), exact.cut) == (7, "")
    wide = asked(copy, "SELECT repeat('x', 300000) FROM range(100)", bytes=2**20)
    assert len(wide.rows) == 3 and wide.cut == "only the first 3 rows are shown: more than 1 MB"


def test_what_json_cannot_hold_comes_as_text(copy: StoreCopy) -> None:
    answer = asked(
        copy,
        """SELECT 'NaN'::DOUBLE, '-inf'::DOUBLE, 9007199254740993, 0.25::DECIMAL(4, 2), 'ab'::BLOB, DATE '2026-01-02',
        {'a': [1, NULL]}, NULL, true, '\u202e<b>'""",
    )
    assert answer.rows == [
        [
            "nan",
            "-inf",
            "9007199254740993",
            0.25,
            "6162",
            "2026-01-02",
            {"a": [1, None]},
            None,
            True,
            "\u202e<b>",
        ]
    ]
    assert [kind for _, kind in answer.columns][:5] == [
        "DOUBLE",
        "DOUBLE",
        "BIGINT",
        "DECIMAL(4,2)",
        "BLOB",
    ]


async def test_a_file_holds_the_whole_result_with_its_types(copy: StoreCopy) -> None:
    desk = SqlDesk(copy, SqlLimits(rows=2))
    query = (
        "SELECT range AS n, 'a,\"b\"' AS t, [range] AS l, NULL AS nothing, range AS n FROM "
        "range(5000)"
    )
    csv_file, _ = await desk.ask(query, "csv")
    lines = csv_file.content.decode().splitlines()
    assert (lines[0], lines[3], len(lines), csv_file.total, csv_file.cut) == (
        "n,t,l,nothing,n",
        '2,"a,""b""",[2],,2',
        5001,
        5000,
        "",
    )
    table = pq.read_table(io.BytesIO((await desk.ask(query, "parquet"))[0].content))
    assert table.column_names == ["n", "t", "l", "nothing", "n_4"]
    assert table.slice(4999, 1).to_pylist() == [
        {"n": 4999, "t": 'a,"b"', "l": [4999], "nothing": None, "n_4": 4999}
    ]


def test_the_copy_is_as_old_as_it_says_until_it_is_renewed(store: Store, tmp_path: Path) -> None:
    copy = StoreCopy(store.snapshot, tmp_path / "store.duckdb")
    assert copy.current is None
    count = asked(copy, "SELECT count(*) FROM run").rows
    first = copy.current
    run_id = finished_run(store)
    assert asked(copy, "SELECT count(*) FROM run").rows == count and copy.current == first
    renewed = copy.renew()
    assert first is not None and renewed.taken_at > first.taken_at
    assert asked(copy, "SELECT max(id) FROM run").rows == [[run_id]]
    copy.close()
    assert list(tmp_path.iterdir()) == []
    store.delete_run(run_id)


async def test_tables_are_told_with_what_they_hold(copy: StoreCopy) -> None:
    tables = {table.name: table for table in await SqlDesk(copy).tables()}
    assert {
        "run",
        "problem",
        "node",
        "event",
        "score",
        "link",
        "cost",
        "step_score",
        "pruning",
        "chosen_answer",
        "solution",
    } <= tables.keys()
    assert ("parent_id", "INTEGER") in tables["node"].columns and ("cut", "DOUBLE") in tables[
        "pruning"
    ].columns
    assert all(table.meaning for table in tables.values())


def test_the_reader_of_answers_is_loaded_without_the_problem_sets() -> None:
    program = (
        "import runpy, sys; load = runpy.run_path(sys.argv[1])['load_reader']; "
        "print(load()('It is \\\\boxed{7}.')); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, str(sandbox.__file__)],
        capture_output=True,
        text=True,
        check=True,
    )
    found, loaded = done.stdout.splitlines()
    assert found == "7"
    assert not {"pydantic", "backend.problems.equivalence"} & set(loaded.split())


async def test_texts_that_a_spreadsheet_would_compute_are_quoted_in_csv_alone(
    copy: StoreCopy,
) -> None:
    desk = SqlDesk(copy)
    query = (
        "SELECT '=1+1' AS \"=head\", '-5' AS number, -5 AS real, '-a' AS text, "
        "chr(9) || 'x' AS tab, 'b=c' AS plain"
    )
    found, _ = await desk.ask(query, "csv")
    assert found.content.decode() == (
        "'=head,number,real,text,tab,plain\n'=1+1,-5,-5,'-a,'\tx,b=c\n"
    )
    found, _ = await desk.ask(query, "csv", quoted=False)
    assert found.content.decode().splitlines()[1] == "=1+1,-5,-5,-a,\tx,b=c"
    found, _ = await desk.ask(query)
    assert found.rows[0][0] == "=1+1"
