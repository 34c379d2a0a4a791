"""Everything about one node as it stood at a moment, below its head: path, rendered text, tokens,
scores, the formula that decided about it, its cost, its record.

Only the open tab is drawn, so that a click on a node costs what is looked at; which one is open is
in the address (`panel`). What the log of the run tells is drawn without a question to the service.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from backend.core.records import EventRecord
from backend.core.tree import TreeRow, up_to
from backend.messages.runs import NodeDetail, Run, StrategyInfo
from components.tree.inspector.formula.case import FormulaCase, case, settings
from components.tree.inspector.formula.formula_panel import formula_panel
from components.tree.inspector.record_panel import prompt_panel, record_panel
from components.tree.inspector.scores_panel import scores_panel
from components.tree.inspector.text_panel import draw_rendered, path_panel
from components.tree.inspector.tokens_panel import tokens_panel

PANEL = "panel"


def inspector(
    row: TreeRow,
    detail: Callable[[], NodeDetail],
    rows: Sequence[TreeRow],
    events: Sequence[EventRecord],
    until: int | None,
    entry: StrategyInfo | None,
    run: Run,
) -> None:
    """Draw the node; `detail` asks for what its row does not tell, `rows` are the run's nodes after
    the events with seq <= `until`, `events` its whole log, `entry` its strategy's place in the
    catalogue, None where it is not known here."""

    def log() -> list[EventRecord]:
        return list(up_to(events, until))

    def collect_case() -> FormulaCase | None:
        return case(
            row.id,
            rows,
            log(),
            None,
            settings(run.params, entry.params_schema if entry else {}),
            entry.formulas if entry else {},
        )

    panels: dict[str, Callable[[], None]] = {
        "Path": lambda: path_panel(rows, row.id),
        "Rendered": lambda: draw_rendered(row),
        "Tokens": lambda: tokens_panel(detail(), run),
        "Scores": lambda: scores_panel(row.id, rows, log()),
        "Formula": lambda: formula_panel(collect_case()),
        "Prompt": lambda: prompt_panel(detail()),
        "Record": lambda: record_panel(detail(), log()),
    }
    for tab, (_, draw) in zip(
        st.tabs(list(panels), key=PANEL, on_change="rerun", bind="query-params"),
        panels.items(),
        strict=True,
    ):
        if tab.open:
            with tab:
                draw()
