"""Experiments: what there is, carry one out, and read curves, cells and analyses."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from backend.api.deps import Needs
from backend.experiments.costs import Prices
from backend.experiments.spec import Experiment
from backend.messages import experiments as schemas_experiments
from backend.service import experiments
from backend.service.experiment_view import ReaderChoices

router = APIRouter(tags=["experiments"])
Price = Annotated[float, Query(ge=0.0, description="money for a million tokens")]


@router.get("/experiments")
async def list_experiments(services: Needs) -> schemas_experiments.ExperimentList:
    """All experiments, the newest first, those that ship last."""
    return await asyncio.to_thread(experiments.list_experiments, services)


@router.post("/experiments", status_code=202)
async def start(
    experiment: Experiment, services: Needs, retry: bool = False
) -> schemas_experiments.ExperimentDetail:
    """Carry out an experiment, or go on with it; `retry` takes up the tasks that failed."""
    named = await asyncio.to_thread(services.sweeps.name_problems, experiment)
    name = services.sweeps.start(named, retry=retry)
    return await asyncio.to_thread(experiments.detail_of, services, name)


@router.post("/experiments/estimate")
async def estimate(experiment: Experiment, services: Needs) -> schemas_experiments.About:
    """What is left of an experiment and about what it will cost."""
    return await asyncio.to_thread(experiments.estimate_costs, services, experiment)


@router.get("/experiments/{name}")
async def detail(name: str, services: Needs) -> schemas_experiments.ExperimentDetail:
    """One experiment; `name` is its hash."""
    return await asyncio.to_thread(experiments.detail_of, services, name)


@router.post("/experiments/{name}/{action}")
async def steer(
    name: str, action: Literal["stop", "pause", "resume"], services: Needs
) -> schemas_experiments.Steered:
    """Stop, pause or resume what is under way."""
    if action == "stop":
        await services.sweeps.stop(name)
    elif action == "pause":
        services.sweeps.pause(name)
    else:
        services.sweeps.resume(name)
    return schemas_experiments.Steered(status=services.sweeps.standing(name).status)


@router.get("/experiments/{name}/curves")
async def curves(
    name: str,
    services: Needs,
    axis: str = "generated_tokens",
    slice: str = experiments.ALL,
    generated: Price = 0.0,
    prompt: Price = 0.0,
    cached: Price = 0.0,
    verifier: Price = 0.0,
) -> schemas_experiments.Curves:
    """Accuracy against an axis for every arm, with bands over problems."""
    return await asyncio.to_thread(
        experiments.curves_of,
        services,
        name,
        axis,
        slice,
        Prices(generated, prompt, cached, verifier),
    )


@router.get("/experiments/{name}/results")
async def results(
    name: str,
    services: Needs,
    arm: str,
    budget: float,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> schemas_experiments.Results:
    """The runs behind a point of a curve."""
    return await asyncio.to_thread(experiments.results_of, services, name, arm, budget, limit)


@router.get("/experiments/{name}/matrix")
async def matrix(
    name: str, services: Needs, budget: float | None = None
) -> schemas_experiments.Matrix:
    """Credit of every arm on every problem at a budget, the largest by default."""
    return await asyncio.to_thread(experiments.matrix_of, services, name, budget)


@router.get("/experiments/{name}/compare")
async def compare(
    name: str,
    services: Needs,
    one: str,
    other: str,
    budget: float,
    slice: str = experiments.ALL,
) -> schemas_experiments.PairedArms:
    """One arm less another at a budget, paired by problem."""
    return await asyncio.to_thread(
        experiments.compare_arms, services, name, one, other, budget, slice
    )


@router.get("/experiments/{name}/analyses")
async def analyses(
    name: str,
    services: Needs,
    axis: str = "generated_tokens",
    slice: str = experiments.ALL,
    threshold: Annotated[float, Query(ge=0.0, le=1.0)] = 0.5,
    wrong_costs: Annotated[float, Query(ge=0.0, le=1000.0)] = 1.0,
) -> schemas_experiments.Analyses:
    """Every analysis that the results allow. `threshold` is the score from which a verifier
    accepts, `wrong_costs` the price of a wrong accepted answer."""
    choices = ReaderChoices(axis, slice, threshold, wrong_costs)
    return await asyncio.to_thread(experiments.analyses_of, services, name, choices)


@router.get(
    "/experiments/{name}/report",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}}},
)
async def report(name: str, services: Needs, axis: str = "generated_tokens") -> Response:
    """One page of an experiment that opens anywhere, as a download."""
    page = await asyncio.to_thread(experiments.report_of, services, name, axis)
    headers = {
        "Content-Disposition": f'attachment; filename="experiment-{name}.html"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(page, media_type="text/html; charset=utf-8", headers=headers)


@router.post("/experiments/{name}/tasks/{key}/open", status_code=202)
async def open_task(name: str, key: str, services: Needs) -> schemas_experiments.Opened:
    """Carry out one task again as a run in the store, to see its whole trace."""
    return schemas_experiments.Opened(run_id=await experiments.open_task(services, name, key))
