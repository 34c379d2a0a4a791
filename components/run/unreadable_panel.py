"""What of a log cannot be read."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from components.frame.prose import visible

SHOWN = 5
"""Problems that are listed at most, the first ones."""


def unreadable(problems: Sequence[str]) -> None:
    """Say which events nothing on this page was made from; nothing where all could be read."""
    if not problems:
        return
    st.warning(
        f"{len(problems)} event{'' if len(problems) == 1 else 's'} of this log cannot be read and "
        "are left out here.",
        icon=":material/warning:",
    )
    more = len(problems) - SHOWN
    lines = [*problems[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
    st.code(visible("\n".join(lines)), language=None, wrap_lines=True)
