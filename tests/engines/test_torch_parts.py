"""The pieces of the torch engine: draws, truncation, prefix tree, rows that do not depend on their
company."""

from __future__ import annotations

import math
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.ports import Sampling
from backend.core.splitting import AT_BLANK_LINES
from backend.engines.shared.draws import uniforms
from backend.engines.torch.decoder import Linear
from backend.engines.torch.prefix import PrefixTree
from backend.engines.torch.sampler import Sampler


def test_uniforms_depend_on_seed_and_position_alone() -> None:
    assert uniforms(7, 0, 20)[5:12] == uniforms(7, 5, 7)
    assert uniforms(7, 0, 5) != uniforms(8, 0, 5)


def test_uniforms_fill_the_unit_interval_evenly() -> None:
    found = [u for seed in range(100) for u in uniforms(seed, 0, 100)]
    counts = [sum(i / 10 <= u < (i + 1) / 10 for u in found) for i in range(10)]
    assert min(found) >= 0.0 and max(found) < 1.0 and sum(counts) == 10_000
    # chi-square, 9 degrees of freedom, 0.1 %
    assert sum((c - 1000) ** 2 / 1000 for c in counts) < 27.9


def test_draws_follow_the_distribution() -> None:
    logits = torch.tensor([[0.0, 1.0, -torch.inf, 2.0]])
    sampler = Sampler([Sampling(temperature=2.0)], torch.device("cpu"))
    found = [sampler.draw(logits, [u]).ids[0] for seed in range(40) for u in uniforms(seed, 0, 100)]
    expected = (logits[0] / 2.0).softmax(-1).tolist()
    assert found.count(2) == 0
    for token in (0, 1, 3):
        assert abs(found.count(token) / 4000 - expected[token]) < 4 * math.sqrt(
            expected[token] / 4000
        )


@pytest.mark.parametrize(
    ("sampling", "kept"),
    [
        (Sampling(temperature=1.0, top_k=2), {3, 1}),
        (Sampling(temperature=1.0, top_p=0.6), {3}),
        (Sampling(temperature=1.0, top_p=0.7), {3, 1}),
        (Sampling(temperature=1.0, min_p=0.3), {3, 1}),
        (Sampling(temperature=0.0), {3}),
        (Sampling(temperature=1.0), {0, 1, 2, 3}),
    ],
)
def test_truncation_keeps_the_likeliest(sampling: Sampling, kept: set[int]) -> None:
    logits = torch.tensor([[0.05, 0.25, 0.05, 0.65]]).log()
    sampler = Sampler([sampling], torch.device("cpu"))
    assert {sampler.draw(logits, [u]).ids[0] for u in uniforms(1, 0, 400)} == kept


def test_settings_of_a_row_do_not_touch_its_neighbours() -> None:
    logits = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    mixed = [
        Sampling(temperature=0.7, top_k=3),
        Sampling(temperature=1.0),
        Sampling(temperature=0.0, top_p=0.5),
    ]
    together = Sampler(mixed, torch.device("cpu")).draw(logits, [0.3, 0.9, 0.5]).ids
    singles = zip(mixed, logits.split(1), [0.3, 0.9, 0.5], strict=True)
    alone = [Sampler([s], torch.device("cpu")).draw(row, [u]).ids[0] for s, row, u in singles]
    assert together == alone


def test_reported_logprobs_are_the_models_own() -> None:
    logits = torch.randn(1, 50, generator=torch.Generator().manual_seed(0))
    drawn = Sampler([Sampling(temperature=0.3, top_k=2)], torch.device("cpu")).draw(logits, [0.5])
    assert drawn.logprobs[0] == pytest.approx(float(logits.log_softmax(-1)[0, drawn.ids[0]]))


@pytest.mark.parametrize("bias", [False, True])
def test_a_product_is_the_same_alone_and_in_company(bias: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    weight, x = torch.randn(96, 64, generator=generator), torch.randn(70, 64, generator=generator)
    linear = Linear(weight, torch.randn(96, generator=generator) if bias else None)
    whole = linear(x)
    for rows in (1, 2, 3, 5, 16, 17, 33, 70):
        assert torch.equal(linear(x[:rows].contiguous()), whole[:rows])
    assert torch.allclose(whole, torch.nn.functional.linear(x, weight, linear.bias), atol=1e-4)


def read_of(ids: list[int]) -> object:
    """Keys and values that spell the ids, so that a mix-up shows."""
    return lambda start, stop: torch.tensor(ids[start:stop], dtype=torch.float32).view(
        1, 1, 1, -1, 1
    )


def spelled(tree: PrefixTree, ids: list[int]) -> list[int]:
    """What the tree holds for the longest known prefix."""
    return [
        int(v) for stretch, used in tree.match(ids).parts for v in stretch.kept.flatten()[:used]
    ]  # type: ignore[union-attr]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=12), min_size=1, max_size=12))
def test_the_prefix_tree_finds_the_longest_known_prefix(sequences: list[list[int]]) -> None:
    tree = PrefixTree(10_000, 1)
    for known in sequences:
        tree.insert(known, read_of(known))  # type: ignore[arg-type]
    rng = random.Random(0)
    for ids in [*sequences, *([rng.randrange(3) for _ in range(12)] for _ in range(10))]:
        longest = max(
            next(
                (i for i, (a, b) in enumerate(zip(known, ids, strict=False)) if a != b),
                min(len(known), len(ids)),
            )
            for known in sequences
        )
        assert tree.match(ids).length == longest
        assert spelled(tree, ids) == ids[:longest]
    assert tree.tokens == len(
        {tuple(known[: i + 1]) for known in sequences for i in range(len(known))}
    )


def test_the_prefix_tree_forgets_what_was_used_least_recently() -> None:
    tree = PrefixTree(40, 1)
    for first in range(4):
        tree.insert([first] * 10, read_of([first] * 10))  # type: ignore[arg-type]
    tree.match([0] * 10)
    tree.insert([9] * 10, read_of([9] * 10))  # type: ignore[arg-type]
    assert tree.tokens <= 40
    assert tree.match([0] * 10).length == 10 and tree.match([9] * 10).length == 10
    assert tree.match([1] * 10).length == 0


def test_a_delimiter_is_counted_once_however_it_is_cut() -> None:
    def count(*texts: str) -> int:
        splitter = AT_BLANK_LINES.splitter()
        return sum(len(splitter.feed(text)) for text in texts)

    assert count("a.\n\n", "b") == 1
    assert count("a", "\n", "\n", "b") == 1
    assert count("a.\n\n", "\n", "b") == 1
    assert count("a\n", "b\n", "\nc") == 1
    assert count("x", "\n", "y", "\n") == 0
