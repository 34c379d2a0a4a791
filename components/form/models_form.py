"""Which models a run takes: engine, policy model, verifier with its reward model, final rule,
system prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import streamlit as st

from backend.core.settings import Preferences
from backend.messages.runs import (
    Catalog,
    EngineChoice,
    SelectorInfo,
    StrategyInfo,
    VerifierInfo,
)
from components.form.schema_form import fields, schema_form
from components.form.start_form import FormStart
from components.frame.prose import plain_markdown

Named = TypeVar("Named", bound=Any)
DEFAULT = "default"
AGGREGATIONS = ("last", "min", "prod", "mean")
ENGINE, VERIFIER, RULE = "form.engine", "form.verifier", "form.rule"


@dataclass(frozen=True)
class ModelsChoice:
    """Engine and verifier settings as fields of a `RunSpec`; `missing` says why they cannot be
    used, or nothing."""

    fields: Mapping[str, Any]
    missing: str


def models_form(catalog: Catalog, strategy: StrategyInfo, start: FormStart) -> ModelsChoice:
    """Draw the inputs. A model belongs to the engine it was named for: another engine begins with
    its own default."""
    spec = start.spec
    engine = select("Engine", catalog.engines, spec.engine, ENGINE, _availability, start)
    of_start = engine.name == spec.engine
    left, right = st.columns(2)
    with left:
        preferred = spec.model if of_start else None
        model = _model(
            "Model",
            engine.models,
            _model_key(engine.name),
            preferred,
            "the language model that writes the steps",
            start,
        )
    verifier = select("Verifier", catalog.verifiers, spec.verifier, VERIFIER, _availability, start)
    reward = None
    with right:
        if "reward_model" in verifier.needs:
            preferred = spec.verifier_model if of_start else None
            reward = _model(
                "Reward model",
                engine.reward_models,
                _reward_key(engine.name),
                preferred,
                "scores each step",
                start,
            )
    given = spec.verifier_params if verifier.name == spec.verifier else {}
    verifier_params = _params(VERIFIER, verifier, given, start)
    rules = _rules(catalog, strategy, start)
    missing = next(
        (f"{entry.title}: {entry.reason}." for entry in (engine, verifier) if not entry.available),
        "",
    )
    return ModelsChoice(
        {
            "engine": engine.name,
            "model": model,
            "verifier": verifier.name,
            "verifier_model": reward,
            "verifier_params": verifier_params,
            **rules,
            **_system(start),
        },
        missing,
    )


def adopt(preferences: Preferences) -> None:
    """Let the form begin with these preferences from now on, also in a session that has seen
    others."""
    st.session_state[ENGINE], st.session_state[VERIFIER] = (
        preferences.default_engine,
        preferences.default_verifier,
    )
    st.session_state[_model_key(preferences.default_engine)] = preferences.default_model or DEFAULT
    st.session_state[_reward_key(preferences.default_engine)] = (
        preferences.default_reward_model or DEFAULT
    )


def select(
    label: str,
    entries: Sequence[Named],
    preferred: str,
    key: str,
    title: Callable[[Any], str],
    start: FormStart,
) -> Named:
    """Choose one of the catalogue's entries by name, `preferred` first."""
    by_name = {entry.name: entry for entry in entries}
    names = list(by_name)
    name = st.selectbox(
        label,
        names,
        format_func=lambda value: title(by_name[value]),
        key=key,
        persist_state="session",
        **start.choice(key, names, preferred, label.lower()),
    )
    return by_name[name]


def _rules(catalog: Catalog, strategy: StrategyInfo, start: FormStart) -> dict[str, Any]:
    """How step scores become the score of a path, and which finished solution answers."""
    spec, published = start.spec, f"published ({strategy.selector})"
    key = f"form.selector.{strategy.name}"
    left, right = st.columns(2)
    with left:
        aggregation = st.selectbox(
            "Aggregation",
            AGGREGATIONS,
            key="form.aggregation",
            persist_state="session",
            help="how step scores become the score of a path",
            **start.choice("form.aggregation", AGGREGATIONS, spec.aggregation, "aggregation"),
        )
    with right:
        options = [published, *(entry.name for entry in catalog.selectors)]
        preferred = spec.selector if strategy.name == spec.strategy else None
        selector = st.selectbox(
            "Selector",
            options,
            key=key,
            persist_state="session",
            help="which finished solution gives the answer",
            **start.choice(key, options, preferred or published, "selector"),
        )
    named = None if selector == published else selector
    return {
        "aggregation": aggregation,
        "selector": named,
        "selector_params": _rule_params(catalog, named or strategy.selector, start),
    }


def _rule_params(catalog: Catalog, rule: str, start: FormStart) -> dict[str, Any]:
    """The inputs of the final rule, drawn from what it declares. A parameter belongs to the rule it
    was given for."""
    entry = next((one for one in catalog.selectors if one.name == rule), None)
    if entry is None:
        return {}
    published = next(
        (one.selector for one in catalog.strategies if one.name == start.spec.strategy), None
    )
    given = start.spec.selector_params if rule == (start.spec.selector or published) else {}
    return _params(RULE, entry, given, start)


def _params(
    place: str, entry: VerifierInfo | SelectorInfo, given: Mapping[str, Any], start: FormStart
) -> dict[str, Any]:
    """The inputs of a plug-in, drawn from what it declares, below a line that names it; nothing
    for one without parameters."""
    if fields(entry.params_schema):
        family = "verifier" if isinstance(entry, VerifierInfo) else "selector"
        st.caption(f"Parameters of the {family} {plain_markdown(entry.name)}")
    return schema_form(entry.params_schema, key=f"{place}.{entry.name}", given=given, start=start)


def _system(start: FormStart) -> dict[str, str | None]:
    """An empty prompt of one's own is not the same as the model's default, so a box decides which
    of the two it is."""
    own = st.checkbox(
        "System prompt of my own",
        key="form.own_system",
        persist_state="session",
        help="off: the default of the model's chat template",
        **start.first("form.own_system", value=start.spec.system is not None),
    )
    if not own:
        return {"system": None}
    text = st.text_area(
        "System prompt",
        key="form.system",
        height=80,
        max_chars=20_000,
        persist_state="session",
        **start.first("form.system", value=start.spec.system or ""),
    )
    return {"system": text}


def _availability(entry: EngineChoice | VerifierInfo) -> str:
    return entry.title if entry.available else f"{entry.title} ({entry.reason})"


def _model_key(engine: str) -> str:
    return f"form.model.{engine}"


def _reward_key(engine: str) -> str:
    return f"form.reward.{engine}"


def _model(
    label: str, names: Sequence[str], key: str, preferred: str | None, help_: str, start: FormStart
) -> str | None:
    """A model by name or path; None stands for the engine's default."""
    options = list(dict.fromkeys([DEFAULT, *names, preferred or DEFAULT]))
    name = st.selectbox(
        label,
        options,
        key=key,
        accept_new_options=True,
        persist_state="session",
        help=f"{plain_markdown(help_)}; type a name or a path for another one",
        **start.choice(key, options, preferred or DEFAULT, label.lower()),
    )
    return None if name in (DEFAULT, None) else str(name)
