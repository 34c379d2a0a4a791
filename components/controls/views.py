"""Which charts a run gets: those that its strategy announces by name and those that its log holds something for; no strategy is named here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from backend.api.schemas import Event, Run, StrategyInfo
from components.controls import drawings, populations
from components.controls.drawings import Material
from components.tables import TreeRow


@dataclass(frozen=True)
class View:
    """A chart with its title; `needs` are event kinds without which there is nothing to draw, `views` the catalogue names it serves."""

    title: str
    draw: Callable[[Material], None]
    needs: frozenset[str]
    views: frozenset[str] = frozenset()


def _view(title: str, draw: Callable[[Material], None], needs: str, views: str = "") -> View:
    return View(title, draw, frozenset(needs.split()), frozenset(views.split()))


VIEWS: Sequence[View] = (
    _view("Scores by step", drawings.scores, "score"),
    _view("Beam", drawings.beam, "kept", "beam"),
    _view("Visits", drawings.visits, "backed", "visits"),
    _view("Frontier", drawings.frontier, "popped", "frontier"),
    _view("Particles", populations.particles, "weighed resampled", "particles"),
    _view("Lineage", populations.lineage, "weighed resampled", "particles"),
    _view("References", populations.references, "referenced"),
    _view("Swaps", populations.exchanges, "swapped"),
    _view("Answers", drawings.answers, "answer", "candidates"),
)


def views_for(announced: Sequence[str], kinds: frozenset[str]) -> list[View]:
    """The charts for a run: those its strategy announces and those its log has something for."""
    return [view for view in VIEWS if view.needs & kinds or view.views & set(announced)]


def charts(run: Run, entry: StrategyInfo | None, rows: Sequence[TreeRow], events: Sequence[Event], until: int | None) -> None:
    """Draw the charts of a run at a moment as tabs. `entry` is its strategy's place in the catalogue, None where it is not known here."""
    views = views_for(entry.views if entry else [], frozenset(event.kind for event in events))
    if not views:
        return
    rule = run.selector or (entry.selector if entry else "best")
    material = Material(rows, events, until, rule, threshold(run.params, entry.params_schema if entry else {}), run.id)
    for tab, view in zip(st.tabs([view.title for view in views], key="views.tab"), views, strict=True):
        with tab:
            view.draw(material)


def threshold(params: Mapping[str, object], schema: Mapping[str, object]) -> float | None:
    """The fraction of particles below which a strategy resamples, from its parameters or their defaults; None if it has no such rule."""
    properties = schema.get("properties")
    declared = properties.get("ess_min", {}) if isinstance(properties, Mapping) else {}
    value = params.get("ess_min", declared.get("default") if isinstance(declared, Mapping) else None)
    return float(value) if isinstance(value, int | float) else None
