"""The batched sampler against decoding one row at a time without a cache."""

from __future__ import annotations

import torch

from backend.classroom.sampling import ClassroomSampling, sample
from backend.engines.torch.qwen2 import Qwen2Config, Qwen2ForCausalLM

END = 3


def model() -> Qwen2ForCausalLM:
    torch.manual_seed(3)
    made = Qwen2ForCausalLM(Qwen2Config(23, 32, 48, 2, 4, 2)).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.35)
    return made


def greedily(made: Qwen2ForCausalLM, prompt: list[int], tokens: int) -> tuple[list[int], bool]:
    ids: list[int] = []
    for _ in range(tokens):
        token = int(made(torch.tensor([prompt + ids]))[0, -1].argmax())
        if token == END:
            return ids, True
        ids.append(token)
    return ids, False


def test_greedy_batches_equal_rows_decoded_alone() -> None:
    made, prompts = model(), [[1 + (7 * i + j) % 22 for j in range(2 + i % 5)] for i in range(9)]
    with torch.no_grad():
        expected = [greedily(made, prompt, 9) for prompt in prompts]
    found = sample(made, prompts, 2, END, ClassroomSampling(temperature=0, tokens=9, rows=6))
    assert [[(one.ids, one.ended) for one in group] for group in found] == [
        [pair, pair] for pair in expected
    ]
    assert {ended for _, ended in expected} == {True, False}, (
        "the case must hold rows that end and rows that do not"
    )


def test_the_same_seed_gives_the_same_samples() -> None:
    made = model()
    draws = [
        sample(made, [[1, 2], [3]], 4, END, ClassroomSampling(tokens=8, seed=seed))
        for seed in (1, 1, 2)
    ]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


def test_samples_follow_the_model_distribution() -> None:
    made = model()
    with torch.no_grad():
        expected = made(torch.tensor([[5, 6]]))[0, -1].softmax(-1)
    rows = sample(made, [[5, 6]], 4_000, END, ClassroomSampling(tokens=1, rows=4_000))[0]
    counts = torch.zeros(23)
    for row in rows:
        counts[row.ids[0] if row.ids else END] += 1
    assert torch.allclose(counts / 4_000, expected, atol=0.035)
