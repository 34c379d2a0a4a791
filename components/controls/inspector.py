"""Everything about one node as it stood at a moment: text, path, tokens, scores, the formula that decided about it, its cost, its record.

Only the open tab is drawn, so that a click on a node costs what is looked at; which one is open is in the address (`panel`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from backend.api.schemas import Event, NodeDetail, Run, StrategyInfo
from components.controls.inspect_formula import formula_panel
from components.controls.inspect_record import prompt_panel, record_panel
from components.controls.inspect_scores import scores_panel
from components.controls.inspect_text import headline, path_panel, text_panel
from components.controls.inspect_tokens import tokens_panel
from components.formula import Case, case, settings
from components.tables import TreeRow, up_to

PANEL = "panel"


def inspector(
    node: NodeDetail, rows: Sequence[TreeRow], events: Sequence[Event], until: int | None, entry: StrategyInfo | None, run: Run
) -> None:
    """Draw the node; `rows` are the run's nodes after the events with seq <= `until`, `events` its whole log, `entry` its strategy's place in the
    catalogue, None where it is not known here."""
    log = list(up_to(events, until))
    row = next((row for row in rows if row.id == node.id), None)
    headline(node, row)
    if row is None:
        st.text("At the moment shown this node is not yet written: move the slider on, or choose another node.")
        return

    def told() -> Case | None:
        return case(node.id, rows, log, None, settings(run.params, entry.params_schema if entry else {}), entry.formulas if entry else {})

    panels: dict[str, Callable[[], None]] = {
        "Text": lambda: text_panel(node),
        "Path": lambda: path_panel(rows, node),
        "Tokens": lambda: tokens_panel(node, run),
        "Scores": lambda: scores_panel(node, rows, log),
        "Formula": lambda: formula_panel(told()),
        "Prompt": lambda: prompt_panel(node),
        "Record": lambda: record_panel(node, log),
    }
    for tab, (_, draw) in zip(st.tabs(list(panels), key=PANEL, on_change="rerun", bind="query-params"), panels.items(), strict=True):
        if tab.open:
            with tab:
                draw()
