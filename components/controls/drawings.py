"""The charts of a run on a page: each takes the material of the run and places its figure, or says why there is nothing to draw yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from plotly import graph_objects as go

from backend.api.schemas import Event
from backend.problems import extract_answer
from backend.selectors import canonical
from components.beam import beam_figure, beam_info
from components.candidates import candidate_figure, candidate_info, candidates
from components.frontier import falls, frontier_figure, frontier_info
from components.links import put_in_address
from components.scores import score_figure, score_info
from components.tables import TreeRow
from components.visits import visit_figure, visit_info

CONFIG = {"displaylogo": False, "displayModeBar": False}


@dataclass(frozen=True)
class Material:
    """What a view is drawn from: nodes and log up to event `until`, the final rule (a selector's name), `ess_min`, the threshold of resampling as a
    fraction, if there is one, and the run's id."""

    rows: Sequence[TreeRow]
    events: Sequence[Event]
    until: int | None
    selector: str = "best"
    ess_min: float | None = None
    run: int = 0


def scores(material: Material) -> None:
    info = score_info(material.rows)
    if not info.points:
        st.text("No node is scored yet.")
        return
    clickable(score_figure(info), "Scores of each step on every path and on the path of the answer", "view.scores")


def answers(material: Material) -> None:
    found = candidates(material.rows, material.events, material.until)
    info = candidate_info(material.rows, found, _answer_of, material.selector)
    if info.unread:
        st.caption(f"{info.unread} finished solution{_s(info.unread)} without a readable answer.")
    if not info.classes:
        st.text("No finished solution gives an answer yet.")
        return
    st.caption(f"{_omitted(info.omitted, 'weaker answer')}The rule {material.selector} compares equal answers by: {info.measure}.")
    clickable(candidate_figure(info), "Answers of the finished solutions and what they count", "view.answers")


def beam(material: Material) -> None:
    info = beam_info(material.rows, material.events, material.until)
    if not info.contenders:
        st.text("No round has chosen yet.")
        return
    st.caption("The candidates of each step, best first." + (f" {info.unscored} without a score are not shown." if info.unscored else ""))
    clickable(beam_figure(info), "Kept and pruned candidates of each step by score", "view.beam")


def frontier(material: Material) -> None:
    info = frontier_info(material.rows, material.events, material.until)
    if not info.pops:
        st.text("No node has left the frontier yet.")
        return
    fell = falls(info)
    waiting = "" if info.waiting is None else f" {info.waiting} are still waiting."
    st.caption(f"{len(info.pops)} nodes taken.{waiting} f " + ("never fell." if fell == 0 else f"fell {fell} time{_s(fell)}."))
    clickable(frontier_figure(info), "Costs f, g and h in the order in which nodes left the frontier", "view.frontier")


def visits(material: Material) -> None:
    info = visit_info(material.rows, material.events, material.until)
    if not info.children:
        st.text("No walk has come back yet.")
        return
    path = "path of the answer" if info.answered else "most visited path"
    worth = "what the search took a child to be worth, by its own rule" if info.recorded else "the mean of the values that came back through a child"
    st.caption(f"{_omitted(info.omitted, 'less visited child', 'ren')}Children along the {path} after {info.simulations} walks. Q: {worth}.")
    clickable(visit_figure(info), "Visits and Q of the children along the path", "view.visits")


def _answer_of(text: str) -> str | None:
    """The answer as the final rules compare it: the same reading and the same canonical form."""
    answer = extract_answer(text)
    return canonical(answer) if answer is not None and answer.strip() else None


def _omitted(count: int, what: str, plural: str = "s") -> str:
    return f"{count} {what}{plural if count != 1 else ''} not shown. " if count else ""


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def clickable(figure: go.Figure, alt: str, key: str) -> None:
    """A chart whose points carry node ids: a click chooses the node for the whole page."""

    def choose() -> None:
        points = st.session_state[key]["selection"]["points"]
        data = points[0].get("customdata") if points else None
        node = data[0] if isinstance(data, list) else data
        if isinstance(node, int | float):
            put_in_address(node=int(node))

    figure.update_traces(unselected={"marker": {"opacity": 0.8}}, selector={"mode": "markers"})
    st.plotly_chart(figure, config=CONFIG, key=key, alt=alt, on_select=choose, selection_mode="points")
