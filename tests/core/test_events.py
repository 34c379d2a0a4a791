"""Events and their columns: every kind goes there and back, what is not known survives, and what is
wrong is named."""

from __future__ import annotations

import json
import math
import re
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.errors import BadInput
from backend.core.event_columns import (
    Columns,
    from_columns,
    node_ids_of,
    read_columns,
    to_columns,
    with_ids,
)
from backend.core.events import (
    KINDS,
    Body,
    Drawn,
    EventBody,
    N,
    NodeId,
    Note,
    Pruned,
    Remarked,
    ScoreGiven,
    Selected,
    StatusChanged,
    StepEnded,
    UnknownEvent,
    kind_of,
)
from backend.core.records import EventRecord, EventRow
from backend.core.types import JSON, Node
from backend.messages.runs import Event
from tests.golden import FOLDER

ROOT = Path(__file__).parents[2]
LOGS = [
    *sorted(FOLDER.glob("*.jsonl")),
    *sorted((ROOT / "backend/service/samples").glob("*.jsonl")),
]
PLAIN = st.characters(exclude_categories=["Cs"])
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(PLAIN, max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(PLAIN, max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a declared type, as a log holds them."""
    if hint is N or hint == NodeId:
        return st.integers(0, 2**31 - 1)
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return values_of(parts[0])
    if origin in (Union, types.UnionType):
        options = [part for part in parts if part not in (type(None), msgspec.UnsetType)]
        return st.none() | st.one_of(*map(values_of, options))
    if origin is tuple and parts[-1] is Ellipsis:
        return st.lists(values_of(parts[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values_of, parts))
    if origin is Mapping:
        return st.dictionaries(st.text(PLAIN, max_size=5), values_of(parts[1]), max_size=3)
    return {
        int: st.integers(-(2**40), 2**40),
        float: st.floats(allow_nan=False) | st.integers(-9, 9),
        str: st.text(PLAIN, max_size=5),
        bool: st.booleans(),
    }[hint]


def bodies(kind: type[Body]) -> st.SearchStrategy[EventBody]:
    hints = get_type_hints(kind, include_extras=True)
    finite = {"value", "limit"} if kind_of(kind) in ("score", "likelihood", "limit") else set()
    return st.builds(
        kind,
        **{
            name: values_of(hint).filter(lambda value: value is None or abs(value) != math.inf)
            if name in finite
            else values_of(hint)
            for name, hint in hints.items()
        },
    )


EVERY = pytest.mark.parametrize("kind", KINDS, ids=kind_of)


@EVERY
@settings(max_examples=40)
@given(data=st.data())
def test_every_event_comes_back_from_its_columns(kind: type[Body], data: st.DataObject) -> None:
    body = data.draw(bodies(kind))
    columns = to_columns(body)
    text = json.dumps(columns, ensure_ascii=False, allow_nan=False)
    stored = Columns(*json.loads(text))
    assert from_columns(stored) == body
    assert json.dumps(to_columns(from_columns(stored)), ensure_ascii=False) == text
    record = EventRecord(3, 1.5, 2, "part 1", "select", body)
    assert record.row().record() == record and record.kind == kind_of(kind)


@EVERY
def test_every_kind_is_described_and_has_its_own_word(kind: type[Body]) -> None:
    assert kind.__doc__ and len(kind.__doc__) > 40
    assert [kind_of(each) for each in KINDS].count(kind_of(kind)) == 1


def test_the_browser_listens_to_every_kind() -> None:
    script = (ROOT / "components/tree/browser/live_tree.js").read_text("utf-8")
    listed = re.search(r"const KINDS = \[(.*?)\]", script, re.DOTALL)
    assert listed is not None
    known = set(re.findall(r'"(\w+)"', listed[1]))
    assert known == {kind_of(each) for each in KINDS} - {"status"}, (
        "a change of status comes by another message"
    )


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_real_logs_are_read_and_written_as_they_were(path: Path) -> None:
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    found = [line for line in lines if "kind" in line and "parent_id" not in line]
    assert len(found) > 10
    for line in found:
        asked = {name: line.get(name, default) for name, default in COLUMNS.items()}
        body = from_columns(Columns(**asked))
        assert not isinstance(body, UnknownEvent)
        again = to_columns(body)
        assert again._replace(data=None) == Columns(**{**asked, "data": None})
        kept = (
            {name: value for name, value in (again.data or {}).items() if name in line["data"]}
            if line.get("data")
            else None
        )
        assert json.dumps(kept) == json.dumps(line.get("data"))
        added = {
            name: value
            for name, value in (again.data or {}).items()
            if name not in (line.get("data") or {})
        }
        assert not any(added.values()), "what an older log does not have is empty"


COLUMNS: dict[str, JSON] = {"kind": "", "node_id": None, "label": "", "value": None, "data": None}


@given(
    kind=st.text(PLAIN, max_size=8).filter(lambda kind: kind not in map(kind_of, KINDS)),
    node_id=st.none() | st.integers(),
    label=st.text(PLAIN),
    value=st.none() | st.floats(allow_nan=False),
    data=st.none() | st.dictionaries(st.text(PLAIN), ANY_JSON, max_size=3),
)
def test_a_kind_that_is_not_known_keeps_its_columns(
    kind: str,
    node_id: int | None,
    label: str,
    value: float | None,
    data: dict[str, JSON] | None,
) -> None:
    columns = Columns(kind, node_id, label, value, data)
    body = from_columns(columns)
    assert isinstance(body, UnknownEvent) and body.problem is None
    assert json.dumps(to_columns(body)) == json.dumps(columns)
    assert kind_of(body) == kind and node_ids_of(body) == ([] if node_id is None else [node_id])


@EVERY
@settings(max_examples=40)
@given(data=st.data())
def test_garbled_data_are_refused_by_kind_and_field_and_never_break_a_reader(
    kind: type[Body], data: st.DataObject
) -> None:
    whole = to_columns(data.draw(bodies(kind)))
    names = st.sampled_from(sorted(whole.data or {})) if whole.data else st.text(PLAIN)
    spoilt = {**(whole.data or {}), data.draw(names): data.draw(ANY_JSON)}
    columns = whole._replace(data=data.draw(st.just(spoilt) | ANY_JSON))
    if data.draw(st.booleans()):
        columns = columns._replace(node_id=data.draw(st.none() | st.just(1)))
    read = read_columns(columns)
    try:
        assert read == from_columns(columns) or columns != columns  # NaN is not itself
    except BadInput as wrong:
        assert isinstance(read, UnknownEvent) and read.problem == str(wrong)
        assert f" of a {kind_of(kind)} event: got " in str(wrong) and "accepted: " in str(wrong)
        assert to_columns(read) is not columns and to_columns(read)[0] == columns.kind


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            Columns("score", 3, "prm", 0.5, {"steps": "abc", "tokens": 1, "cached": 0}),
            "steps of a score event: got 'abc', accepted: a list, each a number",
        ),
        (
            Columns("score", None, "prm", 0.5, {"steps": []}),
            "node_id of a score event: got None, accepted: a node's id",
        ),
        (
            Columns("pruned", None, "", None, {"nodes": [1, True], "reason": "x"}),
            "nodes of a pruned event: got '[1, True]', accepted: a list, each a node's id",
        ),
        (
            Columns("pruned", None, "", None, None),
            "nodes of a pruned event: got None, accepted: a list, each a node's id",
        ),
        (
            Columns("swapped", None, "", None, {"chains": ["one"]}),
            "chains of a swapped event: got \"['one']\", accepted: a list of a text and a text",
        ),
        (
            Columns("jumped", 1, "", None, {"score": 1.0, "terms": {"a": "\u202e" * 500}}),
            "terms of a jumped event: got ",
        ),
        (
            Columns("backed", None, "", 0.5, [1, 2]),  # type: ignore[arg-type]
            "data of a backed event: got '[1, 2]', accepted: a mapping",
        ),
    ],
)
def test_what_is_wrong_is_named_shortly_and_in_plain_letters(columns: Columns, words: str) -> None:
    with pytest.raises(BadInput) as wrong:
        from_columns(columns)
    assert str(wrong.value).startswith(words)
    assert len(str(wrong.value)) < 220 and str(wrong.value).isascii()


def test_infinite_numbers_are_words_in_a_log_and_floats_in_an_event() -> None:
    walk = Selected(
        (0, 1), "uct", (math.inf,), ((1, 2),), ((0, 1),), ((0.0, 0.5),), ((math.inf, 1.5),)
    )
    columns = to_columns(walk)
    assert columns.data is not None
    assert (columns.data["values"], columns.data["scores"]) == (["inf"], [["inf", 1.5]])
    assert from_columns(columns) == walk


def test_a_status_tells_the_limit_only_where_the_run_finished() -> None:
    assert to_columns(StatusChanged("running")).data is None
    assert to_columns(StatusChanged("cancelled", {"rounds": 1})).data == {"ledger": {"rounds": 1}}
    assert to_columns(StatusChanged("finished", {"rounds": 1}, None)).data == {
        "ledger": {"rounds": 1},
        "limit": None,
    }


NODES = [Node(str(number)) for number in range(5)]


def id_of(node: Node) -> int:
    return NODES.index(node)


@pytest.mark.parametrize(
    ("note", "logged", "named"),
    [
        (Pruned((NODES[1], NODES[2]), "late"), Pruned((1, 2), "late"), [1, 2]),
        (Pruned((), "none"), Pruned((), "none"), []),
        (
            Selected((NODES[0], NODES[1]), "uct", (0.5,), ((NODES[1], NODES[2]),)),
            Selected((0, 1), "uct", (0.5,), ((1, 2),)),
            [0, 1, 1, 2],
        ),
        (
            Drawn(NODES[3], 0.1, 0.2, (NODES[4],), (0.3,), ({"a": 1.0},)),
            Drawn(3, 0.1, 0.2, (4,), (0.3,), ({"a": 1.0},)),
            [3, 4],
        ),
        (Remarked("Odd."), Remarked("Odd.", ()), []),
        (Remarked("Asked.", (NODES[2],), NODES[1]), Remarked("Asked.", (2,), 1), [2, 1]),
    ],
)
def test_a_note_enters_the_log_with_its_nodes_by_their_ids(
    note: Note, logged: EventBody, named: list[int]
) -> None:
    assert with_ids(note, id_of) == logged
    assert node_ids_of(logged) == named


def test_all_nodes_that_an_event_names_are_found() -> None:
    assert node_ids_of(ScoreGiven(3, "prm", 0.5, evidence=(7, 8))) == [3, 7, 8]
    assert node_ids_of(StepEnded(2, (4, 5), (None, 0.5))) == [4, 5]


def test_a_page_has_the_event_of_what_the_service_sends() -> None:
    sent = Event(seq=4, t_ms=1.0, kind="kept", data={"nodes": [1], "values": [None]}, round=2)
    assert sent.record() == EventRow(4, 1.0, "kept", round=2, data=sent.data).record()
    assert sent.body is sent.body
    broken = Event(seq=4, t_ms=1.0, kind="kept", data={"nodes": 1})
    assert isinstance(broken.body, UnknownEvent)
    assert broken.body.problem == (
        "nodes of a kept event: got 1, accepted: a list, each a node's id"
    )
