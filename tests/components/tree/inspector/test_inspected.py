"""What the inspector tells of a node beside its formulas: its ledger, its scores, the step under
way at a moment."""

from __future__ import annotations

import json

from msgspec.structs import replace

from backend.core.events import CallEnded, ScoreGiven
from backend.core.formulas import Term
from backend.core.registry import STRATEGIES
from backend.service.catalog import strategy
from components.tree.inspector.formula.case import Rival
from components.tree.inspector.formula.html import SHOWN, number, rivals_html, terms_html
from components.tree.inspector.ledger import CallShare, NodeLedger, node_ledger
from components.tree.inspector.path_scores import (
    PathScores,
    PathScoring,
    path_figure,
    path_scores,
    scorings,
)
from components.tree.inspector.record_panel import concerns
from components.tree.phases import UnderWay, under_way
from components.tree.pseudocode_panel import lines_data
from tests.components.tree.inspector.formula.test_formula import search
from tests.golden import FOLDER


def test_the_ledgers_of_all_nodes_add_up_to_that_of_the_run() -> None:
    rows, events = search("particle_filter")
    ledgers = {
        row.id: node_ledger(row.id, row.tokens, "policy", row.logprob is not None, events)
        for row in rows
    }
    outcome = json.loads(
        (FOLDER / "particle_filter.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    )["outcome"]["ledger"]
    assert sum(ledger.tokens for ledger in ledgers.values()) == outcome["generated_tokens"]
    assert sum(ledger.prompt_tokens or 0 for ledger in ledgers.values()) == outcome["prompt_tokens"]
    assert sum(ledger.verifier_calls for ledger in ledgers.values()) == outcome["verifier_calls"]
    assert sum(ledger.verifier_tokens for ledger in ledgers.values()) == outcome["verifier_tokens"]
    batches = [ledger.written for ledger in ledgers.values() if ledger.written is not None]
    assert len(batches) == outcome["model_calls"] and all(
        batches.count(batch) == batch.size for batch in batches
    )


def test_a_node_belongs_to_the_first_call_of_its_role_after_it() -> None:
    rows, events = search("chain")
    ledger = node_ledger(1, rows[1].tokens, "policy", True, events)
    call = next(event for event in events if event.kind == "call")
    assert isinstance(call.body, CallEnded)
    took = (call.body.ended_ms or 0.0) - (call.body.started_ms or 0.0)
    assert ledger == NodeLedger(
        rows[1].tokens, 79, 0, CallShare("policy", 1, took, call.seq), (), 0, 0, 0
    )
    assert node_ledger(0, rows[0].tokens, "policy", False, events) == NodeLedger(
        0, None, None, None, (), 0, 0, 0
    )


def test_before_its_call_is_told_a_node_has_no_call() -> None:
    rows, events = search("chain")
    seq = rows[1].seq
    assert node_ledger(1, rows[1].tokens, "policy", True, events[: seq + 1]).written is None


def test_every_score_of_a_node_is_told_in_order_and_only_up_to_the_moment() -> None:
    _, events = search("beam_search")
    score, given = next(
        (event, event.body) for event in events if isinstance(event.body, ScoreGiven)
    )
    body = replace(given, value=0.25, scorer="second")
    again = replace(score, seq=events[-1].seq + 1, body=body)
    found = scorings(given.node, [*events, again])
    assert found == [
        PathScoring(score.seq, "prm", given.value, "", (given.value,)),
        PathScoring(again.seq, "second", 0.25, "", (given.value,)),
    ]
    assert (
        scorings(given.node, [*events, again], score.seq) == found[:1]
        and scorings(given.node, events, score.seq - 1) == []
    )


def test_the_chart_of_a_path_has_a_point_a_step_and_the_steps_own_scores_where_they_differ() -> (
    None
):
    rows, events = search("beam_search")
    end = next(row for row in rows if row.chosen)
    info = path_scores(rows, end.id, scorings(end.id, events)[-1])
    path = [row for row in rows if row.id in {node for _, node, _ in info.path}]
    assert (
        info == PathScores(tuple((row.depth, row.id, row.score) for row in path), info.steps)
        and len(info.steps) == end.depth
    )
    assert len(path_figure(info).data) == 1
    other = PathScores(info.path, tuple(0.5 for _ in info.steps))
    assert [list(trace.y) for trace in path_figure(other).data] == [
        [0.5] * end.depth,
        [row.score for row in path],
    ]


def test_the_step_under_way_is_the_first_that_ends_at_the_moment_or_after_it() -> None:
    _, events = search("particle_filter")
    steps = [event for event in events if event.kind == "step"]
    assert under_way(events, 0) == UnderWay("start", "", 0, "status")
    assert under_way(events, steps[0].seq) == UnderWay("start", "", 0, "step")
    assert under_way(events, steps[0].seq + 1) == UnderWay(
        "resample", "", 1, events[steps[0].seq + 1].kind
    )
    assert under_way(events, None) == UnderWay("resample", "", len(steps) - 1, "status")
    assert under_way(events[:2], None) is None
    assert under_way(events[: steps[1].seq], steps[0].seq + 1) == UnderWay(
        "start", "", 0, events[steps[0].seq + 1].kind
    )


def test_the_lines_of_pseudo_code_come_with_the_step_of_the_moment() -> None:
    _, events = search("mcts")
    backed = next(event for event in events if event.kind == "backed")
    data = lines_data(7, strategy(STRATEGIES["mcts"]), events, backed.seq)
    assert (
        data["step"] == {"phase": "expand", "track": "", "round": 0, "kind": "backed"}
        and data["run"] == 7
    )
    lit = [
        line["text"].strip()
        for line in data["lines"]
        if "expand" in line["phases"] and "backed" in line["kinds"]
    ]
    assert [text.partition(":")[0] for text in lit] == ["back up", "N(u) += 1;  Q(u) "]


def test_the_events_of_a_node_are_those_that_name_it() -> None:
    rows, events = search("beam_search")
    nodes = {row.id: [event.kind for event in events if concerns(event, row.id)] for row in rows}
    assert (
        nodes[1][:2] == ["node", "score"] and {"allocated", "kept"} & set(nodes[1])
    ) or "pruned" in nodes[1]
    end = next(row.id for row in rows if row.chosen)
    assert nodes[end][:2] == ["node", "score"] and nodes[end][-1] == "answer"
    assert all("call" not in kinds and "status" not in kinds for kinds in nodes.values())


def test_tables_of_formulas_escape_names_and_list_the_taken_beyond_the_limit() -> None:
    assert "&lt;b&gt;" in terms_html([Term("T", "<b>", -1.5)]) and "\u22121.5" in terms_html(
        [Term("T", "<b>", -1.5)]
    )
    many = [Rival(node, float(-node), node == SHOWN + 5) for node in range(SHOWN + 9)]
    assert f"node {SHOWN + 5}<" in rivals_html(many) and "8 more are not shown." in rivals_html(
        many
    )
    assert number(float("inf")) == "\u221e"
