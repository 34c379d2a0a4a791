"""The price of a node in a best-first search: f = g + h from the events `Pushed`, and who stood
beside it when it was taken. What a step costs is the parameter `cost_mode`."""

from __future__ import annotations

from backend.core.events import Popped, Pruned, Pushed
from backend.core.formulas import Shown, show
from backend.core.formulas.costs import COSTS, START_SCORE, price
from components.tree.inspector.formula.case import (
    Explanation,
    FormulaCase,
    FormulaStep,
    Logged,
    Rival,
    show_named,
)

SHOWN = 8
"""Open nodes listed beside one at most, the cheapest first."""


def explain_price(case: FormulaCase) -> list[Explanation]:
    """f = g + h of a node that entered the frontier."""
    event = _find_push(case, case.node.id)
    if event is None:
        return []
    made = _costs(case, event.body) if "cost" in case.declared else ()
    g, h = event.body.g, event.body.h
    popped = case.latest(Popped[int], lambda body: body.node == case.node.id)
    rivals = _rivals(case, popped)
    return [
        Explanation(
            "Price in the frontier",
            event.seq,
            _price(case, made, event.body),
            price(g, h),
            steps=made,
            rivals=rivals,
            said=_standing(case, popped, rivals),
        )
    ]


def _price(case: FormulaCase, made: tuple[FormulaStep, ...], body: Pushed[int]) -> Shown:
    """f of what was computed here where it could be, else of what was recorded."""
    found = {step.shown.left: step.shown.value for step in made}
    return show(price)(found.get("g", body.g), found.get("h", body.h))


def _costs(case: FormulaCase, body: Pushed[int]) -> tuple[FormulaStep, ...]:
    """g and h of the node by the run's reading of a cost, from the scores along its path. The root
    has no g to compute, and a node without a score neither."""
    cost = COSTS.get(case.choice("cost_mode"))
    if cost is None:
        return ()
    step, heuristic = cost.formulas
    parent, score = _find_push(case, case.node.parent), case.score(case.node.id)
    if parent is None:
        made = [(show_named(heuristic, {"after": START_SCORE}), body.h)]
    elif score is None:
        made = []
    else:
        inputs = {"parent_g": parent.body.g, "before": _score_before(case), "after": score}
        made = [(show_named(step, inputs), body.g), (show_named(heuristic, inputs), body.h)]
    return tuple(FormulaStep(one, recorded) for one, recorded in made if one is not None)


def _score_before(case: FormulaCase) -> float:
    """The score of the parent, or of its nearest scored ancestor."""
    node = case.node.parent
    while node is not None and _find_push(case, node) is not None:
        score = case.score(node)
        if score is not None:
            return score
        node = case.rows[node].parent
    return START_SCORE


def _find_push(case: FormulaCase, node: int | None) -> Logged[Pushed[int]] | None:
    return case.latest(Pushed[int], lambda body: body.node == node)


def open_nodes(case: FormulaCase, before: int | None) -> dict[int, float]:
    """f of all nodes in the frontier just before event `before` (None: now)."""
    waiting: dict[int, float] = {}
    for event in case.events:
        if before is not None and event.seq >= before:
            break
        match event.body:
            case Pushed(node=node, g=g, h=h):
                waiting[node] = price(g, h)
            case Popped(node=node):
                waiting.pop(node, None)
            case Pruned(nodes=nodes):
                for node in nodes:
                    waiting.pop(node, None)
    return waiting


def _rivals(case: FormulaCase, popped: Logged[Popped[int]] | None) -> tuple[Rival, ...]:
    waiting = open_nodes(case, popped.seq if popped is not None else None)
    best = sorted(waiting, key=lambda node: (waiting[node], -case.rows[node].depth))
    listed = best[:SHOWN] + [node for node in best[SHOWN:] if node == case.node.id]
    return tuple(
        Rival(
            node,
            waiting[node],
            popped is not None and node == case.node.id,
            f"step {case.rows[node].depth}",
        )
        for node in listed
    )


def _standing(
    case: FormulaCase, popped: Logged[Popped[int]] | None, rivals: tuple[Rival, ...]
) -> str:
    if popped is not None:
        done = "accepted as a goal" if case.node.done else "expanded"
        return f"It was taken from the frontier and {done}."
    if case.node.id in {rival.node for rival in rivals}:
        return "It still waits in the frontier."
    return "It left the frontier without being taken."
