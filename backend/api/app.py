"""The FastAPI application. It is mounted under `/api` beside the pages; on its own it serves the
same paths without the prefix."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from backend.api.bodies import BodyLimit, file_routes
from backend.api.errors import REFUSALS, answer_errors
from backend.api.routes import annotations as labels
from backend.api.routes import (
    catalog,
    compare,
    exchange,
    experiments,
    forks,
    grading,
    problem_files,
    reference,
    runs,
    servers,
    sql,
    system,
    trace,
    why,
)
from backend.api.routes.assets import assets_router
from backend.service.assembly import VERSION, Services

DESCRIPTION = """Grow, watch and compare reasoning trees.

Ask for a run with `POST /runs`, follow it at `/runs/{run_id}/events`, read its tree at
`/runs/{run_id}/nodes`. Every refusal has the shape `{error, given, accepted, remedy}`."""


def create_app(services: Services | None = None, *, origins: Sequence[str] = ()) -> FastAPI:
    """The service. `services` may also be put into `app.state.services` later, before the first
    request. `origins` are foreign origins whose pages may read the answers."""
    app = FastAPI(
        title="Arboretum",
        version=VERSION,
        description=DESCRIPTION,
        responses=REFUSALS,
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    answer_errors(app)
    routers = (
        system,
        catalog,
        runs,
        forks,
        grading,
        exchange,
        trace,
        why,
        compare,
        labels,
        sql,
        experiments,
        servers,
        reference,
        problem_files,
    )
    for router in (*(each.router for each in routers), assets_router()):
        app.include_router(router)
    app.add_middleware(BodyLimit, files=partial(file_routes, app.routes))
    if origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(origins), allow_methods=["*"], allow_headers=["*"]
        )
    return app


__all__ = ["create_app"]
