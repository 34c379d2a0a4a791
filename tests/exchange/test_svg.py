"""The drawing of a tree: every node where the page has it, its state in its outline, and nothing
that was written in it acts."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.cli.store import export_run
from backend.core.errors import BadInput
from backend.core.events import Kept, Pruned, ScoreGiven
from backend.core.records import EventRecord, NodeRecord
from backend.core.settings import ROOT
from backend.exchange.svg import SvgMark, colour_of, drawing, escape_xml, marks
from backend.service.exchange import drawing_of
from storage import Store

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</title><script>alert(1)</script><a href='javascript:x'>&amp;\u202e\x00\ud800 ]]>"


def node(
    id_: int, parent: int | None, text: str = "a step", *, kind: str = "step", done: bool = False
) -> NodeRecord:
    return NodeRecord(id_, parent, 0, kind, "policy", text, (), None, None, done, "", id_)


def test_marks_tell_state_score_and_way() -> None:
    nodes = [
        node(0, None, kind="prompt"),
        node(1, 0),
        node(2, 0),
        node(3, 1, done=True),
        node(4, 1, done=True),
        node(5, 2, kind="rollout"),
    ]
    bodies = [
        ScoreGiven(1, "prm", 0.2),
        ScoreGiven(1, "prm", 0.7),
        ScoreGiven(2, "prm", None),
        Pruned((2, 4), "outside the beam"),
        Kept((4,), (0.5,)),
    ]
    events = [EventRecord(seq, 0.0, 0, "", "", body) for seq, body in enumerate(bodies)]
    found = marks(nodes[:5], events, chosen=3)
    assert [(mark.id, mark.state, mark.score, mark.on_way, mark.parent) for mark in found] == [
        (0, "open", None, True, None),
        (1, "open", 0.7, True, 0),
        (2, "pruned", None, False, 0),
        (3, "chosen", None, True, 1),
        (4, "finished", None, False, 1),
    ]
    drawn = ElementTree.fromstring(
        drawing({"id": 1, "strategy": "beam", "chosen_node": 3}, nodes, events)
    )
    groups = [group for group in drawn.iter(f"{SVG}g") if group.get("class")]
    # the rollout is left out
    assert [group.get("class") for group in groups] == [
        "open",
        "open",
        "pruned",
        "chosen",
        "finished",
    ]
    shapes = [
        [child.tag.removeprefix(SVG) for child in group if child.tag != f"{SVG}title"]
        for group in groups
    ]
    assert shapes == [["circle"], ["circle"], ["circle"], ["path"], ["rect"]]
    assert [group.find(f"{SVG}circle").get("stroke-dasharray") for group in groups[:3]] == [
        None,
        None,
        "2 2",
    ]  # type: ignore[union-attr]
    assert isinstance(found[0], SvgMark) and (colour_of(0.0), colour_of(1.0), colour_of(0.5)) == (
        "#00224e",
        "#fee838",
        "#7d7c78",
    )


def test_what_was_written_in_it_stays_text() -> None:
    run = {"id": 1, "strategy": HOSTILE, "answer": HOSTILE, "correct": False, "chosen_node": 1}
    source = drawing(
        run, [node(0, None, HOSTILE, kind="prompt"), node(1, 0, HOSTILE, done=True)], []
    )
    drawn = ElementTree.fromstring(source.encode())
    assert {element.tag.removeprefix(SVG) for element in drawn.iter()} == {
        "svg",
        "title",
        "desc",
        "rect",
        "text",
        "path",
        "g",
        "circle",
    }
    assert not any(
        name.startswith("on") or "href" in name
        for element in drawn.iter()
        for name in element.attrib
    )
    assert (
        "\u27e8U+202E\u27e9" in source
        and "\u27e8U+0000\u27e9" in source
        and "\u27e8U+D800\u27e9" in source
    )


@given(st.text())
def test_any_text_can_be_written(text: str) -> None:
    assert (ElementTree.fromstring(f"<a>{escape_xml(text)}</a>".encode()).text or "") == unescape(
        escape_xml(text)
    )


def test_the_command_draws_a_stored_run_and_says_where_a_png_comes_from(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "runs.duckdb")
    run_id = store.import_run(ROOT / "backend" / "service" / "samples" / "2-beam-search.jsonl")
    expected, drawn_nodes = drawing_of(store, run_id), store.node_count(run_id)
    store.close()

    def export(format_: str) -> int:
        file, db = tmp_path / "tree.svg", tmp_path / "runs.duckdb"
        return export_run(run_id, None, file, format_, db, as_json=False)

    assert export("svg") == 0
    assert (tmp_path / "tree.svg").read_text("utf-8") == expected
    drawn = ElementTree.fromstring(expected)
    assert len([group for group in drawn.iter(f"{SVG}g") if group.get("class")]) == drawn_nodes
    with pytest.raises(BadInput, match="menu Export of the page Trace"):
        export("png")
