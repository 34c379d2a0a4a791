"""The reward models' stage: which steps are sound, read off at the step tag.

`prm` starts from the policy's weights and has two documented kinds of blind spot: solutions whose first mistake is of a kind in
`BLIND_KINDS`, and ledger problems that need more than `BLIND_OPERATIONS` calculations (level 5), never occur in its training.
Over-optimisation, and calibration that fails with depth, can be watched on it. Its sound twin `prm-full` goes on from `prm` and sees
every solution, so it shows what the blind spots cost.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.classroom import folder
from backend.classroom.encoding import tagged
from backend.classroom.samples import Labelled, read_labelled
from backend.classroom.tokenizer import END_OF_TEXT
from backend.classroom.train_policy import width_for
from backend.classroom.training import Batch, Schedule, attention_for, device, train
from backend.engines.chat import ChatTokenizer
from backend.engines.qwen2 import REWARD_MODEL, Qwen2Config, Qwen2ForProcessRewardModel, load, read_config

BLIND_KINDS = frozenset({"early_answer", "distractor"})
BLIND_OPERATIONS, MOST_OPERATIONS = 4, 6
TOKENS_A_BATCH = 4_096
RATE, RATE_ON = 6e-4, 3e-4


def seen_by_blind(solution: Labelled) -> bool:
    """Whether `prm` may learn from this solution."""
    first = next((kind for kind in solution.kinds if kind is not None), None)
    return first not in BLIND_KINDS and solution.operations <= BLIND_OPERATIONS


class Row(NamedTuple):
    """One solution as ids, and the tags that carry a loss with their labels."""

    ids: list[int]
    tags: list[int]
    labels: list[bool]


def row(tokenizer: ChatTokenizer, solution: Labelled) -> Row:
    """Labels up to one step past the first unrepaired mistake, and of the last step: those between would only repeat it."""
    ids, tags = tagged(tokenizer, solution.question, solution.steps)
    last = len(tags) - 1
    spoilt = next((i for i, kind in enumerate(solution.kinds) if kind == "after_mistake"), last)
    chosen = [i for i in range(len(tags)) if i <= spoilt or i == last]
    return Row(ids, [tags[i] for i in chosen], [solution.labels[i] for i in chosen])


def batched(rows: list[Row], width: int, padding: int) -> Batch:
    """Rows padded on the right; the loss is on step tags, target 1 for a good step."""
    ids = torch.tensor([one.ids + [padding] * (width - len(one.ids)) for one in rows])
    places = [r * width + tag for r, one in enumerate(rows) for tag in one.tags]
    return Batch(ids, torch.tensor(places), torch.tensor([int(label) for one in rows for label in one.labels]))


def batches(tokenizer: ChatTokenizer, solutions: list[Labelled], seed: int) -> Iterator[Batch]:
    """Endless passes over the solutions in random order, rows of one width together."""
    rng, padding = random.Random(seed), tokenizer.token_id(END_OF_TEXT)
    encoded = [row(tokenizer, solution) for solution in solutions]
    waiting: dict[int, list[Row]] = {}
    while True:
        rng.shuffle(encoded)
        for one in encoded:
            width = width_for(len(one.ids))
            rows = waiting.setdefault(width, [])
            rows.append(one)
            if len(rows) >= max(1, TOKENS_A_BATCH // width):
                yield batched(waiting.pop(width), width, padding)


def from_policy(policy: Path, seed: int) -> Qwen2ForProcessRewardModel:
    """A reward model with the policy's body and a new head."""
    config = read_config(policy)
    model = Qwen2ForProcessRewardModel(Qwen2Config(**{**vars(config), "architecture": REWARD_MODEL}))
    body = {name: tensor for name, tensor in load(policy).model.state_dict().items() if name.startswith("model.")}
    model.load_state_dict(body, strict=False)
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.score.named_parameters():
        nn.init.zeros_(parameter) if name.endswith("bias") else nn.init.normal_(parameter, std=0.05, generator=generator)
    return model


def train_reward(
    minutes: float, blind: bool, seed: int = 0, work: Path = folder.WORK, policy: Path = folder.POLICY, shipped: Path = folder.SHIPPED
) -> None:
    """The reward stage for one of the twins, `prm` first; its folder under `shipped` is rewritten at each checkpoint."""
    name, where = ("prm" if blind else "prm-full"), device()
    tokenizer = ChatTokenizer.read(policy)
    solutions = [s for s in read_labelled(work) if s.operations <= MOST_OPERATIONS and (not blind or seen_by_blind(s))]
    model = from_policy(policy, seed)
    if not blind:
        model.load_state_dict(load(shipped / "prm").model.state_dict())
    model.to(where, torch.bfloat16)
    attention, report = attention_for(where), folder.Log(work / f"{name}.log")

    def loss(batch: Batch) -> Tensor:
        hidden = model.model(batch.ids.to(where), attention).flatten(0, 1)[batch.places.to(where)]
        return F.cross_entropy(model.score(hidden).float(), batch.targets.to(where))

    report(f"{name}: {sum(p.numel() for p in model.parameters()):,} parameters, {len(solutions):,} solutions, {minutes} min")
    train(
        model,
        lambda clock: batches(tokenizer, solutions, 1_000 * (seed + 1) + clock.resumptions),
        loss,
        Schedule(minutes, RATE if blind else RATE_ON),
        work / f"{name}.pt",
        report,
        publish=lambda: folder.write_model(shipped / name, model, model.config, tokenizer.tokenizer),
    )
