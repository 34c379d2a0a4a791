"""The node that the Trace page is about: it stands in the address, and choosing another one runs only what depends on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st
from streamlit.errors import StreamlitAPIException

from backend.api.schemas import OVER, Run
from components.links import number_in_address, put_in_address
from components.tables import TreeRow, chosen_node

TREE, NODE, PANELS, TABLE = "trace.tree", "trace.node", "trace.panels", "trace.table"
"""Keys of the fragments of the Trace page that show or need the chosen node."""


Piece = TypeVar("Piece", bound=Callable[..., None])


def fragment(key: str) -> Callable[[Piece], Piece]:
    """A part of the page that is run alone when `choose` asks for it, or when something in it is used."""
    made: Callable[[Piece], Piece] = st.fragment(key=key)
    return made


def choose(node: int | None, *shown: str) -> None:
    """Choose a node for the whole page, from the callback of a widget. `shown` are fragments that show it already and need no run. While the
    fragments are not there yet, everything is run."""
    put_in_address(node=node)
    try:
        st.rerun([key for key in (NODE, TABLE, TREE, PANELS) if key not in shown])
    except StreamlitAPIException:
        st.rerun()


def shown_node(rows: Sequence[TreeRow]) -> int | None:
    """The node of the address, or else the one that gives the answer at the moment shown, of which `rows` are the nodes."""
    node = number_in_address("node")
    return node if node is not None else chosen_node(rows)


def final_node(run: Run) -> int | None:
    """The same for a run that is over and is shown at its end, where the nodes are not needed to tell."""
    node = number_in_address("node")
    return node if node is not None or run.status not in OVER else run.chosen_node
