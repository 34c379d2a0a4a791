"""The catalogue entry of a strategy, beside its form: idea, paper, what comes from where, defaults,
departures, needs, defects left out.

Whatever comes from the catalogue is shown as text; only the headings are the page's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import streamlit as st

from backend.messages.runs import StrategyInfo
from components.form.parameters import parameters, parameters_html
from components.frame.prose import plain_markdown

CAPABILITIES: Mapping[str, str] = {
    "logprobs": "an engine that reports log-probabilities of sampled tokens",
    "prompt_logprobs": "an engine that reports log-probabilities of the prompt",
    "token_ids": "an engine that reports token ids",
    "seeds": "an engine whose draws follow a seed",
    "abort": "an engine that can stop a text under way",
    "reward_model": "an engine with a process reward model",
}
"""What an engine must be capable of, in words; a capability that is not named here goes by its
name."""


class Section(NamedTuple):
    """A heading of the page's own and lines of the catalogue."""

    heading: str
    lines: list[str]


def sections(entry: StrategyInfo) -> list[Section]:
    """The entry in order of reading, without its defaults and its pseudo-code; never empty, so that
    a reader sees what there is not."""
    return [
        Section(
            "Paper", [", ".join(str(part) for part in (entry.paper, entry.year) if part) or "none"]
        ),
        Section("Taken from", entry.sources or ["no source is named"]),
        Section("Departs from the paper", entry.departures or ["in nothing that is known"]),
        Section("Published defects left out", entry.avoided or ["none is known"]),
        Section("Needs", needs(entry)),
        Section("Published final rule", [entry.selector]),
    ]


def needs(entry: StrategyInfo) -> list[str]:
    """What a run of it takes beside a policy that writes text."""
    verifier = ["a verifier"] if entry.needs_verifier else ["no verifier"]
    capabilities = [CAPABILITIES.get(need, need) for need in entry.needs] or ["any engine"]
    return verifier + capabilities + [f"a model for the role {role}" for role in entry.roles]


def draw_sections(parts: Sequence[Section]) -> None:
    """Each heading with its lines below it."""
    for heading, lines in parts:
        st.markdown(f"**{plain_markdown(heading)}**")
        st.text("\n".join(f"\u2022 {' '.join(line.split())}" for line in lines))


def strategy_entry(entry: StrategyInfo) -> None:
    """Draw the entry, folded up."""
    with st.expander("About this strategy", icon=":material/menu_book:"):
        st.text(entry.summary)
        if entry.idea:
            st.text(entry.idea.partition("\n\n")[0].replace("\n", " "))
        draw_sections(sections(entry))
        st.markdown("**Published defaults**")
        st.html(parameters_html(parameters(entry.params_schema)))
        if entry.phases:
            st.markdown("**A round**")
            st.code(
                "\n".join(f"{name:<12} {line}" for name, line in entry.phases.items()),
                language=None,
                wrap_lines=True,
            )
