"""The view of who descends from whom in a population of particles."""

from __future__ import annotations

import streamlit as st

from components.views.choosing_panel import clickable
from components.views.populations.lineage import genealogy, genealogy_figure
from components.views.populations.particles import distinct_ancestors
from components.views.populations.pass_panel import choose_pass
from components.views.registry import view
from components.views.view_data import ViewData


@view("Lineage", order=100, needs=("weighed", "resampled"), serves=("particles",))
def draw_lineage(data: ViewData) -> None:
    one = choose_pass(data, "view.lineages")
    if one is None:
        return
    first = len(one.rounds[0].particles)
    st.caption(
        f"The last round descends from {distinct_ancestors(one.rounds)} of {first} slots of the "
        "first. "
        "Area: weight before resampling. Hollow: not continued. Click a particle: its ancestors "
        "and descendants light up."
    )
    drawn = one.drawn.slot if one.drawn else None
    clickable(
        genealogy_figure(genealogy(one.rounds, drawn, data.node)),
        "Who descends from whom, round by round",
        "view.lineage",
    )
