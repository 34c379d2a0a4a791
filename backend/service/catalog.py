"""The catalogue: everything that a run can name, from the registries, with the reason where
something is not available."""

from __future__ import annotations

import math
from typing import TypedDict

from backend.core.cards import JudgeCard
from backend.core.formulas import FORMULAS, Formula, Input
from backend.core.registry import STRATEGIES, StrategyEntry
from backend.core.spec import BUDGET_AXES
from backend.engines.entry import ENGINES
from backend.engines.models import Models
from backend.judging.rules import SELECTORS, Rule
from backend.judging.scorers import VERIFIERS, VerifierEntry
from backend.messages import runs as schemas
from backend.problems import SETS
from backend.problems.library import Library
from backend.review.labelling import LABELLERS, LabellerEntry

AXIS_TITLES = {
    "generated_tokens": "generated tokens",
    "model_calls": "model calls",
    "verifier_calls": "verifier calls",
    "rounds": "rounds",
    "seconds": "seconds",
}


def catalog(models: Models, library: Library) -> schemas.Catalog:
    """Built anew at each request, because engines come and go."""
    return schemas.Catalog(
        strategies=[strategy(entry) for entry in STRATEGIES.values()],
        selectors=[selector(rule) for rule in SELECTORS.values()],
        verifiers=[verifier(entry) for entry in VERIFIERS.values()],
        engines=engines(models),
        problem_sets=problem_sets(library),
        budget_axes=[schemas.Axis(name=axis, title=AXIS_TITLES[axis]) for axis in BUDGET_AXES],
        formulas=[formula(one) for one in FORMULAS.values()],
        labellers=[labeller(entry) for entry in LABELLERS.values()],
    )


def formula(one: Formula) -> schemas.FormulaInfo:
    return schemas.FormulaInfo(
        name=one.name,
        title=one.title,
        summary=one.summary,
        latex=one.latex,
        inputs=[formula_input(name, each) for name, each in one.inputs.items()],
        vector=one.vector,
    )


def formula_input(name: str, one: Input) -> schemas.FormulaInput:
    return schemas.FormulaInput(
        name=name,
        symbol=one.symbol,
        meaning=one.meaning,
        unit=one.unit,
        low=one.low if math.isfinite(one.low) else None,
        high=one.high if math.isfinite(one.high) else None,
        each=one.each,
        whole=one.whole,
    )


def strategy(entry: StrategyEntry) -> schemas.StrategyInfo:
    card = entry.card
    return schemas.StrategyInfo(
        name=entry.name,
        title=card.title,
        summary=entry.summary,
        idea=card.idea,
        paper=card.paper,
        year=card.year,
        params_schema=entry.params.model_json_schema(),
        selector=card.selector,
        needs_verifier=card.needs_verifier,
        needs=list(card.needs),
        sources=list(card.sources),
        departures=list(card.departures),
        avoided=list(card.avoided),
        views=list(card.views),
        roles=list(entry.roles),
        phases=dict(card.phases),
        pseudocode=[
            schemas.CodeLine(phases=list(line.phases), text=line.text, kinds=list(line.kinds))
            for line in card.pseudocode
        ],
        formulas=dict(entry.formulas),
        available=not entry.roles,
        reason="" if not entry.roles else f"needs models for the roles {', '.join(entry.roles)}",
    )


def selector(rule: Rule) -> schemas.SelectorInfo:
    return schemas.SelectorInfo(
        name=rule.name,
        summary=rule.summary,
        params_schema=rule.params.model_json_schema(),
        needs=list(rule.needs),
        **judge_fields(rule.card),
    )


def verifier(entry: VerifierEntry) -> schemas.VerifierInfo:
    return schemas.VerifierInfo(
        name=entry.name,
        summary=entry.summary,
        params_schema=entry.params.model_json_schema(),
        needs=list(entry.needs),
        available=True,
        reason="",
        **judge_fields(entry.card),
    )


class JudgeFields(TypedDict):
    """What the catalogue shows of the card of a selector or a verifier."""

    title: str
    paper: str
    idea: str
    formula: str
    sources: list[str]
    departures: list[str]
    avoided: list[str]


def judge_fields(card: JudgeCard) -> JudgeFields:
    return {
        "title": card.title,
        "paper": card.paper,
        "idea": card.idea,
        "formula": card.formula,
        "sources": list(card.sources),
        "departures": list(card.departures),
        "avoided": list(card.avoided),
    }


def engines(models: Models) -> list[schemas.EngineChoice]:
    """Each engine with the state of its first policy."""
    states = {state.engine: state for state in reversed(models.states()) if state.kind == "policy"}
    return [
        schemas.EngineChoice(
            name=name,
            title=ENGINES[name].title,
            available=available,
            reason=reason,
            models=list(models.offered(name)),
            reward_models=list(ENGINES[name].reward_models),
            state=states[name].state if name in states else "unloaded",
            seconds_loading=states[name].seconds_loading if name in states else 0.0,
        )
        for name, available, reason in models.available()
    ]


def problem_sets(library: Library) -> list[schemas.ProblemSetInfo]:
    return [
        schemas.ProblemSetInfo(
            name=each.name, title=each.title, levels=list(each.levels), size=each.size
        )
        for each in library.sets
    ]


def labeller(entry: LabellerEntry) -> schemas.LabellerInfo:
    return schemas.LabellerInfo(
        name=entry.name, title=entry.title, summary=entry.summary, needs=list(entry.needs)
    )


def load_plugins() -> None:
    """Import every plug-in now, which a registry else does at its first look-up. Blocks for a
    second or two."""
    for family in (STRATEGIES, SELECTORS, VERIFIERS, ENGINES, SETS, LABELLERS):
        family.values()


__all__ = ["catalog", "load_plugins", "problem_sets"]
