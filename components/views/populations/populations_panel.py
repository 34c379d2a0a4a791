"""The charts of particles: one population at a time, chosen by track and pass, and how populations
hand their references on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from components.frame.theme import CONFIG, NOTHING
from components.run.tree_table import chosen_node
from components.views.material_panel import Material, clickable, pick
from components.views.populations.particles import (
    distinct_ancestors,
    ess_figure,
    ess_info,
    genealogy,
    genealogy_figure,
    weights_figure,
)
from components.views.populations.passes import (
    Pass,
    pass_of,
    passes,
    temperatures,
    threshold,
    track_label,
)
from components.views.populations.swaps import Swap, swap_figure, swap_info, swaps

_LOOKED_AT = "view.pass"


def particles(material: Material) -> None:
    one = _shown(material, "view.particles")
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
        told = threshold(material.events, one.track)
        least = told if told is not None else material.ess_min
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


def lineage(material: Material) -> None:
    one = _shown(material, "view.lineages")
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
        genealogy_figure(genealogy(one.rounds, drawn, material.node)),
        "Who descends from whom, round by round",
        "view.lineage",
    )


def references(material: Material) -> None:
    found = passes(material.rows, material.events, material.until)
    lines = [one for one in found if one.drawn is not None]
    if not lines:
        st.text("No pass has come to its end yet.")
        return
    st.caption(
        "At the end of a pass one trajectory is drawn by weight: the reference. A later pass holds "
        "one of its slots to a reference, "
        "so that what was found is not lost, and draws again. Choose a line to open the node in "
        "which the drawn trajectory ends."
    )

    def choose() -> None:
        picked = st.session_state["view.references"]["selection"]["rows"]
        drawn = lines[picked[0]].drawn if picked and picked[0] < len(lines) else None
        if drawn is not None:
            pick(drawn.node)

    st.dataframe(
        reference_table(lines, temperatures(material.events)),
        key="view.references",
        hide_index=True,
        placeholder=NOTHING,
        on_select=choose,
        selection_mode="single-row",
        column_config={
            "weight": st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="%.3f"),
            "least ESS": st.column_config.NumberColumn(format="%.2f"),
        },
    )


def reference_table(lines: Sequence[Pass], heats: Mapping[str, float]) -> pd.DataFrame:
    """One line a pass that drew a trajectory: what it held, what it drew, and how uneven its
    weights became."""
    columns = [
        "track",
        "pass",
        "rounds",
        "held to node",
        "drawn node",
        "slot",
        "weight",
        "outcome",
        "least ESS",
    ]
    outcomes = {True: "kept", False: "replaced", None: "first"}
    tracks = [one.track for one in lines]
    return pd.DataFrame(
        [
            (
                track_label(one.track, tracks, heats),
                one.number,
                len(one.rounds),
                one.reference,
                one.drawn.node,
                one.drawn.slot,
                one.drawn.weight,
                outcomes[one.kept],
                min(row.ess for row in one.rounds),
            )
            for one in lines
            if one.drawn is not None
        ],
        columns=columns,
    ).astype({"held to node": "Int64"})


def exchanges(material: Material) -> None:
    found = swaps(material.events, material.until)
    info = swap_info(found, temperatures(material.events))
    if not info.chains:
        st.text("No chain has begun yet.")
        return
    none = "" if found else "No swap was proposed yet. "
    st.caption(
        f"{none}{info.accepted} of {len(found)} proposals accepted. Chains at different "
        "temperatures offer each other their references: hot ones "
        "roam, cold ones keep what is good. A proposal is accepted if a number drawn from [0, 1) "
        "lies below its probability p."
    )
    clickable(swap_figure(info), "Swaps between chains, with their probabilities", "view.swaps")
    if not found:
        return
    numbers = {
        name: st.column_config.NumberColumn(format="%.3f")
        for name in ("first log potential", "second log potential", "number drawn")
    }
    chance = st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="%.3f")
    st.dataframe(
        swap_table(found),
        key="view.swap_table",
        hide_index=True,
        placeholder=NOTHING,
        column_config={**numbers, "probability": chance},
    )


def swap_table(found: Sequence[Swap]) -> pd.DataFrame:
    """One line a proposal, in order."""
    columns = [
        "round",
        "chains",
        "temperatures",
        "first reference",
        "second reference",
        "first log potential",
        "second log potential",
        "probability",
        "number drawn",
        "accepted",
    ]
    lines = []
    for swap in found:
        pair, heats = (
            " \u2194 ".join(swap.chains),
            " \u2194 ".join(f"{heat:.3g}" for heat in swap.temperatures),
        )
        accepted = "yes" if swap.accepted else "no"
        lines.append(
            (
                swap.turn,
                pair,
                heats,
                *swap.nodes,
                *swap.energies,
                swap.probability,
                swap.uniform,
                accepted,
            )
        )
    return pd.DataFrame(lines, columns=columns)


def _shown(material: Material, key: str) -> Pass | None:
    """The pass that is looked at, the same in every chart, after the inputs that choose it and what
    there is to say of it."""
    found = passes(material.rows, material.events, material.until)
    if not found:
        st.text("No round has been weighed yet.")
        return None
    one = _chosen(found, material, key)
    if told := told_of(one, found, temperatures(material.events)):
        st.caption(told)
    return one


def told_of(one: Pass, found: Sequence[Pass], heats: Mapping[str, float]) -> str:
    """What a reader has to know of a pass that is one of several, or that drew a trajectory;
    nothing for a single plain population."""
    told: list[str] = []
    if len(found) > 1:
        told.append(
            f"This search moved {len(found)} populations of particles, each from the "
            "problem to its end; here is one of them."
        )
    if one.track in heats:
        told.append(
            "A weight is the potential to the power 1 / T, with temperature T = "
            f"{heats[one.track]:.3g}."
        )
    if one.reference is not None:
        told.append(
            "Diamonds: the slot that is held to the reference, a trajectory drawn before. "
            f"Here it ends in node {one.reference}."
        )
    if one.drawn is not None:
        fate = {True: ", the reference itself", False: ", which replaces the reference", None: ""}[
            one.kept
        ]
        told.append(
            f"Star: the trajectory drawn at the end, with weight {one.drawn.weight:.2f}: "
            f"node {one.drawn.node}{fate}."
        )
    return " ".join(told)


def _chosen(found: Sequence[Pass], material: Material, key: str) -> Pass:
    """Draw a choice of the track and of the pass on it, each only where there are several."""
    looked_at = st.session_state.get(_LOOKED_AT)
    one = next(
        (one for one in found if looked_at == (material.run, one.track, one.number)),
        pass_of(found, chosen_node(material.rows)),
    )
    tracks = list(dict.fromkeys(other.track for other in found))
    heats = temperatures(material.events)
    labels = {track: track_label(track, tracks, heats) or "without a name" for track in tracks}

    def look(track: str, number: int) -> None:
        st.session_state[_LOOKED_AT] = (material.run, track, number)

    if len(found) == 1:
        return one
    with st.container(horizontal=True, gap="small"):
        if len(tracks) > 1:
            latest = {other.track: other.number for other in found}
            st.session_state[f"{key}.track"] = one.track
            st.selectbox(
                "Track",
                tracks,
                format_func=labels.__getitem__,
                key=f"{key}.track",
                on_change=lambda: look(
                    track := st.session_state[f"{key}.track"], min(one.number, latest[track])
                ),
                help=(
                    "the part of the search whose particles are shown; parts never mix their "
                    "particles"
                ),
                width=320,
            )
        numbers = [other.number for other in found if other.track == one.track]
        if len(numbers) > 1:
            st.session_state[f"{key}.number"] = one.number
            st.selectbox(
                "Pass",
                numbers,
                format_func=lambda number: f"pass {number} of {len(numbers)}",
                key=f"{key}.number",
                on_change=lambda: look(one.track, st.session_state[f"{key}.number"]),
                help="each pass starts again at the problem",
                width=200,
            )
    return one
