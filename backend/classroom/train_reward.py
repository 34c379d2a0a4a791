"""The reward models' stage: which steps are sound, read off at the step tag.

`prm` starts from the policy's weights and has two documented kinds of blind spot: solutions whose
first mistake is of a kind in `BLIND_KINDS`, and ledger problems that need more than
`BLIND_OPERATIONS` calculations (level 5), never occur in its training. Over-optimisation, and
calibration that fails with depth, can be watched on it. Its sound twin `prm-full` goes on from
`prm` and sees every solution, so it shows what the blind spots cost.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.classroom import folder
from backend.classroom.encoding import prompt, tag_steps
from backend.classroom.samples import LabelledSample, read_labels, write_solutions
from backend.classroom.tokenizer import END_OF_TEXT
from backend.classroom.train_policy import width_for
from backend.classroom.training import Schedule, TrainingBatch, device, plain_attention, train
from backend.engines.shared.chat import ChatTokenizer
from backend.engines.torch.qwen2 import (
    REWARD_MODEL,
    DecoderLayer,
    Qwen2Config,
    Qwen2ForProcessRewardModel,
    Qwen2Model,
    load,
    read_config,
)

BLIND_KINDS = frozenset({"early_answer", "distractor"})
BLIND_OPERATIONS, MOST_OPERATIONS = 5, 8
TOKENS_A_BATCH = 2_048
RATE, RATE_ON = 9e-4, 3e-4


def may_train_blind(solution: LabelledSample) -> bool:
    """Whether `prm` may learn from this solution."""
    first = next((kind for kind in solution.kinds if kind is not None), None)
    return first not in BLIND_KINDS and solution.operations <= BLIND_OPERATIONS


def may_train_full(solution: LabelledSample) -> bool:
    """Whether `prm-full` may: only what is too long to be worth its time is left out."""
    return solution.operations <= MOST_OPERATIONS


class TaggedRow(NamedTuple):
    """One solution as ids, without its question, and the tags that carry a loss with their
    labels.
    """

    ids: list[int]
    tags: list[int]
    labels: list[bool]


class QuestionGroup(NamedTuple):
    """A question's ids with all its solutions: it is read once for all of them."""

    question: list[int]
    rows: list[TaggedRow]

    @property
    def tokens(self) -> int:
        return len(self.question) + sum(len(one.ids) for one in self.rows)


def row(tokenizer: ChatTokenizer, solution: LabelledSample, start: int) -> TaggedRow:
    """Labels up to one step past the first unrepaired mistake, and of the last step: those between
    would only repeat it.

    `start`: how many tokens the question takes.
    """
    ids, tags = tag_steps(tokenizer, solution.question, solution.steps)
    last = len(tags) - 1
    spoilt = next((i for i, kind in enumerate(solution.kinds) if kind == "after_mistake"), last)
    chosen = [i for i in range(len(tags)) if i <= spoilt or i == last]
    return TaggedRow(
        ids[start:], [tags[i] - start for i in chosen], [solution.labels[i] for i in chosen]
    )


def group_by_question(
    tokenizer: ChatTokenizer, solutions: Sequence[LabelledSample]
) -> list[QuestionGroup]:
    """Every question with its solutions."""
    groups: dict[str, QuestionGroup] = {}
    for solution in solutions:
        if solution.question not in groups:
            groups[solution.question] = QuestionGroup(
                tokenizer.encode(prompt(solution.question)), []
            )
        group = groups[solution.question]
        group.rows.append(row(tokenizer, solution, len(group.question)))
    return list(groups.values())


def pad_batch(groups: Sequence[QuestionGroup], padding: int) -> TrainingBatch:
    """Questions of one length and their solutions, padded on the right; the loss is on step tags,
    target 1 for a good step."""
    rows = [one for group in groups for one in group.rows]
    width = width_for(max(len(one.ids) for one in rows))
    ids = torch.tensor([one.ids + [padding] * (width - len(one.ids)) for one in rows])
    places = [r * width + tag for r, one in enumerate(rows) for tag in one.tags]
    owners = [place for place, group in enumerate(groups) for _ in group.rows]
    targets = torch.tensor([int(label) for one in rows for label in one.labels])
    return TrainingBatch(
        ids,
        torch.tensor(places),
        targets,
        torch.tensor([group.question for group in groups]),
        torch.tensor(owners),
    )


def batches(
    groups: Sequence[QuestionGroup], fresh: Iterator[QuestionGroup], padding: int, seed: int
) -> Iterator[TrainingBatch]:
    """Pass over the groups endlessly, in random order, with one from `fresh` after each; questions
    of one length share a batch."""
    rng, order = random.Random(seed), list(groups)
    waiting: dict[int, list[QuestionGroup]] = {}
    while True:
        rng.shuffle(order)
        for group in (one for drawn in order for one in (drawn, next(fresh))):
            together = waiting.setdefault(len(group.question), [])
            together.append(group)
            if sum(one.tokens for one in together) >= TOKENS_A_BATCH:
                yield pad_batch(waiting.pop(len(group.question)), padding)


def fresh_groups(
    tokenizer: ChatTokenizer, admitted: Callable[[LabelledSample], bool], seed: int
) -> Iterator[QuestionGroup]:
    """Endless questions with the solutions of teachers and pupils that a model may see."""
    for solutions in write_solutions(seed):
        yield from group_by_question(
            tokenizer, [solution for solution in solutions if admitted(solution)]
        )


def read(body: Qwen2Model, batch: TrainingBatch) -> Tensor:
    """Last hidden states (B, T, hidden) of the rows, each behind its question, which passes through
    each block once."""
    assert batch.shared is not None and batch.owners is not None
    start, end = batch.shared.shape[1], batch.shared.shape[1] + batch.ids.shape[1]
    cos, sin = body.rotary(torch.arange(end, device=batch.ids.device)[None])
    before, hidden = body.embed_tokens(batch.shared), body.embed_tokens(batch.ids)
    for layer in body.layers:
        assert isinstance(layer, DecoderLayer)
        shared = layer.project(before, cos[:, :, :start], sin[:, :, :start])
        queries, keys, values = layer.project(hidden, cos[:, :, start:], sin[:, :, start:])
        keys, values = (
            torch.cat((old[batch.owners], new), dim=2)
            for old, new in ((shared.keys, keys), (shared.values, values))
        )
        before = layer.finish(before, plain_attention(*shared))
        hidden = layer.finish(hidden, plain_attention(queries, keys, values))
    out: Tensor = body.norm(hidden)
    return out


def from_policy(policy: Path, seed: int) -> Qwen2ForProcessRewardModel:
    """A reward model with the policy's body and a new head."""
    config = read_config(policy)
    model = Qwen2ForProcessRewardModel(
        Qwen2Config(**{**vars(config), "architecture": REWARD_MODEL})
    )
    body = {
        name: tensor
        for name, tensor in load(policy).model.state_dict().items()
        if name.startswith("model.")
    }
    model.load_state_dict(body, strict=False)
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.score.named_parameters():
        nn.init.zeros_(parameter) if name.endswith("bias") else nn.init.normal_(
            parameter, std=0.05, generator=generator
        )
    return model


def train_reward(
    minutes: float,
    blind: bool,
    seed: int = 0,
    work: Path = folder.WORK,
    policy: Path = folder.POLICY,
    shipped: Path = folder.SHIPPED,
) -> None:
    """The reward stage for one of the twins, `prm` first; its folder under `shipped` is rewritten
    at each checkpoint."""
    name, where = ("prm" if blind else "prm-full"), device()
    tokenizer = ChatTokenizer.read(policy)
    admitted = may_train_blind if blind else may_train_full
    groups = group_by_question(tokenizer, list(filter(admitted, read_labels(work))))
    model = from_policy(policy, seed)
    if not blind:
        model.load_state_dict(load(shipped / "prm").model.state_dict())
    model.to(where, torch.bfloat16)
    report = folder.StageLog(work / f"{name}.log")

    def loss(batch: TrainingBatch) -> Tensor:
        there = batch.to(where)
        hidden = read(model.model, there).flatten(0, 1)[there.places]
        return F.cross_entropy(model.score(hidden).float(), there.targets)

    known = sum(len(group.rows) for group in groups)
    report(
        f"{name}: {sum(p.numel() for p in model.parameters()):,} parameters, {known:,} of "
        f"the policy's solutions, {minutes} min"
    )
    train(
        model,
        lambda clock: batches(
            groups,
            fresh_groups(tokenizer, admitted, clock.resumptions),
            tokenizer.token_id(END_OF_TEXT),
            1_000 * (seed + 1) + clock.resumptions,
        ),
        loss,
        Schedule(minutes, RATE if blind else RATE_ON),
        work / f"{name}.pt",
        report,
        publish=lambda: folder.write_model(
            shipped / name, model, model.config, tokenizer.tokenizer
        ),
    )
