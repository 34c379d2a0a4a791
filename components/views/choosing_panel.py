"""How a reader chooses in a chart: by a click on a mark, or by a number that stands in the
address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import pandas as pd
import streamlit as st
from plotly import graph_objects as go

from components.frame.address import number_in_address, put_in_address
from components.frame.prose import plain_markdown
from components.frame.theme import CONFIG, NOTHING

PICKED = "view.picked"
"""Set in the session while a click still has to reach the rest of the page."""


def clickable(figure: go.Figure, alt: str, key: str) -> None:
    """A chart whose points carry node ids: a click chooses the node for the whole page."""

    def choose() -> None:
        points = st.session_state[key]["selection"]["points"]
        data = points[0].get("customdata") if points else None
        pick(data[0] if isinstance(data, list) else data)

    figure.update_traces(unselected={"marker": {"opacity": 0.8}}, selector={"mode": "markers"})
    st.plotly_chart(
        figure, config=CONFIG, key=key, alt=alt, on_select=choose, selection_mode="points"
    )


def pick(node: object) -> None:
    """Choose a node for the whole page, from a callback."""
    if isinstance(node, int | float):
        put_in_address(node=int(node))
        st.session_state[PICKED] = True


def node_table(
    table: pd.DataFrame,
    nodes: Sequence[int],
    key: str,
    columns: Mapping[str, object],
    height: int | Literal["auto"] = "auto",
) -> None:
    """A table with one line a node: the line that is chosen chooses the node for the whole page.
    `columns` say how Streamlit writes some of them."""

    def choose() -> None:
        lines = st.session_state[key]["selection"]["rows"]
        if lines and lines[0] < len(nodes):
            pick(nodes[lines[0]])

    st.dataframe(
        table,
        key=key,
        hide_index=True,
        placeholder=NOTHING,
        on_select=choose,
        selection_mode="single-row",
        column_config=columns,
        height=height,
    )


def slide(label: str, count: int, name: str, help_: str) -> int:
    """A slider from 1 to `count` whose place stands in the address as `name`; without one there,
    the last."""
    key, asked = f"view.at.{name}", number_in_address(name)
    at = count if asked is None else min(max(asked, 1), count)
    if count == 1:
        return 1
    st.session_state[key] = at

    def take_over() -> None:
        put_in_address(**{name: None if st.session_state[key] == count else st.session_state[key]})

    st.slider(label, 1, count, key=key, on_change=take_over, help=help_)
    return at


def one_of(label: str, options: Sequence[str], name: str) -> str:
    """A choice whose value stands in the address as `name`; without one there, the first."""
    key, asked = f"view.at.{name}", st.query_params.get(name, "")
    at = asked if asked in options else options[0]
    st.session_state[key] = at

    def take_over() -> None:
        value = st.session_state[key]
        put_in_address(**{name: None if value in (None, options[0]) else value})

    st.segmented_control(
        label,
        options,
        format_func=plain_markdown,
        key=key,
        on_change=take_over,
        label_visibility="collapsed",
    )
    return at


DIGITS = st.column_config.NumberColumn(format="%.3f")
