"""Stand-ins for what jobs and the service are given: models without weights and drivers without
searches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from backend.core.errors import EngineFailure
from backend.core.events import AnswerChanged, CallEnded, NodeAdded, StatusChanged, StepEnded
from backend.core.ports import Engine, RewardModel
from backend.core.records import Sink
from backend.core.spec import RunSpec
from backend.core.steps import Step
from backend.core.types import Finish, Kind, Node
from backend.engines.entry import ENGINES
from backend.problems.base import Grade, Problem
from backend.problems.equivalence import Equivalence
from backend.problems.library import Library
from backend.runs.budget import Ledger
from backend.runs.driver import Control, GradeFunction, Outcome
from backend.runs.paid import Paid
from backend.runs.recorder import Recorder
from backend.service.jobs import Admission, Jobs
from backend.service.jobs.tap import Tap
from storage import RunWriter, Store
from tests.support.fake_engine import FakeEngine


@dataclass
class LoadedState:
    """What the real models say of a loaded model."""

    name: str
    engine: str
    model: str
    kind: str
    state: str = "ready"
    seconds_loading: float = 0.1
    memory_bytes: int = 1000
    reason: str | None = None


@dataclass
class FakeModels:
    """Hands out one fake engine. `gate`, when given, holds loading back; `failure` makes it
    fail.
    """

    engine: FakeEngine = field(default_factory=FakeEngine)
    gate: asyncio.Event | None = None
    failure: EngineFailure | None = None
    loaded: dict[tuple[str, str | None], LoadedState] = field(default_factory=dict)
    servers: dict[str, str] = field(default_factory=dict)
    allowed: tuple[str, ...] | None = None

    async def policy(self, engine: str, model: str | None) -> Engine:
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        self.loaded[("policy", model)] = LoadedState(
            model or "default", engine, model or "default", "policy"
        )
        return self.engine

    def use_servers(self, servers: Mapping[str, str], allowed: tuple[str, ...] | None) -> set[str]:
        self.servers, self.allowed = dict(servers), allowed
        return set()

    def offered(self, engine: str) -> tuple[str, ...]:
        return ENGINES[engine].models

    async def open_anew(self, engine: str, model: str) -> Engine:
        if self.failure is not None:
            raise self.failure
        return self.engine

    async def reward(self, engine: str, model: str | None) -> RewardModel:
        raise EngineFailure("the fake has no reward model", "Use another verifier")

    def available(self) -> list[tuple[str, bool, str]]:
        return [
            ("torch", True, ""),
            ("scripted", True, ""),
            ("vllm", False, "vllm is not installed"),
        ]

    def states(self) -> list[LoadedState]:
        return list(self.loaded.values())

    async def unload(self, engine: str, model: str | None, kind: str) -> None:
        self.loaded.pop((kind, model), None)

    async def close(self) -> None:
        return None


def outcome(recorder: Recorder, answer: str | None, correct: bool | None) -> Outcome:
    ledger = Ledger(model_calls=2, generated_tokens=6, rounds=1, seconds=recorder.elapsed_ms / 1000)
    reason, counts = None if answer is None else "graded", (recorder.node_count, recorder.next_seq)
    return Outcome("finished", answer, correct, reason, 1, None, ledger.snapshot(), *counts)


async def quick(
    spec: RunSpec,
    *,
    problem: Problem,
    engine: Engine,
    reward: RewardModel | None,
    sink: Sink,
    control: Control,
    grade: GradeFunction,
    paid: Paid,
) -> Outcome:
    """Writes a root and two steps, and answers 12."""
    recorder = Recorder(sink)
    root = Node(f"<{problem.question}>", (1, 2), kind=Kind.PROMPT)
    child = Node(
        "7 + 5 = 12.\n\n", (3, 4, 5), (-0.1, -0.2, -0.3), root, 1, False, Finish.STEP, key="k1"
    )
    last = Node(
        "The answer is \\boxed{12}.",
        (6, 7, 0),
        (-0.1, -0.1, -0.1),
        child,
        2,
        True,
        Finish.END,
        key="k2",
    )
    for node in (root, child, last):
        recorder.node(node, lambda i: NodeAdded(i, prompt_tokens=2, cached_tokens=0))
    recorder.step(Step([last], [0.5], phase="write"), 0)
    verdict = grade(problem, "12")
    recorder.add(
        AnswerChanged(
            recorder.id_of(last), "12", verdict.correct, "12 it is", {"generated_tokens": 6}
        )
    )
    recorder.flush()
    return outcome(recorder, "12", verdict.correct)


class Growing:
    """A driver that writes one node every `pause_s` until it is stopped, and obeys pauses;
    `running` counts those under way."""

    def __init__(self, pause_s: float = 0.01, most: int = 100_000) -> None:
        self.pause_s, self.most = pause_s, most
        self.running = self.peak = self.written = 0

    async def __call__(
        self,
        spec: RunSpec,
        *,
        problem: Problem,
        engine: Engine,
        reward: RewardModel | None,
        sink: Sink,
        control: Control,
        grade: GradeFunction,
        paid: Paid,
    ) -> Outcome:
        recorder = Recorder(sink, skip=paid.next_seq, elapsed_ms=paid.elapsed_ms)
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            node = Node("<q>", (1,), kind=Kind.PROMPT)
            for number in range(self.most):
                recorder.node(node)
                recorder.add(CallEnded("policy", ledger={"generated_tokens": number + 1.0}))
                recorder.flush()
                self.written = number + 1
                await control.gate()
                await asyncio.sleep(self.pause_s)
                node = Node(
                    f"step {number}.\n\n",
                    (1,),
                    (-0.5,),
                    node,
                    number + 1,
                    False,
                    Finish.STEP,
                    key=f"k{number}",
                )
            return outcome(recorder, None, None)
        except asyncio.CancelledError:
            recorder.add(StatusChanged("cancelled"))
            recorder.flush()
            raise
        finally:
            self.running -= 1


async def greedy(
    spec: RunSpec,
    *,
    problem: Problem,
    engine: Engine,
    reward: RewardModel | None,
    sink: Sink,
    control: Control,
    grade: GradeFunction,
    paid: Paid,
) -> Outcome:
    """Never waits for anything but the gate after every round."""
    recorder = Recorder(sink)
    recorder.node(Node("<q>", (1,), kind=Kind.PROMPT))
    while True:
        await control.gate()


@dataclass
class Flooding:
    """Records a hundred events a round and waits for nothing but the gate; `most_behind` is how far
    the store was behind at worst."""

    rounds: int
    most_behind: int = 0

    async def __call__(
        self,
        spec: RunSpec,
        *,
        problem: Problem,
        engine: Engine,
        reward: RewardModel | None,
        sink: Tap,
        control: Control,
        grade: GradeFunction,
        paid: Paid,
    ) -> Outcome:
        assert isinstance(sink.sink, RunWriter)
        recorder = Recorder(sink)
        recorder.node(Node("<q>", (1,), kind=Kind.PROMPT))
        for _ in range(self.rounds):
            for _ in range(100):
                recorder.add(StepEnded(0, (0,), (None,)), phase="round")
            recorder.flush()
            self.most_behind = max(self.most_behind, sink.sink.backlog)
            await control.gate()
        return Outcome(
            "finished",
            None,
            None,
            "unfinished",
            None,
            None,
            {},
            recorder.node_count,
            recorder.next_seq,
        )


def failing(error: Exception) -> Callable[..., object]:
    """A driver that writes a node and then fails."""

    async def run(
        spec: RunSpec,
        *,
        problem: Problem,
        engine: Engine,
        reward: RewardModel | None,
        sink: Sink,
        control: Control,
        grade: GradeFunction,
        paid: Paid,
    ) -> Outcome:
        recorder = Recorder(sink)
        recorder.node(Node("<q>", (1,), kind=Kind.PROMPT))
        recorder.flush()
        raise error

    return run


def spec(**fields: object) -> RunSpec:
    """A spec of a run that the fakes can carry out."""
    given = {
        "strategy": "beam_search",
        "question": "What is 7 + 5?",
        "answer": "12",
        "engine": "scripted",
        "verifier": "exact",
        **fields,
    }
    return RunSpec.model_validate(
        {name: value for name, value in given.items() if value is not None}
    )


def grade(problem: Problem, answer: str | None) -> Grade:
    return Grade(answer == problem.answer, "compared letter by letter")


def library() -> Library:
    return Library(Equivalence(), {})


def jobs(
    store: Store,
    models: FakeModels,
    launch: object,
    *,
    runs_at_once: int = 2,
    retry_s: float = 5.0,
) -> Jobs:
    """Jobs over a real store with fakes around it."""
    admission = Admission(library().find, models.available, lambda: None)
    return Jobs(
        store,
        models,
        admission,
        grade,
        runs_at_once=runs_at_once,
        launch=launch,  # type: ignore[arg-type]
        retry_s=retry_s,
    )


def store_at(folder: Path) -> Store:
    return Store.open(folder / "test.duckdb")
