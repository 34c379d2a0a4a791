"""What travels over HTTP about annotations: labels, the task of an author, the queue, agreement,
counts and the codebook."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from backend.messages.runs import Answer
from backend.review.annotate.labels import NAME_LIMIT, NOTE_LIMIT, Kind

Verdict = Literal["right", "wrong", "undecided"]
Standing = Literal["any", "unlabelled by me", "labelled by me", "labelled by another"]
STANDINGS: tuple[Standing, ...] = get_args(Standing)
ExportFormat = Literal["csv", "parquet", "processbench", "prm800k"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)


class TaskAsk(BaseModel):
    """Base of every request: who asks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    author: str = Field(min_length=1, max_length=4 * NAME_LIMIT)


class SpanAsk(BaseModel):
    """Characters [start, end) of the text of a step."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: int = Field(ge=0)
    end: int = Field(ge=1)


class LabelAsk(TaskAsk):
    """A label to keep; see `backend.review.annotate.labels` for kinds and places. Whether it counts
    as blind is for the service to say."""

    kind: Kind
    label: str = Field("", max_length=100)
    node: int | None = Field(None, ge=0)
    step: int | None = Field(None, ge=-1)
    span: SpanAsk | None = None
    note: str | None = Field(None, max_length=NOTE_LIMIT)


class OpenAsk(TaskAsk):
    """An author begins with a run, or looks at another of its paths: that to `node` (absent: to the
    chosen one)."""

    blind: bool = True
    node: int | None = Field(None, ge=0)


class SpanShown(Answer):
    """A marked stretch of a step's text; `tokens` are (node, first, end) stretches of tokens, empty
    where token texts were not at hand."""

    start: int
    end: int
    quote: str
    tokens: list[tuple[int, int, int]]


class Annotation(Answer):
    """A label as it stands now. `blind`: when it was given, its author had been shown neither
    scores nor verdicts nor others' labels."""

    id: int
    run_id: int
    kind: Kind
    label: str
    node: int | None
    step: int | None
    span: SpanShown | None
    note: str | None
    author: str
    blind: bool
    created_at: str
    updated_at: str


class LabelChange(Answer):
    """An entry of the history; `key` is the id of the label, or the key of the category."""

    key: str
    author: str
    at: str
    action: Literal["created", "changed", "deleted"]
    before: dict[str, JsonValue] | None
    after: dict[str, JsonValue] | None


class Labels(Answer):
    """The labels of a run and how they came about, oldest first."""

    labels: list[Annotation]
    history: list[LabelChange]


class TaskStep(Answer):
    """A step of the path; `node` is the one in which it ends. `score` in [0, 1] is the verifier's,
    None where it has none or where it is hidden."""

    number: int
    node: int
    text: str
    score: float | None


class PathChoice(Answer):
    """A path that can be labelled, by its last node."""

    node: int
    steps: int
    chosen: bool
    done: bool


class LabelTask(Labels):
    """What an author is shown of a run. While `hidden`, there are no scores, verdicts, right
    answers and labels of others in it; `others` only says how many people have labelled the run."""

    run_id: int
    strategy: str
    model: str
    problem_id: str | None
    question: str
    node: int
    paths: list[PathChoice]
    steps: list[TaskStep]
    hidden: bool
    others: int
    answer: str | None
    correct: bool | None
    right_answer: str | None


class Waiting(Answer):
    """A run of the queue: how many labels the author has on it, and how many others have some."""

    id: int
    strategy: str
    problem_id: str | None
    mine: int
    others: int


class Queue(Answer):
    """Runs newest first. `total` match all but the standing, and the author has labelled `done` of
    them."""

    runs: list[Waiting]
    total: int
    done: int


class Authors(Answer):
    """Everybody who has labels, with the number of runs that have some."""

    authors: dict[str, int]


class KappaShown(Answer):
    """Agreement on `units`; see `backend.review.annotate.agreement.Kappa`."""

    labels: list[str]
    table: list[list[int]]
    units: int
    observed: float | None
    expected: float | None
    kappa: float | None


class AgreementShown(Answer):
    """Two authors compared; see `backend.review.annotate.agreement.Agreement`."""

    one: str
    other: str
    runs: int
    verdicts: KappaShown
    by_verdict: dict[str, KappaShown]
    first_errors: KappaShown
    first_error_exact: int
    first_error_within_one: int
    categories: KappaShown
    by_category: dict[str, KappaShown]


class CategoryCount(Answer):
    strategy: str
    category: str
    runs: int
    labels: int


class CountsShown(Answer):
    """How many runs of each strategy have labels, and in how many of them and how often each
    category was given."""

    labelled: dict[str, int]
    cells: list[CategoryCount]


class CategoryShown(Answer):
    """An entry of the codebook; see `backend.review.annotate.codebook.Category`."""

    key: str
    name: str
    description: str
    mark: str
    position: int
    retired: bool


class CategoryAsk(TaskAsk):
    """A category to add (`key` empty) or to change."""

    key: str = Field("", max_length=100)
    name: str
    description: str = ""
    mark: str
    position: int = 0
    retired: bool = False


class Codebook(Answer):
    """All categories in order, retired ones too, the names of the marks with their signs, and the
    history."""

    categories: list[CategoryShown]
    marks: dict[str, str]
    history: list[LabelChange]
