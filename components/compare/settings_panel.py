"""The configuration of several runs as differences: what is equal stays out of sight until it is
asked for."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from pydantic import JsonValue

from backend.core.descriptions import Absent, DescriptionLine, flatten, lines
from backend.messages.runs import Catalog, Run
from components.compare.facts import settings_html
from components.compare.settings import format_value, with_defaults
from components.compare.tracks_panel import Track

SECOND_TIME = ("spec", "imported")
"""Parts of a manifest that the spec says already, or that tell of a file."""


def settings(catalog: Catalog, shown: Sequence[Track]) -> None:
    """Draw the table of differences."""
    st.subheader("Settings", anchor=False)
    alike = len({track.run.strategy for track in shown}) == 1
    found = lines([description(track.run, catalog if alike else None) for track in shown])
    differing = [line for line in found if not line.equal]
    equal = len(found) - len(differing)
    everything = st.toggle(f"Show the {equal} equal ones too", key="all", bind="query-params")
    if not differing:
        st.text(
            "Spec and manifest are the same in every value: same settings, same seed, same "
            "models, same versions."
        )
    rows = found if everything else differing
    if rows:
        st.html(
            settings_html(
                [track.label for track in shown],
                [(line.name, format_line(line), line.equal) for line in rows],
            )
        )


def description(run: Run, catalog: Catalog | None) -> dict[str, JsonValue]:
    """Everything that was asked for, and what it was computed with. The catalogue adds the
    published defaults of parameters that were not named, which only say something beside a run of
    the same strategy."""
    entries = catalog.strategies if catalog else []
    schema = next((one.params_schema for one in entries if one.name == run.strategy), {})
    made_by = {name: value for name, value in run.manifest.items() if name not in SECOND_TIME}
    return flatten({**run.spec, "params": with_defaults(run.params, schema), "manifest": made_by})


def format_line(line: DescriptionLine) -> list[str]:
    """The values as texts; a dash where a run has none of that name."""
    return ["\u2014" if isinstance(value, Absent) else format_value(value) for value in line.values]
