"""The browser's tree model and Python's agree, and neither lets model text act."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from typing import Any

import pytest

from components.layout import layout_tree
from components.live_tree import tree_script
from components.tables import tree_table
from tests.components.test_prose import HOSTILE
from tests.pages.fake_service import FakeService
from tests.pages.traces import Trace, beam_trace, particle_trace

LOAD = "async (source) => { window.model = await import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'}))); }"


@pytest.fixture
def model(tab: Any) -> Any:
    tab.goto("about:blank")
    tab.evaluate(LOAD, tree_script())
    return tab


def test_layouts_agree(model: Any) -> None:
    draw = random.Random(5)
    cases: list[list[int | None]] = [[], [None], [None, 0, 0, 1, 2, 1], [None, *range(300)], [None, None, 0, 1]]
    cases += [[None if at == 0 or draw.random() < 0.05 else draw.randrange(at) for at in range(draw.randrange(1, 200))] for _ in range(20)]
    drawn = model.evaluate("(cases) => cases.map((parents) => window.model.layoutTree(parents))", cases)
    assert drawn == [{"x": places.x, "y": places.y, "leaves": places.leaves} for places in map(layout_tree, cases)]


@pytest.mark.parametrize("trace", [beam_trace(), particle_trace()], ids=["beam", "particles"])
def test_at_every_moment_both_see_the_same_tree(model: Any, trace: Trace) -> None:
    run = FakeService().add(trace)
    events = [run.event(record.seq) for record in trace.events]
    fold = """(events) => { const state = window.model.emptyState(); return events.map((event) => { window.model.applyEvent(state, event);
      return [...state.nodes.values()].map((node) => [node.id, node.score, node.pruned, node.id === state.chosen]); }); }"""
    seen = model.evaluate(fold, [json.loads(event.model_dump_json(exclude_none=True)) for event in events])
    nodes = [run.node(record.id) for record in trace.nodes]
    for event, drawn in zip(events, seen, strict=True):
        rows = tree_table(nodes, events, event.seq)
        assert drawn == [[row.id, row.score, row.pruned, row.chosen] for row in rows]
    assert asdict(tree_table(nodes, events)[0])["id"] == 0


@pytest.mark.parametrize("text", HOSTILE)
def test_labels_of_hostile_texts_hold_no_tags(model: Any, text: str) -> None:
    label = model.evaluate(
        "(text) => window.model.labelOf({id: 1, parent: 0, kind: 'step', text, score: null, weight: null, reason: text, visits: 0, tokens: 1}, null)",
        text,
    )
    assert label.replace("<br>", "").replace("<b>", "", 1).replace("</b>", "", 1).find("<") < 0
    assert not any(char in label for char in "\u202e\u2066\u0000")


def test_above_the_limit_pruned_leaves_fold_into_a_count_and_the_answers_path_stays(model: Any) -> None:
    build = """() => { const m = window.model, state = m.emptyState(); let seq = 0;
      const add = (id, parent) => m.applyEvent(state, {seq: seq++, kind: 'node', node_id: id,
        node: {id, parent_id: parent, depth: 0, kind: 'step', text: ''}});
      add(0, null); for (let id = 1; id <= 50; id++) add(id, 0);
      m.applyEvent(state, {seq: seq++, kind: 'pruned', data: {nodes: Array.from({length: 45}, (_, at) => at + 1)}});
      m.applyEvent(state, {seq: seq++, kind: 'answer', node_id: 7, data: {answer: 'x'}});
      const marks = m.marksOf(state, false, 20); return {ids: marks.ids, hidden: marks.hidden.map((mark) => mark.count)}; }"""
    found = model.evaluate(build)
    assert found == {"ids": [0, 7, 46, 47, 48, 49, 50], "hidden": [44]}


def test_rollouts_are_hidden_until_asked_for(model: Any) -> None:
    build = """() => { const m = window.model, state = m.emptyState();
      [[0, null, 'prompt'], [1, 0, 'step'], [2, 1, 'rollout'], [3, null, 'aside']].forEach(([id, parent, kind], seq) =>
        m.applyEvent(state, {seq, kind: 'node', node_id: id, node: {id, parent_id: parent, depth: 0, kind, text: ''}}));
      return [m.marksOf(state, false).ids, m.marksOf(state, true).ids]; }"""
    assert model.evaluate(build) == [[0, 1], [0, 1, 2, 3]]
