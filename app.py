"""The one entry: `streamlit run app.py` serves the pages and, on the same port, the API under
/api and the gateway for chat programs under /v1.

Address and port are Streamlit's own options (`--server.address`, `--server.port`); everything else
is in the environment, see `backend.core.settings`. `python -m backend serve` starts the same.
"""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount

from backend.api.entry import Entry
from backend.api.guard import Guard
from backend.api.headers import SafeHeaders
from backend.core.environment import read_settings
from backend.core.settings import Settings


def settings() -> Settings:
    """Settings of the environment, with the address that Streamlit is bound to; without one it
    listens everywhere."""
    return read_settings(
        os.environ,
        host=str(st.get_option("server.address") or "0.0.0.0"),
        port=int(st.get_option("server.port")),
    )


entry = Entry(settings)
app = st.App(
    Path(__file__).parent / "pages" / "frame.py",
    lifespan=entry.lifespan,
    routes=[Mount("/api", app=entry.api), Mount("/v1", app=entry.gateway)],
    middleware=[
        Middleware(
            SafeHeaders,
            settings=entry.settings,
            page=Path(st.__file__).parent / "static" / "index.html",
            service=os.environ.get("ARBORETUM_BACKEND", ""),
        ),
        Middleware(Guard, settings=entry.settings),
    ],
)
