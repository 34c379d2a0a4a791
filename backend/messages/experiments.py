"""What travels over HTTP about experiments: their state, curves, cells and analyses. The
description is `backend.experiments.spec.Experiment`."""

from __future__ import annotations

from typing import Any, Literal

from backend.experiments.charts import Kind
from backend.experiments.spec import Experiment
from backend.messages.runs import Answer

State = Literal["running", "paused", "stopped", "failed", "idle"]


class About(Answer):
    """What is left of an experiment and about what it will cost; `by_arm` counts the tasks left,
    `seconds` is a guess from `tokens`."""

    planned: int
    done: int
    failed: int
    left: int
    by_arm: dict[str, int]
    tokens: int
    seconds: float
    sentence: str


class ExperimentInfo(Answer):
    """An experiment in a list. `status` is that of the sweep in this service. Of the `planned`
    tasks, those that measure included, `done` came to their end and `failed` broke off. `rate` in
    generated tokens a second and `left_s` are None while nothing is known of them, and while it is
    not running. `shipped` ones come with the project."""

    hash: str
    name: str
    note: str
    status: State
    reason: str
    phase: str
    done: int
    planned: int | None
    failed: int
    rate: float | None
    left_s: float | None
    problems: int
    arms: list[str]
    axis: str
    budgets: list[float]
    shipped: bool


class ExperimentDetail(ExperimentInfo):
    """One experiment with its description, what it was made with, and the causes of failed tasks
    with their numbers."""

    experiment: Experiment
    made_with: list[dict[str, Any]]
    failures: dict[str, int]
    cells: list[str]


class ExperimentList(Answer):
    experiments: list[ExperimentInfo]


class Band(Answer):
    """A figure with its 95 % interval over problems (`backend.core.statistics.intervals`); None
    where it is not known."""

    value: float | None
    low: float | None
    high: float | None


class CurvePoint(Answer):
    """A point of a curve; see `backend.experiments.curves.Point`."""

    budget: float
    cost: float | None
    accuracy: Band
    unanswered: float
    problems: int
    n: int


class Curve(Answer):
    arm: str
    points: list[CurvePoint]


class Curves(Answer):
    """The curves of all arms on one axis; `counts` says what the axis counts, `slice` which
    problems they are over, `notes` what the bands are and what has to be known of the axis."""

    hash: str
    axis: str
    counts: str
    slice: str
    slices: list[str]
    curves: list[Curve]
    notes: tuple[str, ...] = ()


class Result(Answer):
    """A finished task at a budget; `key` names it, `credit` is 1 for a right answer and the exact
    estimate for a pooled arm."""

    key: str
    arm: str
    problem: str
    budget: float
    repeat: int
    credit: float
    answer: str | None
    correct: bool | None
    limit: str | None
    failure: str | None
    generated_tokens: float | None
    verifier_calls: float | None
    run: int | None


class Results(Answer):
    total: int
    results: list[Result]


class Matrix(Answer):
    """Credit of each arm on each problem at a budget: `rows[i][j]` is that of `problems[i]` by
    `arms[j]`, None where it is not there."""

    budget: float
    budgets: list[float]
    arms: list[str]
    problems: list[str]
    rows: list[list[float | None]]


class PairedArms(Answer):
    """One arm less another at a budget, paired by problem: the mean difference with its interval,
    the p-value of the sign-flip test, flips."""

    one: str
    other: str
    budget: float
    difference: Band
    p: float
    better: int
    worse: int
    same: int


class ChartLine(Answer):
    """A line of a chart: its name and its points (x, y, low, high), the last two None without a
    band."""

    name: str
    points: list[tuple[float | str, float, float | None, float | None]]


class Chart(Answer):
    """A chart of a table; see `backend.experiments.charts.Chart`."""

    table: str
    part: str
    kind: Kind
    x_title: str
    y_title: str
    logarithmic: bool
    lines: list[ChartLine]
    notes: tuple[str, ...] = ()
    neutral: float = 1.0


class Analysis(Answer):
    """One analysis: what it says in a sentence, its limits, its paper, its figures as named tables
    (lists of rows), how they are drawn, and which choices of the reader it `reads`."""

    name: str
    title: str
    sentence: str
    limits: str
    paper: str
    tables: dict[str, list[dict[str, Any]]]
    charts: list[Chart]
    reads: list[str]


class Analyses(Answer):
    analyses: list[Analysis]


class AnalysisName(Answer):
    """An analysis in a list."""

    name: str
    title: str


class ShownAnalysis(Answer):
    """One analysis, None where the results allow none, and the names of all that they allow."""

    choices: list[AnalysisName]
    analysis: Analysis | None


class Steered(Answer):
    """The state after a stop, a pause or a resume."""

    status: State


class Opened(Answer):
    """The run that shows a task of an experiment on the Trace page."""

    run_id: int


__all__ = [
    "About",
    "Analyses",
    "Analysis",
    "AnalysisName",
    "Band",
    "Curve",
    "CurvePoint",
    "Curves",
    "ExperimentDetail",
    "ExperimentInfo",
    "ExperimentList",
    "Matrix",
    "Opened",
    "PairedArms",
    "Result",
    "Results",
    "ShownAnalysis",
    "State",
    "Steered",
]
