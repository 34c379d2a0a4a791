"""The one reader of a stored run: what was asked for, its nodes, its log, and what was chosen.

Why, what-if, another final rule, annotations, forks and exports read a run through `StoredRun` and
take no row apart themselves. What is needed is read once, at the first question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, Protocol

from pydantic import ValidationError

from backend.core.errors import BadInput
from backend.core.events import AnswerChanged, Body, LimitReached, ScoreGiven, StepEnded
from backend.core.limits import Limit
from backend.core.ports import Aggregation, EngineInfo
from backend.core.records import EventRecord
from backend.core.registry import STRATEGIES
from backend.core.spec import FIRST, RunSpec, Versions, stored_splitting
from backend.core.splitting import Splitting
from backend.core.types import JSON, Finish, Kind, Node
from backend.judging.aggregation import aggregate
from backend.judging.rules import SELECTORS, Rule
from backend.problems.base import Problem
from backend.problems.extraction import Reader, extract, reader_of
from backend.review.manifest import info_of
from backend.runs.answer import Ranked
from backend.runs.paid import verdicts_in


class StoredNode(Protocol):
    """What is needed of a node: `backend.core.records.NodeRecord` has it, and so has a row of the
    store."""

    @property
    def id(self) -> int: ...
    @property
    def parent_id(self) -> int | None: ...
    @property
    def depth(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def token_ids(self) -> tuple[int, ...]: ...
    @property
    def logprobs(self) -> tuple[float, ...] | None: ...
    @property
    def finish(self) -> str | None: ...
    @property
    def done(self) -> bool: ...
    @property
    def key(self) -> str: ...
    @property
    def seq(self) -> int: ...


class ChosenAnswer(NamedTuple):
    """A chosen node by its id, the answer written there, and whether it is right (None:
    undecided).
    """

    node: int | None
    answer: str | None
    correct: bool | None


class Trace:
    """The stored nodes as nodes again, by their ids, and what the `events` say of them. `scorer`
    names the verifier of the run, `read` finds answers as the run does; `seqs` are the events that
    announced the nodes."""

    def __init__(
        self,
        nodes: Sequence[StoredNode],
        events: Sequence[EventRecord],
        scorer: str,
        read: Reader = extract,
    ) -> None:
        self.read = read
        self.nodes: list[Node] = []
        self.seqs = [row.seq for row in nodes]
        for row in nodes:
            parent = None if row.parent_id is None else self.nodes[row.parent_id]
            finish = None if row.finish is None else Finish(row.finish)
            self.nodes.append(
                Node(
                    row.text,
                    row.token_ids,
                    row.logprobs,
                    parent,
                    row.depth,
                    row.done,
                    finish,
                    row.role,
                    Kind(row.kind),
                    row.key,
                )
            )
        self.ids = {node: place for place, node in enumerate(self.nodes)}
        self.events = events
        self.scores = {
            given.node: given
            for event in events
            if isinstance(given := event.body, ScoreGiven) and given.scorer == scorer
        }

    def lists(self) -> list[list[Ranked]]:
        """Every list of candidates that the steps of the run named, each as it was in the end."""
        found: list[list[Ranked]] = []
        for event in self.events:
            if isinstance(step := event.body, StepEnded):
                if not step.known or not found:
                    found.append([])
                found[-1] += [
                    Ranked(self.nodes[node], value)
                    for node, value in zip(step.nodes, step.values, strict=True)
                ]
        return found

    def list_unreported(self) -> list[Ranked]:
        """Return, for a run that a budget ended, all finished texts of its policy that no step had
        reported, with their scores."""
        if not any(isinstance(event.body, LimitReached) for event in self.events):
            return []
        ended = [
            node
            for node in self.nodes
            if node.finish is Finish.END and node.role == "policy" and node.kind is Kind.STEP
        ]
        return [Ranked(node, self.score(node)) for node in ended]

    def score(self, node: Node, aggregation: Aggregation | None = None) -> float | None:
        """The verifier's score of the path, or its scores of steps aggregated in another way where
        it gave any."""
        given = self.scores.get(self.ids[node])
        if given is None:
            return None
        return (
            aggregate(given.steps, aggregation)
            if aggregation is not None and given.steps and given.value is not None
            else given.value
        )


def own_choice(events: Sequence[EventRecord]) -> ChosenAnswer | None:
    """What the run itself chose last."""
    changes = [event.body for event in events if isinstance(event.body, AnswerChanged)]
    if not changes:
        return None
    last = changes[-1]
    return ChosenAnswer(last.node, last.answer, last.correct)


class StoredRow(Protocol):
    """What is needed of the row of a run; the store's own row has it."""

    @property
    def id(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def strategy(self) -> str: ...
    @property
    def problem(self) -> Mapping[str, JSON] | None: ...
    @property
    def spec(self) -> Mapping[str, JSON]: ...
    @property
    def manifest(self) -> Mapping[str, JSON]: ...
    @property
    def answer(self) -> str | None: ...
    @property
    def correct(self) -> bool | None: ...
    @property
    def chosen_node(self) -> int | None: ...
    @property
    def limit(self) -> Limit | None: ...


class StoredScore(Protocol):
    """A score of a node in a series."""

    @property
    def node_id(self) -> int: ...
    @property
    def value(self) -> float | None: ...
    @property
    def steps(self) -> tuple[float, ...]: ...
    @property
    def reason(self) -> str | None: ...


class ScorerScore(StoredScore, Protocol):
    """A score that the log holds, with the verifier that gave it."""

    @property
    def scorer(self) -> str: ...


class RunSource(Protocol):
    """Where the nodes, the log and the scores of a run are read from: the store."""

    def read_paid_nodes(self, run_id: int) -> Sequence[StoredNode]: ...
    def events(
        self, run_id: int, *, limit: int | None, of: Sequence[type[Body]] | None = None
    ) -> Sequence[EventRecord]: ...
    def scores(self, run_id: int) -> Sequence[ScorerScore]: ...
    def series(self, run_id: int) -> Mapping[str, int]: ...
    def series_scores(self, run_id: int, name: str) -> Sequence[StoredScore]: ...


OWN_SERIES = "run"
"""The name of the series of scores that the run itself went by."""


class StoredRun:
    """A run that is stored, whether it is over or not. Blocks for reading at the first question."""

    def __init__(self, row: StoredRow, source: RunSource) -> None:
        self.row, self._source = row, source

    @property
    def id(self) -> int:
        return self.row.id

    @cached_property
    def spec(self) -> RunSpec:
        """What was asked for. Raises `BadInput` for a run that this version could not carry out,
        such as an imported one."""
        try:
            return RunSpec.model_validate(self.row.spec)
        except ValidationError as error:
            raise BadInput(
                "run",
                given=self.id,
                accepted=f"one whose settings this version knows ({str(error).splitlines()[0]})",
            ) from None

    @cached_property
    def versions(self) -> Versions:
        """By which version its texts are read."""
        try:
            return Versions.model_validate(self.row.spec.get("versions") or FIRST)
        except ValidationError as error:
            raise BadInput(
                "versions of the run",
                given=self.row.spec.get("versions"),
                accepted=f"those that this version knows ({str(error).splitlines()[0]})",
            ) from None

    @cached_property
    def problem(self) -> Problem:
        """The problem as the run saw it."""
        return problem_of(self.row.problem)

    @property
    def question(self) -> str:
        """What was asked: in the user's own words, else by the problem."""
        return str(self.row.spec.get("question") or self.problem.question)

    @property
    def verifier(self) -> str:
        """The name of the verifier that the run went by; empty where none is named."""
        return str(self.row.spec.get("verifier", ""))

    @property
    def system(self) -> str | None:
        """The system prompt, where one was set."""
        text = self.row.spec.get("system")
        return text if isinstance(text, str) else None

    @cached_property
    def engine(self) -> EngineInfo:
        """The model that wrote, as the manifest describes it."""
        return info_of(self.row.manifest.get("engine"))

    @cached_property
    def reward(self) -> EngineInfo:
        """The reward model, as the manifest describes it."""
        return info_of(self.row.manifest.get("reward"))

    @cached_property
    def splitting(self) -> Splitting:
        """Where its steps end."""
        prompt = self.trace.nodes[0].text if self.trace.nodes else ""
        try:
            return stored_splitting(self.row.spec, self.engine.delimiter, prompt)
        except ValidationError as error:
            raise BadInput(
                "splitting of the run",
                given=self.row.spec.get("splitting"),
                accepted=f"one that this version knows ({str(error).splitlines()[0]})",
            ) from None

    @property
    def rule_name(self) -> str:
        """The final rule of the run: the one that it names, or else its strategy's; empty where
        neither is known."""
        named = self.row.spec.get("selector")
        if named:
            return str(named)
        known = self.row.strategy in STRATEGIES
        return STRATEGIES[self.row.strategy].card.selector if known else ""

    @cached_property
    def rule(self) -> Rule:
        """The final rule with its parameters; `best` where this version does not know it."""
        if self.rule_name not in SELECTORS:
            return SELECTORS["best"]
        params = self.row.spec.get("selector_params")
        return SELECTORS[self.rule_name].with_params(params if isinstance(params, dict) else {})

    @cached_property
    def events(self) -> Sequence[EventRecord]:
        """The whole log, in order."""
        return self._source.events(self.id, limit=None)

    @cached_property
    def trace(self) -> Trace:
        """The nodes as nodes again, with what the log says of them."""
        return Trace(
            self._source.read_paid_nodes(self.id),
            self.events,
            self.verifier,
            reader_of(self.versions.reader),
        )

    @cached_property
    def verdicts(self) -> Mapping[tuple[str, str], bool | None]:
        """What the run found out about pairs of answers: equal or not, None where undecided."""
        return verdicts_in(self.events)

    @cached_property
    def limit(self) -> Limit | None:
        """The budget that ended the run, if one did: by its row, else by its log, where the end
        could not be written down any more."""
        if self.row.limit is not None:
            return self.row.limit
        told = self._events_of(LimitReached)
        last = told[-1].body if told else None
        return Limit(last.axis, last.limit) if isinstance(last, LimitReached) else None

    @cached_property
    def own(self) -> ChosenAnswer | None:
        """What the run itself chose last: by its log, else by its row."""
        chosen = own_choice(self._changes)
        if chosen is not None or self.row.chosen_node is None:
            return chosen
        return ChosenAnswer(self.row.chosen_node, self.row.answer, self.row.correct)

    @cached_property
    def grade_reason(self) -> str | None:
        """Why the answer counts as right or wrong: the last change of the answer says so."""
        last = self._changes[-1].body if self._changes else None
        return last.reason if isinstance(last, AnswerChanged) else None

    @cached_property
    def _changes(self) -> Sequence[EventRecord]:
        return self._events_of(AnswerChanged)

    def _events_of(self, kind: type[Body]) -> Sequence[EventRecord]:
        return self._source.events(self.id, limit=None, of=[kind])

    @property
    def series_names(self) -> tuple[str, ...]:
        """The series of scores that there are, the run's own first."""
        return (OWN_SERIES, *self._source.series(self.id))

    def series(self, name: str = OWN_SERIES) -> Mapping[int, StoredScore]:
        """A series of scores by node. Raises `BadInput` that names those there are."""
        if name == OWN_SERIES:
            return {
                score.node_id: score
                for score in self._source.scores(self.id)
                if score.scorer == self.verifier
            }
        if name not in self.series_names:
            raise BadInput("series", given=name, accepted=", ".join(self.series_names))
        return {score.node_id: score for score in self._source.series_scores(self.id, name)}


def problem_of(stored: Mapping[str, JSON] | None) -> Problem:
    """Return a problem of the store as a typed `Problem`."""
    stored = stored or {}
    meta, level, seed, answer = (stored.get(name) for name in ("meta", "level", "seed", "answer"))
    return Problem(
        id=str(stored.get("id") or ""),
        set=str(stored.get("set") or stored.get("dataset") or "own"),
        level=level if isinstance(level, int) else None,
        seed=seed if isinstance(seed, int) else None,
        question=str(stored.get("question") or ""),
        answer=answer if isinstance(answer, str) else None,
        meta=meta if isinstance(meta, dict) else {},
    )
