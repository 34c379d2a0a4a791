"""The form of a what-if: another final rule, aggregation, verifier, number of candidates, or other
parameters of the search. Its state is in the address, as what differs from the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from pydantic import ValidationError

from backend.messages.runs import Catalog, Run, SelectorInfo
from backend.messages.why import RUN, WhatIfAsk
from components.form.models_form import AGGREGATIONS
from components.form.schema_form import fields, schema_form
from components.form.start_form import Inputs
from components.frame.address import put_in_address
from components.frame.prose import plain_markdown

AS_IT_RAN = ""


def ask_in_address() -> WhatIfAsk:
    """The what-if that the address names, or an empty one."""
    try:
        return WhatIfAsk.model_validate_json(st.query_params.get("what", "{}"))
    except ValidationError:
        return WhatIfAsk()


def text_of(ask: WhatIfAsk) -> str | None:
    """A what-if as it stands in the address; None for an empty one."""
    text = ask.model_dump_json(exclude_defaults=True)
    return None if text == "{}" else text


def why_form(run: Run, catalog: Catalog, series: Sequence[str]) -> WhatIfAsk:
    """Draw the inputs, put what they ask for into the address, and return it. An address from
    elsewhere fills them anew."""
    given, key = ask_in_address(), f"what.{run.id}"
    start = Inputs(anew=st.session_state.get(f"{key}.told", AS_IT_RAN) != text_of(given))
    rule, aggregation, judge, first = _choices(run, catalog, series, given, key, start)
    entry = next((one for one in catalog.selectors if one.name == rule), None)
    rule_params = {} if entry is None else _rule_params(entry, given, key, start)
    params = _params(run, catalog, given, key, start)
    ask = WhatIfAsk.model_validate(
        {
            "selector": rule or None,
            "selector_params": rule_params or None,
            "aggregation": aggregation or None,
            "series": judge or None,
            "first": first,
            "params": params,
        }
    )
    text = st.session_state[f"{key}.told"] = text_of(ask)
    if text != st.query_params.get("what"):
        put_in_address(what=text)
    return ask


def _choices(
    run: Run, catalog: Catalog, series: Sequence[str], given: WhatIfAsk, key: str, start: Inputs
) -> tuple[str, str, str, int | None]:
    titles = {rule.name: rule.title for rule in catalog.selectors}
    one, two, three, four = st.columns(4)
    own = run.selector or next(
        (entry.selector for entry in catalog.strategies if entry.name == run.strategy), "its own"
    )
    with one:
        rule = _choice(
            "Final rule",
            [*titles],
            given.selector,
            f"{key}.selector",
            titles,
            own,
            "which finished solution gives the answer",
            start,
        )
    with two:
        help_ = "how step scores become the score of a path; it steers the search as well"
        aggregation = _choice(
            "Aggregation",
            AGGREGATIONS,
            given.aggregation,
            f"{key}.aggregation",
            {},
            run.aggregation,
            help_,
            start,
        )
    with three:
        names = [name for name in series if name != RUN]
        help_ = (
            "steer the search by another verifier's scores; score the run in the verifier "
            "lens first"
        )
        judge = _choice(
            "Verifier", names, given.series, f"{key}.series", {}, run.verifier, help_, start
        )
    with four:
        first = st.number_input(
            "Only the first candidates",
            1,
            None,
            step=1,
            key=f"{key}.first",
            placeholder="all",
            persist_state="session",
            help="so many finished solutions, in the order in which they came in",
            **start.first(f"{key}.first", value=given.first),
        )
    return rule, aggregation, judge, first


def _choice(
    label: str,
    names: Sequence[str],
    given: str | None,
    key: str,
    titles: Mapping[str, str],
    own: str,
    help_: str,
    start: Inputs,
) -> str:
    """One of `names`, or as it ran."""
    options = [AS_IT_RAN, *names]

    def label_of(name: str) -> str:
        return titles.get(name, name) if name else f"as it ran ({own})"

    first = start.choice(key, options, given or AS_IT_RAN, label.lower())
    return str(
        st.selectbox(
            label,
            options,
            format_func=label_of,
            key=key,
            persist_state="session",
            help=plain_markdown(help_),
            **first,
        )
    )


def _rule_params(entry: SelectorInfo, given: WhatIfAsk, key: str, start: Inputs) -> dict[str, Any]:
    if fields(entry.params_schema):
        st.caption(f"Parameters of the rule {plain_markdown(entry.name)}")
    first = (given.selector_params or {}) if given.selector == entry.name else {}
    return schema_form(
        entry.params_schema, key=f"{key}.rule.{entry.name}", given=first, start=start
    )


def _params(
    run: Run, catalog: Catalog, given: WhatIfAsk, key: str, start: Inputs
) -> dict[str, Any]:
    """The parameters of the strategy that shall differ from those of the run."""
    entry = next((one for one in catalog.strategies if one.name == run.strategy), None)
    if entry is None or not fields(entry.params_schema):
        return {}
    shown = st.toggle(
        f"Other parameters of {plain_markdown(entry.title)}",
        key=f"{key}.more",
        persist_state="session",
        **start.first(f"{key}.more", value=bool(given.params)),
    )
    if not shown:
        return {}
    changed = schema_form(
        entry.params_schema, key=f"{key}.params", given={**run.params, **given.params}, start=start
    )
    defaults = {field.name: field.default for field in fields(entry.params_schema)}
    was, now = {**defaults, **run.params}, {**defaults, **changed}
    return {name: value for name, value in now.items() if value != was.get(name)}
