"""Which child a walk goes to: the formula of a `selected` event at the level where a node was
considered.

Q mean value and N visits of a child are as the event recorded them. N_p is counted in the `backed`
events before it, P comes from the draws or the scores of the siblings, c from the run's parameters
or the catalogue. Sources: `backend/strategies/parts/tree/choices.py` and `soft_values.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Level:
    """One choice of a walk: the children considered at `parent`, with N, Q and what the search made
    of them; `taken` is where it went."""

    event: LoggedEvent
    parent: int
    taken: int
    children: Sequence[int]
    visits: Sequence[int]
    means: Sequence[float]
    scores: Sequence[float]


class Child(NamedTuple):
    """The numbers of one child in a formula; c None: not known. `draws` are m of every sibling with
    its Q."""

    q: float
    n: int
    parent_n: int
    prior: float
    c: float | None
    bonus: float = 0.0
    base: float = 19652.0
    init: float = 1.25
    siblings: tuple[tuple[float, float], ...] = ()
    draws: int = 1
    weight: float = 1.0


class Rule(NamedTuple):
    """A formula: its LaTeX in symbols, then with a child's numbers, and its value."""

    symbols: str
    numbers: Callable[[Child], str]
    value: Callable[[Child, float], float]


def _rarity(child: Child) -> float:
    return math.log(max(1, child.parent_n)) / max(1, child.n)


def _root(child: Child, factor: str = "", twice: str = "") -> str:
    return (
        f"{tex(child.q)} + "
        f"{tex(child.c or 0.0)}{factor}\\sqrt{{\\frac{{{twice}\\ln {max(1, child.parent_n)}}}{{{max(1, child.n)}}}}}"
    )


def _uct(child: Child, c: float) -> float:
    return child.q + c * math.sqrt(_rarity(child))


def _rate(child: Child) -> float:
    return math.log((child.parent_n + child.base + 1.0) / child.base) + child.init


def _boltzmann(child: Child, c: float) -> float:
    top = max(value for value, _ in child.siblings)
    total = math.fsum(
        draws * math.exp(child.weight * (value - top)) for value, draws in child.siblings
    )
    return child.draws * math.exp(child.weight * (child.q - top)) / total


def _share(child: Child) -> str:
    def part(value: float, draws: float) -> str:
        return f"{tex(draws)}\\,e^{{{tex(child.weight)}\\cdot {signed(value)}}}"

    return f"\\frac{{{part(child.q, child.draws)}}}{{{' + '.join(part(*sibling) for sibling in child.siblings)}}}"


_UCT = Rule(r"Q + c\sqrt{\frac{\ln N_p}{N}}", _root, _uct)
RULES: Mapping[str, Rule] = {
    "uct": _UCT,
    "reasoners": _UCT,
    "treequest": Rule(
        r"Q + c\,P\sqrt{\frac{\ln N_p}{N}}",
        lambda one: _root(one, rf"\cdot {tex(one.prior)}"),
        lambda one, c: one.q + c * one.prior * math.sqrt(_rarity(one)),
    ),
    "rest": Rule(
        r"Q + c\sqrt{\frac{2\ln N_p}{N}}\ \text{or, unvisited,}\ Q + b",
        lambda one: _root(one, twice="2") if one.n else f"{tex(one.q)} + {tex(one.bonus)}",
        lambda one, c: one.q + (c * math.sqrt(2.0 * _rarity(one)) if one.n else one.bonus),
    ),
    "rstar": Rule(
        r"Q + c\sqrt{\frac{\ln N_p}{N}}\ \text{or, unvisited,}\ \infty",
        lambda one: _root(one) if one.n else r"\infty",
        lambda one, c: _uct(one, c) if one.n else math.inf,
    ),
    "deepsearch": Rule(
        r"Q + c\sqrt{\frac{\ln N_p}{N}}\ \text{or, unvisited,}\ Q",
        lambda one: _root(one) if one.n else tex(one.q),
        lambda one, c: _uct(one, c) if one.n else one.q,
    ),
    "puct": Rule(
        r"Q + c\,P\left(\ln\frac{N_p + b + 1}{b} + c_0\right)\frac{\sqrt{N_p}}{N + 1}",
        lambda one: (
            f"{tex(one.q)} + {tex(one.c or 0.0)}\\cdot {tex(one.prior)}\\cdot {tex(_rate(one))}"
            f"\\cdot\\frac{{\\sqrt{{{one.parent_n}}}}}{{{one.n} + 1}}"
        ),
        lambda one, c: one.q + c * one.prior * _rate(one) * math.sqrt(one.parent_n) / (one.n + 1),
    ),
    "boltzmann": Rule(
        r"\frac{m\,e^{\lambda v}}{\sum_j m_j\,e^{\lambda v_j}}",
        _share,
        _boltzmann,
    ),
}
PRIORS = {"treequest": "softmax of the scores", "puct": "share of the draws"}


def walk(case: Case) -> list[Formula]:
    """The newest choice at which the node was among the children that a walk considered."""
    level = considered(case, case.node.id)
    if level is None:
        return []
    name = str((level.event.data or {}).get("formula", ""))
    rule = RULES.get(name)
    place = level.children.index(case.node.id)
    turn = sum(event.seq < level.event.seq for event in case.of("selected"))
    rivals = _rivals(level)
    if rule is None:
        return [
            Formula(
                f"Walk {turn + 1}",
                "",
                "",
                None,
                level.scores[place],
                level.event.seq,
                rivals=rivals,
                said=_outcome(level, case.node.id),
            )
        ]
    child = numbers(case, level, name, place, turn)
    value = None if child.c is None else rule.value(child, child.c)
    shown = rule.numbers(child) if value is not None else ""
    return [
        Formula(
            f"{TITLES.get(name, name)}: walk {turn + 1} chooses a child of node {level.parent}",
            rule.symbols,
            shown,
            value,
            level.scores[place],
            level.event.seq,
            _terms(child, name),
            rivals,
            _outcome(level, case.node.id),
        )
    ]


def _rivals(level: Level) -> tuple[Rival, ...]:
    order = sorted(range(len(level.children)), key=lambda at: -level.scores[at])
    facts = [
        f"Q {mean:.4g}, N {visits}" for mean, visits in zip(level.means, level.visits, strict=True)
    ]
    return tuple(
        Rival(level.children[at], level.scores[at], level.children[at] == level.taken, facts[at])
        for at in order
    )


TITLES = {
    "uct": "UCT", "reasoners": "UCT", "treequest": "UCT with a prior", "rest": "UCT of ReST-MCTS*", "rstar": "UCT of rStar", "puct": "PUCT",
    "deepsearch": "Local UCT", "boltzmann": "Boltzmann choice",
}  # fmt: skip


def considered(case: Case, node: int) -> Level | None:
    """The newest choice in which `node` was one of the children."""
    for event in reversed(case.of("selected")):
        data = event.data or {}
        for at, children in enumerate(data.get("children") or ()):
            if node in children:
                scores = [figure(value) for value in data["scores"][at]]
                means = [figure(value) for value in data["means"][at]]
                return Level(
                    event,
                    data["path"][at],
                    data["path"][at + 1],
                    children,
                    data["visits"][at],
                    means,
                    scores,
                )
    return None


def numbers(case: Case, level: Level, name: str, place: int, turn: int) -> Child:
    """What goes into the formula for the child at `place`."""
    node = level.children[place]
    parent_n = sum(
        event.seq < level.event.seq and level.parent in (event.data or {})["path"]
        for event in case.of("backed")
    )
    draws = [drawn(case, child, level.event.seq) for child in level.children]
    weight = case.number("reward_weight", 1.0) or 1.0
    constant = 0.0 if name == "boltzmann" else case.number("exploration", case.declared.get(name))
    return Child(
        level.means[place],
        level.visits[place],
        parent_n,
        _prior(case, level, name, node, draws),
        None if constant is None else constant * _left(case, turn),
        case.number("unvisited", 0.8) or 0.0,
        case.number("puct_base", 19652.0) or 1.0,
        case.number("puct_init", 1.25) or 0.0,
        tuple(zip(level.means, map(float, draws), strict=True)),
        draws[place],
        weight,
    )


def drawn(case: Case, node: int, before: int) -> int:
    """How often the policy had written the text of a node below its parent by event `before`: equal
    siblings are merged into the first."""
    row = case.rows[node]
    siblings = case.children.get(row.parent, []) if row.parent is not None else [row]
    alike = [
        one for one in siblings if (one.text, one.done, one.kind) == (row.text, row.done, row.kind)
    ]
    return sum(one.seq < before and one.finish != "aborted" for one in alike) or 1


def _prior(case: Case, level: Level, name: str, node: int, draws: Sequence[int]) -> float:
    place = level.children.index(node)
    if name == "treequest":
        raised = [math.exp(case.score(child) or 0.0) for child in level.children]
        return raised[place] / math.fsum(raised)
    return draws[place] / sum(draws)


def _left(case: Case, turn: int) -> float:
    """What a schedule leaves of c at walk number `turn`."""
    done = turn / (case.number("simulations") or 1.0)
    return {"exp": math.pow(0.1, done), "lin": 1.0 - 0.9 * done}.get(case.choice("schedule"), 1.0)


def _terms(child: Child, name: str) -> tuple[Term, ...]:
    if name == "boltzmann":
        return (
            Term("v", "soft value", child.q),
            Term("m", "times drawn", child.draws),
            Term("λ", "weight of the reward", child.weight),
        )
    said = [
        Term("Q", "mean value, or the own score before the first visit", child.q),
        Term("N", "visits (none counts as one)", child.n),
    ]
    said.append(Term("Nₚ", "visits of the parent", child.parent_n))
    if child.c is not None:
        said.append(Term("c", "weight of exploration", child.c))
    if name in PRIORS:
        said.append(Term("P", f"prior: {PRIORS[name]}", child.prior))
    if name == "rest":
        said.append(Term("b", "bonus of an unvisited child", child.bonus))
    if name == "puct":
        said += [Term("b", "puct_base", child.base), Term("c₀", "puct_init", child.init)]
    return tuple(said)


def _outcome(level: Level, node: int) -> str:
    if len(level.children) == 1:
        return "The walk went on here: there was no other child."
    if level.taken == node:
        return f"The walk went on to this node, one of {len(level.children)}."
    return f"The walk went to node {level.taken} instead."
