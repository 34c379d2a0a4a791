"""The heavy questions about experiments, as they are asked of a process that computes
(`backend.service.computing`): what is asked, of which experiment, and of which version of its
results. Equal questions have one answer."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import msgspec
from pydantic import BaseModel

from backend.experiments.costs import Prices
from backend.experiments.estimate import estimate_sweep
from backend.experiments.shards import Folder
from backend.experiments.spec import Experiment
from backend.messages import experiments as schemas
from backend.service import experiment_answers as answers
from backend.service.experiment_view import ExperimentView, ReaderChoices
from backend.service.result_cache import ResultCache


class AskCurves(msgspec.Struct, frozen=True, tag=True):
    """All arms on one axis."""

    axis: str
    slice: str
    prices: Prices

    def of(self, view: ExperimentView) -> BaseModel:
        return answers.curves_of(view, self.axis, self.slice, self.prices)


class AskResults(msgspec.Struct, frozen=True, tag=True):
    """The runs behind a point."""

    arm: str
    budget: float
    limit: int

    def of(self, view: ExperimentView) -> BaseModel:
        return answers.results_of(view, self.arm, self.budget, self.limit)


class AskMatrix(msgspec.Struct, frozen=True, tag=True):
    """Credit by problem and arm."""

    budget: float | None

    def of(self, view: ExperimentView) -> BaseModel:
        return answers.matrix_of(view, self.budget)


class AskPair(msgspec.Struct, frozen=True, tag=True):
    """Two arms at a budget."""

    one: str
    other: str
    budget: float
    slice: str

    def of(self, view: ExperimentView) -> BaseModel:
        return answers.compare_arms(view, self.one, self.other, self.budget, self.slice)


class AskAnalyses(msgspec.Struct, frozen=True, tag=True):
    """All analyses."""

    choices: ReaderChoices

    def of(self, view: ExperimentView) -> BaseModel:
        return view.analyses_of(self.choices)


class AskAnalysis(msgspec.Struct, frozen=True, tag=True):
    """One analysis by its name (or the first that there is), and which there are."""

    choices: ReaderChoices
    which: str

    def of(self, view: ExperimentView) -> BaseModel:
        return view.analysis_of(self.choices, self.which)


class AskReport(msgspec.Struct, frozen=True, tag=True):
    """The page that opens anywhere."""

    axis: str

    def of(self, view: ExperimentView) -> str:
        return answers.report_of(view, self.axis)


Asked: TypeAlias = (
    AskCurves | AskResults | AskMatrix | AskPair | AskAnalyses | AskAnalysis | AskReport
)
State: TypeAlias = tuple[tuple[str, int, int], ...]
"""Which results there are (`Folder.state_of_results`)."""


class ExperimentQuestion(msgspec.Struct, frozen=True, tag=True):
    """What is `asked` of the experiment in a folder, whose results are in a `state`."""

    folder: str
    state: State
    asked: Asked

    @property
    def subject(self) -> str:
        return self.folder

    def answer(self, memory: ResultCache) -> bytes:
        """JSON, or the page as HTML. Raises as the asked function."""
        found = self.asked.of(ExperimentView(Folder(Path(self.folder)), memory))
        return found.encode() if isinstance(found, str) else found.model_dump_json().encode()


class EstimateQuestion(msgspec.Struct, frozen=True, tag=True):
    """What an experiment would cost, or still will: it as JSON, and its folder, if there is
    one."""

    folder: str
    state: State
    experiment: str

    @property
    def subject(self) -> str:
        return self.folder

    def answer(self, memory: ResultCache) -> bytes:
        """`About` as JSON."""
        experiment = Experiment.model_validate_json(self.experiment)
        found = estimate_sweep(experiment, Folder(Path(self.folder)))
        return schemas.About(**found._asdict()).model_dump_json().encode()


Question: TypeAlias = ExperimentQuestion | EstimateQuestion
"""All of them: the process that answers is started with the name of this type."""

__all__ = [
    "AskAnalyses",
    "AskAnalysis",
    "AskCurves",
    "AskMatrix",
    "AskPair",
    "AskReport",
    "AskResults",
    "Asked",
    "EstimateQuestion",
    "ExperimentQuestion",
    "Question",
]
