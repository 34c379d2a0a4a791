"""A run leaves as a file and comes back the same; a file that is not sound leaves nothing
behind.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.errors import BadInput, Conflict, NotFound, StorageFailure
from backend.core.events import NodeAdded, UnknownEvent
from backend.core.records import MemorySink
from backend.core.types import JSON, Alternative, Finish, Kind, Node, Score
from backend.runs.recorder import Recorder
from storage import Store
from storage.database import Database
from tests.storage.traces import PROBLEM, Trace, finished_run, new_run

PLAIN = st.characters(exclude_categories=["Cs"])
TEXT = st.text(PLAIN, max_size=12)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
VALUES: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
FACTS = st.dictionaries(
    TEXT.filter(lambda name: name not in {"generated_tokens", "verifier_calls"}), VALUES, max_size=3
)
MAYBE = st.none() | TEXT


@st.composite
def grown(draw: st.DrawFn) -> Trace:
    """The trace of a forest with prompts, samples, injected texts and scores in any order, times
    included."""
    sink = MemorySink()
    recorder = Recorder(sink)
    nodes: list[Node] = []
    scores = 0
    for _ in range(draw(st.integers(0, 8))):
        parent = draw(st.none() | st.sampled_from(nodes)) if nodes else None
        node = draw(a_node(parent))
        nodes.append(node)
        recorder.node(node, partial(NodeAdded, reason=draw(MAYBE)))
        if draw(st.booleans()):
            value = draw(st.none() | st.floats(0, 1))
            recorder.score(
                draw(TEXT),
                draw(st.sampled_from(nodes)),
                Score(value, tuple(draw(st.lists(FINITE, max_size=2))), draw(MAYBE)),
            )
            scores += 1
        if draw(st.booleans()):
            recorder.add(
                UnknownEvent(
                    "later", None, draw(TEXT), draw(st.none() | FINITE), {"x": draw(VALUES)}
                ),
                track=draw(TEXT),
                phase=draw(TEXT),
            )
    recorder.flush()
    tokens = sum(len(node.token_ids) for node in nodes if node.kind in {Kind.STEP, Kind.ROLLOUT})
    events = [msgspec.structs.replace(event, t_ms=draw(FINITE)) for event in sink.events]
    return Trace(sink.nodes, events, {"generated_tokens": tokens, "verifier_calls": scores})


@st.composite
def a_node(draw: st.DrawFn, parent: Node | None) -> Node:
    ids = tuple(draw(st.lists(st.integers(0, 2**31 - 1), max_size=3)))
    logprobs = draw(st.none() | st.lists(FINITE, min_size=len(ids), max_size=len(ids)).map(tuple))
    alternatives = (
        tuple((Alternative(token, draw(TEXT), draw(FINITE)),) for token in ids)
        if draw(st.booleans())
        else ()
    )
    return Node(
        draw(TEXT),
        ids,
        logprobs,
        parent,
        0 if parent is None else parent.depth + 1,
        draw(st.booleans()),
        draw(st.none() | st.sampled_from(Finish)),
        draw(TEXT),
        draw(st.sampled_from(Kind)),
        draw(TEXT),
        alternatives,
    )


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    return Database.open(tmp_path_factory.mktemp("export") / "store.duckdb")


@pytest.fixture(scope="module")
def shared(database: Database) -> Iterator[Store]:
    store = Store(database, lambda: datetime.now(UTC))
    yield store
    store.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@settings(max_examples=25, deadline=None)
@given(
    whole=grown(),
    status=st.sampled_from(["finished", "failed", "crashed"]),
    texts=st.tuples(MAYBE, MAYBE, MAYBE, MAYBE),
    data=st.data(),
)
def test_exporting_what_was_imported_gives_the_same_file(
    shared: Store,
    folder: Path,
    whole: Trace,
    status: str,
    texts: tuple[str | None, ...],
    data: st.DataObject,
) -> None:
    question = {
        "id": data.draw(TEXT),
        "question": data.draw(TEXT),
        "answer": data.draw(MAYBE),
        **data.draw(FACTS),
    }
    seed = data.draw(st.integers(-(2**63), 2**63 - 1))
    run_id = new_run(
        shared, problem=data.draw(st.none() | st.just(question)), seed=seed, model=data.draw(TEXT)
    )
    writer = shared.writer(run_id)
    writer.append(whole.nodes, whole.events)
    writer.close()
    answer, reason, error, remedy = texts
    chosen = data.draw(st.sampled_from([node.id for node in whole.nodes])) if whole.nodes else None
    ended = data.draw(
        st.none() | st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
    )
    shared.update_run(
        run_id,
        status=status,
        answer=answer,
        reason=reason,
        error=error,
        remedy=remedy,
        chosen_node=chosen,
        finished_at=ended,
        correct=data.draw(st.none() | st.booleans()),
        manifest=data.draw(FACTS),
        ledger={**data.draw(FACTS), **whole.ledger},
    )
    first, second = folder / "first.jsonl", folder / "second.jsonl"
    shared.export_run(run_id, first)
    copy = shared.import_run(first)
    shared.export_run(copy, second)
    assert second.read_bytes() == first.read_bytes()
    assert (shared.read_paid_nodes(copy), shared.event_rows(copy, limit=None)) == (
        shared.read_paid_nodes(run_id),
        shared.event_rows(run_id, limit=None),
    )
    assert shared.verify(copy) == []
    stored, original = shared.run(copy), shared.run(run_id)
    new = ("id", "origin", "stored_at", "manifest")
    assert stored._replace(**{name: getattr(original, name) for name in new}) == original
    assert (stored.origin, original.origin) == ("import", "own")
    content = first.read_bytes()
    source = {
        "format": "jsonl",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "file": "first.jsonl",
    }
    assert stored.manifest == {**original.manifest, "imported": source}


Lines = list[str]


def edited(index: int, **fields: object) -> Callable[[Lines], Lines]:
    """Change fields of one line."""

    def edit(lines: Lines) -> Lines:
        return [
            *lines[:index],
            json.dumps({**json.loads(lines[index]), **fields}),
            *lines[index + 1 :],
        ]

    return edit


def in_run(**fields: object) -> Callable[[Lines], Lines]:
    """Change fields of the run in the first line."""
    return lambda lines: edited(0, run={**json.loads(lines[0])["run"], **fields})(lines)


# Seven nodes are lines 2 to 8 of the file, their events are lines 9 and on.
BROKEN: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "bad JSON": (lambda lines: [*lines[:3], "{'id': 2}", *lines[4:]], "line 4 "),
    "an empty line": (lambda lines: [*lines[:3], "", *lines[4:]], "line 4 "),
    "two lines in the wrong order": (
        lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]],
        "line 4 ",
    ),
    "a line too many": (lambda lines: [*lines, lines[-1]], "lines, as line 1 says"),
    "a line too few": (lambda lines: lines[:-1], "lines, as line 1 says"),
    "only the header": (lambda lines: lines[:1], "line 1 .*lines, as line 1 says"),
    "a node where an event belongs": (lambda lines: [*lines[:8], lines[7], *lines[9:]], "line 9 "),
    "an unknown field": (edited(2, colour="red"), "line 3 .*colour"),
    "an unknown field of the run": (in_run(colour="red"), "line 1 .*colour"),
    "a wrong type": (edited(2, depth="1"), "line 3 .*depth"),
    "a number that is no whole number": (edited(3, id=2.0), "line 4 .*id"),
    "a wrong depth": (edited(4, depth=7), "line 5 .*depth 7, expected"),
    "a duplicate id": (edited(4, id=2), "line 5 .*ids have a gap: found 2, expected 3"),
    "a duplicate seq": (
        edited(10, seq=1),
        "line 11 .*sequence numbers have a gap: found 1, expected 2",
    ),
    "an orphan": (edited(4, parent_id=66), "line 5 .*parent 66"),
    "an event about nothing": (edited(9, node_id=40), "line 10 .*names node 40"),
    "NaN": (edited(10, value=float("nan")), "line 11 "),
    "infinity in data": (edited(10, data={"x": [float("inf")]}), "line 11 "),
    "a number too large for a float": (
        lambda lines: [
            *lines[:10],
            lines[10].replace('"value":0.1,', '"value":1e999,'),
            *lines[11:],
        ],
        "line 11 ",
    ),
    "a token too large": (edited(4, token_ids=[2**40, 1]), "line 5 .*token_ids"),
    "a lone surrogate": (edited(4, text="\ud800"), "line 5 "),
    "a newer format": (
        edited(0, version=4),
        (
            "line 1 .*got '4', accepted: version: 1 to 3, this file is from a newer version of "
            "the program"
        ),
    ),
    "a format that never was": (
        edited(0, version=0),
        "line 1 .*got '0', accepted: version: 1 to 3$",
    ),
    "another format": (edited(0, format="csv"), "line 1 .*format"),
    "a run under way": (in_run(status="running"), "line 1 .*a run that is over"),
    "a seed too large": (in_run(seed=2**63), "line 1 .*seed"),
    "a time without a zone": (in_run(created_at="2026-01-01T00:00:00"), "line 1 .*created_at"),
    "a time before all times": (
        in_run(created_at="0001-01-01T00:00:00+09:00"),
        "line 1 .*created_at",
    ),
    "a ledger that does not agree": (
        in_run(ledger={"generated_tokens": 3}),
        "line 1 .*generated_tokens = 3",
    ),
    "NaN in the ledger": (in_run(ledger={"seconds": float("nan")}), "line 1 .*ledger"),
    "a problem without a question": (
        edited(0, problem={"id": "x"}),
        "line 1 .*question of a problem",
    ),
    "a chosen node that is not there": (in_run(chosen_node=50), "line 1 .*chose node 50"),
    "nothing": (lambda lines: [], "line 1 "),
}


def contents(database: Database) -> list[object]:
    """How many rows every table has."""
    with database.reading() as connection:
        return [
            connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar()
            for table in ("run", "problem", "node", "event")
        ]


@pytest.fixture(scope="module")
def sound(shared: Store, folder: Path) -> list[str]:
    """The lines of a sound file."""
    shared.export_run(finished_run(shared), folder / "sound.jsonl")
    return (folder / "sound.jsonl").read_text("utf-8").splitlines()


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_by_its_line_and_leaves_nothing_behind(
    shared: Store, database: Database, folder: Path, sound: list[str], name: str
) -> None:
    breaking, words = BROKEN[name]
    path, before = folder / "broken.jsonl", contents(database)
    lines = breaking(sound)
    assert lines != sound
    path.write_text("".join(line + "\n" for line in lines), "utf-8")
    with pytest.raises(BadInput, match=words):
        shared.import_run(path)
    assert contents(database) == before


def test_a_file_cut_anywhere_is_refused(shared: Store, database: Database, folder: Path) -> None:
    shared.export_run(finished_run(shared, steps=1), folder / "whole.jsonl")
    whole, before = (folder / "whole.jsonl").read_bytes(), contents(database)
    ends = [index + 1 for index, byte in enumerate(whole) if byte == ord("\n")][:-1]
    for end in (*ends, *range(0, len(whole), 97), len(whole) - 1):
        (folder / "cut.jsonl").write_bytes(whole[:end])
        with pytest.raises(BadInput, match=r"line \d+ of cut.jsonl"):
            shared.import_run(folder / "cut.jsonl")
    assert contents(database) == before


@pytest.mark.parametrize(
    "content",
    [b"\x00\xff\xfe\n", b"\xff\n", b"[" * 100_000 + b"\n", b"null\n"],
    ids=["binary", "utf-8", "deep", "null"],
)
def test_a_file_of_something_else_is_refused(shared: Store, folder: Path, content: bytes) -> None:
    (folder / "else.jsonl").write_bytes(content)
    with pytest.raises(BadInput, match=r"line 1 of else.jsonl"):
        shared.import_run(folder / "else.jsonl")


def test_a_file_that_is_not_there_is_refused(shared: Store, folder: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        shared.import_run(folder / "missing.jsonl")


HOSTILE = [
    "nul \0 inside",
    "'; DROP TABLE run; --",
    "$1 ? :name %s {0}",
    "line\nbreak\r\n\u2028\u2029\x85\x0b",
    "x" * 2**20,
    "\ufeff",
    '\\u0000\\n"',
    "🜂",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_survive_the_file(shared: Store, folder: Path, text: str) -> None:
    run_id = finished_run(shared, steps=2, text=text)
    shared.update_run(run_id, answer=text, manifest={text[:100]: text})
    shared.export_run(run_id, folder / "hostile.jsonl")
    copy = shared.import_run(folder / "hostile.jsonl")
    assert shared.read_paid_nodes(copy) == shared.read_paid_nodes(run_id)
    assert (shared.run(copy).answer, shared.run(copy).manifest[text[:100]]) == (text, text)


def test_a_run_under_way_or_unknown_cannot_be_exported_and_a_bad_path_says_why(
    shared: Store, folder: Path
) -> None:
    with pytest.raises(Conflict, match="is queued"):
        shared.export_run(new_run(shared), folder / "early.jsonl")
    with pytest.raises(NotFound):
        shared.export_run(10**6, folder / "unknown.jsonl")
    with pytest.raises(StorageFailure, match="cannot be written: No such file or directory"):
        shared.export_run(finished_run(shared), folder / "no folder" / "run.jsonl")
    assert not any((folder / name).exists() for name in ("early.jsonl", "unknown.jsonl"))


def test_runs_of_one_problem_share_it_after_an_import(
    shared: Store, database: Database, folder: Path
) -> None:
    shared.export_run(finished_run(shared), folder / "known.jsonl")
    problems: Any = contents(database)[1]
    copy = shared.import_run(folder / "known.jsonl")
    assert shared.run(copy).problem == {**PROBLEM, "dataset": "ledger"}
    assert contents(database)[1] == problems
