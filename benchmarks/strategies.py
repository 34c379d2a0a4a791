"""Every strategy at equal budgets on the classroom pair: accuracy, tokens, verifier calls and
rounds, with intervals.

Thirty-two problems a cell (`strategies_plan`), every registered strategy at about 4, 16 and 64
solutions' worth of generated tokens; best-of-N and its votes are computed from one pool of 64
solutions a problem. Finished runs are kept under `var/benchmarks/strategies/`, one file for each
pair of models and verifier. A run that is there is not made again, so a benchmark that was stopped,
by hand or by `--minutes`, goes on where it was. The report comes from the files alone.

    python -m benchmarks.strategies --minutes 60
    python -m benchmarks.strategies --verifier exact --strategies particle_filter beam_search a_star
    python -m benchmarks.strategies --report
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backend import problems
from backend.core.errors import ArboretumError, MissingCapability, VerifierFailure
from backend.core.keys import digest
from backend.core.ports import Engine, EngineInfo, RewardModel
from backend.core.records import MemorySink, NullSink
from backend.core.registry import STRATEGIES
from backend.core.settings import ROOT
from backend.core.types import JSON
from backend.engines.models import Models, ModelSettings
from backend.judging.verifiers import AGGREGATIONS
from backend.problems import Problem
from backend.runs.control import Control
from backend.runs.driver import Outcome, manifest, run
from benchmarks.strategies_log import Finished, Log, Sample
from benchmarks.strategies_plan import (
    BUDGETS,
    CELLS,
    CHAIN,
    FIRST_SEED,
    POOL,
    VERIFIERS,
    Plan,
    Task,
    searching,
)
from benchmarks.strategies_report import markdown

FOLDER = ROOT / "var" / "benchmarks" / "strategies"
AT_ONCE = 8
TOLD_EVERY_S = 30.0


@dataclass
class Bench:
    """Makes the runs of a plan that its log does not hold, several at once, and starts none after
    `deadline` (of `time.monotonic`)."""

    plan: Plan
    engine: Engine
    reward: RewardModel | None
    log: Log
    at_once: int = AT_ONCE
    deadline: float = float("inf")
    tell: Callable[[str], None] = print

    async def carry_out(self) -> None:
        """The chains first, which say what a solution costs; then, if time is left, the
        searches.
        """
        self.log.set_up(
            made_with(
                self.plan, self.engine.info, None if self.reward is None else self.reward.info
            )
        )
        await self._all(self.plan.chain_tasks())
        units = self.units()
        if units is not None:
            await self._all(self.plan.search_tasks(units))

    def units(self) -> dict[str, float] | None:
        """The mean tokens of one solution by cell, or None while they are not all measured."""
        tasks = list(self.plan.unit_tasks())
        if any(task.key not in self.log.runs for task in tasks):
            return None
        spent = {
            cell: [
                self.log.runs[task.key].ledger["generated_tokens"]
                for task in tasks
                if task.cell == cell
            ]
            for cell in self.plan.cells
        }
        return {cell: sum(tokens) / len(tokens) for cell, tokens in spent.items()}

    async def _all(self, tasks: Iterable[Task]) -> None:
        due = [task for task in tasks if task.key not in self.log.runs]
        waiting, left, started, tokens, told = (
            iter(due),
            len(due),
            time.monotonic(),
            0.0,
            time.monotonic(),
        )

        async def work() -> None:
            nonlocal left, tokens, told
            while time.monotonic() < self.deadline and (task := next(waiting, None)) is not None:
                finished = await self._finished(task)
                self.log.add(finished)
                left, tokens = left - 1, tokens + finished.ledger.get("generated_tokens", 0.0)
                if time.monotonic() - told > TOLD_EVERY_S or not left:
                    told = time.monotonic()
                    self.tell(
                        f"{len(due) - left:,} of {len(due):,} runs, "
                        f"{tokens / (told - started):,.0f} tokens/s with {self.at_once} at once"
                    )

        async with asyncio.TaskGroup() as group:
            for _ in range(self.at_once):
                group.create_task(work())

    async def _finished(self, task: Task) -> Finished:
        """Carry out one run. What the verifier or the engine cannot do is how it ended; an engine
        that breaks ends the benchmark."""
        problem, sink = (
            problems.problem(str(task.spec.problem)),
            MemorySink() if task.spec.strategy == POOL else NullSink(),
        )
        try:
            outcome = await run(
                task.spec,
                problem=problem,
                engine=self.engine,
                reward=self.reward,
                sink=sink,
                control=Control(),
                grade=problems.grade,
            )
        except (VerifierFailure, MissingCapability) as error:
            return started(task).model_copy(update={"failure": str(error)})
        except Exception as error:
            error.add_note(f"in the run {task.spec.model_dump_json(exclude_defaults=True)}")
            raise
        return finished(
            task, outcome, samples(sink, problem) if isinstance(sink, MemorySink) else ()
        )


def finished(task: Task, outcome: Outcome, samples: tuple[Sample, ...] = ()) -> Finished:
    """The line of a run that came to its end."""
    return started(task).model_copy(
        update={
            "answer": outcome.answer,
            "correct": outcome.correct,
            "limit": outcome.limit,
            "ledger": outcome.ledger,
            "samples": samples,
        }
    )


def started(task: Task) -> Finished:
    """What is known of a run before it has begun."""
    spec = task.spec
    return Finished(
        key=task.key,
        cell=task.cell,
        problem=str(spec.problem),
        strategy=spec.strategy,
        solutions=task.solutions,
        unit=task.unit,
        seed=spec.seed,
        params=spec.params,
    )


def samples(sink: MemorySink, problem: Problem) -> tuple[Sample, ...]:
    """The solutions of a pool, in an order that every rerun shares; one that was cut off gives no
    answer."""
    scores = {event.node_id: event.value for event in sink.events if event.kind == "score"}
    found = []
    for node in sorted(
        (node for node in sink.nodes if node.parent_id is not None), key=lambda node: node.key
    ):
        answer = problems.extract_answer(node.text) if node.done else None
        found.append(
            Sample(
                answer,
                problems.grade(problem, answer).correct is True,
                scores.get(node.id),
                len(node.token_ids),
            )
        )
    return tuple(found)


def made_with(plan: Plan, engine: EngineInfo, reward: EngineInfo | None) -> dict[str, JSON]:
    """Models with hashes, versions and settings: the manifest of the plan's runs without what
    differs from run to run."""
    spec = next(plan.chain_tasks()).spec
    told = {name: value for name, value in manifest(spec, engine, reward).items() if name != "spec"}
    sampling: JSON = spec.sampling.model_dump(mode="json")
    return {
        **told,
        "verifier": plan.verifier,
        "aggregation": plan.aggregation,
        "sampling": sampling,
        "code": code_version(),
    }


def code_version() -> str:
    """The commit, marked where files differ from it; `unknown` outside a checkout."""
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return told.stdout.strip()


def file_of(plan: Plan, engine: EngineInfo, reward: EngineInfo | None) -> str:
    """One file a verifier and pair of models: what other models made is not taken for a finished
    run."""
    hashes = [
        (info.engine, info.model, *sorted(info.hashes.items()))
        for info in (engine, reward)
        if info is not None
    ]
    return f"{plan.verifier}-{plan.aggregation}-{digest(*hashes)[:8]}.jsonl"


async def session(
    plan: Plan,
    folder: Path,
    models: Models,
    *,
    at_once: int = AT_ONCE,
    minutes: float = float("inf"),
) -> Log:
    """Go on with the plan for some minutes; runs that are under way then are finished. Returns the
    log."""
    verifier, model = VERIFIERS[plan.verifier]
    engine = await models.policy(plan.engine)
    reward = await models.reward(plan.engine, model) if verifier == "prm" else None
    log = Log(folder / file_of(plan, engine.info, None if reward is None else reward.info))
    await Bench(plan, engine, reward, log, at_once, time.monotonic() + 60.0 * minutes).carry_out()
    return log


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--report", action="store_true", help="print the tables of what is finished, run nothing"
    )
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="start no run after this time"
    )
    parser.add_argument(
        "--at-once", type=int, default=AT_ONCE, help="runs under way at the same time"
    )
    parser.add_argument("--cells", nargs="+", default=CELLS, help="SET/LEVEL")
    parser.add_argument("--problems", type=int, default=Plan.problems, help="problems a cell")
    parser.add_argument(
        "--budgets",
        type=int,
        nargs="+",
        default=BUDGETS,
        help="in solutions' worth of generated tokens",
    )
    parser.add_argument(
        "--strategies", nargs="+", help="names of the catalogue; all that are registered by default"
    )
    parser.add_argument(
        "--repeats",
        type=int,
        default=Plan.repeats,
        help="runs of each strategy on each problem, with other seeds",
    )
    parser.add_argument("--verifier", choices=VERIFIERS, default=Plan.verifier)
    parser.add_argument("--aggregation", choices=AGGREGATIONS, default=Plan.aggregation)
    parser.add_argument("--engine", choices=("torch", "scripted"), default=Plan.engine)
    parser.add_argument("--device", default="cpu", help="of the torch engine")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where finished runs are kept")
    return parser.parse_args(arguments)


def plan_of(given: argparse.Namespace) -> Plan:
    """The plan of the options. Raises `BadInput` or `ProblemError` for a strategy or a cell that
    does not exist."""
    names = (
        searching()
        if given.strategies is None
        else tuple(STRATEGIES[name].name for name in given.strategies)
    )
    plan = Plan(
        tuple(given.cells),
        given.problems,
        tuple(sorted(given.budgets)),
        tuple(name for name in names if name not in (CHAIN, POOL)),
        repeats=given.repeats,
        engine=given.engine,
        verifier=given.verifier,
        aggregation=given.aggregation,
    )
    for cell in plan.cells:
        problems.problem(f"{cell}/{FIRST_SEED}")
    return plan


async def carried_out(plan: Plan, given: argparse.Namespace) -> None:
    models = Models(ModelSettings(device=given.device))
    try:
        await session(plan, given.folder, models, at_once=given.at_once, minutes=given.minutes)
    finally:
        await models.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, unless only the report is asked for; print the tables of all files."""
    given = options(arguments)
    try:
        plan = plan_of(given)
    except ArboretumError as error:
        raise SystemExit(str(error)) from None
    if not given.report:
        try:
            asyncio.run(carried_out(plan, given))
        except KeyboardInterrupt:
            print("Stopped. The same command goes on from here.\n")
    for path in sorted(given.folder.glob("*.jsonl")):
        print(markdown(Log(path)))


if __name__ == "__main__":
    main()
