"""Runs: ask for one, look at them, steer them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from backend.api.deps import Needs
from backend.core.ports import Aggregation
from backend.core.spec import RunSpec
from backend.messages import runs as schemas
from backend.service import present
from backend.service.assembly import Services
from backend.service.reselection import params_of, reselect_run
from storage import RunRow

router = APIRouter(tags=["runs"])


@router.post("/runs", status_code=202)
async def submit(spec: RunSpec, services: Needs) -> schemas.Submitted:
    """Accept a run; it starts when there is room. Follow it at `/runs/{run_id}/events`."""
    return schemas.Submitted(run_id=await services.jobs.submit(spec))


@router.post("/runs/estimate")
async def estimate(spec: RunSpec, services: Needs) -> schemas.Estimate:
    """About what a run would cost, before it is asked for. Nothing is loaded for it."""
    services.admission.admit(spec)
    about = await services.estimate(spec)
    return schemas.Estimate(
        tokens=about.generated_tokens,
        calls=about.model_calls,
        verifier_calls=about.verifier_calls,
        rounds=about.rounds,
        seconds=about.seconds,
        sentence=about.note,
    )


@router.get("/runs")
def runs(
    services: Needs,
    status: schemas.Status | None = None,
    strategy: str | None = None,
    problem: str | None = None,
    text: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> schemas.RunPage:
    """Runs, newest first. `problem` is the id of a problem, or the name of a set for all of its
    problems, in full and in the case it is written in. `text` is looked for, whatever its case, in
    the problem's id and question and in the run's strategy, model, answer and spec (as JSON)."""
    page = services.store.runs(
        status=status, strategy=strategy, problem=problem, text=text, limit=limit, offset=offset
    )
    return schemas.RunPage(runs=[show_run(services, row) for row in page.rows], total=page.total)


@router.get("/runs/{run_id}")
def run(run_id: int, services: Needs) -> schemas.Run:
    """A run as it stands now."""
    row = services.store.run(run_id)
    return show_run(services, row, services.open_run(run_id).grade_reason)


@router.get("/runs/{run_id}/reselect")
def reselect(
    run_id: int,
    services: Needs,
    selector: str,
    params: Annotated[str, Query(max_length=20_000)] = "{}",
    aggregation: Aggregation | None = None,
) -> schemas.Reselection:
    """What another final rule would have chosen from the candidates of a run, without a model.
    `params` is a JSON object; with `aggregation` the candidates are ranked by their stored scores
    of steps."""
    return reselect_run(services, run_id, selector, params_of(params), aggregation)


@router.delete("/runs/{run_id}", status_code=204)
async def delete(run_id: int, services: Needs) -> None:
    """Remove a run with everything it wrote; one that is under way is stopped first."""
    await services.jobs.delete(run_id)


@router.post("/runs/{run_id}/cancel")
async def cancel(run_id: int, services: Needs) -> schemas.Done:
    """Stop a run within a second; what it has written stays."""
    return schemas.Done.model_validate({"status": await services.jobs.cancel(run_id)})


@router.post("/runs/{run_id}/pause")
async def pause(run_id: int, services: Needs) -> schemas.Done:
    """Let a run wait at its next model call."""
    return schemas.Done.model_validate({"status": await services.jobs.pause(run_id)})


@router.post("/runs/{run_id}/resume")
async def resume(run_id: int, services: Needs) -> schemas.Done:
    """Go on with a paused run, or take up one that crashed or failed: nothing is paid twice."""
    return schemas.Done.model_validate({"status": await services.jobs.resume(run_id)})


def show_run(services: Services, row: RunRow, grade_reason: str | None = None) -> schemas.Run:
    """The row with what memory knows better while the run is under way."""
    standing = services.jobs.standing(row.id, row.status)
    status, reason = (None, None) if standing is None else (standing.status, standing.reason)
    return present.run_message(row, status, reason, grade_reason)


__all__ = ["router"]
