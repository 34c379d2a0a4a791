"""The node that the Trace page is about: it stands in the address, and choosing another one runs
only what depends on it.

The inspector follows at once, in a run of its fragment alone; the table and the panels follow when
the choice has come to rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st
from streamlit.errors import StreamlitAPIException

from backend.core.tree import TreeRow, find_chosen_node
from backend.messages.runs import OVER, Run
from components.frame.address import number_in_address, put_in_address

TREE, NODE, PANELS, TABLE = "trace.tree", "trace.node", "trace.panels", "trace.table"
"""Keys of the fragments of the Trace page that show or need the chosen node."""
_FOLLOWED = "trace.followed"
"""The node of the address when the table and the panels were last drawn or asked for."""

Piece = TypeVar("Piece", bound=Callable[..., None])


def fragment(key: str) -> Callable[[Piece], Piece]:
    """A part of the page that is run alone when it is asked for, or when something in it is
    used.
    """
    made: Callable[[Piece], Piece] = st.fragment(key=key)
    return made


def walk_to(node: int | None) -> None:
    """Choose a node, from the callback of a widget in the fragment of the node, which is run
    because of it; its head tells the tree."""
    put_in_address(node=node)


def choose(node: int | None) -> None:
    """Choose a node, from the callback of a widget anywhere else on the page."""
    put_in_address(node=node)
    _run(NODE, TABLE, PANELS)


def follow() -> None:
    """Let the table and the panels show the node of the address, from the callback of a widget."""
    _run(TABLE, PANELS)


def _run(*keys: str) -> None:
    """Run some fragments; everything while they are not there yet."""
    note_whole_page()
    try:
        st.rerun(list(keys))
    except StreamlitAPIException:
        st.rerun()


def note_whole_page() -> None:
    """Say that the whole page is drawn, or will be, with the node of the address."""
    st.session_state[_FOLLOWED] = number_in_address("node")


def behind() -> bool:
    """Whether the table and the panels show another node than that of the address."""
    return bool(st.session_state.get(_FOLLOWED) != number_in_address("node"))


def node_to_show(rows: Sequence[TreeRow]) -> int | None:
    """The node of the address, or else the one that gives the answer at the moment shown, of which
    `rows` are the nodes."""
    node = number_in_address("node")
    return node if node is not None else find_chosen_node(rows)


def final_node(run: Run) -> int | None:
    """The same for a run that is over and is shown at its end, where the nodes are not needed to
    tell."""
    node = number_in_address("node")
    return node if node is not None or run.status not in OVER else run.chosen_node
