"""The pseudo-code of a run's strategy beside the tree, the lines of the step under way lit, the one
that an event tells of marked; it follows the replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import streamlit as st

from backend.core.records import EventRecord
from backend.messages.runs import Run, StrategyInfo
from components.frame.browser_component import mount
from components.frame.prose import plain_markdown
from components.tree.phases import under_way

_LINES = mount("tree", "pseudocode")
OPEN = "code"


def lines_data(
    run: int, entry: StrategyInfo, events: Sequence[EventRecord], until: int | None
) -> dict[str, Any]:
    """What the browser draws: the lines with their phases, and the step under way at event
    `until`.
    """
    step = under_way(events, until)
    return {
        "run": run,
        "lines": [line.model_dump() for line in entry.pseudocode],
        "step": None if step is None else asdict(step),
    }


def pseudocode(
    run: Run, entry: StrategyInfo | None, events: Sequence[EventRecord], until: int | None
) -> None:
    """Draw it in an expander whose state is in the address; nothing for a run whose strategy is not
    known here."""
    if entry is None or not entry.pseudocode:
        return
    with st.expander(
        f"Pseudo-code: {plain_markdown(entry.title)}",
        key=OPEN,
        icon=":material/format_list_numbered:",
        bind="query-params",
    ):
        _LINES(key="pseudocode", data=lines_data(run.id, entry, events, until))
        if entry.paper:
            st.caption(f"In the notation of {plain_markdown(entry.paper)}")
