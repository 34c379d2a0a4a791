"""What travels over HTTP about why a search went as it did: causes, what-ifs, and series of scores
side by side."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from backend.core.ports import Aggregation
from backend.messages.runs import OVER as OVER
from backend.messages.runs import Answer, Reselection

Cause = Literal[
    "right", "not_extracted", "not_chosen", "pruned", "cut_off", "never_generated", "unknown"
]
RUN = "run"
"""The name of the scores that a run itself went by."""


class StepVerdict(Answer):
    """What a labeller says of a written step: its number from 1, the node in which it
    begins, its text, and the kind of mistake."""

    step: int
    node: int
    text: str
    ok: bool
    kind: str | None
    reason: str


class PathStep(Answer):
    """A written step on a path: its number from 1, the node in which it begins, its text, and the
    score by which the search went (None: there is none). `ok` is the labeller's verdict, None where
    it cannot tell; `kind` and `reason` say more."""

    step: int
    node: int
    text: str
    score: float | None
    ok: bool | None
    kind: str | None
    reason: str


class Why(Answer):
    """The cause for which a run did not answer right, in one sentence; see
    `backend.review.why.death` for the causes and the fields.

    `first_wrong` is the first wrong step that nothing repaired, on the path to `path_node` (the
    node asked for, else the chosen one); None where there is none, or where the `labeller` of the
    steps can say nothing of this problem, as `checked` tells; `unchecked` says why. `path` are the
    steps on that path, `line` those on the path to `node`, where the right answer died.
    """

    run_id: int
    cause: Cause
    sentence: str
    node: int | None
    step: int | None
    seq: int | None
    evidence: Literal["finished", "sound", "mentioned"] | None
    note: str
    reason: str
    value: float | None
    cut: float | None
    measure: str
    path_node: int | None
    checked: bool
    first_wrong: StepVerdict | None
    path: list[PathStep] = Field(default_factory=list)
    line: list[PathStep] = Field(default_factory=list)
    labeller: str = "exact"
    unchecked: str = ""


class RunCause(Answer):
    """The cause of one run of many, and where to look. `problem` is empty for a question of one's
    own."""

    run_id: int
    strategy: str
    problem: str
    cause: Cause
    note: str
    reason: str
    sentence: str
    node: int | None
    seq: int | None


class WhyCounts(Answer):
    """How often each cause occurs among `looked_at` runs that are over, newest first, of `total`
    that match. `skipped` are not over yet."""

    total: int
    looked_at: int
    skipped: int
    causes: dict[Cause, int]
    runs: list[RunCause]


class WhatIfAsk(BaseModel):
    """What is to be different in a stored run; what is absent stays as it was. `params` replace
    single parameters of the strategy. `first` lets only so many candidates stand, in the order in
    which they came in. `series` names stored scores of another verifier that shall steer the
    search."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    selector: str | None = None
    selector_params: dict[str, JsonValue] | None = None
    aggregation: Aggregation | None = None
    params: dict[str, JsonValue] = Field(default_factory=dict)
    first: int | None = Field(None, ge=1)
    series: str | None = None


class WhatIf(Reselection):
    """What would have been chosen. `params` and `selector` are the rule's; `strategy_params` are
    those of the search, as they would have been.

    The answer is exact for `rounds` steps of the search; the stored run took `own_rounds`. `whole`
    says that these are all; else `stopped` says in one sentence what was missing then, and
    `stopped_at` names the node that was to be continued, where it was that.
    """

    strategy_params: dict[str, JsonValue]
    first: int | None
    series: str | None
    rounds: int
    own_rounds: int
    whole: bool
    stopped: str
    stopped_at: int | None


class WhatIfAsks(BaseModel):
    """Several questions about one stored run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asks: Annotated[list[WhatIfAsk], Field(max_length=64)]


class Tried(Answer):
    """A question with its answer, or in one sentence why there is none."""

    ask: WhatIfAsk
    found: WhatIf | None
    refused: str


class TriedList(Answer):
    tried: list[Tried]


class ScoreAsk(BaseModel):
    """Another verifier for the nodes of a stored run, by its name in the catalogue. `engine` and
    `model` say where a reward model is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verifier: str
    engine: str = "torch"
    model: str | None = None
    aggregation: Aggregation = "last"


class Scoring(Answer):
    """A series of scores that is being made, or failed."""

    series: str
    done: int
    total: int
    failed: str


class SeriesList(Answer):
    """The series of a run with their numbers of scores: `run` is what the search went by, the
    others came later."""

    series: dict[str, int]
    under_way: list[Scoring]


class ScorePair(Answer):
    """What two series say of a step, the `step`-th of its path, which ends in `node`; `text` is how
    the step begins."""

    node: int
    step: int
    one: float
    other: float
    text: str


class CurveBin(Answer):
    """The steps with a score in (low, high]; means are None in an empty bin."""

    low: float
    high: float
    steps: int
    mean: float | None
    other_mean: float | None


class DepthRank(Answer):
    """How well the first series ranks the steps of one depth: only those with nothing but good
    steps before them count."""

    step: int
    steps: int
    good: int
    auroc: float | None


class Lens(Answer):
    """Two series of the same steps; see `backend.review.lens`. Disagreements with the widest gap
    first."""

    run_id: int
    one: str
    other: str
    pairs: int
    disagreements: list[ScorePair]
    curve: list[CurveBin]
    ece: float | None
    brier: float | None
    depths: list[DepthRank]
    auroc: float | None
