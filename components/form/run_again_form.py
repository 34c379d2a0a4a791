"""Running again with the same settings: a run named in the address (`?like=3`) fills the form, so
that the filled form has a link.

The settings are taken over once, when the link is followed or the page is reloaded; what a reader
changes afterwards stays.
"""

from __future__ import annotations

import streamlit as st

from backend.client import Client, Refused, Unreachable
from backend.core.settings import Preferences
from backend.messages.runs import Catalog, RunSpec
from components.form.problem_form import first_problem
from components.form.start_form import FormStart
from components.frame.address import address, number_in_address, page
from components.frame.service import explain

FAVOURITES = ("particle_filter", "beam_search")
_TAKEN = "form.like"


def begin(service: Client, catalog: Catalog, preferences: Preferences) -> FormStart:
    """What the form begins with: the run in the address if it names one that is there, else the
    first choices."""
    like = number_in_address("like")
    if like is None:
        return FormStart(first_choices(catalog, preferences))
    taken = st.session_state.get(_TAKEN)
    if taken is not None and taken[0] == like:
        return FormStart(taken[1], like)
    try:
        spec = service.info(like).again()
    except (Refused, Unreachable) as error:
        st.warning(
            f"The settings of run {like} cannot be taken over. {explain(error)}",
            icon=":material/search_off:",
        )
    except ValueError:
        st.warning(
            f"The settings of run {like} are not accepted by this version.",
            icon=":material/search_off:",
        )
    else:
        st.session_state[_TAKEN] = (like, spec)
        return FormStart(spec, like, anew=True)
    return FormStart(first_choices(catalog, preferences))


def begin_with(run_id: int, spec: RunSpec) -> None:
    """The form was sent: from now on it is the form of that run."""
    st.session_state[_TAKEN] = (run_id, spec)


def again_link(run_id: int) -> None:
    """A link to the form filled with the settings of a run. Followed from here it fills the form
    anew, whatever was changed in it before."""
    st.session_state.pop(_TAKEN, None)
    st.page_link(
        page("solve"),
        label="Run again with these settings",
        icon=":material/replay:",
        query_params=address(like=run_id),
        width="content",
    )


def first_choices(catalog: Catalog, preferences: Preferences) -> RunSpec:
    """A run that grows a tree with one click, on the models of the preferences."""
    names = [entry.name for entry in catalog.strategies]
    return RunSpec(
        strategy=next((name for name in FAVOURITES if name in names), names[0]),
        problem=first_problem(catalog.problem_sets[0]),
        engine=preferences.default_engine,
        model=preferences.default_model,
        verifier=preferences.default_verifier,
        verifier_model=preferences.default_reward_model,
    )
