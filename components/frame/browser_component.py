"""Components of our own in the browser, each from files of one name in the folder `browser` of its
room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

COMPONENTS = Path(__file__).parents[1]


def mount(room: str, name: str, *, isolate_styles: bool = True) -> Callable[..., Any]:
    """The component `arboretum_NAME` of `components/ROOM/browser/NAME.html`, `.css` and `.js`;
    without isolated styles the page's scripts can find it."""
    folder = COMPONENTS / room / "browser"
    html, css, js = (
        (folder / f"{name}.{ending}").read_text(encoding="utf-8")
        for ending in ("html", "css", "js")
    )
    made: Callable[..., Any] = st.components.v2.component(
        f"arboretum_{name}", html=html, css=css, js=js, isolate_styles=isolate_styles
    )
    return made
