"""The view of one simulation of a tree search, phase by phase."""

from __future__ import annotations

import streamlit as st

from components.frame.prose import plain_markdown
from components.views.choosing_panel import DIGITS, clickable, node_table, one_of, slide
from components.views.registry import view
from components.views.tree_search.walks import PHASES, describe_phase, rounds, simulation
from components.views.tree_search.walks_figure import walk_figure, walk_picture, walk_table
from components.views.view_data import ViewData, plural

FRACTIONS = ("Q", "prior P", "beyond Q", "value", "score", "Q before", "Q after")
"""Columns of the table of a phase that are written with three decimals."""


@view("Simulations", order=40, serves=("walks",))
def draw_walks(data: ViewData) -> None:
    found = rounds(data.events, data.until)
    if not found:
        st.text("No walk has come back yet.")
        return
    st.caption(
        "One simulation in its four phases: select a leaf, expand it, evaluate it, back "
        "its value up. Choose a simulation and a phase."
    )
    number = slide("Simulation", len(found), "walk", "walks from the root, in order")
    phase = one_of("Phase", PHASES, "phase")
    one = simulation(data.rows, data.events, found, number)
    st.markdown(
        f"**Simulation {number} of {len(found)}, {plain_markdown(phase)}.** {plain_markdown(describe_phase(one, phase))}"
    )
    picture = walk_picture(one, phase)
    if picture.hidden:
        st.caption(f"{plural(picture.hidden, 'upper level')} not drawn; the table has all.")
    clickable(
        walk_figure(picture),
        "The path of a simulation with the children at each choice",
        "view.walk",
    )
    table, nodes = walk_table(one, phase, data)
    if not nodes:
        return
    fractions = [name for name in table.columns if name in FRACTIONS]
    node_table(table, nodes, "view.walk_table", dict.fromkeys(fractions, DIGITS))
