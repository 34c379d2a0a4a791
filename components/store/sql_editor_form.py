"""Writing a query: the examples, the kept ones, the text, and the copy that it will be put to. The
query that is shown is in the address (`?q=`)."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from backend.client import Client
from backend.messages.sql import SqlCopy, SqlQueries
from components.frame.address import put_in_address
from components.frame.prose import plain_markdown
from components.frame.service import refusals
from components.run.words import clock, size
from components.store.sql_result_panel import forget_answer

LONGEST = 20_000
_DRAFT, _SHOWN, _CHOICE, _NAME = "sql.draft", "sql.shown", "sql.choice", "sql.name"


def copy_line(service: Client, copy: SqlCopy) -> None:
    """How old the copy is, and a way to have it made anew."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.caption(plain_markdown(describe_age(copy, datetime.now(UTC))), width="content")
        if st.button(
            "Refresh the copy",
            icon=":material/refresh:",
            key="sql.renew",
            help="so that queries see what is stored now",
        ):
            with refusals(), st.spinner("The store is being copied."):
                service.sql.renew()
                forget_answer()
                st.rerun()


def describe_age(copy: SqlCopy, now: datetime) -> str:
    """The copy's age in a sentence."""
    if copy.copied_at is None:
        return "Queries see a copy of the store. There is none yet: it is made at the first query."
    old = age((now - datetime.fromisoformat(copy.copied_at)).total_seconds())
    return (
        f"Queries see a copy of the store from {clock(copy.copied_at)} UTC, {old}, "
        f"{size(copy.bytes)}. What came later is not in it."
    )


def age(seconds: float) -> str:
    """`4 minutes old`."""
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'} old"
    return "less than a minute old"


def editor(service: Client, queries: SqlQueries) -> str:
    """The query to show, from the address. Writing changes nothing until it is run."""
    shown = str(st.query_params.get("q", ""))[:LONGEST]
    if (
        st.session_state.get(_SHOWN) != shown or _DRAFT not in st.session_state
    ):  # a link was followed, or the page is new
        st.session_state[_SHOWN] = shown
        st.session_state[_DRAFT] = shown
    by_name = {f"Example: {one.name}": one.query for one in queries.examples} | {
        f"Kept: {one.name}": one.query for one in queries.saved
    }
    st.selectbox(
        "Examples and kept queries",
        list(by_name),
        index=None,
        placeholder=f"Choose one of {len(by_name)}",
        key=_CHOICE,
        on_change=_choose,
        args=(by_name,),
    )
    st.html(
        "<style>.st-key-sql-draft "
        "textarea{font-family:var(--st-code-font,monospace);font-size:14px}</style>"
    )
    st.text_area(
        "Query",
        key=_DRAFT,
        height=220,
        max_chars=LONGEST,
        placeholder="SELECT * FROM run",
        help=(
            "One query in DuckDB's SQL that reads. A column run_id, with node_id beside it, "
            "gives links to the traces."
        ),
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Run query",
            type="primary",
            icon=":material/play_arrow:",
            key="sql.run",
            on_click=_run,
            shortcut="Ctrl+Enter",
        )
        with st.popover(
            "Keep", icon=":material/bookmark:", help="keep this query in the store, under a name"
        ):
            _keep(service, queries)
    return shown


def _run() -> None:
    """The draft becomes the query that is shown."""
    forget_answer()
    draft = str(st.session_state[_DRAFT]).strip()
    st.session_state[_SHOWN] = draft
    put_in_address(q=draft or None)


def _choose(by_name: dict[str, str]) -> None:
    chosen = st.session_state[_CHOICE]
    if chosen in by_name:
        st.session_state[_DRAFT] = by_name[chosen]
        _run()


def _keep(service: Client, queries: SqlQueries) -> None:
    name = st.text_input("Name", key=_NAME, max_chars=200).strip()
    draft = str(st.session_state[_DRAFT]).strip()
    if st.button("Keep this query", disabled=not (name and draft), key="sql.keep"):
        with refusals():
            service.sql.keep(name, draft)
            st.rerun()
    for one in queries.saved:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.text(one.name, width="stretch")
            if st.button("Delete", key=f"sql.forget.{one.name}", icon=":material/delete:"):
                with refusals():
                    service.sql.forget(one.name)
                    st.rerun()
