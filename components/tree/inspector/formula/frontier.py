"""The price of a node in a best-first search: f = g + h from the events `pushed`, and who stood
beside it when it was taken.

Source: `backend/strategies/parts/tree/frontier.py`, whose four readings of a step's cost are the
parameter `cost_mode`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from components.tree.inspector.formula.case import (
    Case,
    Formula,
    LoggedEvent,
    Rival,
    Term,
    figure,
    signed,
    tex,
)

START_SCORE = 0.5
SHOWN = 8
"""Open nodes listed beside one at most, the cheapest first."""


class Cost(NamedTuple):
    """g of a step from score r to r' and h of r, each with its LaTeX."""

    edge: Callable[[float, float], float]
    heuristic: Callable[[float], float]
    symbols: str
    numbers: Callable[[float, float], str]


COSTS: Mapping[str, Cost] = {
    "consistent": Cost(
        lambda r, after: max(0.0, after - r),
        lambda r: 1.0 - r,
        r"\max(0, r' - r)",
        lambda r, after: f"\\max(0, {tex(after)} - {tex(r)})",
    ),
    "rise": Cost(
        lambda r, after: max(0.0, r - after),
        lambda r: 1.0 - r,
        r"\max(0, r - r')",
        lambda r, after: f"\\max(0, {tex(r)} - {tex(after)})",
    ),
    "one_minus_r": Cost(
        lambda r, after: 1.0 - after,
        lambda r: 1.0 - r,
        r"1 - r'",
        lambda r, after: f"(1 - {tex(after)})",
    ),
    "nlr": Cost(
        lambda r, after: -math.log(max(after, 1e-12)),
        lambda r: 0.0,
        r"-\ln r'",
        lambda r, after: f"(-\\ln {tex(after)})",
    ),
}


def price(case: Case) -> list[Formula]:
    """f = g + h of a node that entered the frontier."""
    event = case.latest("pushed", lambda one: one.node_id == case.node.id)
    if event is None:
        return []
    data = event.data or {}
    g, h = figure(data["g"]), figure(data["h"])
    value, shown = _computed(case) if "cost" in case.declared else (g + h, f"{tex(g)} + {tex(h)}")
    cost = COSTS.get(case.choice("cost_mode"))
    symbols = "f = g + h"
    if cost is not None and "cost" in case.declared:
        symbols += (
            f",\\quad g = g_p + {cost.symbols},\\quad h = "
            f"{'1 - r' + chr(39) if cost.heuristic(0.0) else '0'}"
        )
    terms = (Term("g", "cost so far", g), Term("h", "estimated cost to a goal", h), *_scored(case))
    popped = case.latest("popped", lambda one: one.node_id == case.node.id)
    rivals = _rivals(case, popped)
    return [
        Formula(
            "Price in the frontier",
            symbols,
            shown,
            value,
            g + h,
            event.seq,
            terms,
            rivals,
            _standing(case, popped, rivals),
        )
    ]


def _scored(case: Case) -> tuple[Term, ...]:
    before, after = _before(case), case.score(case.node.id)
    found = [Term("r", "score of the parent, or of its nearest scored ancestor", before)]
    return (*found, Term("r'", "score of this node", after)) if after is not None else tuple(found)


def _before(case: Case) -> float:
    node = case.node.parent
    while node is not None and _pushed(case, node) is not None:
        score = case.score(node)
        if score is not None:
            return score
        node = case.rows[node].parent
    return START_SCORE


def _pushed(case: Case, node: int | None) -> LoggedEvent | None:
    return case.latest("pushed", lambda one: one.node_id == node)


def _computed(case: Case) -> tuple[float | None, str]:
    """f of the node by the run's reading of a cost, from the scores along its path."""
    cost = COSTS.get(case.choice("cost_mode") or "consistent")
    if cost is None:
        return None, ""
    parent = _pushed(case, case.node.parent)
    if parent is None:
        h = cost.heuristic(START_SCORE)
        return h, f"0 + {tex(h)}"
    g, before, after = figure((parent.data or {})["g"]), _before(case), case.score(case.node.id)
    if after is None:
        return math.inf, f"{tex(g)} + \\infty"
    h = cost.heuristic(after)
    return g + cost.edge(
        before, after
    ) + h, f"{tex(g)} + {cost.numbers(before, after)} + {signed(h)}"


def opened(case: Case, before: int | None) -> dict[int, float]:
    """f of all nodes in the frontier just before event `before` (None: now)."""
    waiting: dict[int, float] = {}
    for event in case.events:
        if before is not None and event.seq >= before:
            break
        data = event.data or {}
        if event.kind == "pushed" and event.node_id is not None:
            waiting[event.node_id] = figure(data["g"]) + figure(data["h"])
        elif event.kind == "popped" and event.node_id is not None:
            waiting.pop(event.node_id, None)
        elif event.kind == "pruned":
            for node in data["nodes"]:
                waiting.pop(node, None)
    return waiting


def _rivals(case: Case, popped: LoggedEvent | None) -> tuple[Rival, ...]:
    waiting = opened(case, popped.seq if popped is not None else None)
    best = sorted(waiting, key=lambda node: (waiting[node], -case.rows[node].depth))
    shown = best[:SHOWN] + [node for node in best[SHOWN:] if node == case.node.id]
    return tuple(
        Rival(
            node,
            waiting[node],
            popped is not None and node == case.node.id,
            f"step {case.rows[node].depth}",
        )
        for node in shown
    )


def _standing(case: Case, popped: LoggedEvent | None, rivals: tuple[Rival, ...]) -> str:
    if popped is not None:
        done = "accepted as a goal" if case.node.done else "expanded"
        return f"It was taken from the frontier and {done}."
    if case.node.id in {rival.node for rival in rivals}:
        return "It still waits in the frontier."
    return "It left the frontier without being taken."
