"""Pictures of a view: a list of what is drawn on the page, each to be saved as SVG or PNG in dark
ink on white. The browser draws them itself."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_CSS = """
.arb-picture{display:flex;align-items:center;gap:8px;padding:3px 0;font-size:14px}
.arb-picture span:first-child{flex:1;overflow-wrap:anywhere}
.arb-picture button{font:inherit;font-size:13px;color:inherit;background:transparent;
  border:1px solid var(--st-border-color,#8884);border-radius:6px;padding:2px 10px;cursor:pointer}
.arb-picture button:hover,.arb-picture button:focus-visible{
  border-color:var(--st-primary-color);color:var(--st-primary-color)}
.arb-failed{color:var(--st-red-text-color,#b3261e)}
"""

_MOUNT = st.components.v2.component(
    "arboretum_pictures",
    html='<div class="arb-pictures"></div>',
    css=_CSS,
    js=(Path(__file__).parent / "browser" / "pictures.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def pictures(of: str, *, key: str, base: str = "", token: str = "") -> None:
    """List the drawings that can be seen now; the names of the files begin with `of`. `base` and
    `token` are those of a remote backend, from which the drawing library comes where the page has
    not loaded it yet."""
    _MOUNT(key=key, data={"of": of, "base": base, "token": token})
