"""Getting a loaded model folder ready, and saying what it is: shared by the torch engine and the
torch reward model."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from backend.core.ports import Capabilities, EngineInfo
from backend.engines.torch.cache import Cache
from backend.engines.torch.decoder import Decoder
from backend.engines.torch.qwen2 import LoadedWeights

SMALL = 50_000_000
"""Weights below which one thread is best: handing its tiny products to several costs more than it
saves, most of all on a busy machine."""


def threads_for(decoder: Decoder, threads: int | None) -> int:
    """How many threads to compute with: what was asked for, else one for a small model and torch's
    own choice for others."""
    return threads or (1 if decoder.parameters < SMALL else torch.get_num_threads())


def prepare(
    loaded: LoadedWeights, rows: int, cache_bytes: int, context: int | None
) -> tuple[Decoder, Cache]:
    """The network and its cache; `context` None takes the model's own limit."""
    own = loaded.config.max_position_embeddings
    decoder = Decoder(loaded.model, loaded.config, min(own, context or own))
    return decoder, Cache(loaded.config, rows, cache_bytes, decoder.device, decoder.dtype)


def describe(
    folder: Path,
    loaded: LoadedWeights,
    decoder: Decoder,
    *,
    name: str | None,
    delimiter: str,
    settings: dict[str, str],
    reward: bool = False,
) -> EngineInfo:
    """What the manifest of a run records of this engine."""
    return EngineInfo(
        engine="torch",
        model=name or folder.name,
        version=f"torch {torch.__version__}",
        dtype=str(decoder.dtype).removeprefix("torch."),
        parameters=decoder.parameters,
        context=decoder.context,
        delimiter=delimiter,
        capabilities=Capabilities(False, 0, seeds=False, abort=False, reward_model=True)
        if reward
        else Capabilities(prompt_logprobs=True, tempered_logprobs=True),
        hashes={
            "model": digest(folder),
            "chat_template": hashlib.sha256((loaded.tokenizer.template or "").encode()).hexdigest(),
        },
        settings=settings,
    )


def digest(folder: Path) -> str:
    """SHA-256 of the folder's weight files, in order of name."""
    found = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            while block := file.read(2**22):
                found.update(block)
    return found.hexdigest()
