"""The Qwen2 decoder, small enough to read in one sitting, and its reward-model twin.

One block is `hidden + attention(norm(hidden))` followed by `hidden + mlp(norm(hidden))`. Attention
has biases on the query, key and value projections, rotary positions and grouped queries (several
query heads share one key-value head); the feed-forward part is SwiGLU; norms are RMSNorm (Qwen2
technical report, arXiv 2407.10671, section 2.2). Parameters bear the Hugging Face names, so
safetensors load both ways. `Qwen2ForProcessRewardModel` puts linear-ReLU-linear with two labels
(bad, good) on every position (Qwen2.5-Math-PRM, arXiv 2501.07301).

Caches are explicit: a block never stores keys and values. `DecoderLayer.project` gives the new
ones, the caller keeps them where it likes, and `DecoderLayer.attend` finishes the block over
whatever keys and values it is handed; `DecoderLayer.step` is the two in one for a caller that keeps
plain tensors. Shapes: B rows, T new positions, S past plus new positions, H query heads, K
key-value heads, D head size. Model folders are data: nothing in them is run as code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from backend.core.errors import ArboretumError
from backend.engines.shared.chat import ChatTokenizer

CAUSAL_LM = "Qwen2ForCausalLM"
REWARD_MODEL = "Qwen2ForProcessRewardModel"


class ModelFolderError(ArboretumError):
    """A model folder lacks a file or holds something that this decoder does not implement."""


@dataclass(frozen=True)
class Qwen2Config:
    """The numbers of `config.json` that the decoder reads; sizes are counts, `rope_theta` is the
    rotary base."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    max_position_embeddings: int = 1024
    rope_theta: float = 10_000.0
    rms_norm_eps: float = 1e-6
    tie_word_embeddings: bool = True
    num_labels: int = 2
    architecture: str = CAUSAL_LM
    eos_token_ids: tuple[int, ...] = field(default=())

    @property
    def head_dim(self) -> int:
        """Size D of one attention head."""
        return self.hidden_size // self.num_attention_heads


class Projected(NamedTuple):
    """What a block computes from its new positions: queries (B, H, T, D), keys and values (B, K, T,
    D)."""

    queries: Tensor
    keys: Tensor
    values: Tensor


class Stepped(NamedTuple):
    """A block's output (B, T, hidden) and the keys and values (B, K, T, D) of the new positions
    only."""

    hidden: Tensor
    keys: Tensor
    values: Tensor


class RMSNorm(nn.Module):
    """x / rms(x) * weight, computed in float32 whatever the input's type."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, hidden: Tensor) -> Tensor:
        exact = hidden.float()
        exact = exact * torch.rsqrt(exact.pow(2).mean(-1, keepdim=True) + self.eps)
        return self.weight * exact.to(hidden.dtype)


def rotate(heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions on (B, heads, T, D) with cos and sin (B or 1, 1, T, D): halves are rotated
    against each other."""
    first, second = heads.chunk(2, dim=-1)
    return heads * cos + torch.cat((-second, first), dim=-1) * sin


def attend(
    queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, causal: bool
) -> Tensor:
    """Scaled dot-product attention of (B, H, T, D) over (B, K, S, D); `mask` is None, boolean (True
    = seen) or additive, (B, 1, T, S)."""
    groups = queries.shape[1] // keys.shape[1]
    if (
        queries.shape[2] == 1 and groups > 1
    ):  # one new position: a group's heads stand in as positions, nothing is copied
        grouped = queries.view(keys.shape[0], keys.shape[1], groups, -1)
        return F.scaled_dot_product_attention(grouped, keys, values, attn_mask=mask).reshape(
            queries.shape
        )
    if groups > 1:
        keys, values = (
            keys.repeat_interleave(groups, dim=1),
            values.repeat_interleave(groups, dim=1),
        )
    return F.scaled_dot_product_attention(
        queries, keys, values, attn_mask=mask, is_causal=causal and queries.shape[2] > 1
    )


def attend_causally(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """`attend` where every position sees itself and what came before."""
    return attend(queries, keys, values, None, causal=True)


CausalAttention = Callable[[Tensor, Tensor, Tensor], Tensor]


class Attention(nn.Module):
    """Grouped-query attention's four projections."""

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__()
        wide, narrow = (
            config.num_attention_heads * config.head_dim,
            config.num_key_value_heads * config.head_dim,
        )
        self.head_dim = config.head_dim
        self.q_proj = nn.Linear(config.hidden_size, wide, bias=True)
        self.k_proj = nn.Linear(config.hidden_size, narrow, bias=True)
        self.v_proj = nn.Linear(config.hidden_size, narrow, bias=True)
        self.o_proj = nn.Linear(wide, config.hidden_size, bias=False)

    def project(self, hidden: Tensor, cos: Tensor, sin: Tensor) -> Projected:
        """Rotated queries and keys, and values, of (B, T, hidden)."""
        shape = (*hidden.shape[:2], -1, self.head_dim)
        queries, keys, values = (
            p(hidden).view(shape).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj)
        )
        return Projected(rotate(queries, cos, sin), rotate(keys, cos, sin), values)


class MLP(nn.Module):
    """SwiGLU: down(silu(gate(x)) * up(x))."""

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        out: Tensor = self.down_proj(F.silu(self.gate_proj(hidden)) * self.up_proj(hidden))
        return out


class DecoderLayer(nn.Module):
    """One block. `project`, then `attend`; or `step` for both."""

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__()
        self.self_attn = Attention(config)
        self.mlp = MLP(config)
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def project(self, hidden: Tensor, cos: Tensor, sin: Tensor) -> Projected:
        """Queries, keys and values of the new positions (B, T, hidden), rotated."""
        return self.self_attn.project(self.input_layernorm(hidden), cos, sin)

    def attend(
        self,
        hidden: Tensor,
        queries: Tensor,
        keys: Tensor,
        values: Tensor,
        mask: Tensor | None,
        causal: bool = False,
    ) -> Tensor:
        """The block's output (B, T, hidden) with `keys` and `values` (B, K, S, D) of every position
        that may be seen."""
        return self.finish(hidden, attend(queries, keys, values, mask, causal))

    def finish(self, hidden: Tensor, seen: Tensor) -> Tensor:
        """Everything after attention: `seen` (B, H, T, D) is projected and added, then the
        feed-forward part."""
        hidden = hidden + self.self_attn.o_proj(seen.transpose(1, 2).flatten(2))
        out: Tensor = hidden + self.mlp(self.post_attention_layernorm(hidden))
        return out

    def step(
        self,
        hidden: Tensor,
        cos: Tensor,
        sin: Tensor,
        past_keys: Tensor | None,
        past_values: Tensor | None,
        mask: Tensor | None,
    ) -> Stepped:
        """The block over new positions after a past of (B, K, P, D); `mask` None means plainly
        causal, and then no past or T = 1."""
        queries, keys, values = self.project(hidden, cos, sin)
        all_keys = keys if past_keys is None else torch.cat((past_keys, keys), dim=2)
        all_values = values if past_values is None else torch.cat((past_values, values), dim=2)
        out = self.attend(hidden, queries, all_keys, all_values, mask, causal=mask is None)
        return Stepped(out, keys, values)


class TokenEmbedding(nn.Embedding):
    """An embedding that draws no first weights on the meta device, where a model that is about to
    be filled from a file is made: to draw normal numbers there, torch imports its compiler, which
    takes as long as importing torch itself."""

    def reset_parameters(self) -> None:
        if not self.weight.is_meta:
            super().reset_parameters()


def frequencies(config: Qwen2Config) -> Tensor:
    """The inverse frequencies (D / 2) of rotary positions, on the processor: on the meta device
    `arange` too would import torch's compiler."""
    steps = torch.arange(0, config.head_dim, 2, dtype=torch.float32, device="cpu")
    found: Tensor = config.rope_theta ** -(steps / config.head_dim)
    return found


class Qwen2Model(nn.Module):
    """Embedding, blocks and last norm: token ids (B, T) to hidden states (B, T, hidden)."""

    inverse_frequencies: Tensor

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = TokenEmbedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.register_buffer("inverse_frequencies", frequencies(config), persistent=False)

    def rotary(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """cos and sin (B, 1, T, D) of integer positions (B, T), in the weights' type."""
        angles = positions[..., None].float() * self.inverse_frequencies.float()
        doubled = torch.cat((angles, angles), dim=-1).unsqueeze(1)
        dtype = self.embed_tokens.weight.dtype
        return doubled.cos().to(dtype), doubled.sin().to(dtype)

    def forward(self, input_ids: Tensor, attention: CausalAttention = attend_causally) -> Tensor:
        """The whole rows at once, plainly causal; padding therefore belongs on the right."""
        hidden: Tensor = self.embed_tokens(input_ids)
        cos, sin = self.rotary(torch.arange(input_ids.shape[1], device=input_ids.device)[None])
        for layer in self.layers:
            assert isinstance(layer, DecoderLayer)
            hidden = layer.finish(hidden, attention(*layer.project(hidden, cos, sin)))
        out: Tensor = self.norm(hidden)
        return out


class Qwen2ForCausalLM(nn.Module):
    """The language model: `model` plus a vocabulary head, tied to the embedding if the
    configuration says so."""

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__()
        self.config = config
        self.model = Qwen2Model(config)
        self.lm_head = (
            None
            if config.tie_word_embeddings
            else nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        )

    def logits(self, hidden: Tensor) -> Tensor:
        """Next-token logits (..., vocabulary) of normed hidden states (..., hidden)."""
        if self.lm_head is None:
            return F.linear(hidden, self.model.embed_tokens.weight)
        out: Tensor = self.lm_head(hidden)
        return out

    def forward(self, input_ids: Tensor) -> Tensor:
        """Logits (B, T, vocabulary) of right-padded token ids (B, T)."""
        return self.logits(self.model(input_ids))


class Qwen2ForProcessRewardModel(nn.Module):
    """The reward model: two logits (bad, good) at every position; only those at step tags mean
    something."""

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__()
        self.config = config
        self.model = Qwen2Model(config)
        size = config.hidden_size
        self.score = nn.Sequential(
            nn.Linear(size, size), nn.ReLU(), nn.Linear(size, config.num_labels)
        )

    def forward(self, input_ids: Tensor) -> Tensor:
        """Logits (B, T, 2) of right-padded token ids (B, T)."""
        out: Tensor = self.score(self.model(input_ids))
        return out


class LoadedWeights(NamedTuple):
    """A model folder in memory; the model is in evaluation mode and its weights want no
    gradient.
    """

    model: Qwen2ForCausalLM | Qwen2ForProcessRewardModel
    config: Qwen2Config
    tokenizer: ChatTokenizer


def read_config(folder: Path) -> Qwen2Config:
    """`config.json` of a Qwen2-family folder; other families and rotary scalings are refused by
    name."""
    raw: Mapping[str, Any] = json.loads(require(folder, "config.json").read_text("utf-8"))
    names = raw.get("architectures") or ["(none)"]
    if names[0] not in (CAUSAL_LM, REWARD_MODEL):
        raise ModelFolderError(
            f"architecture {names[0]!r} in {folder}; accepted: {CAUSAL_LM}, {REWARD_MODEL}"
        )
    rope = raw.get("rope_parameters") or raw.get("rope_scaling") or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default" or raw.get("use_sliding_window"):
        raise ModelFolderError(
            f"rotary scaling {kind!r} or sliding window in {folder}; accepted: neither"
        )
    eos = raw.get("eos_token_id")
    return Qwen2Config(
        **{
            name: int(raw[name])
            for name in ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers")
        },
        num_attention_heads=int(raw["num_attention_heads"]),
        num_key_value_heads=int(raw.get("num_key_value_heads") or raw["num_attention_heads"]),
        max_position_embeddings=int(raw.get("max_position_embeddings", 32_768)),
        rope_theta=float(raw.get("rope_theta") or rope.get("rope_theta") or 10_000.0),
        rms_norm_eps=float(raw.get("rms_norm_eps", 1e-6)),
        tie_word_embeddings=bool(raw.get("tie_word_embeddings", False)),
        num_labels=int(raw.get("num_labels", 2)),
        architecture=names[0],
        eos_token_ids=tuple(eos) if isinstance(eos, list) else () if eos is None else (int(eos),),
    )


def require(folder: Path, name: str) -> Path:
    """The file's path, or an error that names both folder and file."""
    path = folder / name
    if not path.is_file():
        raise ModelFolderError(f"{name} is missing in model folder {folder}")
    return path


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of `model.safetensors`, or of the shards that `model.safetensors.index.json`
    names."""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return load_file(require(folder, "model.safetensors"))
    shards = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
    weights: dict[str, Tensor] = {}
    for shard in shards:
        weights.update(load_file(require(folder, Path(shard).name)))
    return weights


def build(config: Qwen2Config) -> Qwen2ForCausalLM | Qwen2ForProcessRewardModel:
    """An unfilled model of the architecture that the configuration names."""
    return (
        Qwen2ForProcessRewardModel(config)
        if config.architecture == REWARD_MODEL
        else Qwen2ForCausalLM(config)
    )


def load(
    path: str | Path, dtype: torch.dtype = torch.float32, device: str = "cpu"
) -> LoadedWeights:
    """Model, configuration and tokenizer of a Qwen2-family folder (config, safetensors, tokenizer
    files)."""
    folder = Path(path)
    config = read_config(folder)
    with torch.device("meta"):
        model = build(config)
    weights = {name: tensor.to(device, dtype) for name, tensor in read_weights(folder).items()}
    if config.tie_word_embeddings:
        weights.pop("lm_head.weight", None)
    try:
        model.load_state_dict(weights, strict=True, assign=True)
    except RuntimeError as error:
        raise ModelFolderError(
            f"weights in {folder} do not fit its config.json: {error}"
        ) from error
    body = model.model
    body.inverse_frequencies = frequencies(config).to(device)
    return LoadedWeights(model.eval().requires_grad_(False), config, ChatTokenizer.read(folder))
