"""Which experiment a page is about: from the address, or chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from backend.client import Client
from backend.messages.experiments import ExperimentInfo
from components.frame.address import put_in_address
from components.frame.prose import plain_markdown
from components.frame.service import require


def choose_experiment(service: Client) -> str:
    """The hash of the experiment that the address names, or of the newest that holds something; the
    page ends here where there is none."""
    found = require(service.experiments.all, "The list of experiments")
    if not found:
        st.info("No experiment has been carried out yet. Begin one on the Experiments page.")
        st.stop()
    names = {each.hash: title(each) for each in found}
    asked = st.query_params.get("experiment", "")
    first = (
        asked if asked in names else next((each.hash for each in found if each.done), found[0].hash)
    )
    if asked and asked not in names:
        st.warning("There is no such experiment here. The newest one is shown instead.")
    st.session_state["experiment.picked"] = first

    def take_over() -> None:
        st.query_params.clear()
        put_in_address(experiment=st.session_state["experiment.picked"])

    st.selectbox(
        "Experiment",
        list(names),
        format_func=lambda name: names[name],
        key="experiment.picked",
        on_change=take_over,
    )
    if not asked:
        put_in_address(experiment=first)
    return first


def title(info: ExperimentInfo) -> str:
    """One line for a list."""
    origin = ", shipped" if info.shipped else ""
    return f"{info.name} ({info.hash[:6]}, {info.problems} problems, {len(info.arms)} arms{origin})"


def in_address(name: str, accepted: Sequence[str], otherwise: str) -> str:
    """Return the value that the address gives for a choice, if it is one of those accepted."""
    given = st.query_params.get(name, "")
    return given if given in accepted else otherwise


def choice(
    label: str,
    name: str,
    accepted: Sequence[str],
    otherwise: str,
    help: str | None = None,
    shown: Callable[[str], str] = str,
) -> str:
    """A choice that the address keeps; what is chosen otherwise need not stand there. `shown` is
    how a reader sees a value."""
    key, at = f"choice.{name}", in_address(name, accepted, otherwise)
    st.session_state[key] = at

    def take_over() -> None:
        value = st.session_state[key]
        put_in_address(**{name: None if value == otherwise else value})

    st.selectbox(
        label,
        list(accepted),
        key=key,
        format_func=shown,
        on_change=take_over,
        help=plain_markdown(help or "") or None,
    )
    return at


def several(
    label: str,
    name: str,
    accepted: Sequence[str],
    otherwise: Sequence[str],
    help: str | None = None,
) -> list[str]:
    """Some of the choices, which the address keeps by their places."""
    key = f"choice.{name}"
    given = [
        int(place)
        for place in st.query_params.get(name, "").split(",")
        if place.isdecimal() and len(place) < 4
    ]
    at = [accepted[place] for place in given if place < len(accepted)] or list(otherwise)
    st.session_state[key] = at

    def take_over() -> None:
        value = [each for each in accepted if each in st.session_state[key]]
        put_in_address(
            **{
                name: None
                if value == list(otherwise)
                else ",".join(str(accepted.index(each)) for each in value)
            }
        )

    st.multiselect(label, list(accepted), key=key, on_change=take_over, help=help)
    return at


def number_at(name: str, low: float, high: float, otherwise: float) -> float:
    """The number that the address names, brought within its bounds."""
    try:
        given = float(st.query_params.get(name, ""))
    except ValueError:
        return otherwise
    return min(max(given, low), high) if given == given else otherwise


def number(label: str, name: str, low: float, high: float, step: float, otherwise: float) -> float:
    """A slider whose place the address keeps."""
    key, at = f"choice.{name}", number_at(name, low, high, otherwise)
    st.session_state[key] = at

    def take_over() -> None:
        value = st.session_state[key]
        put_in_address(**{name: None if value == otherwise else f"{value:g}"})

    st.slider(plain_markdown(label), low, high, step=step, key=key, on_change=take_over)
    return at


__all__ = [
    "choice",
    "choose_experiment",
    "in_address",
    "number",
    "number_at",
    "several",
    "title",
]
