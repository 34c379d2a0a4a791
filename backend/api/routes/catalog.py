"""What a run can name: strategies, selectors, verifiers, engines, problem sets, budget axes."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from backend.api.deps import Needs
from backend.messages import runs as schemas
from backend.service import present
from backend.service.catalog import catalog, problem_sets
from backend.service.jobs.rows import problem_fields

router = APIRouter(tags=["catalog"])


@router.get("/catalog")
async def read_catalog(services: Needs) -> schemas.Catalog:
    """Everything that the form needs, with the reason where something is not available."""
    return catalog(services.models, services.library)


@router.get("/problems")
async def sets(services: Needs) -> schemas.ProblemSets:
    """The problem sets."""
    return schemas.ProblemSets(problem_sets=problem_sets(services.library))


@router.get("/problems/{problem_id:path}")
async def problem(problem_id: str, services: Needs) -> schemas.Problem:
    """One problem by its id, such as `ledger/3/17`: set, level, seed."""
    found = present.problem_message(
        problem_fields(await asyncio.to_thread(services.admission.find, problem_id))
    )
    assert found is not None
    return found


__all__ = ["router"]
