"""What would have saved it: a handful of cheap what-ifs on a stored run, as a table. A line of it
goes to the form below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd
import streamlit as st

from backend.client import Client
from backend.messages.runs import Catalog, Run
from backend.messages.why import RUN, Tried, WhatIfAsk
from components.form.models_form import AGGREGATIONS
from components.frame.address import put_in_address
from components.frame.service import refusals
from components.frame.theme import NOTHING
from components.why.other_settings import Else, line_of, summary

AT_ONCE = 3000
"""Nodes up to which the table is made without being asked for."""


class TriedSetting(NamedTuple):
    """A what-if with its name for readers."""

    name: str
    ask: WhatIfAsk


def settings(catalog: Catalog, run: Run, series: Sequence[str]) -> Iterator[TriedSetting]:
    """Each other final rule, each other aggregation of step scores, and each stored series of
    another verifier."""
    own = run.selector or next(
        (entry.selector for entry in catalog.strategies if entry.name == run.strategy), None
    )
    for rule in catalog.selectors:
        if rule.name != own:
            yield TriedSetting(f"rule {rule.name}", WhatIfAsk(selector=rule.name))
    for how in AGGREGATIONS:
        if how != run.aggregation:
            yield TriedSetting(f"scores by {how}", WhatIfAsk.model_validate({"aggregation": how}))
    for name in series:
        if name != RUN:
            yield TriedSetting(f"verifier {name}", WhatIfAsk(series=name))


def why_else(service: Client, catalog: Catalog, run: Run) -> None:
    """Draw the table; of a large run only when asked for."""
    st.markdown(
        "**What else would have been chosen?**" if run.correct else "**What would have saved it?**"
    )
    with refusals():
        asked = list(settings(catalog, run, list(service.series(run.id).series)))
        key = f"why.else.{run.id}.{run.events}.{len(asked)}"
        if key not in st.session_state:
            if run.nodes > AT_ONCE and not st.button(
                f"Try {len(asked)} other settings", icon=":material/play_arrow:"
            ):
                st.caption("Each is computed from what is stored, without a model.")
                return
            with st.spinner("Trying other settings on what is stored\u2026"):
                st.session_state[key] = service.what_ifs(run.id, [one.ask for one in asked])
        _table(run, asked, st.session_state[key])


def _table(run: Run, asked: Sequence[TriedSetting], tried: Sequence[Tried]) -> None:
    lines = [
        line_of(one.name, each.found, each.refused) for one, each in zip(asked, tried, strict=True)
    ]
    order = sorted(range(len(lines)), key=lambda place: not lines[place].saves)
    st.text(summary(lines, run.correct is True))
    key = f"why.else.table.{run.id}"

    def choose() -> None:
        picked = st.session_state[key]["selection"]["rows"]
        if picked and picked[0] < len(order):
            put_in_address(what=asked[order[picked[0]]].ask.model_dump_json(exclude_defaults=True))

    st.dataframe(
        table_of([lines[place] for place in order]),
        hide_index=True,
        placeholder=NOTHING,
        key=key,
        on_select=choose,
        selection_mode="single-row",
        column_config={
            "setting": st.column_config.TextColumn(width="medium"),
            "verdict": st.column_config.TextColumn(width="medium"),
        },
    )
    st.caption(
        "Choose a line to see it below in full. Exact: no model was asked, and this is "
        "what the run would have done."
    )


def table_of(lines: Sequence[Else]) -> pd.DataFrame:
    """One line a setting."""
    columns = ["setting", "answer", "verdict", "node", "how far"]
    return pd.DataFrame(
        [(line.setting, line.answer, line.verdict, line.node, line.exact) for line in lines],
        columns=columns,
    )
