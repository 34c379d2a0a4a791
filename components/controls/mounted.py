"""Components of our own in the browser, each from files of one name beside the figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent.parent


def mounted(name: str, *, isolate_styles: bool = True) -> Callable[..., Any]:
    """The component `arboretum_NAME` of `components/NAME.html`, `.css` and `.js`; without isolated styles the page's scripts can find it."""
    html, css, js = ((_HERE / f"{name}.{ending}").read_text(encoding="utf-8") for ending in ("html", "css", "js"))
    made: Callable[..., Any] = st.components.v2.component(f"arboretum_{name}", html=html, css=css, js=js, isolate_styles=isolate_styles)
    return made
