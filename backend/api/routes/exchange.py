"""Runs as files: take one along, bring one in."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from backend.api.bodies import read_file
from backend.api.deps import Needs
from backend.core.errors import BadInput, NotFound
from backend.exchange.base import ImportHints
from backend.messages import runs as schemas
from backend.messages.series import SeriesScore, SeriesScores
from backend.service.exchange import AUTO, OWN_EXPORTS, take_in, write_out

router = APIRouter(tags=["files"])

IMPORT_LIMIT_BYTES = 512 * 2**20
Known = Annotated[str | None, Query(max_length=20_000)]
CONTENT = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("/import", status_code=201, openapi_extra=CONTENT)
async def import_file(
    request: Request,
    services: Needs,
    format: str = AUTO,
    name: Annotated[str, Query(max_length=200)] = "upload",
    question: Known = None,
    answer: Known = None,
) -> schemas.Taken:
    """Take in a file, of this program or of another: all of its runs or, with the place of what is
    wrong, none. `question` and `answer` are for formats that hold none. Nothing is fetched and
    nothing is read but the body; a service that is open to others takes imports only where its
    settings allow them."""
    if services.settings.public and not services.preferences.current.allow_imports:
        raise BadInput(
            "import",
            given="a file",
            accepted="none: imports are switched off in the settings of this service",
        )
    content = await read_file(request, "import", IMPORT_LIMIT_BYTES)
    taken = await asyncio.to_thread(
        take_in, services, content, name, format, ImportHints(question, answer)
    )
    return schemas.Taken(**taken._asdict())


@router.get("/runs/{run_id}/export", response_class=FileResponse)
def export(run_id: int, services: Needs, format: str = "jsonl") -> FileResponse:
    """The run as a file: `jsonl` and `parquet` (an archive of three tables) can be imported again,
    `html` is a page that opens offline, `svg` the tree as a drawing."""
    services.store.run(run_id)
    end, media_type = OWN_EXPORTS.get(format, ("", ""))
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / f"run-{run_id}{end}"
    try:
        write_out(services, run_id, path, format)
    except BaseException:
        folder.cleanup()
        raise
    # opened under the service's address, the page still is a stranger to it
    headers = {"Content-Security-Policy": "sandbox allow-scripts"}
    return FileResponse(
        path,
        media_type=media_type,
        filename=path.name,
        headers=headers,
        background=BackgroundTask(folder.cleanup),
    )


@router.get("/runs/{run_id}/scores/values")
def series_scores(
    run_id: int, services: Needs, series: Annotated[str, Query(min_length=1)]
) -> SeriesScores:
    """All scores of one series that came after the run, in order of node."""
    services.store.run(run_id)
    if series not in services.store.series(run_id):
        raise NotFound(f"run {run_id} has no series of scores called {series!r}")
    return SeriesScores(
        series=series,
        scores=[
            SeriesScore(**score._asdict()) for score in services.store.series_scores(run_id, series)
        ],
    )


__all__ = ["router"]
