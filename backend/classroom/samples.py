"""The policy's own solutions on fresh training problems, and the exact checker's labels for their
steps.

A reward model must know the mistakes that its policy makes, so it is trained on them: several
solutions a problem at temperature 1, difficulties from the whole range. A step is labelled good if
its prefix is sound and a right answer can still be reached from it. Both stages work in chunks, one
file each, and a chunk that exists is not made again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from backend import problems
from backend.classroom import folder
from backend.classroom.corpus import variants
from backend.classroom.encoding import prompt
from backend.classroom.sampling import ClassroomSampling, SampledText, sample
from backend.classroom.tokenizer import DELIMITER, TURN_END
from backend.classroom.training import device
from backend.engines.shared.chat import ChatTokenizer
from backend.engines.torch.qwen2 import Qwen2ForCausalLM, load
from backend.problems import Problem
from backend.problems.ledger.facts import LedgerFacts
from backend.problems.ledger.write import list_needed_facts

CHUNK = 250
PROBLEMS = 4_500
COPIES = 5
FIRST_SEED, LAST_SEED = 700_000, 899_999
MIXTURE = {"ledger": 0.6, "countdown": 0.2, "procedure": 0.2}
LEVELS = (0, 0, 0, 1, 2, 3, 4, 5)


@dataclass(frozen=True)
class ClassroomSolution:
    """One written solution; `ended` is False where the token limit cut it."""

    problem_id: str
    question: str
    steps: tuple[str, ...]
    ended: bool
    author: str = "policy"


@dataclass(frozen=True)
class LabelledSample:
    """A solution with one label per step (True: good) and the checker's kind of mistake or None per
    step.

    `operations`: how many the problem needs, 0 where the set does not count them.
    """

    problem_id: str
    question: str
    steps: tuple[str, ...]
    labels: tuple[bool, ...]
    kinds: tuple[str | None, ...]
    author: str
    operations: int = 0


def steps_of(tokenizer: ChatTokenizer, sampled: SampledText) -> tuple[str, ...]:
    """The steps as text; a half-written last step is left out."""
    parts = tokenizer.decode(sampled.ids, special=True).split(DELIMITER)
    if not sampled.ended:
        parts = parts[:-1]
    return tuple(part for part in parts if part)


def solve(
    model: Qwen2ForCausalLM,
    tokenizer: ChatTokenizer,
    chosen: Sequence[Problem],
    copies: int,
    sampling: ClassroomSampling,
) -> list[list[ClassroomSolution]]:
    """`copies` solutions by the policy for each problem."""
    prompts = tokenizer.encode_all([prompt(problem.question) for problem in chosen])
    groups = sample(model, prompts, copies, tokenizer.token_id(TURN_END), sampling)
    return [
        [
            ClassroomSolution(problem.id, problem.question, steps_of(tokenizer, one), one.ended)
            for one in group
        ]
        for problem, group in zip(chosen, groups, strict=True)
    ]


def fresh_problems(chunk: int) -> list[Problem]:
    """The chunk's problems."""
    rng = random.Random(f"samples/{chunk}")
    return [fresh_problem(rng, FIRST_SEED, LAST_SEED) for _ in range(CHUNK)]


def fresh_problem(rng: random.Random, first: int, last: int) -> Problem:
    """A problem with a seed of that range: all sets, the whole range of difficulty and each
    level.
    """
    names, weights = list(MIXTURE), list(MIXTURE.values())
    return problems.SETS[rng.choices(names, weights)[0]].problem(
        rng.choice(LEVELS), rng.randint(first, last)
    )


def write_solutions(seed: int) -> Iterator[list[LabelledSample]]:
    """Endless fresh problems, each with solutions written by teachers and pupils and judged: what
    the policy's own samples are too few for."""
    rng = random.Random(f"written/{seed}")
    while True:
        problem = fresh_problem(rng, 0, FIRST_SEED - 1)
        found = variants(problems.SETS[problem.set], problem, rng)
        yield [
            label_steps(ClassroomSolution(d.problem_id, d.question, d.steps, True, d.author))
            for d in found
            if d.steps
        ]


def draw_samples(
    work: Path = folder.WORK, policy: Path = folder.POLICY, count: int = PROBLEMS
) -> None:
    """The samples stage."""
    report, where = folder.StageLog(work / "samples.log"), device()
    loaded = load(policy, torch.bfloat16, where)
    assert isinstance(loaded.model, Qwen2ForCausalLM)
    for chunk in range(count // CHUNK):
        path = work / "samples" / f"{chunk:03}.jsonl"
        if path.is_file():
            continue
        solved = solve(
            loaded.model,
            loaded.tokenizer,
            fresh_problems(chunk),
            COPIES,
            ClassroomSampling(seed=chunk),
        )
        write_lines(path, (asdict(one) for group in solved for one in group))
        report(f"chunk {chunk + 1} of {count // CHUNK}: {CHUNK * COPIES} solutions")


def judge_steps(work: Path = folder.WORK) -> None:
    """The labels stage: the policy's solutions, one label a step."""
    report = folder.StageLog(work / "labels.log")
    for chunk in sorted((work / "samples").glob("*.jsonl")):
        path = work / "labels" / chunk.name
        if not path.is_file():
            write_lines(
                path, (asdict(one) for one in map(label_steps, read_solutions(chunk)) if one.steps)
            )
            report(f"labelled {chunk.stem}")


def label_steps(solution: ClassroomSolution) -> LabelledSample:
    """The checker's verdict on each step."""
    problem = problems.problem(solution.problem_id)
    verdicts = problems.check(problem, solution.steps) or []
    return LabelledSample(
        solution.problem_id,
        solution.question,
        tuple(solution.steps),
        tuple(v.ok for v in verdicts),
        tuple(v.kind for v in verdicts),
        solution.author,
        operations(problem),
    )


def operations(problem: Problem) -> int:
    """How many calculations a ledger problem needs."""
    if problem.set != "ledger":
        return 0
    ledger = LedgerFacts.of(problem)
    return sum(fact.kind != "given" for fact in list_needed_facts(ledger)) + (len(ledger.goal) > 1)


def read_solutions(path: Path) -> Iterator[ClassroomSolution]:
    """A chunk of the samples stage."""
    for line in path.read_text("utf-8").splitlines():
        raw = json.loads(line)
        yield ClassroomSolution(**{**raw, "steps": tuple(raw["steps"])})


def read_labels(work: Path) -> Iterator[LabelledSample]:
    """Everything that the labels stage wrote."""
    for path in sorted((work / "labels").glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            raw = json.loads(line)
            yield LabelledSample(
                **{**raw, **{name: tuple(raw[name]) for name in ("steps", "labels", "kinds")}}
            )


def write_lines(path: Path, rows: Iterator[dict[str, object]]) -> None:
    """JSON lines, written beside and renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    beside.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    beside.replace(path)
