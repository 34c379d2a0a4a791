"""Which experiment a page is about: from the address, or chosen."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend.api.schemas_experiments import ExperimentInfo
from backend.client import Client
from components.links import put_in_address
from components.service import required


def chosen_experiment(service: Client) -> str:
    """The hash of the experiment that the address names, or of the newest that holds something; the page ends here where there is none."""
    found = required(service.experiments.all, "The list of experiments")
    if not found:
        st.info("No experiment has been carried out yet. Begin one on the Experiments page.")
        st.stop()
    names = {each.hash: title(each) for each in found}
    asked = st.query_params.get("experiment", "")
    first = asked if asked in names else next((each.hash for each in found if each.done), found[0].hash)
    if asked and asked not in names:
        st.warning("There is no such experiment here. The newest one is shown instead.")
    picked = st.selectbox("Experiment", list(names), index=list(names).index(first), format_func=lambda name: names[name], key="experiment.picked")
    if picked != asked:
        put_in_address(experiment=picked)
    return str(picked)


def title(info: ExperimentInfo) -> str:
    """One line for a list."""
    origin = ", shipped" if info.shipped else ""
    return f"{info.name} ({info.hash[:6]}, {info.problems} problems, {len(info.arms)} arms{origin})"


def in_address(name: str, accepted: Sequence[str], otherwise: str) -> str:
    """What the address says for a choice, if it is one that is accepted."""
    given = st.query_params.get(name, "")
    return given if given in accepted else otherwise


def choice(label: str, name: str, accepted: Sequence[str], otherwise: str, help: str | None = None) -> str:  # noqa: A002
    """A choice that the address keeps."""
    first = in_address(name, accepted, otherwise)
    picked = st.selectbox(label, list(accepted), index=list(accepted).index(first), key=f"choice.{name}", help=help)
    if picked != st.query_params.get(name, otherwise):
        put_in_address(**{name: picked})
    return str(picked)


__all__ = ["choice", "chosen_experiment", "in_address", "title"]
