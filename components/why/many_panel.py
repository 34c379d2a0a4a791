"""Many runs: how often each cause occurs by strategy, and the runs with their causes, each a link
to its own page."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend.client import Client
from backend.messages.runs import StrategyInfo
from backend.messages.why import RunCause, WhyCounts
from components.frame.address import address, page, put_in_address
from components.frame.prose import plain_markdown, visible
from components.frame.service import require
from components.frame.theme import CONFIG
from components.history.run_picker_form import Search, search_row
from components.why.counts import cause_figure, cause_info, counts_sentence
from components.why.words import CAUSES, title

NEWEST = (50, 200, 1000)
PAGE_SIZE = 20
WIDTHS = (1.1, 1.6, 2.2, 1.7, 6.5)


def many_runs(service: Client, strategies: Sequence[StrategyInfo]) -> None:
    """Draw the filter, the bars and the list."""
    search = search_row(strategies)
    newest = st.segmented_control(
        "Newest runs",
        NEWEST,
        default=200,
        required=True,
        key="newest",
        bind="query-params",
        help="how many of the newest that match are looked into",
    )
    with st.spinner("Looking into the runs\u2026"):
        found = require(lambda: _counts(service, search, int(newest)), "The causes")
    if not found.runs:
        _nothing(found)
        return
    info = cause_info(found.runs)
    st.markdown(f"**{plain_markdown(counts_sentence(info))}**")
    skipped = f" {found.skipped} more are not over yet." if found.skipped else ""
    st.caption(
        f"The newest {found.looked_at:d} of {found.total:d} that match.{skipped} Click a part "
        "of a bar to see its runs."
    )
    st.plotly_chart(
        cause_figure(info),
        config=CONFIG,
        key="why.bars",
        alt="How often each cause occurs, by strategy",
        on_select=_choose,
        selection_mode="points",
    )
    _meanings(info.causes)
    _draw_runs(found.runs, info.causes)


def _counts(service: Client, search: Search, newest: int) -> WhyCounts:
    return service.why_counts(
        status=search.status,
        strategy=search.strategy,
        problem=search.problem,
        text=search.text,
        limit=newest,
    )


def _nothing(found: WhyCounts) -> None:
    if found.skipped:
        st.info(
            f"{found.skipped} runs match, and none of them is over yet. Come back when one is.",
            icon=":material/hourglass:",
        )
        return
    st.info(
        "No run matches. Clear a field above, or start a run on Solve.",
        icon=":material/search_off:",
    )
    st.page_link(page("solve"), label="Go to Solve", icon=":material/park:")


def _choose() -> None:
    points = st.session_state["why.bars"]["selection"]["points"]
    data = points[0].get("customdata") if points else None
    if isinstance(data, list) and len(data) > 1:
        put_in_address(cause=str(data[0]), of=str(data[1]))
        st.session_state["why.cause"] = str(data[0])


def _meanings(causes: Sequence[str]) -> None:
    with st.popover("What the causes mean", icon=":material/help:"):
        for cause in causes:
            st.markdown(f"**{CAUSES[cause].title}**: {CAUSES[cause].meaning}")


def _draw_runs(runs: Sequence[RunCause], causes: Sequence[str]) -> None:
    """The runs of the cause and the strategy that the address names, else all that did not answer
    right, else all."""
    strategy = st.query_params.get("of")
    if (given := st.query_params.get("cause")) in causes:
        st.session_state.setdefault("why.cause", given)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        help_ = "none chosen: all that did not answer right"
        cause = st.pills(
            "Runs by cause",
            causes,
            format_func=lambda name: plain_markdown(title(name)),
            key="why.cause",
            on_change=_narrow,
            help=help_,
        )
        if strategy is not None or cause is not None:
            st.button("Show all", on_click=_widen, icon=":material/clear_all:")
    shown = [
        run
        for run in runs
        if (run.cause == cause if cause else run.cause != "right")
        and strategy in (None, run.strategy)
    ]
    of = "" if strategy is None else f" of {visible(strategy.replace('_', ' '))}"
    if not shown:
        st.text(f"No run{of} here.")
        return
    st.caption(
        f"{len(shown)} run{'' if len(shown) == 1 else 's'}{plain_markdown(of)}, newest first"
    )
    pages = -(-len(shown) // PAGE_SIZE)
    number = st.pagination(pages, key="why.page") if pages > 1 else 1
    _rows(shown[PAGE_SIZE * (number - 1) : PAGE_SIZE * number])


def _narrow() -> None:
    put_in_address(cause=st.session_state["why.cause"])


def _widen() -> None:
    put_in_address(cause=None, of=None)
    st.session_state["why.cause"] = None


def _rows(runs: Sequence[RunCause]) -> None:
    for column, name in zip(
        st.columns(WIDTHS), ("Run", "Strategy", "Problem", "Cause", "What happened"), strict=True
    ):
        column.caption(name)
    for run in runs:
        link, strategy, problem, cause, sentence = st.columns(WIDTHS, vertical_alignment="top")
        link.page_link(
            page("why"),
            label=f"Run {run.run_id}",
            query_params=address(run.run_id),
            icon=":material/help:",
        )
        strategy.text(run.strategy.replace("_", " "))
        problem.text(visible(run.problem or "own text"))
        cause.text(title(run.cause))
        sentence.text(visible(run.sentence))
