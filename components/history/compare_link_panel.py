"""The way to a comparison from a page that shows one run."""

from __future__ import annotations

import streamlit as st

from components.frame.address import page, query_of


def compare_link(run_id: int) -> None:
    """A link to the Compare page, this run chosen."""
    st.page_link(
        page("compare"),
        label="Compare",
        icon=":material/compare_arrows:",
        query_params=query_of([run_id]),
        width="content",
    )
