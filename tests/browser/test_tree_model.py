"""The browser's tree model and Python's agree, and neither lets model text act."""

from __future__ import annotations

import asyncio
import json
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import pytest

from backend.core.records import MemorySink
from backend.core.tree import TreeRow, tree_table
from backend.exchange.layout import layout_tree
from components.tree.inspector.head import head_of
from components.tree.live_tree_panel import tree_script
from tests.components.frame.test_prose import HOSTILE
from tests.golden import SEARCHES, searched, spec
from tests.pages.fake_service import FakeService
from tests.pages.traces import Trace, beam_trace, particle_trace

LOAD = (
    "async (source) => { window.model = await import(URL.createObjectURL(new Blob([source], "
    "{type: 'text/javascript'}))); }"
)


@pytest.fixture
def model(tab: Any) -> Any:
    tab.goto("about:blank")
    tab.evaluate(LOAD, tree_script())
    return tab


def test_layouts_agree(model: Any) -> None:
    draw = random.Random(5)
    cases: list[list[int | None]] = [
        [],
        [None],
        [None, 0, 0, 1, 2, 1],
        [None, *range(300)],
        [None, None, 0, 1],
    ]
    cases += [
        [
            None if at == 0 or draw.random() < 0.05 else draw.randrange(at)
            for at in range(draw.randrange(1, 200))
        ]
        for _ in range(20)
    ]
    drawn = model.evaluate(
        "(cases) => cases.map((parents) => window.model.layoutTree(parents))", cases
    )
    assert drawn == [
        {"x": places.x, "y": places.y, "leaves": places.leaves}
        for places in map(layout_tree, cases)
    ]


FOLD = """(events) => { const m = window.model, state = m.emptyState();
  return events.map((event) => { m.applyEvent(state, event);
    return [...state.nodes.values()].map((node) => ({
      id: node.id, score: node.score, reason: node.reason, pruned: node.pruned,
      chosen: node.id === state.chosen, visits: node.visits, mean: node.value,
      weight: node.weight, head: m.headOf(node, state.chosen)})); }); }"""


def golden_trace(name: str) -> Trace:
    """A search of the golden traces, as the real driver records it."""
    sink = MemorySink()
    with ThreadPoolExecutor(1) as thread:  # Playwright keeps an event loop in this one
        thread.submit(lambda: asyncio.run(searched(spec(name), sink))).result()
    return Trace(sink.nodes, sink.events)


def folded(row: TreeRow) -> dict[str, Any]:
    """What both folds say of a node."""
    head = head_of(row.id, row)
    return {
        "id": row.id,
        "score": row.score,
        "reason": row.reason,
        "pruned": row.pruned,
        "chosen": row.chosen,
        "visits": row.visits,
        "mean": row.backups.mean,
        "weight": row.weight,
        "head": {**asdict(head), "facts": list(head.facts)},
    }


@pytest.mark.parametrize("name", [*SEARCHES, "beams by hand", "particles by hand"])
def test_at_every_moment_both_see_the_same_tree(model: Any, name: str) -> None:
    by_hand = {"beams by hand": beam_trace, "particles by hand": particle_trace}
    trace = by_hand[name]() if name in by_hand else golden_trace(name)
    run = FakeService().add(trace)
    events = [run.event(record.seq) for record in trace.events]
    drawn = model.evaluate(
        FOLD, [json.loads(event.model_dump_json(exclude_none=True)) for event in events]
    )
    nodes, log = [run.node(record.id) for record in trace.nodes], [e.record() for e in events]
    for event, seen in zip(events, drawn, strict=True):
        rows = [folded(row) for row in tree_table(nodes, log, event.seq)]
        assert len(seen) == len(rows)
        for one, other in zip(seen, rows, strict=True):
            weights = one.pop("weight"), other.pop("weight")
            assert one == other
            assert weights[0] == pytest.approx(weights[1], nan_ok=False) or weights == (None, None)


@pytest.mark.parametrize("text", HOSTILE)
def test_labels_of_hostile_texts_hold_no_tags(model: Any, text: str) -> None:
    label = model.evaluate(
        (
            "(text) => window.model.labelOf({id: 1, parent: 0, kind: 'step', text, score: "
            "null, weight: null, reason: text, visits: 0, tokens: 1}, null)"
        ),
        text,
    )
    assert label.replace("<br>", "").replace("<b>", "", 1).replace("</b>", "", 1).find("<") < 0
    assert not any(char in label for char in "\u202e\u2066\u0000")


def test_above_the_limit_pruned_leaves_fold_first_and_the_answers_path_stays(model: Any) -> None:
    build = """() => { const m = window.model, state = m.emptyState(); let seq = 0;
      const add = (id, parent) => m.applyEvent(state, {seq: seq++, kind: 'node', node_id: id,
        node: {id, parent_id: parent, depth: 0, kind: 'step', text: ''}});
      add(0, null); for (let id = 1; id <= 50; id++) add(id, 0);
      m.applyEvent(state, {seq: seq++, kind: 'pruned', data: {nodes: Array.from({length: 45}, (_, at) => at + 1)}});
      m.applyEvent(state, {seq: seq++, kind: 'score', node_id: 40, value: 0.75});
      m.applyEvent(state, {seq: seq++, kind: 'answer', node_id: 7, data: {answer: 'x'}});
      const marks = m.marksOf(state, false, {limit: 7});
      return {ids: marks.ids, hidden: marks.hidden.map(({id, count, best}) => [id, count, best])}; }"""
    assert model.evaluate(build) == {"ids": [0, 7, 46, 47, 48, 49, 50], "hidden": [[0, 44, 0.75]]}


FOREST = """(cases) => cases.map(({parents, scores, limit, selected, opened, closed}) => { const m = window.model, state = m.emptyState();
  parents.forEach((parent, id) => {
    m.applyEvent(state, {seq: 2 * id, kind: 'node', node_id: id, node: {id, parent_id: parent, depth: 0, kind: 'step', text: ''}});
    m.applyEvent(state, {seq: 2 * id + 1, kind: 'score', node_id: id, value: scores[id]}); });
  const marks = m.marksOf(state, false, {limit, selected, opened: new Set(opened), closed: new Set(closed)});
  return {ids: marks.ids, folded: marks.hidden.map(({id, count, best}) => [id, count, best])}; })"""


def ancestors(parents: list[int | None], node: int) -> list[int]:
    found, above = [], parents[node]
    while above is not None:
        found.append(above)
        above = parents[above]
    return found


def test_what_is_not_drawn_is_counted_once_with_its_best_score_and_what_was_asked_for_is_drawn(
    model: Any,
) -> None:
    draw = random.Random(7)
    cases = []
    for size in [*range(1, 40), 300, 3000]:
        parents: list[int | None] = [
            None,
            *(draw.randrange(max(0, at - draw.choice((3, 40))), at) for at in range(1, size)),
        ]
        few = {draw.randrange(size) for _ in range(2)}
        closed = [draw.randrange(size)] if size % 2 else []
        wanted = {
            "limit": draw.randrange(1, 60),
            "selected": draw.randrange(size),
            "opened": sorted(few),
            "closed": closed,
        }
        cases.append({"parents": parents, "scores": [draw.random() for _ in parents], **wanted})
    for case, seen in zip(cases, model.evaluate(FOREST, cases), strict=True):
        parents, drawn = case["parents"], set(seen["ids"])
        below: dict[int, list[float]] = {}
        for node in set(range(len(parents))) - drawn:
            holder = next(above for above in ancestors(parents, node) if above in drawn)
            below.setdefault(holder, []).append(case["scores"][node])
        assert seen["folded"] == [
            [node, len(below[node]), max(below[node])] for node in sorted(below)
        ]
        assert all(parents[node] in drawn for node in drawn if parents[node] is not None)
        shut = set(case["closed"])
        assert not any(shut & set(ancestors(parents, node)) for node in drawn)
        for node in (case["selected"], *case["opened"]):
            assert node in drawn or shut & set(ancestors(parents, node))
        assert len(drawn) <= case["limit"] + sum(
            len(ancestors(parents, node)) + 1 for node in (case["selected"], *case["opened"])
        )


def test_colours_keys_and_marks_say_what_the_log_says(model: Any) -> None:
    build = """() => { const m = window.model, state = m.emptyState(); let seq = 0;
      const add = (id, parent, done) => m.applyEvent(state, {seq: seq++, kind: 'node', node_id: id,
        node: {id, parent_id: parent, depth: 0, kind: 'step', text: 't' + id, done, mean_logprob: -id}});
      const score = (id, value) => m.applyEvent(state, {seq: seq++, kind: 'score', node_id: id, value});
      add(0, null); [1, 2, 3].forEach((id) => add(id, 0)); [4, 5].forEach((id) => add(id, 1, true)); add(6, 2, true);
      score(1, 0.5); score(2, 0.25); score(3, 0.4);
      m.applyEvent(state, {seq: seq++, kind: 'pruned', data: {nodes: [3]}});
      m.applyEvent(state, {seq: seq++, kind: 'backed', value: 0.5, data: {path: [0, 1]}});
      m.applyEvent(state, {seq: seq++, kind: 'backed', value: 1, data: {path: [0, 2], means: [0.75, 0.875]}});
      m.applyEvent(state, {seq: seq++, kind: 'popped', node_id: 2});
      const answers = {labels: ['7', '8'], of: {4: 0, 5: 1, 6: 1}, repeats: [6], seq};
      const guest = (id, parent) => ({id, parent, text: 'g', score: null, done: false, chosen: false, run: 9, node: -id});
      const marks = m.marksOf(state, false, {context: [guest(-1, 2), guest(-2, -1), guest(-3, 99)]});
      const node = (id) => state.nodes.get(id);
      const lit = {path: new Set([0, 1, 4]), current: state.current, repeats: new Set([6])};
      const actions = ['after', 'child', 'parent', 'next', 'previous', 'last', 'disagreement'];
      return { values: [0, 1, 2, 3].map((id) => node(id).value), visits: m.scaleOf('visits', state).words,
        lows: ['score', 'logprob', 'order'].map((mode) => m.scaleOf(mode, state).low),
        reached: [...m.answersReached(state, answers)].sort((a, b) => a[0] - b[0]),
        classes: m.answerClasses(state, answers).map(({text, letter, count}) => [letter, text, count]),
        odd: m.disagreements(state), shapes: [1, 2, 3, 4, 6].map((id) => m.shapeOf(node(id), 4, lit)),
        guests: marks.guests.map((one) => one.id), dashes: marks.dashed.x.length,
        ends: actions.map((action) => m.moved(action, state, marks, 1, false)) }; }"""
    assert model.evaluate(build) == {
        "values": [0.75, 0.5, 0.875, None],
        "visits": ["1"],
        "lows": [0, -6, 0],
        "reached": [[0, -1], [1, -1], [2, 1], [4, 0], [5, 1], [6, 1]],
        "classes": [["A", "8", 2], ["B", "7", 1]],
        "odd": [3],
        "shapes": ["circle-dot", "triangle-up", "x", "star", "square-x"],
        "guests": [-1, -2],
        "dashes": 6,
        "ends": [2, 4, 0, 2, 0, 6, 3],
    }


def test_rollouts_are_hidden_until_asked_for(model: Any) -> None:
    build = """() => { const m = window.model, state = m.emptyState();
      [[0, null, 'prompt'], [1, 0, 'step'], [2, 1, 'rollout'], [3, null, 'aside']].forEach(([id, parent, kind], seq) =>
        m.applyEvent(state, {seq, kind: 'node', node_id: id, node: {id, parent_id: parent, depth: 0, kind, text: ''}}));
      return [m.marksOf(state, false).ids, m.marksOf(state, true).ids]; }"""
    assert model.evaluate(build) == [[0, 1], [0, 1, 2, 3]]
