"""Addresses: every state of a page has a link made of a run, a node and an event, or of the run
whose settings fill the form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from components.frame.look import Look, look_of


def number_in_address(name: str) -> int | None:
    """The whole number of 0 or more that the address gives for `name`, or None if it gives none
    that is one."""
    text = st.query_params.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 19 else None


def look_in_address() -> Look:
    """How the address says that the tree is looked at."""
    return look_of(st.query_params.to_dict())


def put_in_address(**values: int | str | None) -> None:
    """Set or (None) remove parts of the address, leaving the others as they are."""
    for name, value in values.items():
        if value is not None:
            st.query_params[name] = str(value)
        elif name in st.query_params:
            del st.query_params[name]


def address(
    run: int | None = None,
    node: int | None = None,
    event: int | None = None,
    like: int | None = None,
) -> dict[str, str]:
    """The query of a link to a run, a node in it, a moment of it, or to the form filled with the
    settings of run `like`."""
    parts = {"run": run, "node": node, "event": event, "like": like}
    return {name: str(value) for name, value in parts.items() if value is not None}


def page(name: str) -> Path:
    """The file of a page, as `st.page_link` and `st.switch_page` take it."""
    return Path(__file__).resolve().parents[2] / "pages" / f"{name}.py"


def query_of(runs: Sequence[int]) -> dict[str, str]:
    """The query of a link to these runs."""
    return {"runs": ",".join(map(str, runs))}
