"""The frame that all pages share: navigation, page configuration and the name on top."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:
    sys.path.insert(0, str(HERE.parent))

import streamlit as st  # noqa: E402

from components.frame.collector import spare_modules  # noqa: E402

st.set_page_config(
    page_title="Arboretum",
    page_icon=HERE.parent / "components" / "frame" / "arboretum.svg",
    layout="wide",
    initial_sidebar_state=360,
    menu_items={"About": "Grow, watch and compare reasoning trees."},
)
st.logo(HERE.parent / "components" / "frame" / "arboretum.svg", size="medium")
st.html(
    "<style>.stMainBlockContainer{padding:4rem 2rem 2rem}.stSidebar "
    "[data-testid=stSidebarHeader]{height:3rem}</style>"
)
page = st.navigation(
    [
        st.Page(HERE / "solve.py", title="Solve", icon=":material/park:", default=True),
        st.Page(HERE / "trace.py", title="Trace", icon=":material/account_tree:", url_path="trace"),
        st.Page(HERE / "why.py", title="Why", icon=":material/help:", url_path="why"),
        st.Page(
            HERE / "compare.py",
            title="Compare",
            icon=":material/compare_arrows:",
            url_path="compare",
        ),
        st.Page(
            HERE / "annotate.py", title="Annotate", icon=":material/edit_note:", url_path="annotate"
        ),
        st.Page(
            HERE / "history.py", title="History", icon=":material/history:", url_path="history"
        ),
        st.Page(HERE / "sql.py", title="SQL", icon=":material/database:", url_path="sql"),
        st.Page(
            HERE / "experiments.py",
            title="Experiments",
            icon=":material/science:",
            url_path="experiments",
        ),
        st.Page(
            HERE / "budget.py",
            title="Budget curves",
            icon=":material/show_chart:",
            url_path="budget",
        ),
        st.Page(HERE / "matrix.py", title="Matrix", icon=":material/grid_on:", url_path="matrix"),
        st.Page(
            HERE / "problems.py",
            title="Problems",
            icon=":material/quiz:",
            url_path="problems",
        ),
        st.Page(
            HERE / "settings.py", title="Settings", icon=":material/settings:", url_path="settings"
        ),
    ],
    position="top",
)
page.run()
spare_modules()
