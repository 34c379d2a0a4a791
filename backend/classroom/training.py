"""Training against the wall clock, on two cores or a GPU.

What makes it fast on a CPU (each measured on documents of this corpus): weights, activations and
gradients in bfloat16 with float32 master weights in the optimizer; rows of nearly the same length
padded on the right, so that attention is plainly causal and needs no mask; attention written out as
two batched products, because the fused kernel's backward pass is slower at these lengths; the
vocabulary head only where there is a loss. Block matrices are updated by Muon (Jordan et al. 2024;
update size matched to Adam's as in arXiv 2502.16982), the rest by AdamW.

The learning rate warms up, stays, and falls linearly to zero in the last part of the given time
("warmup-stable-decay"), so a stage takes the given time on any machine. Checkpoints are
written every two minutes, atomically, and resumed from.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from backend.engines.torch.qwen2 import CausalAttention, attend_causally

CHECKPOINT_EVERY_S = 120.0
LOG_EVERY_S = 20.0


class TrainingBatch(NamedTuple):
    """Right-padded ids (B, T), flat positions in B*T that carry a loss, and the target at each.
    Rows may share their beginnings: row i goes on from row `owners[i]` of `shared` (G, P), whose
    tokens carry no loss."""

    ids: Tensor
    places: Tensor
    targets: Tensor
    shared: Tensor | None = None
    owners: Tensor | None = None

    @property
    def tokens(self) -> int:
        """How many tokens a model reads for it, padding included."""
        return self.ids.numel() + (0 if self.shared is None else self.shared.numel())

    def to(self, where: str) -> TrainingBatch:
        """The same on another device."""
        moved = (None if part is None else part.to(where) for part in self)
        return TrainingBatch(*moved)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Schedule:
    """`minutes` of wall clock in all; `rate` the stable learning rate; warm-up in steps; `decay`
    the share of time at the end."""

    minutes: float
    rate: float = 4e-3
    warmup_steps: int = 100
    decay: float = 0.3

    def rate_at(self, step: int, elapsed_s: float) -> float:
        """The learning rate at that step and time."""
        left = max(0.0, 1.0 - elapsed_s / (60.0 * self.minutes))
        return self.rate * min(1.0, (step + 1) / self.warmup_steps, left / self.decay)


class Optimizers:
    """Float32 masters of a bfloat16 model, and the two optimizers that move them."""

    def __init__(self, model: nn.Module) -> None:
        self.pairs = [(p, p.detach().float().clone().requires_grad_()) for p in model.parameters()]
        named = [
            (name, master)
            for (name, _), (_, master) in zip(model.named_parameters(), self.pairs, strict=True)
        ]
        matrices = [m for name, m in named if m.ndim == 2 and ".layers." in name]
        others = [m for name, m in named if not (m.ndim == 2 and ".layers." in name)]
        self.muon = torch.optim.Muon(matrices, weight_decay=0.05, adjust_lr_fn="match_rms_adamw")
        self.adam = torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.0, fused=True)

    def step(self, rate: float) -> None:
        """One update from the model's gradients, clipped to norm 1, which are then cleared."""
        for parameter, master in self.pairs:
            master.grad = None if parameter.grad is None else parameter.grad.float()
            parameter.grad = None
        nn.utils.clip_grad_norm_([master for _, master in self.pairs], 1.0)
        for optimizer, scale in ((self.muon, 1.0), (self.adam, 0.75)):
            for group in optimizer.param_groups:
                group["lr"] = rate * scale
            optimizer.step()  # type: ignore[no-untyped-call]
        self.publish()

    @torch.no_grad()
    def publish(self) -> None:
        """Copy the float32 masters into the model, rounded to bfloat16."""
        for parameter, master in self.pairs:
            parameter.copy_(master)

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {
            "masters": [m.detach() for _, m in self.pairs],
            "muon": self.muon.state_dict(),
            "adam": self.adam.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to the state of a checkpoint."""
        with torch.no_grad():
            for (_, master), saved in zip(self.pairs, state["masters"], strict=True):
                master.copy_(saved)
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])
        self.publish()


def plain_attention(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Causal attention as two batched products: the last T of S positions, (B, H, T, D), over all
    of them, (B, K, S, D)."""
    rows, heads, length, size = queries.shape
    total = keys.shape[2]
    groups = heads // keys.shape[1]
    if groups > 1:
        keys, values = keys.repeat_interleave(groups, 1), values.repeat_interleave(groups, 1)
    mask = torch.full((length, total), -math.inf, dtype=queries.dtype, device=queries.device).triu(
        total - length + 1
    )
    scores = torch.baddbmm(
        mask.expand(rows * heads, length, total),
        queries.reshape(rows * heads, length, size),
        keys.reshape(rows * heads, total, size).transpose(1, 2),
        alpha=1 / math.sqrt(size),
    )
    return torch.bmm(scores.softmax(-1), values.reshape(rows * heads, total, size)).view(
        queries.shape
    )


def device() -> str:
    """The GPU if there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def attention_for(where: str) -> CausalAttention:
    """The fused kernel on a GPU, the written-out one on a CPU."""
    return attend_causally if where == "cuda" else plain_attention


def save_atomically(state: dict[str, Any], path: Path) -> None:
    """Write beside and rename, so that a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    torch.save(state, beside)
    beside.replace(path)


@dataclass
class TrainingClock:
    """Training time over all resumptions, and what was done in it."""

    elapsed_s: float = 0.0
    step: int = 0
    tokens: int = 0
    resumptions: int = 0


def train(
    model: nn.Module,
    batches: Callable[[TrainingClock], Iterator[TrainingBatch]],
    loss: Callable[[TrainingBatch], Tensor],
    schedule: Schedule,
    checkpoint: Path,
    report: Callable[[str], None],
    publish: Callable[[], None] = lambda: None,
    now: Callable[[], float] = time.monotonic,
) -> TrainingClock:
    """Train until the time is over, in seconds of `now`. `batches` is called with the running
    clock; `publish` is called after each checkpoint."""
    optimizers, clock = Optimizers(model), TrainingClock()
    if checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True)
        optimizers.restore(state)
        clock = TrainingClock(**state["clock"])
        clock.resumptions += 1
        report(f"resumed at step {clock.step}, {clock.elapsed_s / 60:.1f} min")
    started, before = now(), clock.elapsed_s
    logged, saved, sums = before, before, [0.0, 0, 0]
    stream = batches(clock)
    while clock.elapsed_s < 60 * schedule.minutes:
        batch = next(stream)
        value = loss(batch)
        value.backward()  # type: ignore[no-untyped-call]
        optimizers.step(schedule.rate_at(clock.step, clock.elapsed_s))
        clock.step, clock.tokens = clock.step + 1, clock.tokens + batch.tokens
        clock.elapsed_s = before + now() - started
        sums = [sums[0] + float(value.detach()), sums[1] + 1, sums[2] + batch.tokens]
        if clock.elapsed_s - logged >= LOG_EVERY_S:
            speed, left = (
                sums[2] / (clock.elapsed_s - logged),
                schedule.minutes - clock.elapsed_s / 60,
            )
            report(
                f"step {clock.step} loss {sums[0] / sums[1]:.4f} tokens "
                f"{clock.tokens / 1e6:.2f}M {speed:.0f} tokens/s {left:.1f} min left"
            )
            logged, sums = clock.elapsed_s, [0.0, 0, 0]
        if clock.elapsed_s - saved >= CHECKPOINT_EVERY_S:
            save_atomically({**optimizers.state(), "clock": vars(clock)}, checkpoint)
            publish()
            saved = clock.elapsed_s
    save_atomically({**optimizers.state(), "clock": vars(clock)}, checkpoint)
    publish()
    return clock
