"""One page within the navigation of the product, for Streamlit's test runner, which cannot open an
address."""

from pathlib import Path

import streamlit as st

pages = {
    path.stem: st.Page(path, default=path.stem == st.session_state["shown_page"])
    for path in (Path(__file__).parents[2] / "pages").glob("*.py")
    if path.stem != "frame"
}
st.navigation(list(pages.values())).run()
