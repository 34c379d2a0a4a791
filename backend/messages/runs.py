"""What travels over HTTP: the one description of requests and answers, shared by the service and
its typed client.

Everything is a frozen pydantic model. `RunSpec` (backend.core.spec) is the body of `POST
/api/runs`, `Preferences` (backend.core.settings) that of `PUT /api/settings`.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, computed_field

from backend.core.event_columns import Columns, read_columns
from backend.core.events import EventBody
from backend.core.grades import GradeState, grade_state, was_judged
from backend.core.ports import Aggregation
from backend.core.records import EventRecord
from backend.core.settings import Preferences
from backend.core.spec import RunSpec

Status = Literal[
    "queued", "loading", "running", "paused", "finished", "failed", "cancelled", "crashed"
]
OVER: tuple[Status, ...] = ("finished", "failed", "cancelled", "crashed")
"""States in which nothing more happens until somebody resumes the run."""


class Answer(BaseModel):
    """Base of every answer. Its validator is made at the first use: a command uses few of them."""

    model_config = ConfigDict(frozen=True, protected_namespaces=(), defer_build=True)


class ErrorBody(Answer):
    """Every refusal has this shape: what is wrong, what was given, what is accepted, and where
    there is one, a remedy."""

    error: str
    given: JsonValue = None
    accepted: str = ""
    remedy: str = ""


class RunCounts(Answer):
    queued: int
    running: int


class ModelState(Answer):
    """A model in memory, or on its way. `memory_bytes` is 0 where unknown."""

    engine: str
    model: str
    kind: str = Field(description="policy or reward")
    state: str = Field(description="unloaded, loading, ready or failed")
    seconds_loading: float = 0.0
    memory_bytes: int = 0
    reason: str = ""


class Health(Answer):
    """Answered without touching store or models."""

    status: Literal["ok", "closing"]
    version: str
    uptime_s: float
    runs: RunCounts
    engines: list[ModelState]


class CodeLine(Answer):
    """A line of pseudo-code with the phases of a step that carry it out, and the kinds of event
    that tell of it."""

    phases: list[str]
    text: str
    kinds: list[str] = Field(default_factory=list)


class StrategyInfo(Answer):
    """A strategy as the form needs it: `params_schema` is a JSON schema with published defaults,
    bounds and help texts. `idea` explains it at more length than `summary`; `sources` says what is
    taken from where, `departures` where it leaves the paper and why, `avoided` which published
    defects were not copied: one sentence each. `formulas` are those that its decisions go by
    (names of `Catalog.formulas`), each with its published constant where a parameter may leave that
    open."""

    name: str
    title: str
    summary: str
    idea: str = ""
    paper: str
    year: int | None
    params_schema: dict[str, JsonValue]
    selector: str
    needs_verifier: bool
    needs: list[str]
    sources: list[str]
    departures: list[str]
    avoided: list[str]
    views: list[str]
    roles: list[str]
    phases: dict[str, str]
    pseudocode: list[CodeLine] = Field(default_factory=list)
    formulas: dict[str, float | None] = Field(default_factory=dict)
    available: bool = True
    reason: str = ""


class FormulaInput(Answer):
    """An input of a formula: `symbol` is LaTeX, `unit` empty for a pure number, `low` and `high`
    are None where nothing bounds it. `each`: one value an element; `whole`: a whole number."""

    name: str
    symbol: str
    meaning: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    each: bool = False
    whole: bool = False


class FormulaInfo(Answer):
    """A formula that strategies name: `latex` is written with the symbols of its inputs. `vector`:
    it gives one value an element, and `latex` is that of element i."""

    name: str
    title: str
    summary: str
    latex: str
    inputs: list[FormulaInput]
    vector: bool = False


class JudgeInfo(Answer):
    """What a selector and a verifier tell alike. `formula` says in words what it computes;
    `sources`, `departures` and `avoided` are as those of a strategy."""

    name: str
    title: str
    paper: str = ""
    idea: str = ""
    formula: str = ""
    sources: list[str] = Field(default_factory=list)
    departures: list[str] = Field(default_factory=list)
    avoided: list[str] = Field(default_factory=list)


class SelectorInfo(JudgeInfo):
    """A final rule as the form needs it; `params_schema` is a JSON schema, `needs` names engine
    capabilities."""

    summary: str = ""
    params_schema: dict[str, JsonValue] = Field(default_factory=dict)
    needs: list[str] = Field(default_factory=list)


class VerifierInfo(JudgeInfo):
    """A verifier as the form needs it. `needs` names `reward_model`, `known_answer` and engine
    capabilities, `params_schema` is a JSON schema; `reason` says why it is not available."""

    summary: str = ""
    params_schema: dict[str, JsonValue] = Field(default_factory=dict)
    needs: list[str]
    available: bool
    reason: str


class EngineChoice(Answer):
    """An engine that a run can name, with the state of its default model."""

    name: str
    title: str
    available: bool
    reason: str
    models: list[str]
    reward_models: list[str] = Field(default_factory=list)
    state: str
    seconds_loading: float


class ProblemSetInfo(Answer):
    """A problem set. `levels` is empty where problems have no levels; `size` is None where it is
    endless."""

    name: str
    title: str
    levels: list[int]
    size: int | None = None


class LabellerInfo(Answer):
    """What judges the steps of a stored run; `needs` names what the problem must have."""

    name: str
    title: str
    summary: str
    needs: list[str]


class Axis(Answer):
    name: str
    title: str


class Catalog(Answer):
    """Everything that a run can name."""

    strategies: list[StrategyInfo]
    selectors: list[SelectorInfo]
    verifiers: list[VerifierInfo]
    engines: list[EngineChoice]
    problem_sets: list[ProblemSetInfo]
    budget_axes: list[Axis]
    formulas: list[FormulaInfo] = Field(default_factory=list)
    labellers: list[LabellerInfo] = Field(default_factory=list)


class Problem(Answer):
    id: str
    set: str
    level: int | None
    seed: int | None
    question: str
    answer: str | None
    meta: dict[str, JsonValue] = Field(default_factory=dict)


class Submitted(Answer):
    run_id: int


class Taken(Answer):
    """What an import made: its format, its runs in the order of the file, and what is to be said of
    it, such as names that were not read."""

    format: str
    run_ids: list[int]
    remarks: list[str] = Field(default_factory=list)


class Estimate(Answer):
    """About what a run will cost; `sentence` says it in words."""

    tokens: int
    calls: int
    verifier_calls: int
    rounds: int
    seconds: float
    sentence: str


class SpentLimit(Answer):
    """A budget that is spent: `value` of `axis` was all there was, in the unit of the axis."""

    axis: str
    value: float


class Run(Answer):
    """A run as it stands. `spec` is what was asked for; `correct` None means undecided or not
    graded, and `grade` says which; `limit` is the budget that ended it, which `reason` says in
    words as well."""

    id: int
    status: Status
    spec: dict[str, JsonValue]
    strategy: str
    params: dict[str, JsonValue]
    problem: Problem | None
    question: str
    engine: str
    model: str | None
    verifier: str
    verifier_model: str | None
    aggregation: str
    selector: str | None
    seed: int
    budget: dict[str, float]
    sampling: dict[str, JsonValue]
    answer: str | None
    right_answer: str | None
    correct: bool | None
    grade_reason: str | None
    chosen_node: int | None
    reason: str | None
    limit: SpentLimit | None = None
    error: str | None
    remedy: str | None
    ledger: dict[str, int | float]
    manifest: dict[str, JsonValue]
    nodes: int
    events: int
    origin: str
    created_at: str
    finished_at: str | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def grade(self) -> GradeState:
        """What is known of the answer's being right."""
        return grade_state(
            self.correct,
            known=self.right_answer is not None,
            answered=self.answer is not None or self.chosen_node is not None,
            asked=was_judged(self.manifest),
        )

    def again(self) -> RunSpec:
        """What to ask for to have this run again: problem or question, every setting, and the seed.
        Texts are read by the newest versions.

        Raises `ValueError` where the run was made by a version whose settings are not accepted any
        more.
        """
        return RunSpec.model_validate(
            {name: value for name, value in self.spec.items() if name != "versions"}
        )


class Choice(Answer):
    """A chosen node, the answer written there, and whether it is right (None: undecided)."""

    node: int | None
    answer: str | None
    correct: bool | None


class Reselection(Answer):
    """What another final rule would have chosen from a stored run, beside what the run chose by its
    own.

    `leaders` are all nodes that tie with the choice, one a class of answers for a vote, the choice
    first; `credit` is the expected correctness where ties are broken at random. `confidence` is the
    rule's own measure in [0, 1], `facts` what else it found. `undecided` are pairs of answers that
    could not be compared. `aggregation` None means the values that the run itself ranked by.
    """

    run_id: int
    selector: str
    params: dict[str, JsonValue]
    aggregation: Aggregation | None
    chosen: Choice | None
    leaders: list[int]
    credit: float | None
    confidence: float | None
    facts: dict[str, JsonValue]
    candidates: int
    undecided: list[tuple[str, str]]
    own_selector: str
    own: Choice | None


class RunPage(Answer):
    runs: list[Run]
    total: int


class Node(Answer):
    """A node without its tokens. `id` is dense from 0 (the prompt) in order of creation; `seq` is
    the event that announced it."""

    id: int
    parent_id: int | None
    depth: int
    kind: str
    role: str
    text: str
    finish: str | None
    done: bool
    mean_logprob: float | None
    n_tokens: int
    seq: int


class NodePage(Answer):
    nodes: list[Node]


class Option(Answer):
    """A likely token at a position; `logprob` in nats."""

    token_id: int
    text: str
    logprob: float


class NodeDetail(Node):
    """A node with everything known of it. `path` are the ids from the root to it. `tokens` are the
    texts of `token_ids`, special tokens visible, and empty where the model is not at hand.
    `prompt_text` is exactly what the model was given before it wrote this node."""

    key: str
    token_ids: list[int]
    tokens: list[str]
    logprobs: list[float] | None
    alternatives: list[list[Option]]
    path: list[int]
    prompt_text: str
    sampling: dict[str, JsonValue]


class Event(Answer):
    """An entry of the append-only log; `t_ms` counts from the start of the run. `node` comes with
    events of kind `node`."""

    seq: int
    t_ms: float
    kind: str
    node_id: int | None = None
    track: str = ""
    round: int = 0
    phase: str = ""
    label: str = ""
    value: float | None = None
    data: dict[str, JsonValue] | None = None
    node: Node | None = None

    @cached_property
    def body(self) -> EventBody:
        """What happened, read from the other fields; see `backend.core.events`."""
        return read_columns(Columns(self.kind, self.node_id, self.label, self.value, self.data))

    def record(self) -> EventRecord:
        """The event as the rest of the program reads it."""
        return EventRecord(self.seq, self.t_ms, self.round, self.track, self.phase, self.body)


class EventPage(Answer):
    """Events after the one asked for. `last_seq` is the last of this page (or what was asked for,
    if it is empty)."""

    events: list[Event]
    last_seq: int
    status: Status


class StoreInfo(Answer):
    bytes: int
    runs: int


class Prune(BaseModel):
    """Delete runs that are older than this many days."""

    days: Annotated[float, Field(gt=0.0, le=36_500.0)]


class PrunedRuns(Answer):
    deleted: int


class ModelChoice(BaseModel):
    """A model to load or unload; `model` None means the engine's default."""

    model_config = ConfigDict(extra="forbid")

    engine: str
    model: str | None = None
    kind: Literal["policy", "reward"] = "policy"


class EngineStates(Answer):
    models: list[ModelState]


class ProblemSets(Answer):
    problem_sets: list[ProblemSetInfo]


class Done(Answer):
    """The request was carried out; `status` is that of the run it named."""

    status: Status


__all__ = [
    "OVER",
    "Axis",
    "Catalog",
    "Choice",
    "CodeLine",
    "Done",
    "EngineChoice",
    "EngineStates",
    "ErrorBody",
    "Estimate",
    "Event",
    "EventPage",
    "Health",
    "ModelChoice",
    "ModelState",
    "Node",
    "NodeDetail",
    "NodePage",
    "Option",
    "Preferences",
    "Problem",
    "ProblemSetInfo",
    "ProblemSets",
    "Prune",
    "PrunedRuns",
    "Reselection",
    "Run",
    "RunCounts",
    "RunPage",
    "RunSpec",
    "SelectorInfo",
    "SpentLimit",
    "Status",
    "StoreInfo",
    "StrategyInfo",
    "Submitted",
    "Taken",
    "VerifierInfo",
]
