"""The cards of the verifier and of the final rule that the form has chosen: idea, formula in words,
what comes from where, departures, defects left out.

Whatever comes from the catalogue is shown as text; only the headings are the page's own.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from backend.messages.runs import Catalog, JudgeInfo, StrategyInfo
from components.form.strategy_entry_panel import Section, draw_sections


def judge_sections(role: str, entry: JudgeInfo) -> list[Section]:
    """The card in order of reading; never empty, so that a reader sees what there is not."""
    named = ", ".join(part for part in (entry.title, entry.paper) if part)
    return [
        Section(role, [part for part in (named, *entry.idea.split("\n\n")) if part]),
        Section("Computes", [entry.formula or "nothing is said of it"]),
        Section("Taken from", entry.sources or ["no source is named"]),
        Section("Departs from its source", entry.departures or ["in nothing that is known"]),
        Section("Published defects left out", entry.avoided or ["none is known"]),
    ]


def find_judges(
    catalog: Catalog, strategy: StrategyInfo, fields: Mapping[str, object]
) -> list[tuple[str, JudgeInfo]]:
    """The verifier and the selector that `fields` of a run name, each with its role; a run that
    names no selector has its strategy's."""
    rule = fields.get("selector") or strategy.selector
    verifiers = [one for one in catalog.verifiers if one.name == fields.get("verifier")]
    rules = [one for one in catalog.selectors if one.name == rule]
    return [*(("Verifier", one) for one in verifiers), *(("Final rule", one) for one in rules)]


def draw_judge_entries(
    catalog: Catalog, strategy: StrategyInfo, fields: Mapping[str, object]
) -> None:
    """Draw both cards, folded up."""
    with st.expander("About the verifier and the final rule", icon=":material/menu_book:"):
        for role, entry in find_judges(catalog, strategy, fields):
            draw_sections(judge_sections(role, entry))
