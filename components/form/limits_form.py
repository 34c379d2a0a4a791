"""How far a run may go, how its tokens are drawn and where its steps end: budget by axis, seed,
sampling, splitter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from backend.core.spec import SamplingSpec, SplittingSpec
from backend.messages.runs import Axis, Catalog
from components.form.schema_form import schema_form
from components.form.start_form import MOST, FormStart
from components.frame.prose import plain_markdown

FIRST_LIMITS = {"generated_tokens": 2000.0, "seconds": 60.0}
OTHER_LIMIT = 100.0
LEAST = 0.1
"""The smallest limit that the form can hold."""


def limits_form(catalog: Catalog, start: FormStart) -> dict[str, Any]:
    """Draw the inputs and return them as fields of a `RunSpec`."""
    budget = _budget(catalog.budget_axes, start)
    seed = st.number_input(
        "Run seed",
        min_value=0,
        max_value=MOST,
        step=1,
        key="form.seed",
        persist_state="session",
        help="the same seed repeats the run",
        **start.number("form.seed", 0, MOST, start.spec.seed, 0, "seed"),
    )
    sampling = schema_form(
        SamplingSpec.model_json_schema(),
        key="form",
        given=start.spec.sampling.model_dump(),
        start=start,
    )
    st.caption("Steps")
    given = start.spec.splitting
    splitting = schema_form(
        SplittingSpec.model_json_schema(),
        key="form.steps",
        given={} if given is None else given.model_dump(),
        start=start,
    )
    return {
        "seed": int(seed),
        "budget": budget,
        "sampling": sampling,
        "splitting": splitting or None,
    }


def _budget(axes: Sequence[Axis], start: FormStart) -> dict[str, float]:
    """A limit for each chosen axis; a run ends at the first that is reached."""
    titles = {axis.name: axis.title for axis in axes}
    given = {
        axis: limit
        for axis, limit in start.spec.budget.items()
        if axis in titles and limit >= LEAST
    }
    for axis in start.spec.budget.keys() - given.keys():
        start.lose("budget", f"{axis} {start.spec.budget[axis]:g}")
    chosen = st.multiselect(
        "Budget",
        list(titles),
        format_func=lambda name: titles[name],
        key="form.axes",
        placeholder="No limit",
        persist_state="session",
        help="the run ends at the first limit that is reached",
        **start.first("form.axes", default=list(given)),
    )
    return {
        axis: _limit(
            axis, titles[axis], given.get(axis, FIRST_LIMITS.get(axis, OTHER_LIMIT)), start
        )
        for axis in chosen
    }


def _limit(axis: str, title: str, first: float, start: FormStart) -> float:
    key = f"form.limit.{axis}"
    limit = st.number_input(
        f"Limit of {plain_markdown(title.lower())}",
        min_value=LEAST,
        step=1.0 if first < 100 else 100.0,
        format="%g",
        key=key,
        persist_state="session",
        **start.first(key, value=float(first)),
    )
    return float(limit)
