"""What a node is worth by now: what was backed up through it (`backed`), what it promises on a
global frontier (`jumped`), what its arms have learned (`drawn`), what a trace is worth by its
length (`discount`).

Sources: `backend/strategies/parts/tree/backups.py`, `soft_values.py`, `outlook.py`, `branching.py`
and `thoughts.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

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
from components.tree.inspector.formula.walks import drawn


class Visit(NamedTuple):
    """One event that was backed up through a node: its value, the node's place on the path from 1,
    and the length of the path."""

    event: LoggedEvent
    value: float
    place: int
    length: int


def visits(case: Case, node: int) -> list[Visit]:
    """What was backed up through a node, oldest first."""
    found = []
    for event in case.of("backed"):
        path = (event.data or {})["path"]
        if node in path:
            found.append(Visit(event, figure(event.value or 0.0), path.index(node) + 1, len(path)))
    return found


def recorded_mean(case: Case, node: int) -> float | None:
    """Q as the newest visit recorded it."""
    for event in reversed(case.of("backed")):
        data = event.data or {}
        if node in data["path"] and data.get("means"):
            return figure(data["means"][data["path"].index(node)])
    return None


class Backup(NamedTuple):
    """A rule: its LaTeX in symbols, with numbers, and the value for the node of a case."""

    symbols: str
    made: Callable[[Case, Sequence[Visit]], tuple[str, float]]


def _mean(case: Case, came: Sequence[Visit]) -> tuple[str, float]:
    total = 0.0
    for visit in came:
        total += visit.value
    return f"\\frac{{{tex(total)}}}{{{len(came)}}}", total / len(came)


def _children(case: Case, came: Sequence[Visit]) -> tuple[str, float]:
    below = [
        (child.id, len(visits(case, child.id))) for child in case.children.get(case.node.id, [])
    ]
    visited = [(recorded_mean(case, node) or 0.0, n) for node, n in below if n]
    if not visited:
        return tex(came[-1].value), came[-1].value
    value = math.fsum(q * n for q, n in visited) / sum(n for _, n in visited)
    return (
        f"\\frac{{{' + '.join(f'{n} cdot {tex(q)}' for q, n in visited)}}}{{{sum(n for _, n in visited)}}}".replace(
            " cdot ", r"\cdot "
        ),
        value,
    )


def _signed(case: Case, came: Sequence[Visit]) -> tuple[str, float]:
    total = 0.0
    for visit in came:
        part = max(visit.place / visit.length, 0.1) * visit.value
        if total * part >= 0:
            total += part
        elif part > 0:
            total = part
    return f"\\frac{{{tex(total)}}}{{{len(came)}}}", total / len(came)


def _soft(case: Case, came: Sequence[Visit]) -> tuple[str, float]:
    weight, seq = case.number("reward_weight", 1.0) or 1.0, came[-1].event.seq
    if case.node.done:
        reward = case.score(case.node.id) or 0.0
        return tex(reward), reward
    firsts: dict[tuple[str, bool], int] = {}
    for child in case.children.get(case.node.id, []):
        firsts.setdefault((child.text, child.done), child.id)
    known = [(_promise(case, node), drawn(case, node, seq)) for node in firsts.values()]
    told = [(value, draws) for value, draws in known if value is not None]
    if not told:
        return "0", 0.0
    top = max(value for value, _ in told)
    total, draws = (
        math.fsum(m * math.exp(weight * (v - top)) for v, m in told),
        sum(m for _, m in told),
    )
    inner = " + ".join(f"{m}\\,e^{{{tex(weight)}\\cdot {signed(v)}}}" for v, m in told)
    return f"\\frac{{1}}{{{tex(weight)}}}\\ln\\frac{{{inner}}}{{{draws}}}", top + math.log(
        total / draws
    ) / weight


def _promise(case: Case, node: int) -> float | None:
    """v of a child: its score if it is a finished text, else as the newest visit recorded it; None
    while no text below has a score."""
    if case.rows[node].done:
        return case.score(node)
    return recorded_mean(case, node) if _scored_below(case, node) else None


def _scored_below(case: Case, node: int) -> bool:
    stack = [node]
    while stack:
        one = stack.pop()
        if case.score(one) is not None:
            return True
        stack += [child.id for child in case.children.get(one, [])]
    return False


BACKUPS: Mapping[str, Backup] = {
    "mean": Backup(r"Q = \frac{W}{N}", _mean),
    "children": Backup(r"Q = \frac{\sum_c N_c Q_c}{\sum_c N_c}", _children),
    "signed": Backup(
        r"Q = \frac{W}{N},\quad W \mathrel{+}= \max\left(\tfrac{i}{L}, 0.1\right) q", _signed
    ),
    "soft": Backup(
        r"v = \frac{1}{\lambda}\ln\frac{\sum_c m_c\,e^{\lambda v_c}}{\sum_c m_c}", _soft
    ),
}


def backed(case: Case) -> list[Formula]:
    """Q (or v) after everything that was backed up through the node, by the rule that the strategy
    declares."""
    came = visits(case, case.node.id)
    if not came or "thompson" in case.declared:
        return []
    rules = [name for name in BACKUPS if name in case.declared] or ["mean"]
    rule = BACKUPS[case.choice("backup") if case.choice("backup") in rules else rules[0]]
    shown, value = rule.made(case, came)
    symbols = "v = r" if rule.made is _soft and case.node.done else rule.symbols
    recorded = recorded_mean(case, case.node.id)
    terms = (
        Term("N", "visits: how often a value was backed up through here", len(came)),
        Term("q", "value of the last visit", came[-1].value),
    )
    return [
        Formula(
            "Value by what was backed up",
            symbols,
            shown,
            value,
            recorded,
            came[-1].event.seq,
            terms,
        )
    ]


OUTLOOK = r"F = \lambda_1\tanh Q_p + \lambda_2 H + \lambda_3 D(d) + \lambda_4\tanh Q"

PARTS = {
    "parent": "λ₁ tanh Q of the parent",
    "entropy": "λ₂ H, surprise in nats",
    "depth": "λ₃ D, bonus of the depth",
    "own": "λ₄ tanh Q",
}


def outlook(case: Case) -> list[Formula]:
    """F of a node that the search jumped to."""
    event = case.latest("jumped", lambda one: one.node_id == case.node.id)
    if event is None:
        return []
    data = event.data or {}
    parts = {str(name): figure(value) for name, value in data["terms"].items()}
    terms = tuple(Term(name, PARTS.get(name, ""), value) for name, value in parts.items())
    said = "The search went on here: F was the greatest of all open nodes of the tree."
    return [
        Formula(
            "Global frontier",
            OUTLOOK,
            " + ".join(map(signed, parts.values())),
            math.fsum(parts.values()),
            figure(data["score"]),
            event.seq,
            terms,
            said=said,
        )
    ]


def thompson(case: Case) -> list[Formula]:
    """The newest draw in which the node was a choice, or at which it chose between a new child and
    going on below."""
    return [made for made in (_as_child(case), _as_branch(case)) if made is not None]


def _as_child(case: Case) -> Formula | None:
    event = case.latest("drawn", lambda one: case.node.id in (one.data or {})["children"])
    if event is None:
        return None
    data = event.data or {}
    draws = [figure(value) for value in data["draws"]]
    taken = max(range(len(draws)), key=draws.__getitem__)
    order = sorted(range(len(draws)), key=lambda at: -draws[at])
    nodes = list(data["children"])
    rivals = tuple(
        Rival(
            nodes[at],
            draws[at],
            at == taken,
            f"{len(_learned(case, nodes[at], event.seq))} scores below",
        )
        for at in order
    )
    place = nodes.index(case.node.id)
    known = _learned(case, case.node.id, event.seq)
    terms = [Term("n", "scores that the arm has learned", len(known))]
    terms += [Term("ȳ", "their mean", sum(known) / len(known))] if known else []
    terms += _belief(data, 2 + place)
    said = (
        "The greatest draw: the search went on below this node."
        if place == taken
        else f"Node {nodes[taken]} drew more."
    )
    symbols = r"\theta_i \sim p(\theta_i \mid y_1 \dots y_n),\quad i^* = \arg\max_i \theta_i"
    shown = f"\\theta = {tex(draws[place])}"
    return Formula(
        "Thompson draw among the children",
        symbols,
        shown,
        None,
        draws[place],
        event.seq,
        tuple(terms),
        rivals,
        said,
    )


def _as_branch(case: Case) -> Formula | None:
    event = case.latest("drawn", lambda one: one.node_id == case.node.id)
    if event is None:
        return None
    data = event.data or {}
    gen, cont = figure(data["gen"]), figure(data["cont"])
    said = (
        "CONT was greater: on to a child."
        if cont > gen
        else "GEN was not below CONT: a new child here."
    )
    terms = [Term("GEN", "draw for a new child here", gen), *_belief(data, 0)]
    terms += [Term("CONT", "draw for going on below the children", cont), *_belief(data, 1)]
    symbols, shown = r"\mathrm{CONT} > \mathrm{GEN}\,?", f"{tex(cont)} > {tex(gen)}\\,?"
    return Formula(
        "Wider or deeper", symbols, shown, None, None, event.seq, tuple(terms), said=said
    )


BELIEFS = {
    "m": ("m", "its posterior: mean"), "kappa": ("κ", ("its posterior: pseudo-count of "
"the mean")), "nu": ("ν", "its posterior: degrees of freedom"),
    "tau2": ("τ²", ("its posterior: scale of the "
"variance")), "a": ("a", "its posterior: successes"), "b": ("b", "its posterior: failures"),
}  # fmt: skip


def _belief(data: Mapping[str, Any], place: int) -> list[Term]:
    """The parameters of the posterior that a draw came from, where the search recorded them;
    `place` in the order GEN, CONT, children."""
    beliefs = data.get("beliefs") or ()
    return (
        [
            Term(*BELIEFS[name], figure(value))
            for name, value in beliefs[place].items()
            if name in BELIEFS
        ]
        if beliefs
        else []
    )


def _learned(case: Case, node: int, before: int) -> list[float]:
    return [visit.value for visit in visits(case, node) if visit.event.seq < before]


def discount(case: Case) -> list[Formula]:
    """What a finished trace is worth: gamma to the power of its steps, or nothing where it does not
    give the target answer."""
    gamma = case.number("gamma")
    event = case.latest("step", lambda one: case.node.id in (one.data or {})["nodes"])
    if "discount" not in case.declared or gamma is None or event is None:
        return []
    data = event.data or {}
    recorded = data["values"][list(data["nodes"]).index(case.node.id)]
    if recorded is None:
        return []
    steps = case.node.depth - _base(case)
    value = gamma**steps if recorded else 0.0
    said = (
        "Its answer is the target."
        if recorded
        else "Its answer is not the target, so it is worth nothing."
    )
    terms = (Term("γ", "discount of a step", gamma), Term("k", "steps of the trace", steps))
    numbers = f"{tex(gamma)}^{{{steps}}}" if recorded else "0"
    return [
        Formula(
            "Worth of a trace",
            r"\gamma^{k}\ \text{on the target, else}\ 0",
            numbers,
            value,
            figure(recorded),
            event.seq,
            terms,
            said=said,
        )
    ]


def _base(case: Case) -> int:
    """The depth from which a trace counts: that of the first node that anything was generated
    below."""
    paid = (event.node_id for event in case.of("node") if "prompt_tokens" in (event.data or {}))
    first = next((case.rows[node] for node in paid if node is not None), None)
    return 0 if first is None else first.depth - 1
