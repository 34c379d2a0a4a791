"""The charts of tree searches on a page: simulations phase by phase, the frontier, jumps over the
whole tree, Thompson draws."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from components.frame.theme import NOTHING
from components.views.material_panel import (
    Material,
    chosen_line,
    clickable,
    numbered,
    one_of,
    plural,
)
from components.views.tree_search.draw_figure import draw_figure
from components.views.tree_search.draws import Descent, arm_label, descents, lanes
from components.views.tree_search.frontier import falls, frontier_figure, frontier_info
from components.views.tree_search.turns import Turn, turn_figure, turns
from components.views.tree_search.waiting import SHOWN, WaitingInfo, waiting_figure, waiting_info
from components.views.tree_search.walk_figure import walk_figure, walk_picture
from components.views.tree_search.walks import PHASES, Simulation, rounds, simulation, told_of

DIGITS = st.column_config.NumberColumn(format="%.3f")


def walks(material: Material) -> None:
    found = rounds(material.events, material.until)
    if not found:
        st.text("No walk has come back yet.")
        return
    st.caption(
        "One simulation in its four phases: select a leaf, expand it, evaluate it, back "
        "its value up. Choose a simulation and a phase."
    )
    number = numbered("Simulation", len(found), "walk", "walks from the root, in order")
    phase = one_of("Phase", PHASES, "phase")
    one = simulation(material.rows, material.events, found, number)
    st.markdown(f"**Simulation {number} of {len(found)}, {phase}.** {told_of(one, phase)}")
    picture = walk_picture(one, phase)
    if picture.hidden:
        st.caption(f"{plural(picture.hidden, 'upper level')} not drawn; the table has all.")
    clickable(
        walk_figure(picture),
        "The path of a simulation with the children at each choice",
        "view.walk",
    )
    table, nodes = walk_table(one, phase, material)
    if not nodes:
        return
    key = "view.walk_table"
    st.dataframe(
        table,
        key=key,
        hide_index=True,
        placeholder=NOTHING,
        on_select=lambda: chosen_line(key, nodes),
        selection_mode="single-row",
        column_config={
            name: DIGITS
            for name in table.columns
            if name in ("Q", "prior P", "beyond Q", "value", "score", "Q before", "Q after")
        },
    )


def walk_table(one: Simulation, phase: str, material: Material) -> tuple[pd.DataFrame, list[int]]:
    """The numbers of a phase, one line a node, with the nodes of the lines."""
    if phase == "back up":
        lines = [
            (c.node, c.visits - 1, c.visits, c.before, c.after, material.text(c.node))
            for c in one.changes
        ]
        return pd.DataFrame(
            lines, columns=["node", "N before", "N after", "Q before", "Q after", "text"]
        ), [c.node for c in one.changes]
    if phase != "select":
        fresh = [
            (f.node, f.parent, "dropped" if f.dropped else "new", f.score, material.text(f.node))
            for f in one.fresh
        ]
        fresh += [
            (t.end, t.node, "rollout", t.value, material.text(t.end))
            for t in one.tried
            if phase == "evaluate"
        ]
        return pd.DataFrame(fresh, columns=["node", "below", "what", "score", "text"]), [
            line[0] for line in fresh
        ]
    columns = [
        "level",
        "at node",
        "N of it",
        "child",
        "N",
        "Q",
        "prior P",
        "draws",
        "beyond Q",
        "value",
        "choice",
        "text",
    ]
    options = [
        (level, choice, option)
        for level, choice in enumerate(one.choices, 1)
        for option in choice.options
    ]
    chosen = [
        (
            level,
            choice.parent,
            choice.visits,
            option.node,
            option.visits,
            option.mean,
            option.prior,
            option.draws,
            option.bonus,
            option.worth,
            _fate(option.taken, option.worth == max(other.worth for other in choice.options)),
            material.text(option.node),
        )
        for level, choice, option in options
    ]
    return pd.DataFrame(chosen, columns=columns).dropna(axis="columns", how="all"), [
        option.node for *_, option in options
    ]


def _fate(taken: bool, greatest: bool) -> str:
    return ", ".join(
        word for word, holds in (("\u2605 greatest", greatest), ("taken", taken)) if holds
    )


def frontier(material: Material) -> None:
    info = frontier_info(material.rows, material.events, material.until)
    now = waiting_info(material.rows, material.events, material.until)
    if not info.pops and not now.entries:
        st.text("No node has entered the frontier yet.")
        return
    fell = falls(info)
    more = f"; the first {SHOWN} are drawn" if len(now.entries) > SHOWN else ""
    st.caption(
        (
            f"{plural(len(info.pops), 'node')} taken, {len(now.entries)} still waiting{more}. "
            "The least f = g + h leaves first. f "
        )
        + ("never fell." if fell == 0 else f"fell {plural(fell, 'time')}.")
        + (f" {plural(now.repeated, 'repetition')} of a sibling merged." if now.repeated else "")
        + (f" {now.given_up} given up." if now.given_up else "")
    )
    left, right = st.columns(2)
    with left:
        st.caption("In which order nodes were taken, and at what cost")
        if info.pops:
            clickable(
                frontier_figure(info),
                "Costs f, g and h in the order in which nodes left the frontier",
                "view.frontier",
            )
    with right:
        st.caption("The frontier now, the next to leave first; a star marks a finished text")
        if now.entries:
            clickable(
                waiting_figure(now),
                "The nodes in the frontier sorted by f, with g and h",
                "view.waiting",
            )
    _frontier_table(now, material)


def _frontier_table(now: WaitingInfo, material: Material) -> None:
    columns = [
        "place",
        "node",
        "step",
        "f",
        "g",
        "h",
        "pushed by pop",
        "stands for draws",
        "times entered",
        "finished",
        "text",
    ]
    lines = [
        (
            e.place,
            e.node,
            e.step,
            e.f,
            e.g,
            e.h,
            e.pushed_by,
            e.stands_for,
            e.entered,
            "yes" if e.finished else "no",
            material.text(e.node),
        )
        for e in now.entries
    ]
    key = "view.waiting_table"
    st.dataframe(
        pd.DataFrame(lines, columns=columns),
        key=key,
        hide_index=True,
        placeholder=NOTHING,
        on_select=lambda: chosen_line(key, [entry.node for entry in now.entries]),
        selection_mode="single-row",
        column_config=dict.fromkeys("fgh", DIGITS),
        height=240,
    )


def jumps(material: Material) -> None:
    found = turns(material.events, material.until)
    if not found:
        st.text("No turn is over yet.")
        return
    jumped = sum(one.jump for one in found)
    st.caption(
        f"{plural(len(found), 'turn')}: {len(found) - jumped} went on to the best new child, "
        f"{jumped} jumped to the open node of the whole tree with "
        "the greatest F, which is the sum of the parts stacked here."
    )
    clickable(
        turn_figure(found),
        "Where the search went on in each turn, with the parts of F",
        "view.turns",
    )
    key = "view.turn_table"
    st.dataframe(
        turn_table(found, material),
        key=key,
        hide_index=True,
        placeholder=NOTHING,
        on_select=lambda: chosen_line(key, [one.node for one in found]),
        selection_mode="single-row",
        column_config=dict.fromkeys(("value", "backed up"), DIGITS),
        height=240,
    )


def turn_table(found: list[Turn], material: Material) -> pd.DataFrame:
    """One line a turn: what it did, by which numbers."""
    lines = []
    for one in found:
        parts = (
            one.terms if one.jump else tuple((f"node {node}", value) for node, value in one.options)
        )
        told = (" + " if one.jump else ", ").join(f"{name} {value:.3f}" for name, value in parts)
        lines.append(
            (
                one.number,
                "jump" if one.jump else "best child",
                one.node,
                one.worth,
                told,
                one.backed,
                one.frontier,
                material.text(one.node),
            )
        )
    return pd.DataFrame(
        lines,
        columns=[
            "turn",
            "went on by",
            "node",
            "value",
            "numbers",
            "backed up",
            "open nodes",
            "text",
        ],
    )


def thompson(material: Material) -> None:
    found = descents(material.events, material.until)
    if not found:
        st.text("No draw was made yet: the first answer needs none.")
        return
    st.caption(
        "At each node the arms for a new answer and for going on draw a value each from what they "
        "believe after the scores they have heard (the "
        "band). The greater wins; where going on does, the arms of the children draw too. An arm "
        "that has heard little has a wide band: it is tried."
    )
    one = found[
        numbered(
            "Answer",
            len(found),
            "descent",
            "answers that draws led to, in order; the first answer needs none",
        )
        - 1
    ]
    end = "" if one.answer is None else f" It led to node {one.answer}, scored {one.score:.3f}."
    st.markdown(f"**Descent {one.number} of {len(found)}.**{end}")
    clickable(draw_figure(one), "Draws of the arms on the way to an answer", "view.draws")
    if not any(arm.spread for _, arm in lanes(one)):
        st.caption("This run was stored before posteriors were recorded: there are only the draws.")
    table = _draw_table(one)
    digits = dict.fromkeys(("draw", "their mean", "5 %", "median", "95 %"), DIGITS)
    st.dataframe(
        table, key="view.draw_table", hide_index=True, placeholder=NOTHING, column_config=digits
    )


def _draw_table(one: Descent) -> pd.DataFrame:
    columns = ["at node", "arm", "draw", "5 %", "median", "95 %", "scores heard", "their mean"]
    lines = [
        (
            level.node,
            arm_label(arm),
            arm.draw,
            *(arm.spread or (None, None, None)),
            arm.count,
            arm.mean,
        )
        for level, arm in lanes(one)
    ]
    return pd.DataFrame(lines, columns=columns).dropna(axis="columns", how="all")
