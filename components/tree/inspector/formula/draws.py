"""Thompson draws of a tree of answers: the events `Drawn`, and the beliefs behind them, computed
anew from the scores that were backed up (`Backed`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from backend.core.events import Backed, Drawn
from backend.core.formulas import Shown, Term, show
from backend.core.formulas.posteriors import (
    BETA_PRIOR,
    GAUSSIAN_PRIOR,
    POSTERIORS,
    goes_deeper,
    greatest_draw,
)
from components.tree.inspector.formula.case import (
    Explanation,
    FormulaCase,
    FormulaStep,
    Logged,
    Rival,
    show_named,
)


def explain_draws(case: FormulaCase) -> list[Explanation]:
    """The newest draw in which the node was a choice, and the newest at which it chose between a
    new child and going on below; each with the beliefs that were drawn from."""
    return [*_as_child(case), *_as_branch(case)]


def _as_child(case: FormulaCase) -> list[Explanation]:
    event = case.latest(Drawn[int], lambda body: case.node.id in body.children)
    if event is None:
        return []
    body = event.body
    place, taken = body.children.index(case.node.id), body.draws.index(max(body.draws))
    said = (
        "The greatest draw: the search went on below this node."
        if place == taken
        else f"Node {body.children[taken]} drew more."
    )
    draw = Explanation(
        "Thompson draw among the children",
        event.seq,
        show(greatest_draw)(body.draws),
        more=(Term("\u03b8", "draw of this node", body.draws[place]),),
        rivals=_rivals(case, event, taken),
        said=said,
    )
    scores = scores_of_arm(case, case.node.id, event.seq)
    return [draw, *_belief(event, 2 + place, "this node", scores)]


def _rivals(case: FormulaCase, event: Logged[Drawn[int]], taken: int) -> tuple[Rival, ...]:
    nodes, draws = event.body.children, event.body.draws
    order = sorted(range(len(draws)), key=lambda at: -draws[at])
    return tuple(
        Rival(
            nodes[at],
            draws[at],
            at == taken,
            f"{_count(scores_of_arm(case, nodes[at], event.seq))} below",
        )
        for at in order
    )


def _count(scores: Sequence[float]) -> str:
    return f"{len(scores)} score{'' if len(scores) == 1 else 's'}"


def _as_branch(case: FormulaCase) -> list[Explanation]:
    event = case.latest(Drawn[int], lambda body: body.node == case.node.id)
    if event is None:
        return []
    said = (
        "CONT was greater: on to a child."
        if event.body.children
        else "GEN was not below CONT: a new child here."
    )
    choice = Explanation(
        "Wider or deeper",
        event.seq,
        show(goes_deeper)(event.body.gen, event.body.cont),
        float(bool(event.body.children)),
        said=said,
    )
    fresh, below = split_scores(case, case.node.id, event.seq)
    return [choice, *_belief(event, 0, "GEN", fresh), *_belief(event, 1, "CONT", below)]


def scores_of_arm(case: FormulaCase, node: int, before: int) -> list[float]:
    """The scores that the arm of a node has learned by an event: its own, and all below."""
    return [
        event.body.value
        for event in case.of(Backed[int])
        if event.seq < before and node in event.body.path
    ]


def split_scores(case: FormulaCase, node: int, before: int) -> tuple[list[float], list[float]]:
    """The scores of the answers right below a node, which GEN has learned, and of those further
    down, which CONT has."""
    fresh: list[float] = []
    deeper: list[float] = []
    for event in case.of(Backed[int]):
        path = event.body.path
        if event.seq < before and node in path[:-1]:
            between = path[path.index(node) + 1 : -1]
            answers = [one for one in between if case.rows[one].kind != "injected"]
            (deeper if answers else fresh).append(event.body.value)
    return fresh, deeper


def _belief(
    event: Logged[Drawn[int]], place: int, arm: str, scores: Sequence[float]
) -> list[Explanation]:
    """The posterior that a draw came from, where the search recorded its parameters; `place` in the
    order GEN, CONT, children."""
    if not event.body.beliefs:
        return []
    recorded = event.body.beliefs[place]
    known = [name for name in recorded if name in POSTERIORS]
    made = {name: show_named(POSTERIORS[name], _inputs(recorded, scores)) for name in known}
    first = next(iter(known), "")
    return [
        Explanation(
            f"Belief about {arm}, from {_count(scores)}",
            event.seq,
            made.get(first),
            recorded.get(first),
            steps=(
                *_sums(scores),
                *(
                    FormulaStep(shown, recorded[name])
                    for name, shown in made.items()
                    if shown is not None and name != first
                ),
            ),
            said="" if scores else "No score yet: what is believed beforehand.",
        )
    ]


def _inputs(recorded: Mapping[str, float], scores: Sequence[float]) -> dict[str, object]:
    """The prior, and what is known of the scores; sums are exact, so that their order does not
    matter."""
    prior = GAUSSIAN_PRIOR if recorded.keys() >= GAUSSIAN_PRIOR.keys() else BETA_PRIOR
    return {**prior, **_as_inputs(scores)}


def _as_inputs(scores: Sequence[float]) -> dict[str, object]:
    exact = [Fraction(score) for score in scores]
    total, squares = sum(exact, Fraction()), sum((one * one for one in exact), Fraction())
    sums: dict[str, object] = {"count": len(scores), "total": total, "squares": squares}
    mean, apart = _moments(sums) if scores else (None, None)
    return {
        **sums,
        "mean": None if mean is None else mean.value,
        "spread": None if apart is None else apart.value,
    }


def _moments(sums: Mapping[str, object]) -> tuple[Shown | None, Shown | None]:
    return show_named("mean_score", sums), show_named("spread", sums)


def _sums(scores: Sequence[float]) -> tuple[FormulaStep, ...]:
    made = _moments(_as_inputs(scores)) if scores else ()
    return tuple(FormulaStep(one) for one in made if one is not None)
