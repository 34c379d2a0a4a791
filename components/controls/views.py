"""Charts of a run, chosen by what its strategy announces and by what its log holds; no strategy is named here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
from plotly import graph_objects as go

from backend.api.schemas import Event
from components.links import put_in_address
from components.particles import distinct_ancestors, ess_figure, ess_info, genealogy, genealogy_figure, particle_rounds, weights_figure
from components.scores import score_figure, score_info
from components.tables import TreeRow

_CONFIG = {"displaylogo": False, "displayModeBar": False}


@dataclass(frozen=True)
class Material:
    """What a view is drawn from: nodes and log up to event `until`, and `ess_min`, the threshold of resampling as a fraction, if there is one."""

    rows: Sequence[TreeRow]
    events: Sequence[Event]
    until: int | None
    ess_min: float | None = None


@dataclass(frozen=True)
class View:
    """A chart with its title; `needs` are event kinds without which there is nothing to draw, `views` the catalogue names it serves."""

    title: str
    draw: Callable[[Material], None]
    needs: frozenset[str]
    views: frozenset[str] = frozenset()


def _scores(material: Material) -> None:
    info = score_info(material.rows)
    if not info.points:
        st.text("No node is scored yet.")
        return
    _clickable(score_figure(info), "Scores of each step on every path and on the path of the answer", "view.scores")


def _particles(material: Material) -> None:
    rounds = particle_rounds(material.events, material.until)
    if not rounds:
        st.text("No round has been weighed yet.")
        return
    left, right = st.columns(2)
    with left:
        st.caption("Weight of each slot, round by round")
        st.plotly_chart(weights_figure(rounds), config=_CONFIG, key="view.weights", alt="Weight of each particle slot by round")
    with right:
        st.caption(f"Effective sample size of {len(rounds[-1].particles)} particles")
        st.plotly_chart(ess_figure(ess_info(rounds, material.ess_min)), config=_CONFIG, key="view.ess", alt="Effective sample size by round")


def _lineage(material: Material) -> None:
    rounds = particle_rounds(material.events, material.until)
    if not rounds:
        st.text("No round has been weighed yet.")
        return
    first = len(rounds[0].particles)
    st.caption(
        f"The last round descends from {distinct_ancestors(rounds)} of {first} slots of the first. "
        "Area: weight before resampling. Hollow: not continued."
    )
    _clickable(genealogy_figure(genealogy(rounds)), "Who descends from whom, round by round", "view.lineage")


def _clickable(figure: go.Figure, alt: str, key: str) -> None:
    """A chart whose points carry node ids: a click chooses the node for the whole page."""

    def choose() -> None:
        points = st.session_state[key]["selection"]["points"]
        data = points[0].get("customdata") if points else None
        node = data[0] if isinstance(data, list) else data
        if isinstance(node, int | float):
            put_in_address(node=int(node))

    figure.update_traces(unselected={"marker": {"opacity": 0.8}}, selector={"mode": "markers"})
    st.plotly_chart(figure, config=_CONFIG, key=key, alt=alt, on_select=choose, selection_mode="points")


VIEWS: Sequence[View] = (
    View("Scores by step", _scores, frozenset({"score"})),
    View("Particles", _particles, frozenset({"weighed", "resampled"}), frozenset({"particles"})),
    View("Lineage", _lineage, frozenset({"weighed", "resampled"}), frozenset({"particles"})),
)


def views_for(announced: Sequence[str], kinds: frozenset[str]) -> list[View]:
    """The charts for a run: those its strategy announces and those its log has something for."""
    return [view for view in VIEWS if view.needs & kinds or view.views & set(announced)]


def charts(material: Material, announced: Sequence[str]) -> None:
    """Draw the charts as tabs."""
    views = views_for(announced, frozenset(event.kind for event in material.events))
    if not views:
        return
    for tab, view in zip(st.tabs([view.title for view in views], key="views.tab"), views, strict=True):
        with tab:
            view.draw(material)


def threshold(params: Mapping[str, object], schema: Mapping[str, object]) -> float | None:
    """The fraction of particles below which a strategy resamples, from its parameters or their defaults; None if it has no such rule."""
    properties = schema.get("properties")
    declared = properties.get("ess_min", {}) if isinstance(properties, Mapping) else {}
    value = params.get("ess_min", declared.get("default") if isinstance(declared, Mapping) else None)
    return float(value) if isinstance(value, int | float) else None
