"""What a chart on a page is drawn from, and how a reader chooses in it: by a click on a mark, or by
a number that stands in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st
from plotly import graph_objects as go

from backend.messages.runs import Event
from backend.problems import Problem
from components.frame.address import number_in_address, put_in_address
from components.frame.prose import visible
from components.frame.theme import CONFIG
from components.run.tree_table import TreeRow

PICKED = "view.picked"
"""Set in the session while a click still has to reach the rest of the page."""

SNIPPET = 90
NO_PROBLEM = Problem("", "own", None, None, "", None)


@dataclass(frozen=True)
class Material:
    """What a view is drawn from: nodes and log up to event `until`, the final rule (a selector's
    name), `ess_min`, the threshold of resampling as a fraction, if there is one, the run's id, its
    parameters with their defaults, its problem, and the node that is looked at."""

    rows: Sequence[TreeRow]
    events: Sequence[Event]
    until: int | None
    selector: str = "best"
    ess_min: float | None = None
    run: int = 0
    params: Mapping[str, object] = field(default_factory=dict)
    problem: Problem = NO_PROBLEM
    node: int | None = None

    def text(self, node: int) -> str:
        """What a node says, on one short line."""
        row = (
            self.rows[node]
            if node < len(self.rows) and self.rows[node].id == node
            else next((row for row in self.rows if row.id == node), None)
        )
        said = (
            ""
            if row is None
            else "problem"
            if row.parent is None
            else " ".join(visible(row.text).split())
        )
        return said if len(said) <= SNIPPET else said[: SNIPPET - 1] + "\u2026"


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


def chosen_line(key: str, nodes: Sequence[int]) -> None:
    """The callback of a table with one line a node: the line that is chosen chooses the node."""
    lines = st.session_state[key]["selection"]["rows"]
    if lines and lines[0] < len(nodes):
        pick(nodes[lines[0]])


def numbered(label: str, count: int, name: str, help_: str) -> int:
    """A slider from 1 to `count` whose place stands in the address as `name`; without one there,
    the last."""
    key, asked = f"view.at.{name}", number_in_address(name)
    at = count if asked is None else min(max(asked, 1), count)
    if count == 1:
        return 1
    st.session_state[key] = at

    def moved() -> None:
        put_in_address(**{name: None if st.session_state[key] == count else st.session_state[key]})

    st.slider(label, 1, count, key=key, on_change=moved, help=help_)
    return at


def one_of(label: str, options: Sequence[str], name: str) -> str:
    """A choice whose value stands in the address as `name`; without one there, the first."""
    key, asked = f"view.at.{name}", st.query_params.get(name, "")
    at = asked if asked in options else options[0]
    st.session_state[key] = at

    def moved() -> None:
        value = st.session_state[key]
        put_in_address(**{name: None if value in (None, options[0]) else value})

    st.segmented_control(label, options, key=key, on_change=moved, label_visibility="collapsed")
    return at


def plural(count: int, what: str, many: str = "s") -> str:
    """3 nodes, 1 node."""
    return f"{count} {what}{'' if count == 1 else many}"
