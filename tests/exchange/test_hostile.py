"""A broken or hostile file is refused with the place of what is wrong, and a large one before it
costs anything."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.errors import BadInput
from backend.exchange.archive import members
from backend.exchange.base import BYTES_LIMIT, NODE_LIMIT, TEXT_LIMIT, ImportHints
from backend.exchange.formats import FORMATS as READERS
from backend.exchange.formats import parse_file
from backend.exchange.treequest import PATH_LIMIT
from tests.exchange.files import FORMATS, content, decoded

UNKNOWN = ImportHints()
JSON_FILES = [name for name in FORMATS if name.endswith(".json")]
Edit = Callable[[Any], object]


def edited(name: str, edit: Edit) -> bytes:
    """A file after a change of its decoded content, in place."""
    whole = decoded(name)
    edit(whole)
    return json.dumps(whole).encode()


def put(*path: Any) -> Edit:
    """Put the last argument at the place that the others name."""

    def edit(whole: Any) -> None:
        *way, last, value = path
        for part in way:
            whole = whole[part]
        whole[last] = value

    return edit


TREE, LOG, SMC, BON, GIBBS, EVAL = (
    "treequest-mcts.json",
    "llm-reasoners-mcts.json",
    "llamppl-smc.json",
    "its_hub-best-of-n.json",
    "its_hub-particle-gibbs.json",
    "inspect.json",
)
BROKEN: dict[str, tuple[str, Edit, str]] = {
    "a missing parent": (
        TREE,
        put("nodes", 3, "parent_id", 77),
        r"\$\.nodes\[3\]\.parent_id: got 77",
    ),
    "a node without a parent": (
        TREE,
        put("nodes", 3, "parent_id", None),
        r"\$\.nodes\[3\]\.parent_id",
    ),
    "a node that is its own parent": (
        TREE,
        put("nodes", 3, "parent_id", 2),
        r"\$\.nodes\[3\]\.parent_id: got 2",
    ),
    "two nodes with one id": (
        TREE,
        put("nodes", 3, "id", 1),
        r"\$\.nodes\[3\]\.id: got 1, accepted: 2",
    ),
    "no nodes": (TREE, put("nodes", []), r"\$\.nodes"),
    "a text that is a number": (
        TREE,
        put("nodes", 3, "state_repr", 5),
        r"\$\.nodes\[3\]\.state_repr",
    ),
    "a huge text": (
        TREE,
        put("nodes", 3, "state_repr", "x" * (TEXT_LIMIT + 1)),
        r"\$\.nodes\[3\]\.state_repr: got '1048577 characters'",
    ),
    "an edge to nowhere": (LOG, put("logs", 0, "edges", "0", "target", 99), r"\$\.logs\[0\]"),
    "a cycle": (
        LOG,
        lambda log: log["logs"][0]["edges"].update(
            {"0": {"id": 0, "source": 7, "target": 2, "data": {}}}
        ),
        r"\$\.logs\[0\]",
    ),
    "two ways to a node": (
        LOG,
        put("logs", 0, "edges", "1", "target", 1),
        r"\$\.logs\[0\]\.edges\.1\.target: got 1",
    ),
    "a node that moves": (LOG, put("logs", 1, "edges", "1", "source", 1), r"\$\.logs\[1\]"),
    "no snapshots": (LOG, put("logs", []), r"\$\.logs"),
    "a particle too few": (
        SMC,
        lambda rows: rows[1]["particles"].pop(),
        r"\$\[1\]\.particles: got '5 particles', accepted: 6",
    ),
    "an ancestor that is not there": (
        SMC,
        put(1, "ancestors", [0, 0, 0, 0, 0, 6]),
        r"\$\[1\]\.ancestors",
    ),
    "ancestors that are missing": (SMC, put(1, "ancestors", None), r"\$\[1\]\.ancestors"),
    "a step of an unknown kind": (SMC, put(2, "mode", "swap"), r"\$\[2\]\.mode"),
    "a particle without a text": (
        SMC,
        lambda rows: rows[0]["particles"][1].pop("contents"),
        r"\$\[0\]\.particles\[1\]",
    ),
    "more kept than there was": (
        SMC,
        put(1, "particles", 0, {"keep": 999, "contents_incr": "", "logweight": "0"}),
        r"particles\[0\]\.keep: got 999",
    ),
    "a choice that is not there": (
        BON,
        put("selected_index", 5),
        r"\$\.selected_index: got 5, accepted: 0 to 4",
    ),
    "a choice before the first": (BON, put("selected_index", -1), r"\$\.selected_index"),
    "scores too few": (BON, put("scores", [0.5]), r"\$\.scores: got '1 numbers', accepted: 5"),
    "no responses": (BON, put("responses", []), r"\$"),
    "a response that is a number": (BON, put("responses", 1, 7), r"\$\.responses\[1\]"),
    "weights of one iteration missing": (
        GIBBS,
        lambda result: result["log_weights_lst"].pop(),
        r"\$\.log_weights_lst",
    ),
    "a reference that is not there": (
        GIBBS,
        put("ref_indices_lst", 0, [9]),
        r"\$\.ref_indices_lst\[0\]",
    ),
    "a sample without messages": (
        EVAL,
        lambda log: log["samples"][2].pop("messages"),
        r"\$\.samples\[2\]\.messages",
    ),
    "a role that nobody has": (
        EVAL,
        put("samples", 1, "messages", 2, "role", "root"),
        r"\$\.samples\[1\]\.messages\[2\]\.role",
    ),
    "no samples": (EVAL, put("samples", []), r"\$\.samples"),
    "an id that is a list": (EVAL, put("samples", 0, "id", []), r"\$\.samples\[0\]\.id"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_with_its_place(name: str) -> None:
    file, edit, place = BROKEN[name]
    with pytest.raises(BadInput, match=place):
        parse_file(FORMATS[file], edited(file, edit), UNKNOWN)


@pytest.mark.parametrize("name", JSON_FILES)
def test_a_file_cut_anywhere_is_refused_with_line_and_column(name: str) -> None:
    whole = content(name).rstrip()
    for end in range(0, len(whole), 1 + len(whole) // 40):
        with pytest.raises(BadInput, match=r"line \d+, column \d+ of the file"):
            parse_file(FORMATS[name], whole[:end], UNKNOWN)


def test_an_archive_cut_anywhere_is_refused() -> None:
    whole = content("inspect.eval")
    for end in range(0, len(whole), 997):
        with pytest.raises(BadInput):
            parse_file("inspect", whole[:end], UNKNOWN)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(JSON_FILES), data=st.data())
def test_whatever_a_file_says_anywhere_it_is_read_or_refused_with_a_place(
    name: str, data: st.DataObject
) -> None:
    whole: Any = decoded(name)
    inside, last = whole, None
    for _ in range(data.draw(st.integers(1, 6))):
        if not isinstance(inside, dict | list) or not inside:
            break
        whole_part, last = (
            inside,
            data.draw(
                st.sampled_from(list(inside) if isinstance(inside, dict) else range(len(inside)))
            ),
        )
        inside = inside[last]
    whole_part[last] = data.draw(VALUES)
    try:
        runs = parse_file(FORMATS[name], json.dumps(whole).encode(), UNKNOWN)
    except BadInput as problem:
        assert problem.what.startswith(("$", "line "))
    else:
        assert all(run.nodes for run in runs)


@pytest.mark.parametrize("format_", [name for name in READERS if name != "thinking"])
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        b"\x00",
        b"1e999",
    ],
)
def test_a_file_of_something_else_is_refused(format_: str, text: bytes) -> None:
    with pytest.raises(BadInput):
        parse_file(format_, text, UNKNOWN)


@pytest.mark.parametrize(
    ("text", "place"),
    [(b"", "line 1"), (b"  \n", "line 1"), (b"a\nb\xffc", "line 2"), (b"a\n\nb\x00", "line 3")],
)
def test_a_text_that_is_none_is_refused_with_its_line(text: bytes, place: str) -> None:
    with pytest.raises(BadInput, match=place):
        parse_file("thinking", text, UNKNOWN)


def test_a_tree_of_a_million_nodes_is_refused_before_it_is_grown() -> None:
    node = b'{"id":0,"parent_id":-1,"score":0.5,"state_repr":"a"},'
    file = b'{"nodes":[' + node * 1_000_000 + node[:-1] + b'],"metadata":{}}'
    with pytest.raises(BadInput, match=rf"\$\.nodes: .*at most {NODE_LIMIT} items"):
        parse_file("treequest", file, UNKNOWN)


def test_a_search_whose_paths_together_are_endless_is_refused() -> None:
    nodes = [
        {"id": at - 1, "parent_id": at - 2 if at else None, "score": 0.5, "state_repr": ""}
        for at in range(3_200)
    ]
    with pytest.raises(
        BadInput, match=rf"steps in all paths by then', accepted: at most {PATH_LIMIT}"
    ):
        parse_file(
            "treequest",
            json.dumps({"nodes": nodes, "metadata": {"algorithm": "StandardMCTS"}}).encode(),
            UNKNOWN,
        )


def test_a_record_that_asks_for_many_copies_of_a_long_text_is_refused() -> None:
    size, longest = 1000, "x" * (TEXT_LIMIT - 1)
    first = [
        {"contents_incr": longest if slot == 0 else "", "logweight": "0"} for slot in range(size)
    ]
    copies = [{"contents_incr": "y", "keep": TEXT_LIMIT - 2, "logweight": "0"} for _ in range(size)]
    record = [
        {"mode": "init", "particles": first},
        {"mode": "resample", "ancestors": [0] * size, "particles": copies},
    ]
    with pytest.raises(BadInput, match=rf"characters by then', accepted: at most {BYTES_LIMIT}"):
        parse_file("smc", json.dumps(record).encode(), UNKNOWN)


def test_a_chain_of_fifty_thousand_steps_is_read() -> None:
    nodes = [
        {"id": at - 1, "parent_id": at - 2 if at else None, "score": 0.5, "state_repr": f"'{at}'"}
        for at in range(50_001)
    ]
    (run,) = parse_file(
        "treequest",
        json.dumps({"nodes": nodes, "metadata": {"algorithm": "BestFirstSearchAlgo"}}).encode(),
        UNKNOWN,
    )
    assert (len(run.nodes), run.nodes[-1].depth, run.nodes[-1].text) == (50_001, 50_000, "50000")


def test_a_file_that_is_too_long_is_refused() -> None:
    with pytest.raises(BadInput, match=f"accepted: at most {BYTES_LIMIT}"):
        parse_file("thinking", b"a" * (BYTES_LIMIT + 1), UNKNOWN)


def archive(**files: bytes) -> bytes:
    """A zip archive; a double underscore in a name stands for a slash."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(name.replace("__", "/"), text)
    return sink.getvalue()


def test_members_are_read_by_exact_name_and_others_are_left_or_refused() -> None:
    content_ = archive(**{"a.json": b"1", "..__..__a.json": b"2", "__etc__a.json": b"3"})
    assert members(content_, lambda name: name == "a.json", 100) == {"a.json": b"1"}
    with pytest.raises(BadInput, match="no other members"):
        members(content_, lambda name: name == "a.json", 100, others=False)


def test_an_archive_that_unpacks_to_too_much_is_refused() -> None:
    bomb = archive(**{"a.json": b"\x00" * 10_000_000})
    assert len(bomb) < 20_000
    with pytest.raises(BadInput, match=r"member 'a.json' of the archive"):
        members(bomb, lambda name: True, 1_000_000)


def test_an_archive_with_two_members_of_one_name_is_refused() -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as made, pytest.warns(UserWarning, match="Duplicate name"):
        made.writestr("a.json", b"1")
        made.writestr("a.json", b"2")
    with pytest.raises(BadInput, match="each name once"):
        members(sink.getvalue(), lambda name: True, 100)


def test_a_damaged_member_is_refused() -> None:
    whole = content("inspect.eval")
    with zipfile.ZipFile(io.BytesIO(whole)) as log:
        place = log.getinfo("samples/clips_epoch_1.json").header_offset
    for offset in (60, 200, 1500):
        damaged = bytearray(whole)
        damaged[place + offset] ^= 0xFF
        with pytest.raises(BadInput, match="archive"):
            parse_file("inspect", bytes(damaged), UNKNOWN)
