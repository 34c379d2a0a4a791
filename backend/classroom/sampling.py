"""Many solutions at once from a policy: a lean batched sampler with one key-value cache per batch.

Prompts of similar length share a batch, padded on the left; each prompt is read once and its cache
copied for its samples. Rows that have ended are dropped as soon as a quarter of the batch has, so
late rows do not pay for early ones. It serves the training stages and the evaluation table only;
searches go through the engines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from backend.engines.torch.qwen2 import DecoderLayer, Qwen2ForCausalLM, Qwen2Model


class SampledText(NamedTuple):
    """Generated ids without the ending token; `ended` is False where the token limit cut the
    row.
    """

    ids: list[int]
    ended: bool


@dataclass(frozen=True)
class ClassroomSampling:
    """How to draw: temperature above 0, at most `tokens` new tokens, `rows` rows at once, `seed` of
    the draws."""

    temperature: float = 1.0
    tokens: int = 360
    rows: int = 256
    seed: int = 0


class SampleCache:
    """Keys and values (rows, K, capacity, D) of every block, with one validity mask (rows,
    capacity) for all."""

    def __init__(self, body: Qwen2Model, valid: Tensor, capacity: int) -> None:
        config, weight = body.config, body.embed_tokens.weight
        shape = (len(valid), config.num_key_value_heads, capacity, config.head_dim)
        self.keys = [weight.new_zeros(shape) for _ in range(config.num_hidden_layers)]
        self.values = [weight.new_zeros(shape) for _ in range(config.num_hidden_layers)]
        self.valid = torch.zeros(len(valid), capacity, dtype=torch.bool, device=valid.device)
        self.valid[:, : valid.shape[1]] = valid
        self.length = 0

    def select_rows(self, chosen: Tensor) -> None:
        """Rearrange the rows: those named stay, in the order given, and one named twice is copied."""
        self.keys = [k[chosen] for k in self.keys]
        self.values = [v[chosen] for v in self.values]
        self.valid = self.valid[chosen]

    def read(self, body: Qwen2Model, ids: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Last hidden states (rows, T, hidden) of the new ids (rows, T), whose keys and values are
        kept."""
        end = self.length + ids.shape[1]
        hidden: Tensor = body.embed_tokens(ids)
        cos, sin = body.rotary(positions)
        for layer, keys, values in zip(body.layers, self.keys, self.values, strict=True):
            assert isinstance(layer, DecoderLayer)
            new = layer.project(hidden, cos, sin)
            keys[:, :, self.length : end] = new.keys
            values[:, :, self.length : end] = new.values
            hidden = layer.attend(hidden, new.queries, keys[:, :, :end], values[:, :, :end], mask)
        self.length = end
        out: Tensor = body.norm(hidden)
        return out


@torch.inference_mode()
def sample(
    model: Qwen2ForCausalLM,
    prompts: Sequence[Sequence[int]],
    copies: int,
    end: int,
    sampling: ClassroomSampling,
) -> list[list[SampledText]]:
    """`copies` samples of each prompt, in the prompts' order. `end` is the id that ends a
    solution.
    """
    generator = torch.Generator(model.model.embed_tokens.weight.device).manual_seed(sampling.seed)
    found: list[list[SampledText]] = [[] for _ in prompts]
    for chosen in together(prompts, max(1, sampling.rows // copies)):
        rows = sample_batch(model, [prompts[i] for i in chosen], copies, end, sampling, generator)
        for place, i in enumerate(chosen):
            found[i] = rows[place * copies : (place + 1) * copies]
    return found


def together(prompts: Sequence[Sequence[int]], at_once: int) -> Iterator[list[int]]:
    """Indices of prompts of similar length, `at_once` at a time."""
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    for start in range(0, len(order), at_once):
        yield order[start : start + at_once]


def read_prompts(
    model: Qwen2ForCausalLM, prompts: Sequence[Sequence[int]], room: int
) -> tuple[SampleCache, Tensor, Tensor]:
    """The cache after the prompts, the logits that follow, and the next position of each row."""
    where, width = model.model.embed_tokens.weight.device, max(map(len, prompts))
    ids = torch.tensor([[0] * (width - len(p)) + list(p) for p in prompts], device=where)
    lengths = torch.tensor([len(p) for p in prompts], device=where)
    columns = torch.arange(width, device=where)
    valid = columns[None] >= width - lengths[:, None]
    # padding sees itself, because seeing nothing gives NaN
    itself = torch.eye(width, dtype=torch.bool, device=where)
    mask = (valid[:, None, :] & itself.cumsum(0).bool() | itself)[:, None]
    positions = (columns[None] - (width - lengths)[:, None]).clamp(min=0)
    cache = SampleCache(model.model, valid, width + room)
    return cache, model.logits(cache.read(model.model, ids, positions, mask)[:, -1]), lengths


def sample_batch(
    model: Qwen2ForCausalLM,
    prompts: Sequence[Sequence[int]],
    copies: int,
    end: int,
    sampling: ClassroomSampling,
    generator: torch.Generator,
) -> list[SampledText]:
    """`copies` samples of each prompt, neighbours together."""
    cache, logits, positions = read_prompts(model, prompts, sampling.tokens)
    spread = torch.arange(len(prompts), device=logits.device).repeat_interleave(copies)
    cache.select_rows(spread)
    logits, positions, rows = (
        logits[spread],
        positions[spread],
        torch.arange(len(spread), device=logits.device),
    )
    written: list[list[int]] = [[] for _ in range(len(spread))]
    ended = [False] * len(spread)
    for _ in range(sampling.tokens):
        drawn = draw(logits, sampling.temperature, generator)
        alive = [True] * len(rows)
        for place, (row, token) in enumerate(zip(rows.tolist(), drawn.tolist(), strict=True)):
            if ended[row] or token == end:
                ended[row], alive[place] = True, False
            else:
                written[row].append(token)
        if not any(alive):
            break
        if sum(alive) <= 0.75 * len(alive):
            kept = torch.tensor([i for i, lives in enumerate(alive) if lives], device=logits.device)
            cache.select_rows(kept)
            rows, drawn, positions = rows[kept], drawn[kept], positions[kept]
        cache.valid[:, cache.length] = True
        mask = cache.valid[:, None, None, : cache.length + 1]
        logits = model.logits(
            cache.read(model.model, drawn[:, None], positions[:, None], mask)[:, -1]
        )
        positions = positions + 1
    return [SampledText(ids, done) for ids, done in zip(written, ended, strict=True)]


def draw(logits: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """One id per row (rows, vocabulary) by the Gumbel trick; temperature 0 takes the likeliest."""
    if temperature == 0:
        return logits.argmax(-1)
    noise = torch.empty(logits.shape, device=logits.device).exponential_(generator=generator)
    return (logits.float() / temperature - noise.log()).argmax(-1)
