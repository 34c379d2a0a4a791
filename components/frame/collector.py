"""Keeping Python's garbage collector away from what stays.

Streamlit has everything collected after each run of a script, also after the short one that a click
causes. The modules of this program alone are a quarter of a million objects and a sixth of a
second, a log of a hundred thousand events is a second, and both stay for as long as the process
lives.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

import streamlit as st


def spare_collector() -> None:
    """Take what is there now out of the garbage collector's sight. What is no longer used is freed
    as ever, unless it is part of a cycle."""
    gc.collect()
    gc.freeze()


spare_modules: Callable[[], None] = st.cache_resource(spare_collector, show_spinner=False)
"""Do so once a process: called when the first page has loaded what all of them need."""
