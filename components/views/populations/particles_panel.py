"""The view of a population of particles: weights and effective sample size."""

from __future__ import annotations

import streamlit as st

from components.frame.theme import CONFIG
from components.views.populations.particles import ess_figure, ess_info, weights_figure
from components.views.populations.pass_panel import choose_pass
from components.views.populations.passes import (
    threshold,
)
from components.views.registry import view
from components.views.view_data import ViewData


@view("Particles", order=90, needs=("weighed", "resampled"), serves=("particles",))
def draw_particles(data: ViewData) -> None:
    one = choose_pass(data, "view.particles")
    if one is None:
        return
    left, right = st.columns(2)
    drawn = one.drawn.slot if one.drawn else None
    with left:
        st.caption("Weight of each slot, round by round")
        st.plotly_chart(
            weights_figure(one.rounds, drawn),
            config=CONFIG,
            key="view.weights",
            alt="Weight of each particle slot by round",
        )
    with right:
        recorded = threshold(data.events, one.track)
        least = recorded if recorded is not None else data.ess_min
        rule = (
            "Every round resamples."
            if least is None
            else f"A round resamples where it falls below {least:g} of them."
        )
        st.caption(f"Effective sample size of {len(one.rounds[-1].particles)} particles. {rule}")
        st.plotly_chart(
            ess_figure(ess_info(one.rounds, least)),
            config=CONFIG,
            key="view.ess",
            alt="Effective sample size by round",
        )
