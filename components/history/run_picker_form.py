"""Runs as a list: find, open, repeat, delete; and the newest one where no run is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pandas as pd
import streamlit as st

from backend.client import Client
from backend.messages.runs import Run, StrategyInfo
from components.form.run_again_form import again_link
from components.frame.address import address, page, put_in_address
from components.frame.prose import visible
from components.frame.service import refusals, require
from components.frame.theme import NOTHING
from components.history.run_cards_panel import name_of
from components.run.words import STATES, clock, state_word

PAGE_SIZE = 50
ANY = "any"
RUN_COLUMNS = {
    "question": st.column_config.TextColumn(width="large"),
    "strategy": st.column_config.TextColumn(width=130),
    "answer": st.column_config.TextColumn(width=90),
    "verdict": st.column_config.TextColumn(width=90),
    "seconds": st.column_config.NumberColumn(format="%.1f"),
    "tokens": st.column_config.NumberColumn(format="localized"),
}
"""How the columns of `table_of` are shown."""


@dataclass(frozen=True)
class Search:
    """What to look for; an empty part does not matter."""

    text: str | None
    strategy: str | None
    status: str | None
    problem: str | None


def latest_run(service: Client) -> int:
    """The newest run, put into the address; without any, the page says how to make one and ends."""
    found = require(lambda: service.runs(limit=1), "The runs").runs
    if not found:
        st.info(
            "There is no run yet. Start one on Solve: one click on Run is enough.",
            icon=":material/park:",
        )
        st.page_link(page("solve"), label="Go to Solve", icon=":material/park:")
        st.stop()
    put_in_address(run=found[0].id)
    return found[0].id


def search_row(strategies: Sequence[StrategyInfo]) -> Search:
    """The inputs of a search, in the address as well, so that a search has a link."""
    text, strategy, status, problem = st.columns([3, 2, 2, 2])
    by_word = {word: name for name, (word, _) in STATES.items()}
    with text:
        words = st.text_input(
            "Text", key="text", placeholder="in question or answer", bind="query-params"
        )
    with strategy:
        name = st.selectbox(
            "Strategy",
            [ANY, *(entry.name for entry in strategies)],
            key="strategy",
            bind="query-params",
        )
    with status:
        state = st.selectbox("State", [ANY, *by_word], key="state", bind="query-params")
    with problem:
        of = st.text_input("Problem", key="problem", placeholder="ledger/3/17", bind="query-params")
    return Search(
        words.strip() or None, None if name == ANY else name, by_word.get(state), of.strip() or None
    )


def table_of(runs: Sequence[Run]) -> pd.DataFrame:
    """One line a run."""
    columns = [
        "run",
        "state",
        "strategy",
        "problem",
        "answer",
        "right answer",
        "verdict",
        "nodes",
        "tokens",
        "seconds",
        "started",
        "question",
    ]
    return pd.DataFrame(
        [
            (
                run.id,
                state_word(run.status),
                run.strategy,
                name_of(run),
                visible(run.answer or ""),
                visible(run.right_answer or ""),
                run.grade if run.answer is not None else "",
                run.nodes,
                run.ledger.get("generated_tokens"),
                run.ledger.get("seconds"),
                clock(run.created_at),
                visible(run.question)[:200],
            )
            for run in runs
        ],
        columns=columns,
    )


def found_runs(service: Client, search: Search) -> list[Run]:
    """The page of matching runs that the address names, newest first, and above it the way to the
    others; without any, what to do instead."""
    wanted = asdict(search)
    total = require(lambda: service.runs(**wanted, limit=1), "The runs").total
    if not total:
        st.info(
            "No run matches. Clear a field above, or start a run on Solve.",
            icon=":material/search_off:",
        )
        st.page_link(page("solve"), label="Go to Solve", icon=":material/park:")
        st.stop()
    st.caption(f"{total:d} run{'' if total == 1 else 's'}, newest first")
    pages = -(-total // PAGE_SIZE)
    number = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    return require(
        lambda: service.runs(**wanted, limit=PAGE_SIZE, offset=PAGE_SIZE * (number - 1)), "The runs"
    ).runs


def run_table(runs: Sequence[Run]) -> Run | None:
    """Draw the list and return the run whose line is chosen."""
    chosen = st.dataframe(
        table_of(runs),
        hide_index=True,
        placeholder=NOTHING,
        on_select="rerun",
        selection_mode="single-row",
        key="runs",
        height="content" if len(runs) < 15 else 560,
        column_config=RUN_COLUMNS,
    )
    lines = chosen["selection"]["rows"]
    return runs[lines[0]] if lines and lines[0] < len(runs) else None


def run_actions(service: Client, run: Run | None) -> None:
    """Open, repeat or delete the chosen run; deleting asks first."""
    if run is None:
        st.caption("Choose a line to open, repeat or delete a run.")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.page_link(
            page("trace"),
            label=f"Open the trace of run {run.id}",
            icon=":material/account_tree:",
            query_params=address(run.id),
        )
        st.page_link(
            page("solve"),
            label="Open in Solve",
            icon=":material/park:",
            query_params=address(run.id),
        )
        again_link(run.id)
        with st.popover("Delete", icon=":material/delete:"):
            st.text(f"Run {run.id} with its {run.nodes} nodes will be gone for good.")
            if st.button("Delete this run", type="primary", key=f"delete.{run.id}"):
                with refusals():
                    service.delete(run.id)
                    st.rerun()
