"""Training: the schedule follows the clock, a loss falls, a checkpoint resumes, and a written
folder loads everywhere."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import transformers
from torch import Tensor

from backend.classroom import folder
from backend.classroom import tokenizer as vocabulary
from backend.classroom.samples import LabelledSample
from backend.classroom.train_policy import LOOKING_BACK, initialise, look_back, shape, train_policy
from backend.classroom.train_reward import (
    BLIND_KINDS,
    BLIND_OPERATIONS,
    TOKENS_A_BATCH,
    batches,
    from_policy,
    group_by_question,
    may_train_blind,
    pad_batch,
    read,
    row,
    train_reward,
)
from backend.classroom.training import (
    Schedule,
    TrainingBatch,
    TrainingClock,
    plain_attention,
    train,
)
from backend.engines.shared.chat import ChatTokenizer
from backend.engines.torch.qwen2 import (
    DecoderLayer,
    Qwen2Config,
    Qwen2ForCausalLM,
    attend_causally,
    load,
)

CONFIG = Qwen2Config(300, 32, 48, 2, 4, 2, max_position_embeddings=64)


def small() -> Qwen2ForCausalLM:
    made = Qwen2ForCausalLM(CONFIG)
    initialise(made, 2, seed=0)
    return made.bfloat16()


def test_heads_of_the_first_block_begin_by_looking_back() -> None:
    config = shape(300)
    model = Qwen2ForCausalLM(config)
    initialise(model, config.num_hidden_layers, seed=0)
    first = model.model.layers[0]
    assert isinstance(first, DecoderLayer)
    look_back(first.self_attn, config.rope_theta, seed=0)
    ids = torch.randint(300, (1, 200), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        hidden = model.model.embed_tokens(ids)
        queries, keys, _ = first.project(hidden, *model.model.rotary(torch.arange(200)[None]))
        scores = queries @ keys.repeat_interleave(2, 1).transpose(2, 3)
    for head in range(LOOKING_BACK):
        for place in range(LOOKING_BACK, 200):
            near = max(0, place - 60)
            assert near + int(scores[0, head, place, near : place + 1].argmax()) == place - head - 1


def test_the_rate_warms_up_stays_and_ends_at_zero() -> None:
    schedule = Schedule(minutes=10, rate=1.0, warmup_steps=10, decay=0.2)
    assert schedule.rate_at(0, 0) == pytest.approx(0.1)
    assert schedule.rate_at(100, 300) == 1.0
    assert schedule.rate_at(100, 540) == pytest.approx(0.5)
    assert schedule.rate_at(100, 600) == 0.0


@pytest.mark.parametrize("key_value_heads", [4, 2, 1])
def test_written_out_attention_equals_the_fused_kernel(key_value_heads: int) -> None:
    torch.manual_seed(0)
    queries, keys, values = (
        torch.randn(2, 4, 9, 8),
        torch.randn(2, key_value_heads, 9, 8),
        torch.randn(2, key_value_heads, 9, 8),
    )
    torch.testing.assert_close(
        plain_attention(queries, keys, values), attend_causally(queries, keys, values)
    )


def test_written_out_attention_of_the_last_positions_equals_theirs_among_all() -> None:
    torch.manual_seed(0)
    queries, keys, values = (
        torch.randn(2, 4, 9, 8),
        torch.randn(2, 2, 9, 8),
        torch.randn(2, 2, 9, 8),
    )
    torch.testing.assert_close(
        plain_attention(queries[:, :, 6:], keys, values),
        attend_causally(queries, keys, values)[:, :, 6:],
    )


def test_a_loss_falls_and_a_second_call_resumes_where_the_first_stopped(tmp_path: Path) -> None:
    made, lines, seen = small(), list[str](), list[float]()

    def batches(clock: TrainingClock) -> Iterator[TrainingBatch]:
        ids = torch.arange(40).reshape(4, 10) + clock.resumptions
        yield from itertools.repeat(TrainingBatch(ids, torch.arange(30), ids.flatten()[:30]))

    def loss(batch: TrainingBatch) -> Tensor:
        value = F.cross_entropy(made(batch.ids).flatten(0, 1)[batch.places].float(), batch.targets)
        seen.append(float(value.detach()))
        return value

    checkpoint = tmp_path / "policy.pt"
    ticks = itertools.count(0.0, 0.0625)
    first = train(
        made,
        batches,
        loss,
        Schedule(0.12, warmup_steps=1),
        checkpoint,
        lines.append,
        now=lambda: next(ticks),
    )
    assert first.step == 116
    assert seen[-1] < 0.5 * seen[0]
    weights = {name: p.clone() for name, p in made.named_parameters()}
    again = train(
        made, batches, loss, Schedule(0.12), checkpoint, lines.append, now=lambda: next(ticks)
    )
    assert again.step == first.step
    assert all(torch.equal(p, weights[name]) for name, p in made.named_parameters())
    assert lines[-1].startswith(f"resumed at step {first.step}")


def test_a_written_folder_loads_here_and_in_transformers(tmp_path: Path) -> None:
    made, tokenizer = small(), vocabulary.train(["one text."], 300)
    folder.write_model(tmp_path, made, CONFIG, tokenizer)
    ids = torch.arange(12).reshape(1, 12)
    with torch.no_grad():
        expected = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)(
            ids
        ).logits
        torch.testing.assert_close(load(tmp_path).model(ids), expected, atol=1e-4, rtol=1e-4)
    there = transformers.AutoTokenizer.from_pretrained(tmp_path)
    question = [{"role": "user", "content": "one text. 12"}]
    here = load(tmp_path).tokenizer
    assert there.apply_chat_template(
        question, tokenize=False, add_generation_prompt=True
    ) == here.chat(question)
    assert there("a.\n\nb 12<|im_end|>")["input_ids"] == here.encode("a.\n\nb 12<|im_end|>")


def test_a_reward_model_starts_from_the_policys_body(tmp_path: Path) -> None:
    folder.write_model(tmp_path, small(), CONFIG, vocabulary.train(["one text."], 300))
    policy, reward = load(tmp_path).model.state_dict(), from_policy(tmp_path, seed=0).state_dict()
    assert all(torch.equal(reward[name], tensor) for name, tensor in policy.items())


def test_solutions_behind_a_shared_question_are_read_as_if_each_had_it_in_front(
    tmp_path: Path,
) -> None:
    folder.write_model(tmp_path, small(), CONFIG, vocabulary.train(["one text."], 300))
    tokenizer, made = ChatTokenizer.read(tmp_path), from_policy(tmp_path, seed=0)
    first, second = labelled((None,)), labelled((None, "slip"))
    other = replace(labelled((None, None, None)), question="!")
    groups = group_by_question(tokenizer, [first, other, second])
    assert [len(group.rows) for group in groups] == [2, 1]
    batch = pad_batch(groups, padding=0)
    assert batch.tokens == 2 * len(groups[0].question) + batch.ids.numel()
    with torch.no_grad():
        together = read(made.model, batch)
        questions = [group.question for group in groups for _ in group.rows]
        rows = [one for group in groups for one in group.rows]
        for place, (question, one) in enumerate(zip(questions, rows, strict=True)):
            alone = made.model(torch.tensor([question + one.ids]))[0, len(question) :]
            torch.testing.assert_close(together[place, : len(one.ids)], alone, atol=1e-5, rtol=1e-5)
    assert batch.targets.tolist() == [int(label) for one in rows for label in one.labels]
    tags = batch.ids.flatten()[batch.places].tolist()
    assert tags == [tokenizer.token_id(vocabulary.STEP_TAG)] * len(tags)


def test_batches_hold_questions_of_one_length_and_fresh_ones_beside_the_known() -> None:
    tokenizer = ChatTokenizer(vocabulary.train(["one text."], 300))
    known = group_by_question(
        tokenizer, [replace(labelled((None, None)), question=mark * 3) for mark in "abc"]
    )
    fresh = itertools.cycle(
        group_by_question(
            tokenizer, [replace(labelled((None, "slip")), question=mark * 3) for mark in "xyz"]
        )
    )
    first = next(batches(known, fresh, padding=0, seed=0))
    assert first.tokens >= TOKENS_A_BATCH and first.shared is not None
    marks = {tokenizer.decode(question, special=False)[-20:] for question in first.shared.tolist()}
    assert len(marks) == 6
    assert first.targets.float().mean() == pytest.approx(0.75, abs=0.02)


def test_the_policy_goes_on_from_given_weights_and_the_full_reward_model_from_its_twin(
    tmp_path: Path,
) -> None:
    """With no time to train, what is written is what the training would have started from."""
    shutil.copy(folder.POLICY / "tokenizer.json", tmp_path)
    train_policy(0.0, work=tmp_path, shipped=tmp_path / "policy", start=folder.POLICY)
    assert same(tmp_path / "policy", folder.POLICY)
    shutil.copytree(folder.REWARD, tmp_path / "prm")
    train_reward(0.0, blind=False, work=tmp_path, shipped=tmp_path)
    assert same(tmp_path / "prm-full", folder.REWARD) and not same(
        tmp_path / "prm-full", folder.FULL_REWARD
    )


def same(first: Path, second: Path) -> bool:
    weights = load(first).model.state_dict(), load(second).model.state_dict()
    return all(torch.equal(weights[0][name], tensor) for name, tensor in weights[1].items())


def labelled(kinds: tuple[str | None, ...], operations: int = 1) -> LabelledSample:
    texts = tuple(f"{i} + 1 = {i + 1}." for i in range(len(kinds)))
    return LabelledSample(
        "ledger/3/1", "?", texts, tuple(k is None for k in kinds), kinds, "policy", operations
    )


def test_the_blind_model_never_sees_its_two_kinds_or_long_ledgers() -> None:
    assert len(BLIND_KINDS) == 2
    assert may_train_blind(labelled((None, "unreadable", "after_mistake")))
    assert not any(may_train_blind(labelled((None, kind))) for kind in BLIND_KINDS)
    assert may_train_blind(labelled((None,), operations=BLIND_OPERATIONS))
    assert not may_train_blind(labelled((None,), operations=BLIND_OPERATIONS + 1))


def test_labels_end_one_step_after_an_unrepaired_mistake_but_for_the_last_step() -> None:
    tokenizer = ChatTokenizer(vocabulary.train(["one text."], 300))
    spoilt = row(
        tokenizer, labelled((None, "slip", "after_mistake", "after_mistake", "after_mistake")), 0
    )
    assert spoilt.labels == [True, False, False, False]
    assert [spoilt.ids[tag] for tag in spoilt.tags] == [tokenizer.token_id(vocabulary.STEP_TAG)] * 4
    assert spoilt.tags[-1] == len(spoilt.ids) - 1
    assert row(tokenizer, labelled((None, "slip", None, None)), 0).labels == [
        True,
        False,
        True,
        True,
    ]
