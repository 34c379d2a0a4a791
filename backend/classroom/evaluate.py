"""The evaluate stage: solutions of problems that nothing was trained on, judged by the exact
checker, scored by both reward models.

60 problems a cell (set and level) from seed 1,000,000 up, 64 samples each at the shipped
temperature. One file per cell is kept, and a cell that exists is not drawn again, so the stage
resumes. The table is computed from the files alone.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from backend import problems
from backend.classroom import folder
from backend.classroom.corpus import FIRST_EVALUATION_SEED
from backend.classroom.encoding import prompt, tag_steps
from backend.classroom.measures import JudgedSample
from backend.classroom.samples import ClassroomSolution, solve, write_lines
from backend.classroom.sampling import ClassroomSampling, SampleCache
from backend.classroom.tokenizer import DELIMITER, END_OF_TEXT
from backend.classroom.training import device
from backend.engines.torch.qwen2 import Qwen2ForCausalLM, Qwen2ForProcessRewardModel, load
from backend.problems import Problem

SETS = ("ledger", "countdown", "procedure")
LEVELS = (1, 2, 3, 4, 5)
VERIFIERS = {"prm": folder.REWARD, "prm-full": folder.FULL_REWARD}


@dataclass(frozen=True)
class Effort:
    """How much to draw: problems a cell, samples a problem, the first problem's seed,
    temperature.
    """

    problems: int = 60
    samples: int = 64
    first_seed: int = FIRST_EVALUATION_SEED
    temperature: float = folder.TEMPERATURE
    rows: int = 256


class EvaluatedVerifier:
    """A reward model that scores every step of many solutions of one problem; the question is read
    once."""

    def __init__(self, path: Path, where: str) -> None:
        loaded = load(path, torch.bfloat16, where)
        assert isinstance(loaded.model, Qwen2ForProcessRewardModel)
        self.model, self.tokenizer, self.where = loaded.model, loaded.tokenizer, where

    @torch.inference_mode()
    def score(
        self, question: str, solutions: Sequence[tuple[str, ...]], rows: int = 32
    ) -> list[tuple[float, ...]]:
        """Chance of being good for each step of each solution, in order; equal solutions are scored
        once."""
        start = len(self.tokenizer.encode(prompt(question)))
        encoded = {
            steps: tag_steps(self.tokenizer, question, steps) for steps in solutions if steps
        }
        texts = sorted(encoded, key=lambda steps: len(encoded[steps].ids))
        known: dict[tuple[str, ...], tuple[float, ...]] = {(): ()}
        for first in range(0, len(texts), rows):
            batch = [encoded[steps] for steps in texts[first : first + rows]]
            good = self.read([row.ids for row in batch], start)
            for steps, row, chances in zip(texts[first : first + rows], batch, good, strict=True):
                known[steps] = tuple(round(chances[tag - start], 5) for tag in row.tags)
        return [known[s] for s in solutions]

    def read(self, rows: Sequence[list[int]], start: int) -> list[list[float]]:
        """Chance of "good" at every position from `start` on, of rows that share everything before
        it."""
        width, padding = max(map(len, rows)), self.tokenizer.token_id(END_OF_TEXT)
        cache = SampleCache(
            self.model.model, torch.ones(1, start, dtype=torch.bool, device=self.where), width
        )
        places = torch.arange(width, device=self.where)
        seen = (places[None] <= places[:, None])[None, None]
        cache.read(
            self.model.model,
            torch.tensor([rows[0][:start]], device=self.where),
            places[None, :start],
            seen[:, :, :start, :start],
        )
        cache.select_rows(torch.zeros(len(rows), dtype=torch.long, device=self.where))
        ids = torch.tensor(
            [row[start:] + [padding] * (width - len(row)) for row in rows], device=self.where
        )
        hidden = cache.read(self.model.model, ids, places[None, start:], seen[:, :, start:])
        chances: list[list[float]] = self.model.score(hidden).float().softmax(-1)[..., 1].tolist()
        return chances


def judge(problem: Problem, solution: ClassroomSolution) -> JudgedSample:
    """Answer and steps of one solution, judged by the problem's own grader and checker."""
    text = DELIMITER.join(solution.steps)
    answer = problems.extract_answer(text)
    kinds = tuple(verdict.kind for verdict in problems.check(problem, solution.steps) or [])
    return JudgedSample(problems.grade(problem, answer).correct is True, answer, text, kinds)


def draw(
    effort: Effort,
    work: Path = folder.WORK,
    policy: Path = folder.POLICY,
    sets: Sequence[str] = SETS,
    levels: Sequence[int] = LEVELS,
) -> None:
    """One file per cell under `evaluate/`; each line is a problem's judged samples."""
    report, where = folder.StageLog(work / "evaluate.log"), device()
    loaded = load(policy, torch.bfloat16, where)
    assert isinstance(loaded.model, Qwen2ForCausalLM)
    sampling = ClassroomSampling(effort.temperature, rows=effort.rows, seed=effort.first_seed)
    for name, level in itertools.product(sets, levels):
        path = work / "evaluate" / f"{name}-{level}.jsonl"
        if path.is_file():
            continue
        chosen = [
            problems.SETS[name].problem(level, effort.first_seed + i)
            for i in range(effort.problems)
        ]
        groups = zip(
            chosen,
            solve(loaded.model, loaded.tokenizer, chosen, effort.samples, sampling),
            strict=True,
        )
        write_lines(
            path,
            (
                {"problem": p.id, "samples": [asdict(judge(p, s)) for s in group]}
                for p, group in groups
            ),
        )
        report(f"{name} {level}: {effort.problems * effort.samples} solutions")


def score(
    verifiers: Mapping[str, Path],
    work: Path = folder.WORK,
    sets: Sequence[str] = SETS,
    levels: Sequence[int] = LEVELS,
) -> None:
    """Add the step scores of each verifier to every cell that lacks them; by whole cells, so that
    it resumes."""
    report = folder.StageLog(work / "evaluate.log")
    loaded = {name: EvaluatedVerifier(path, device()) for name, path in verifiers.items()}
    for name, level in itertools.product(sets, levels):
        path = work / "evaluate" / f"{name}-{level}.jsonl"
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        if set(loaded) <= set(lines[0]["samples"][0]["scores"]):
            continue
        for line in lines:
            steps = [
                tuple(part for part in raw["text"].split(DELIMITER) if part)
                for raw in line["samples"]
            ]
            for verifier, model in loaded.items():
                scored = model.score(problems.problem(line["problem"]).question, steps)
                for raw, scores in zip(line["samples"], scored, strict=True):
                    raw["scores"][verifier] = scores
        write_lines(path, iter(lines))
        report(f"{name} {level}: scored by {', '.join(loaded)}")


Cell = list[list[JudgedSample]]


def read_cells(work: Path) -> dict[tuple[str, int], Cell]:
    """Every cell that was drawn: (set, level) to one list of samples per problem."""
    cells: dict[tuple[str, int], Cell] = {}
    for path in sorted((work / "evaluate").glob("*.jsonl")):
        name, level = path.stem.rsplit("-", 1)
        cells[name, int(level)] = [
            read_samples(line) for line in path.read_text("utf-8").splitlines()
        ]
    return cells


def read_samples(line: str) -> list[JudgedSample]:
    """One problem's samples."""
    return [
        JudgedSample(
            raw["correct"],
            raw["answer"],
            raw["text"],
            tuple(raw["kinds"]),
            {name: tuple(scores) for name, scores in raw["scores"].items()},
        )
        for raw in json.loads(line)["samples"]
    ]
