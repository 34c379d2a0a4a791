"""Going on from what a run has: fork it, continue it with more budget, expand a node by hand."""

from __future__ import annotations

from fastapi import APIRouter

from backend.api.deps import Needs
from backend.messages import forks as schemas
from backend.service.forks import kin

router = APIRouter(tags=["forks"])


@router.post("/runs/{run_id}/forks", status_code=202)
async def fork(run_id: int, ask: schemas.Fork, services: Needs) -> schemas.Submitted:
    """A new run that goes on from a node of this one, with any settings, and with the last step
    edited if wanted."""
    return schemas.Submitted(run_id=await services.jobs.forks.fork(run_id, ask))


@router.get("/runs/{run_id}/forks")
def forks(run_id: int, services: Needs) -> schemas.Kin:
    """Whom the run comes from, and what comes from it."""
    return kin(services, run_id)


@router.post("/runs/{run_id}/continued", status_code=202)
async def continue_run(run_id: int, ask: schemas.ContinueAsk, services: Needs) -> schemas.Submitted:
    """A new run with the settings of this one and a larger budget: what is paid for is replayed
    free of charge, and it goes on where this one stopped."""
    return schemas.Submitted(run_id=await services.jobs.forks.continue_run(run_id, ask.budget))


@router.post("/runs/{run_id}/nodes/{node_id}/expand")
async def expand(
    run_id: int, node_id: int, ask: schemas.ExpandAsk, services: Needs
) -> schemas.Expanded:
    """More children of a node of a paused run, now: on its ledger and inside its budget; the search
    does not see them."""
    return schemas.Expanded(nodes=await services.jobs.expand(run_id, node_id, ask.n))


__all__ = ["router"]
