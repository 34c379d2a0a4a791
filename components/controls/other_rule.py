"""What another final rule would have chosen from the candidates of a run. The service counts them anew and needs no model for it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st
from pydantic import JsonValue

from backend.api.schemas import Choice, Reselection, Run, SelectorInfo
from backend.client import Client
from components.controls.form_start import Inputs
from components.controls.models_form import AGGREGATIONS
from components.controls.schema_form import schema_form
from components.links import put_in_address
from components.prose import plain_markdown, visible
from components.run_words import MARKS
from components.service import refusals

AS_RANKED = "as the run ranked them"


def other_rule(service: Client, rules: Sequence[SelectorInfo], run: Run) -> None:
    """Draw the choice of a rule, folded up, and what it finds, beside what the run chose."""
    with st.expander("What would another final rule have chosen?", icon=":material/how_to_vote:"):
        by_name = {rule.name: rule for rule in rules}
        left, right = st.columns(2)
        name = left.selectbox(
            "Selector",
            list(by_name),
            index=None,
            format_func=lambda value: by_name[value].title,
            placeholder="Choose a rule",
            key="other.rule",
            persist_state="session",
            help="which finished solution would have given the answer",
        )
        aggregation = right.selectbox(
            "Scores", [AS_RANKED, *AGGREGATIONS], key="other.aggregation", persist_state="session", help="how step scores become the score of a path"
        )
        if name is None:
            return
        params = schema_form(by_name[name].params_schema, key=f"other.{name}", given={}, start=Inputs())
        with refusals():
            _found(service.reselect(run.id, name, params=params, aggregation=None if aggregation == AS_RANKED else aggregation))


def _found(found: Reselection) -> None:
    _choice(f"{found.own_selector}, as it ran", found.own, "own")
    _choice(found.selector, found.chosen, "chosen")
    st.caption(plain_markdown(told(found)))
    if found.facts:
        st.code("\n".join(f"{name:<20} {json.dumps(shortened(value))}" for name, value in found.facts.items()), language=None, wrap_lines=True)


def _choice(rule: str, choice: Choice | None, key: str) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f"**{plain_markdown(rule)}**", width="content")
        if choice is None or choice.node is None:
            st.text("nothing: no candidate finished", width="content")
            return
        st.text(f"answer {visible(choice.answer or 'none that can be read')}, {MARKS[choice.correct]}", width="content")
        st.button(f"Node {choice.node}", key=f"other.{key}", on_click=put_in_address, kwargs={"node": choice.node}, width="content")


def shortened(value: JsonValue) -> JsonValue:
    """A fact with its numbers as people read them: six significant digits."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, list):
        return [shortened(one) for one in value]
    return {name: shortened(one) for name, one in value.items()} if isinstance(value, dict) else value


def told(found: Reselection) -> str:
    """How sure the choice is, in sentences."""
    sentences = [f"{found.candidates} candidate{'' if found.candidates == 1 else 's'}."]
    if len(found.leaders) > 1:
        credit = "unknown" if found.credit is None else f"{found.credit:.3f}"
        sentences.append(f"{len(found.leaders)} tie, and the earliest wins; a random one of them would be right with probability {credit}.")
    if found.confidence is not None:
        sentences.append(f"The rule's own confidence is {found.confidence:.3f}.")
    if found.undecided:
        count = len(found.undecided)
        sentences.append(f"{count} pair{'' if count == 1 else 's'} of answers could not be compared.")
    return " ".join(sentences)
