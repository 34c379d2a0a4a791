"""Experiments: what there is, carry one out, and read curves, cells and analyses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from backend.api.deps import Needs
from backend.api.waiting import while_connected
from backend.experiments.costs import Prices
from backend.experiments.spec import Experiment
from backend.messages import experiments as schemas_experiments
from backend.service import experiments
from backend.service.experiment_questions import (
    AskAnalyses,
    AskAnalysis,
    AskCurves,
    Asked,
    AskMatrix,
    AskPair,
    AskReport,
    AskResults,
)
from backend.service.experiment_view import ReaderChoices

router = APIRouter(tags=["experiments"])
Price = Annotated[float, Query(ge=0.0, description="money for a million tokens")]


def read_choices(
    axis: str = "generated_tokens",
    slice: str = experiments.ALL,
    threshold: Annotated[float, Query(ge=0.0, le=1.0)] = 0.5,
    wrong_costs: Annotated[float, Query(ge=0.0, le=1000.0)] = 1.0,
) -> ReaderChoices:
    """What a reader chooses for the analyses."""
    return ReaderChoices(axis, slice, threshold, wrong_costs)


Chosen = Annotated[ReaderChoices, Depends(read_choices)]
AnswerHeavy = Callable[[str, Asked], Awaitable[Response]]


def answer_heavy(request: Request, services: Needs) -> AnswerHeavy:
    """How a heavy question about an experiment is answered: by a process of its own, as long as the
    one who asked is there."""

    async def answer(name: str, asked: Asked) -> Response:
        work = experiments.ask(services, name, asked)
        content = await while_connected(request, services.closing, work)
        return Response(content, media_type="application/json")

    return answer


Answers = Annotated[AnswerHeavy, Depends(answer_heavy)]


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


@router.post("/experiments/estimate", response_model=schemas_experiments.About)
async def estimate(experiment: Experiment, services: Needs, request: Request) -> Response:
    """What is left of an experiment and about what it will cost."""
    work = experiments.estimate_costs(services, experiment)
    return Response(
        await while_connected(request, services.closing, work), media_type="application/json"
    )


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


@router.get("/experiments/{name}/curves", response_model=schemas_experiments.Curves)
async def curves(
    name: str,
    answer: Answers,
    axis: str = "generated_tokens",
    slice: str = experiments.ALL,
    generated: Price = 0.0,
    prompt: Price = 0.0,
    cached: Price = 0.0,
    verifier: Price = 0.0,
) -> Response:
    """Accuracy against an axis for every arm, with bands over problems."""
    prices = Prices(generated, prompt, cached, verifier)
    return await answer(name, AskCurves(axis, slice, prices))


@router.get("/experiments/{name}/results", response_model=schemas_experiments.Results)
async def results(
    name: str,
    answer: Answers,
    arm: str,
    budget: float,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> Response:
    """The runs behind a point of a curve."""
    return await answer(name, AskResults(arm, budget, limit))


@router.get("/experiments/{name}/matrix", response_model=schemas_experiments.Matrix)
async def matrix(name: str, answer: Answers, budget: float | None = None) -> Response:
    """Credit of every arm on every problem at a budget, the largest by default."""
    return await answer(name, AskMatrix(budget))


@router.get("/experiments/{name}/compare", response_model=schemas_experiments.PairedArms)
async def compare(
    name: str,
    answer: Answers,
    one: str,
    other: str,
    budget: float,
    slice: str = experiments.ALL,
) -> Response:
    """One arm less another at a budget, paired by problem."""
    return await answer(name, AskPair(one, other, budget, slice))


@router.get("/experiments/{name}/analyses", response_model=schemas_experiments.Analyses)
async def analyses(name: str, answer: Answers, choices: Chosen) -> Response:
    """Every analysis that the results allow. `threshold` is the score from which a verifier
    accepts, `wrong_costs` the price of a wrong accepted answer."""
    return await answer(name, AskAnalyses(choices))


@router.get("/experiments/{name}/analysis", response_model=schemas_experiments.ShownAnalysis)
async def analysis(name: str, answer: Answers, choices: Chosen, which: str = "") -> Response:
    """One analysis by its name (absent: the first), and the names of all that the results allow;
    no other is computed."""
    return await answer(name, AskAnalysis(choices, which))


@router.get(
    "/experiments/{name}/report",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}}},
)
async def report(name: str, answer: Answers, axis: str = "generated_tokens") -> Response:
    """One page of an experiment that opens anywhere, as a download."""
    page = await answer(name, AskReport(axis))
    page.headers["Content-Type"] = "text/html; charset=utf-8"
    page.headers["Content-Disposition"] = f'attachment; filename="experiment-{name}.html"'
    page.headers["X-Content-Type-Options"] = "nosniff"
    return page


@router.post("/experiments/{name}/tasks/{key}/open", status_code=202)
async def open_task(name: str, key: str, services: Needs) -> schemas_experiments.Opened:
    """Carry out one task again as a run in the store, to see its whole trace."""
    return schemas_experiments.Opened(run_id=await experiments.open_task(services, name, key))
