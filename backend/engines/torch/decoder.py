"""The Qwen2 decoder as inference wants it: a flat list of tokens in, hidden states out, attention
handed in.

Everything in a transformer but attention treats tokens one by one. So `Decoder.forward` takes M
tokens of any number of sequences side by side, with their positions, and leaves to a callable what
they may look at. One method then serves prefill (many tokens of a row) and decoding (one token of
many rows). Three rearrangements, none of which changes the function, save time: projections that
read the same input are one matrix; the two halves that rotary embeddings pair up are interleaved,
so that rotating is one complex product; on CPUs weights are packed once for oneDNN.

Packing matters for more than speed. Common matrix routines choose their summation order by the
number of rows, so a sequence would come out slightly different alone and in company. The packed
product gives each row the same bits whatever is beside it. Where it is not available, rows are
padded to a multiple of 16, which has nearly the same effect.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.engines.torch.qwen2 import (
    DecoderLayer,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen2ForProcessRewardModel,
)

Attend: TypeAlias = Callable[[int, Tensor], Tensor]
"""(layer, heads (M, H + 2K, D): rotated queries, rotated keys, values) -> what was seen (M, H *
D).
"""

ROWS = 16


class Linear:
    """x @ weight.T + bias for x (M, in), with rows that do not depend on M where the machine allows
    it."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self.rows_matter = weight.device.type == "cpu"
        self.bias = bias
        self.packed = self.rows_matter and torch._C._has_mkldnn and weight.dtype == torch.float32
        self.weight = (
            torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), ROWS)
            if self.packed
            else weight
        )

    def __call__(self, x: Tensor) -> Tensor:
        """(M, in) to (M, out)."""
        if self.packed:
            out: Tensor = torch.ops.mkldnn._linear_pointwise(
                x, self.weight, self.bias, "none", [], ""
            )
            return out
        spare = -len(x) % ROWS if self.rows_matter else 0
        return (
            F.linear(F.pad(x, (0, 0, 0, spare)), self.weight, self.bias)[: len(x)]
            if spare
            else F.linear(x, self.weight, self.bias)
        )


class Block:
    """One decoder block over a flat list of tokens."""

    def __init__(self, layer: DecoderLayer, config: Qwen2Config, eps: float) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        order = interleave(config.head_dim)
        queries, keys = (
            arrange(p, config.head_dim, order) for p in (attention.q_proj, attention.k_proj)
        )
        values = attention.v_proj.weight, attention.v_proj.bias
        self.project = Linear(
            *(torch.cat(parts) for parts in zip(queries, keys, values, strict=True))
        )
        self.output = Linear(attention.o_proj.weight)
        self.widen = Linear(torch.cat((mlp.gate_proj.weight, mlp.up_proj.weight)))
        self.narrow = Linear(mlp.down_proj.weight)
        self.before, self.after = (
            layer.input_layernorm.weight,
            layer.post_attention_layernorm.weight,
        )
        self.shape, self.eps = (
            (config.num_attention_heads + 2 * config.num_key_value_heads, config.head_dim),
            eps,
        )
        self.rotated = config.num_attention_heads + config.num_key_value_heads

    def forward(self, index: int, hidden: Tensor, turns: Tensor, attend: Attend) -> Tensor:
        """(M, hidden) to (M, hidden); `turns` (M, 1, D/2) are the complex rotations of the
        positions."""
        size = hidden.shape[1:]
        heads = self.project(F.rms_norm(hidden, size, self.before, self.eps)).view(-1, *self.shape)
        torch.view_as_complex(heads[:, : self.rotated].view(len(heads), self.rotated, -1, 2)).mul_(
            turns
        )
        hidden = hidden + self.output(attend(index, heads))
        gate, up = self.widen(F.rms_norm(hidden, size, self.after, self.eps)).chunk(2, dim=-1)
        return hidden + self.narrow(F.silu(gate) * up)


class Decoder:
    """A language model or reward model of the Qwen2 family, ready for inference. The module given
    may be dropped afterwards."""

    def __init__(
        self,
        model: Qwen2ForCausalLM | Qwen2ForProcessRewardModel,
        config: Qwen2Config,
        context: int,
    ) -> None:
        body = model.model
        self.config, self.context = config, context
        self.parameters = sum(p.numel() for p in model.parameters())
        self.embedding: Tensor = body.embed_tokens.weight
        self.device, self.dtype = self.embedding.device, self.embedding.dtype
        self.blocks = [
            Block(layer, config, config.rms_norm_eps)
            for layer in body.layers
            if isinstance(layer, DecoderLayer)
        ]
        self.norm = body.norm.weight
        if isinstance(model, Qwen2ForCausalLM):
            self.head = [Linear(self.embedding if model.lm_head is None else model.lm_head.weight)]
        else:
            self.head = [
                Linear(layer.weight, layer.bias)
                for layer in model.score
                if isinstance(layer, torch.nn.Linear)
            ]
        angles = torch.outer(
            torch.arange(context, dtype=torch.float32), body.inverse_frequencies.float().cpu()
        )
        self.turns = torch.polar(torch.ones_like(angles), angles).unsqueeze(1).to(self.device)

    def forward(self, ids: Tensor, positions: Tensor, attend: Attend) -> Tensor:
        """Normed hidden states (M, hidden) of token ids (M,) at positions (M,), each below
        `context`."""
        hidden, turns = self.embedding[ids], self.turns[positions]
        for index, block in enumerate(self.blocks):
            hidden = block.forward(index, hidden, turns, attend)
        return F.rms_norm(hidden, hidden.shape[1:], self.norm, self.config.rms_norm_eps)

    def logits(self, hidden: Tensor) -> Tensor:
        """Next-token logits (M, vocabulary), or the reward model's logits (M, 2), of hidden states
        (M, hidden)."""
        first, *rest = self.head
        out = first(hidden)
        for layer in rest:
            out = layer(out.relu())
        return out


def interleave(head_dim: int) -> Tensor:
    """The order of a head's dimensions that puts each rotary pair (i, i + D/2) side by side."""
    first = torch.arange(head_dim // 2)
    return torch.stack((first, first + head_dim // 2), dim=1).flatten()


def arrange(projection: torch.nn.Linear, head_dim: int, order: Tensor) -> tuple[Tensor, Tensor]:
    """Weight and bias of a projection with the dimensions of each head in the given order."""
    weight, bias = projection.weight, projection.bias
    order = order.to(weight.device)
    return weight.view(-1, head_dim, weight.shape[1])[:, order].flatten(0, 1), bias.view(
        -1, head_dim
    )[:, order].flatten()
