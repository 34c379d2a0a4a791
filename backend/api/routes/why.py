"""Why a search went right or wrong, what other settings would have done, and what other verifiers
say."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from backend.api.deps import Needs
from backend.messages import runs as schemas
from backend.messages import why as schemas_why
from backend.service import what_if as other_settings
from backend.service import why as explained
from backend.service.jobs.rescoring import ScoringJob

router = APIRouter(tags=["why"])


@router.get("/why")
def why_counts(
    services: Needs,
    status: schemas.Status | None = None,
    strategy: str | None = None,
    problem: str | None = None,
    text: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> schemas_why.WhyCounts:
    """How often each cause occurs among the newest runs that match; the filters are those of
    `/runs`."""
    return explained.why_counts(services, status, strategy, problem, text, limit)


@router.get("/runs/{run_id}/why")
def why(
    run_id: int,
    services: Needs,
    node: Annotated[int | None, Query(ge=0)] = None,
    labeller: str | None = None,
) -> schemas_why.Why:
    """Where the right answer of a run died, and the first wrong step on the path to `node` (absent:
    the chosen one), by a labeller of the catalogue (absent: the exact checker)."""
    return explained.why(services, run_id, node, labeller)


@router.post("/runs/{run_id}/what-if")
async def what_if(run_id: int, ask: schemas_why.WhatIfAsk, services: Needs) -> schemas_why.WhatIf:
    """What a stored run would have chosen with another rule, aggregation or parameter, without a
    model, and for how many rounds that is exact."""
    return await asyncio.to_thread(other_settings.would_have, services, run_id, ask)


@router.post("/runs/{run_id}/what-ifs")
async def what_ifs(
    run_id: int, body: schemas_why.WhatIfAsks, services: Needs
) -> schemas_why.TriedList:
    """Several what-ifs of one run at once, in the order in which they were asked."""
    return await asyncio.to_thread(other_settings.try_settings, services, run_id, body.asks)


@router.get("/runs/{run_id}/scores")
async def series(run_id: int, services: Needs) -> schemas_why.SeriesList:
    """The series of scores of a run, and those on their way."""
    return await asyncio.to_thread(explained.series_list, services, run_id)


@router.post("/runs/{run_id}/scores", status_code=202)
async def score(run_id: int, ask: schemas_why.ScoreAsk, services: Needs) -> schemas_why.Scoring:
    """Score all nodes of a stored run with another verifier. The series is at
    `/runs/{run_id}/scores` once it is whole."""
    services.admission.model(ask.model)
    row = await asyncio.to_thread(services.find_ended_row, run_id)
    begun = services.jobs.rescoring.start(
        row, ScoringJob(ask.verifier, ask.engine, ask.model, ask.aggregation)
    )
    return schemas_why.Scoring(**begun._asdict())


@router.get("/runs/{run_id}/lens")
def lens(
    run_id: int,
    services: Needs,
    other: str,
    one: str = schemas_why.RUN,
    most: Annotated[int, Query(ge=1, le=10_000)] = 100,
) -> schemas_why.Lens:
    """Two series of scores side by side; `other` judges. At most `most` disagreements are
    listed.
    """
    return explained.compare_series(services, run_id, one, other, most)


__all__ = ["router"]
