"""Choosing the runs of a comparison: search, mark two to four lines, go."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend.client import Client
from backend.messages.runs import Catalog, Run
from components.compare.address import FEWEST, MOST, show_runs
from components.frame.theme import NOTHING
from components.history.run_picker_form import RUN_COLUMNS, found_runs, search_row, table_of


def compare_picker(service: Client, catalog: Catalog, already: Sequence[int]) -> None:
    """Draw search and list. `already` are runs that the address names, too few to compare."""
    if already:
        st.text(
            f"Run {already[0]} is one of them. Mark up to {MOST - 1} others to compare it with."
        )
    else:
        st.text(f"Mark {FEWEST} to {MOST} runs. Runs of the same problem say most.")
    runs = [
        run for run in found_runs(service, search_row(catalog.strategies)) if run.id not in already
    ]
    chosen = st.dataframe(
        table_of(runs),
        hide_index=True,
        placeholder=NOTHING,
        on_select="rerun",
        selection_mode="multi-row",
        key="compare.runs",
        height="content" if len(runs) < 12 else 460,
        column_config=RUN_COLUMNS,
    )
    _go(runs, [line for line in chosen["selection"]["rows"] if line < len(runs)], already)


def _go(runs: Sequence[Run], marked: Sequence[int], already: Sequence[int]) -> None:
    ids = [*already, *(runs[line].id for line in marked)]
    fits = FEWEST <= len(ids) <= MOST
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        label = f"Compare runs {', '.join(map(str, ids))}" if fits else "Compare"
        st.button(
            label,
            type="primary",
            icon=":material/compare_arrows:",
            disabled=not fits,
            on_click=show_runs,
            args=(ids,),
            key="compare.go",
        )
        if len(ids) > MOST:
            st.caption(f"{len(ids)} are marked; at most {MOST} fit side by side.")
        elif len({runs[line].question for line in marked}) > 1:
            st.caption(
                "These runs are of different problems: their steps will have nothing in common."
            )
