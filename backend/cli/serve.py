"""`serve`: the same as `streamlit run app.py`, with this project's names for the options."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from backend.core.environment import read_settings
from backend.core.errors import BadInput
from backend.core.settings import ROOT


def serve(host: str | None, port: int | None, db: Path | None) -> int:
    """Replace this process by the server, so that signals and exit status are the server's own."""
    app = ROOT / "app.py"
    if not app.is_file():
        raise BadInput(
            "serve",
            given=str(app),
            accepted="a checkout of the project: the server's entry app.py is missing",
        )
    settings = read_settings(os.environ, host=host, port=port, db=db)
    os.environ["ARBORETUM_DB"] = str(settings.db.resolve())
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(app),
        "--server.port",
        str(settings.port),
        "--server.address",
        settings.host,
    ]
    sys.stdout.flush()
    os.execv(sys.executable, command)


__all__ = ["serve"]
