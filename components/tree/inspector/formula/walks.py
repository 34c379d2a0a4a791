"""Which child a walk goes to: the formula of an event `Selected` at the level where a node was
considered.

Q mean value and N visits of a child are as the event recorded them. N_p is counted in the events
`Backed` before it, priors come from the draws or the scores of the siblings, c from the run's
parameters or the catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.core.events import Backed, Selected
from backend.core.formulas import FORMULAS
from components.tree.inspector.formula.case import (
    Explanation,
    FormulaCase,
    FormulaStep,
    Logged,
    Rival,
    latex_of,
    show_named,
    steps,
)


@dataclass(frozen=True)
class WalkChoice:
    """One choice of a walk: the children considered at `parent`, with N, Q and what the search made
    of them; `taken` is where it went, `place` where the node of the case stands among them."""

    event: Logged[Selected[int]]
    parent: int
    taken: int
    place: int
    children: Sequence[int]
    visits: Sequence[int]
    means: Sequence[float]
    scores: Sequence[float]


def explain_walk(case: FormulaCase) -> list[Explanation]:
    """The newest choice at which the node was among the children that a walk considered."""
    level = find_level(case, case.node.id)
    if level is None:
        return []
    name = level.event.body.formula
    turn = sum(event.seq < level.event.seq for event in case.of(Selected[int]))
    constant = exploration_at(case, name, turn)
    inputs = level_inputs(case, level) | {"c": None if constant is None else constant.shown.value}
    title = FORMULAS[name].title if name in FORMULAS else name
    return [
        Explanation(
            f"{title}: walk {turn + 1} chooses a child of node {level.parent}",
            level.event.seq,
            show_named(name, inputs, level.place) if name in case.declared else None,
            level.scores[level.place],
            latex_of(name),
            (*_schedule(case, constant), *_priors(name, inputs, level.place)),
            rivals=_rivals(level),
            said=_outcome(level, case.node.id),
        )
    ]


def find_level(case: FormulaCase, node: int) -> WalkChoice | None:
    """The newest choice in which `node` was one of the children."""
    for event in reversed(case.of(Selected[int])):
        body = event.body
        for at, children in enumerate(body.children):
            if node in children:
                return WalkChoice(
                    event,
                    body.path[at],
                    body.path[at + 1],
                    children.index(node),
                    children,
                    body.visits[at],
                    body.means[at],
                    body.scores[at],
                )
    return None


def level_inputs(case: FormulaCase, level: WalkChoice) -> dict[str, object]:
    """What the log and the parameters hold for a formula of a walk, by the names of its inputs."""
    scores = [case.score(child) or 0.0 for child in level.children]
    draws = [count_draws(case, child, level.event.seq) for child in level.children]
    by_scores, by_draws = (
        show_named("score_prior", {"scores": scores}, level.place),
        show_named("draw_prior", {"draws": draws}, level.place),
    )
    return {
        **case.numbers,
        "q": level.means[level.place],
        "n": level.visits[level.place],
        "parent_n": sum(
            event.seq < level.event.seq and level.parent in event.body.path
            for event in case.of(Backed[int])
        ),
        "values": level.means,
        "scores": scores,
        "draws": draws,
        "score_prior": None if by_scores is None else by_scores.value,
        "draw_prior": None if by_draws is None else by_draws.value,
    }


def exploration_at(case: FormulaCase, name: str, turn: int) -> FormulaStep | None:
    """What the schedule of the run leaves of c at walk number `turn`, from 0; None where no c is
    known."""
    constant = case.numbers.get("exploration", case.declared.get(name))
    schedule = case.choice("schedule") or "const"
    made = show_named(f"schedule_{schedule}", {**case.numbers, "constant": constant, "turn": turn})
    return None if made is None else FormulaStep(made)


def _schedule(case: FormulaCase, constant: FormulaStep | None) -> tuple[FormulaStep, ...]:
    varies = case.choice("schedule") not in ("", "const")
    return (constant,) if varies and constant is not None else ()


def _priors(name: str, inputs: dict[str, object], place: int) -> tuple[FormulaStep, ...]:
    needed = [one for one in ("score_prior", "draw_prior") if one in _inputs_of(name)]
    return steps(*(show_named(prior, inputs, place) for prior in needed))


def _inputs_of(name: str) -> Sequence[str]:
    return list(FORMULAS[name].inputs) if name in FORMULAS else []


def _rivals(level: WalkChoice) -> tuple[Rival, ...]:
    order = sorted(range(len(level.children)), key=lambda at: -level.scores[at])
    facts = [
        f"Q {mean:.4g}, N {visits}" for mean, visits in zip(level.means, level.visits, strict=True)
    ]
    return tuple(
        Rival(level.children[at], level.scores[at], level.children[at] == level.taken, facts[at])
        for at in order
    )


def count_draws(case: FormulaCase, node: int, before: int) -> int:
    """How often the policy had written the text of a node below its parent by event `before`: equal
    siblings are merged into the first."""
    row = case.rows[node]
    siblings = case.children.get(row.parent, []) if row.parent is not None else [row]
    alike = [
        one for one in siblings if (one.text, one.done, one.kind) == (row.text, row.done, row.kind)
    ]
    return sum(one.seq < before and one.finish != "aborted" for one in alike) or 1


def _outcome(level: WalkChoice, node: int) -> str:
    if len(level.children) == 1:
        return "The walk went on here: there was no other child."
    if level.taken == node:
        return f"The walk went on to this node, one of {len(level.children)}."
    return f"The walk went to node {level.taken} instead."
