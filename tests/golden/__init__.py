"""Golden traces: one small search per strategy on the scripted engine, as the real driver records
it.

`SEARCHES` says what is run. A trace is a list of lines: the spec with all its parameters, every
event in order (a `node` event with the whole node), and how the run ended. What depends on the
clock is left out, and floats have 12 significant digits, so that a trace is the same on every
machine. A change of a strategy, of the driver or of a key shows as a difference in a committed
file, `tests/golden/STRATEGY.jsonl`; where the change is meant, `python -m tests.golden` writes the
files anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backend import problems
from backend.core.events import NodeAdded
from backend.core.records import EventRecord, MemorySink, NodeRecord
from backend.core.registry import STRATEGIES
from backend.core.spec import RunSpec
from backend.engines.scripted.engine import ScriptedEngine, ScriptedRewardModel
from backend.runs.control import Control
from backend.runs.driver import Outcome, run
from backend.runs.paid import NOTHING_PAID, Paid

FOLDER = Path(__file__).parent
CLOCK = ("seconds", "started_ms", "ended_ms")
DIGITS = 12

QUESTION = "Ana picks 12 apples, then 7, then 25 and at last 9. How many apples are there?"
PROBLEM = problems.Problem("own", "own", None, None, QUESTION, "53")

SEARCHES: dict[str, dict[str, Any]] = {
    "chain": {},
    "best_of_n": {"n": 4},
    "first_finish": {"n": 16, "k": 4},
    "stepwise_best_of_n": {"n": 3},
    "beam_search": {"n": 4, "beam_width": 2},
    "lookahead": {"n": 4, "beam_width": 2, "k": 2},
    "dvts": {"n": 4, "beam_width": 2},
    "rebase": {"width": 6},
    "particle_filter": {"particles": 4, "scheme": "systematic"},
    "particle_gibbs": {"particles": 3, "iterations": 2, "mode": "exact"},
    "parallel_tempering": {"particles": 3, "chains": 2, "iterations": 2},
    "a_star": {"branching": 3, "goals": 2, "expansions": 8},
    "mcts": {"simulations": 6, "children": 3},
    "global_frontier": {"width": 3, "expansions": 8},
    "ab_mcts": {"answers": 8, "prior": "beta"},
    "tree_sampling": {"iterations": 8, "reward_weight": 4.0},
    "retro_search": {"traces": 3, "transitions": "we, misreading", "tries": 3},
}
"""Parameters by strategy; what is absent takes its default, which the trace names."""


def spec(name: str, **changes: Any) -> RunSpec:
    """The run of a strategy, with some fields changed."""
    return RunSpec.model_validate(
        {
            "strategy": name,
            "params": SEARCHES[name],
            "question": QUESTION,
            "answer": "53",
            "seed": 11,
            "engine": "scripted",
            "verifier": "prm",
            "sampling": {"temperature": 1.0, "max_tokens": 200},
            **changes,
        }
    )


async def searched(
    asked: RunSpec,
    sink: MemorySink,
    *,
    engine: ScriptedEngine | None = None,
    reward: ScriptedRewardModel | None = None,
    paid: Paid = NOTHING_PAID,
) -> Outcome:
    """Run a spec on the scripted models."""
    return await run(
        asked,
        problem=PROBLEM,
        engine=engine or ScriptedEngine(),
        reward=reward or ScriptedRewardModel(),
        sink=sink,
        control=Control(),
        grade=problems.grade,
        paid=paid,
    )


async def golden(name: str) -> list[str]:
    """The lines of a strategy's trace."""
    asked, sink = spec(name), MemorySink()
    outcome = await searched(asked, sink)
    params = STRATEGIES[name].parse(asked.params).model_dump(mode="json")
    nodes = {node.id: node for node in sink.nodes}
    told = [told_event(event, nodes) for event in sink.events]
    return [
        line({"spec": {**asked.model_dump(mode="json"), "params": params}}),
        *map(line, told),
        line({"outcome": timeless(asdict(outcome))}),
    ]


def told_event(event: EventRecord, nodes: dict[int, NodeRecord]) -> dict[str, Any]:
    """An event without its time; one that announces a node tells all of it but the ids, which the
    scripted engine reads off the text.

    The ledger stands at every change of the answer and at the end; what is left out is its copy
    after each call, a sum of what the calls tell.
    """
    told = {
        name: value
        for name, value in event.row()._asdict().items()
        if name != "t_ms" and value not in (None, "")
    }
    if event.kind == "call":
        told["data"] = {name: value for name, value in told["data"].items() if name != "ledger"}
    if isinstance(event.body, NodeAdded):
        told["node"] = told_node(nodes[event.body.node])
    return timeless(told)


def told_node(node: NodeRecord) -> dict[str, Any]:
    """A node by its event, which already names its id and sequence number."""
    named = ("parent_id", "depth", "kind", "role", "text", "finish", "done", "key")
    told = {
        **{name: getattr(node, name) for name in named},
        "tokens": len(node.token_ids),
        "logprob": sum(node.logprobs or ()),
    }
    return {name: value for name, value in told.items() if value is not None and value is not False}


def timeless(value: Any) -> Any:
    """The value without what depends on the clock, at any depth, and with floats of `DIGITS`
    significant digits."""
    if isinstance(value, dict):
        return {name: timeless(part) for name, part in value.items() if name not in CLOCK}
    if isinstance(value, list | tuple):
        return [timeless(part) for part in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def line(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def differences(expected: Any, found: Any, where: str = "") -> Iterator[str]:
    """What differs between two JSON values, field by field and in the order of the fields; floats
    may differ in their last digit, which is rounded."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in [*expected, *(name for name in found if name not in expected)]:
            yield from differences(
                expected.get(name, "nothing"),
                found.get(name, "nothing"),
                f"{where}.{name}" if where else name,
            )
        if expected.keys() == found.keys() and [*expected] != [*found]:
            yield f"{where}: {', '.join(found)} in this order, expected {', '.join(expected)}"
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for place, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from differences(one, other, f"{where}[{place}]")
    elif isinstance(expected, float) and isinstance(found, float):
        if abs(expected - found) > 10.0 ** (1 - DIGITS) * max(abs(expected), abs(found)):
            yield f"{where}: {found}, expected {expected}"
    elif type(expected) is not type(found) or expected != found:
        yield f"{where}: {found!r}, expected {expected!r}"


def differing_lines(expected: list[str], found: list[str]) -> Iterator[str]:
    """What differs between two traces, with the numbers of the lines, from 1."""
    for number in range(max(len(expected), len(found))):
        told = [
            json.loads(lines[number]) if number < len(lines) else "no such line"
            for lines in (expected, found)
        ]
        yield from (f"line {number + 1}: {difference}" for difference in differences(*told))
