"""What a query gave: the rows with links to their traces, why some are missing, and the whole as a
file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

import pandas as pd
import streamlit as st

from backend.client import Client
from backend.messages.sql import SqlAnswer
from components.frame.address import address, page
from components.frame.prose import plain_markdown, visible
from components.frame.service import refusals

RUNS, NODES = ("run_id", "run"), ("node_id", "node", "chosen_node")
FILES: Mapping[Literal["csv", "parquet"], str] = {"csv": "CSV", "parquet": "Parquet"}
OPEN = "trace"
LINKS_SHOWN = 6
_ANSWER = "sql.answer"


def forget_answer() -> None:
    """Ask again at the next drawing."""
    st.session_state.pop(_ANSWER, None)


def result(service: Client, query: str) -> None:
    """Ask, once for a query, and draw what came back."""
    kept = st.session_state.get(_ANSWER)
    if kept is None or kept[0] != query:
        with refusals(), st.spinner("The query runs."):
            st.session_state[_ANSWER] = kept = (query, service.sql(query))
    if kept is None or kept[0] != query:
        return
    answer: SqlAnswer = kept[1]
    cut = f" {answer.cut[:1].upper()}{answer.cut[1:]}; a file holds more." if answer.cut else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            plain_markdown(
                f"{len(answer.rows)} row{'' if len(answer.rows) == 1 else 's'} in "
                f"{answer.seconds:.2f} s.{cut}"
            ),
            width="content",
        )
        for format_, title in FILES.items():
            st.download_button(
                title,
                partial(service.sql.file, query, format_),
                file_name=f"query.{format_}",
                icon=":material/download:",
                on_click="ignore",
                key=f"sql.file.{format_}",
            )
    if answer.rows:
        _table(answer)
    else:
        st.info("The query is sound and gives no rows.", icon=":material/search_off:")


def _table(answer: SqlAnswer) -> None:
    names = unique([column.name for column in answer.columns])
    links = traces(names, answer.rows)
    frame = pd.DataFrame(
        [[format_cell(value) for value in row] for row in answer.rows], columns=names
    )
    config = {
        name: st.column_config.Column(help=plain_markdown(column.type))
        for name, column in zip(names, answer.columns, strict=True)
    }
    if any(links):
        first = unique([*names, OPEN])[-1]
        frame.insert(
            0,
            first,
            [
                f"trace?{'&'.join(f'{name}={value}' for name, value in link.items())}"
                if link
                else None
                for link in links
            ],
        )
        config[first] = st.column_config.LinkColumn(
            display_text=":material/account_tree:", help="open the trace", width="small"
        )
    st.dataframe(
        frame,
        hide_index=True,
        placeholder="NULL",
        column_config=config,
        height="content" if len(frame) < 12 else 460,
    )
    _links(links)


def _links(links: Sequence[Mapping[str, str]]) -> None:
    """The first places that the rows name, as links: a grid that is drawn cannot be read out or
    tabbed through."""
    places = list({tuple(link.items()): link for link in links if link}.values())
    if not places:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for link in places[:LINKS_SHOWN]:
            st.page_link(
                page("trace"),
                label=plain_markdown(_name(link)),
                icon=":material/account_tree:",
                query_params=dict(link),
                width="content",
            )
        if len(places) > LINKS_SHOWN:
            st.caption(f"and {len(places) - LINKS_SHOWN} more in the table", width="content")


def _name(link: Mapping[str, str]) -> str:
    return f"Run {link['run']}" + (f", node {link['node']}" if "node" in link else "")


def traces(names: Sequence[str], rows: Sequence[Sequence[object]]) -> list[dict[str, str]]:
    """For each row the address of the run, and of the node in it, that its columns name; empty
    where they name none."""
    run, node = _first(RUNS, names), _first(NODES, names)
    return [
        _place(None if run is None else row[run], None if node is None else row[node])
        for row in rows
    ]


def _place(run: object, node: object) -> dict[str, str]:
    if not _counts(run):
        return {}
    return address(int(str(run)), int(str(node)) if _counts(node) else None)


def _counts(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _first(wanted: Sequence[str], names: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def unique(names: Sequence[str]) -> list[str]:
    """The names as they are; one that came before gets a number."""
    taken: list[str] = []
    for name in names:
        number, free = 1, name
        while free in taken:
            number += 1
            free = f"{name} {number}"
        taken.append(free)
    return taken


def format_cell(value: object) -> object:
    """A value as a cell: text with what cannot be seen spelled out."""
    if isinstance(value, str):
        return visible(value)
    return visible(str(value)) if isinstance(value, list | dict) else value
