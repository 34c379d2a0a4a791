"""What a node is worth by now: what was backed up through it (`Backed`), what it promises on a
global frontier (`Jumped`), what a trace is worth by its length (`StepEnded`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from backend.core.events import Backed, Jumped, NodeAdded, StepEnded
from backend.core.formulas import Shown, Term, show
from backend.core.formulas.backups import children, mean, signed_part, signed_total
from backend.core.formulas.promise import Promise, signed_score
from backend.core.formulas.soft_values import soft, text_value
from components.tree.inspector.formula.case import (
    Explanation,
    FormulaCase,
    Logged,
    latex_of,
    show_named,
    steps,
)
from components.tree.inspector.formula.walks import count_draws


@dataclass(frozen=True)
class Visit:
    """One event that was backed up through a node: its value, the node's place on the path from 1,
    and the length of the path."""

    event: Logged[Backed[int]]
    value: float
    place: int
    length: int


def visits(case: FormulaCase, node: int) -> list[Visit]:
    """What was backed up through a node, oldest first."""
    return [
        Visit(event, event.body.value, event.body.path.index(node) + 1, len(event.body.path))
        for event in case.of(Backed[int])
        if node in event.body.path
    ]


def read_recorded_mean(case: FormulaCase, node: int, before: int | None = None) -> float | None:
    """Q as the newest visit recorded it, or the newest before an event."""
    for event in reversed(case.of(Backed[int])):
        early = before is None or event.seq < before
        if early and node in event.body.path and event.body.means:
            return event.body.means[event.body.path.index(node)]
    return None


class Backup(NamedTuple):
    """A formula of what was backed up, with its numbers, and the formulas that led to it."""

    shown: Shown | None
    before: tuple[Shown, ...] = ()


def _mean(case: FormulaCase, came: Sequence[Visit]) -> Backup:
    total = 0.0
    for visit in came:
        total += visit.value
    return Backup(show(mean)(total, len(came)))


def _children(case: FormulaCase, came: Sequence[Visit]) -> Backup:
    below = [
        (child.id, len(visits(case, child.id))) for child in case.children.get(case.node.id, [])
    ]
    counts = [n for _, n in below if n]
    totals = [n * (read_recorded_mean(case, node) or 0.0) for node, n in below if n]
    return Backup(show(children)(totals, counts, came[-1].value))


def _explain_signed(case: FormulaCase, came: Sequence[Visit]) -> Backup:
    total, last = 0.0, None
    for visit in came:
        part = show(signed_part)(visit.place, visit.length, visit.value)
        last = (part, show(signed_total)(total, part.value))
        total = last[1].value
    return Backup(show(mean)(total, len(came)), last or ())


def _soft(case: FormulaCase, came: Sequence[Visit]) -> Backup:
    reward, weight = case.score(case.node.id), case.numbers.get("reward_weight")
    if case.node.done:
        return Backup(None if reward is None else show(text_value)(reward))
    firsts: dict[tuple[str, bool], int] = {}
    for child in case.children.get(case.node.id, []):
        firsts.setdefault((child.text, child.done), child.id)
    seq = came[-1].event.seq
    known = [
        (value, count_draws(case, node, seq))
        for node in firsts.values()
        if (value := _soft_value(case, node)) is not None
    ]
    if not known or weight is None:
        return Backup(None)
    values, draws = zip(*known, strict=True)
    return Backup(show(soft)(values, draws, weight))


def _soft_value(case: FormulaCase, node: int) -> float | None:
    """v of a child: its score if it is a finished text, else as the newest visit recorded it; None
    while no text below has a score."""
    if case.rows[node].done:
        return case.score(node)
    return read_recorded_mean(case, node) if _has_score_below(case, node) else None


def _has_score_below(case: FormulaCase, node: int) -> bool:
    stack = [node]
    while stack:
        one = stack.pop()
        if case.score(one) is not None:
            return True
        stack += [child.id for child in case.children.get(one, [])]
    return False


BACKUPS: Mapping[str, Callable[[FormulaCase, Sequence[Visit]], Backup]] = {
    "mean": _mean,
    "children": _children,
    "signed": _explain_signed,
    "soft": _soft,
}
"""How the inputs of each rule are collected, by the formula's name."""


def explain_backup(case: FormulaCase) -> list[Explanation]:
    """Q (or v) after everything that was backed up through the node, by the rule that the strategy
    declares."""
    came = visits(case, case.node.id)
    if not came or "thompson" in case.declared:
        return []
    rules = [name for name in BACKUPS if name in case.declared] or ["mean"]
    rule = case.choice("backup") if case.choice("backup") in rules else rules[0]
    made = BACKUPS[rule](case, came)
    return [
        Explanation(
            "Value by what was backed up",
            came[-1].event.seq,
            made.shown,
            read_recorded_mean(case, case.node.id),
            latex_of(rule),
            steps(*made.before),
            (
                Term("N", "visits: how often a value was backed up through here", len(came)),
                Term("q", "value of the last visit", came[-1].value),
            ),
            said="" if made.shown else "Nothing below has a score yet.",
        )
    ]


def explain_promise(case: FormulaCase) -> list[Explanation]:
    """F of a node that the search jumped to."""
    event = case.latest(Jumped[int], lambda body: body.node == case.node.id)
    if event is None:
        return []
    depth = case.node.depth - _root_depth(case)
    bonus = show_named(f"depth_{case.choice('depth_bonus')}", {**case.numbers, "depth": depth})
    inputs = {
        **case.numbers,
        "parent_mean": _q(case, case.node.parent, event.seq),
        "entropy": 0.0 if case.node.logprob is None else -case.node.logprob,
        "depth_bonus": None if bonus is None else bonus.value,
        "own_mean": _q(case, case.node.id, event.seq),
    }
    shown = show_named("outlook", inputs) if "outlook" in case.declared else None
    return [
        Explanation(
            "Global frontier",
            event.seq,
            shown,
            event.body.score,
            latex_of("outlook"),
            steps(bonus) if shown is not None else (),
            _parts(event.body),
            said="The search went on here: F was the greatest of all open nodes of the tree.",
        )
    ]


PARTS = dict(
    zip(
        Promise._fields,
        (
            "F: \u03bb\u2081 tanh Q of the parent",
            "F: \u03bb\u2082 H",
            "F: \u03bb\u2083 D",
            "F: \u03bb\u2084 tanh Q",
        ),
        strict=True,
    )
)


def _parts(body: Jumped[int]) -> tuple[Term, ...]:
    """The parts of F as the search recorded them."""
    return tuple(Term(name, PARTS.get(name, ""), value) for name, value in body.terms.items())


def _q(case: FormulaCase, node: int | None, before: int) -> float | None:
    """Q of a node just before an event: of what was backed up by then, else by its own score; 0 at
    the root, which has none."""
    if node is None:
        return None
    known, score, row = read_recorded_mean(case, node, before), case.score(node), case.rows[node]
    if known is not None or row.kind == "prompt":
        return 0.0 if known is None else known
    deepest = case.numbers.get("max_steps")
    cut_off = not row.done and deepest is not None and row.depth - _root_depth(case) >= deepest
    return None if score is None else signed_score(score, cut_off)


def explain_discount(case: FormulaCase) -> list[Explanation]:
    """What a finished trace is worth: less the longer it is, and nothing where it does not give the
    target answer."""
    event = case.latest(StepEnded, lambda body: case.node.id in body.nodes)
    if "discount" not in case.declared or event is None:
        return []
    recorded = event.body.values[event.body.nodes.index(case.node.id)]
    if recorded is None:
        return []
    inputs = {"steps": case.node.depth - _root_depth(case), "reached": bool(recorded)}
    said = (
        "Its answer is the target."
        if recorded
        else "Its answer is not the target, so it is worth nothing."
    )
    made = show_named("discount", {**case.numbers, **inputs})
    return [Explanation("Worth of a trace", event.seq, made, recorded, said=said)]


def _root_depth(case: FormulaCase) -> int:
    """The depth from which a trace counts: that of the first node that anything was generated
    below."""
    paid = (event.body.node for event in case.of(NodeAdded) if event.body.prompt_tokens is not None)
    first = next((case.rows[node] for node in paid), None)
    return 0 if first is None else first.depth - 1
