"""`python -m backend.classroom STAGE`: the classroom pair, stage by stage, each resumable and at
most an hour on two cores.

`all` runs the stages in order and skips what is done. Weights, checkpoints and logs: see
`backend.classroom.folder`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

STAGES = ("corpus", "policy", "samples", "labels", "reward", "evaluate")
POLICY_MINUTES, REWARD_MINUTES, FULL_REWARD_MINUTES = 50.0, 15.0, 8.0
ALLOCATOR = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "500000000",
}


def parser() -> argparse.ArgumentParser:
    """The stages and their few settings."""
    found = argparse.ArgumentParser(prog="classroom", description=__doc__)
    found.add_argument("stage", choices=(*STAGES, "all"))
    found.add_argument(
        "--minutes",
        type=float,
        help="wall clock of a training stage (each reward model of the reward stage)",
    )
    found.add_argument(
        "--start", type=Path, help="policy: weights to go on from, instead of fresh ones"
    )
    found.add_argument(
        "--work",
        type=Path,
        default=Path("var") / "classroom",
        help="checkpoints, samples, labels, logs",
    )
    found.add_argument("--problems", type=int, default=60, help="evaluate: problems a cell")
    found.add_argument("--samples", type=int, default=64, help="evaluate: samples a problem")
    found.add_argument(
        "--first-seed", type=int, default=1_000_000, help="evaluate: seed of the first problem"
    )
    found.add_argument("--sets", nargs="+", default=["ledger", "countdown", "procedure"])
    found.add_argument("--levels", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    return found


def keep_memory() -> None:
    """Start over with an allocator that keeps freed memory: fresh pages cost half the training
    time."""
    if sys.platform == "linux" and any(
        os.environ.get(name) != value for name, value in ALLOCATOR.items()
    ):
        os.environ.update(ALLOCATOR)
        os.execv(sys.executable, [sys.executable, "-m", "backend.classroom", *sys.argv[1:]])


def run(arguments: argparse.Namespace) -> None:
    """One stage, or all of them."""
    stages: Mapping[str, Callable[[argparse.Namespace], None]] = {
        "corpus": corpus,
        "policy": policy,
        "samples": samples,
        "labels": labels,
        "reward": reward,
        "evaluate": evaluate,
    }
    for stage in STAGES if arguments.stage == "all" else (arguments.stage,):
        stages[stage](arguments)


def corpus(arguments: argparse.Namespace) -> None:
    """The tokenizer; documents themselves are made as they are needed."""
    from backend.classroom.train_policy import learn_tokenizer

    learn_tokenizer(arguments.work)


def policy(arguments: argparse.Namespace) -> None:
    """The language model."""
    from backend.classroom.train_policy import train_policy

    train_policy(arguments.minutes or POLICY_MINUTES, work=arguments.work, start=arguments.start)


def samples(arguments: argparse.Namespace) -> None:
    """The policy's own solutions."""
    from backend.classroom.samples import draw_samples

    draw_samples(arguments.work)


def labels(arguments: argparse.Namespace) -> None:
    """The checker's labels."""
    from backend.classroom.samples import judge_steps

    judge_steps(arguments.work)


def reward(arguments: argparse.Namespace) -> None:
    """Both reward models."""
    from backend.classroom.train_reward import train_reward

    train_reward(arguments.minutes or REWARD_MINUTES, blind=True, work=arguments.work)
    train_reward(arguments.minutes or FULL_REWARD_MINUTES, blind=False, work=arguments.work)


def evaluate(arguments: argparse.Namespace) -> None:
    """The table."""
    from backend.classroom import report
    from backend.classroom.evaluate import VERIFIERS, Effort, draw, read_cells, score

    effort = Effort(arguments.problems, arguments.samples, arguments.first_seed)
    draw(effort, arguments.work, sets=arguments.sets, levels=arguments.levels)
    score(VERIFIERS, arguments.work, arguments.sets, arguments.levels)
    print(report.write(read_cells(arguments.work), arguments.work))


def main(argv: Sequence[str] | None = None) -> None:
    """The entry point of the command line."""
    run(parser().parse_args(argv))


if __name__ == "__main__":
    keep_memory()
    main()
