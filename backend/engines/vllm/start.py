"""Starting vLLM: one `AsyncLLM` for the policy, another for the reward model, side by side on one
machine.

Two settings decide whether a search is quick. The key-value block must be small, or short steps
never fill one and the prefix cache never hits: 16 tokens on a GPU, 32 on a CPU, where vLLM's own
default is 128. And memory is split beforehand: vLLM takes all it is allowed to, so each engine gets
a share of the card, or a fixed cache size on a CPU. A model's folder is data: remote code is never
trusted.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from vllm import AsyncEngineArgs
from vllm import __version__ as vllm_version
from vllm.config import PoolerConfig
from vllm.platforms import current_platform
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.metrics.loggers import StatLoggerBase

from backend.core.errors import EngineFailure
from backend.core.ports import Capabilities, EngineInfo
from backend.engines.shared.chat import ChatTokenizer
from backend.engines.torch.text import Vocabulary, end_tokens

GIB: Final = 2**30
HASHED_BYTES: Final = 2 * GIB


class VllmCounters(StatLoggerBase):  # type: ignore[misc]
    """vLLM's own figures, added up as it reports them: the reference for everything that we count
    ourselves."""

    def __init__(self, vllm_config: object = None, engine_index: int = 0) -> None:
        self.generated = self.prompt = self.cached = 0

    def record(
        self,
        scheduler_stats: Any,
        iteration_stats: Any,
        mm_cache_stats: Any = None,
        engine_idx: int = 0,
    ) -> None:
        """Add one iteration of the engine."""
        if iteration_stats is not None:
            self.generated += iteration_stats.num_generation_tokens
            self.prompt += iteration_stats.prompt_token_stats.total
            self.cached += iteration_stats.prompt_token_stats.cached_tokens

    def log_engine_initialized(self) -> None:
        """Nothing to tell."""


@dataclass(frozen=True, slots=True)
class VllmSettings:
    """How one engine is started. `memory_share` of the card in (0, 1]; `cache_gib` is the CPU
    build's key-value cache; 0 and "" mean default."""

    dtype: str = "bfloat16"
    memory_share: float = 0.5
    cache_gib: float = 1.0
    max_num_seqs: int = 256
    max_model_len: int = 0
    block_size: int = 0
    delimiter: str = "\n\n"
    name: str = ""


class Started(NamedTuple):
    """A running engine with what describes it."""

    engine: Any
    vocabulary: Vocabulary
    counters: VllmCounters
    info: EngineInfo


@dataclass(frozen=True, slots=True)
class Weights:
    """What the weight files are: number of parameters, bytes, and a hash that tells two models
    apart."""

    parameters: int
    size: int
    sha256: str
    files: tuple[str, ...] = field(default=())


async def start(model: str, role: Literal["policy", "reward"], settings: VllmSettings) -> Started:
    """Start an engine for a folder or Hub name; 25 to 60 seconds on a CPU. Raises `EngineFailure`
    if vLLM cannot."""
    return await asyncio.to_thread(start_blocking, model, role, settings)


def start_blocking(
    model: str, role: Literal["policy", "reward"], settings: VllmSettings
) -> Started:
    """`start`, to be called in a thread: vLLM's constructor blocks until its core process is up."""
    # a fork would copy the host's connection to its parent
    os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    folder = model_folder(model)
    tokenizer = ChatTokenizer.read(folder)
    counters = VllmCounters()
    arguments = engine_arguments(folder, role, settings, tokenizer)
    try:
        engine = AsyncLLM.from_engine_args(
            AsyncEngineArgs(**arguments), stat_loggers=[lambda config, index: counters]
        )
    except (RuntimeError, ValueError, OSError, ImportError) as error:
        raise EngineFailure(
            f"vLLM could not start {model!r}: {error}", "See the engine's log lines for the cause"
        ) from error
    configured = engine.model_config.hf_config.eos_token_id
    ends = end_tokens(
        folder,
        tokenizer,
        configured if isinstance(configured, list) else [] if configured is None else [configured],
    )
    vocabulary = Vocabulary(tokenizer, ends)
    return Started(
        engine, vocabulary, counters, describe(engine, model, folder, tokenizer, role, settings)
    )


async def stop(engine: Any) -> None:
    """End an engine's core process, then the sockets' context in this process, which vLLM leaves to
    the garbage collector."""
    context = engine.engine_core.resources.ctx
    # has this loop close the sockets, which comes before the next line
    await asyncio.to_thread(engine.shutdown)
    await asyncio.to_thread(context.term)


def engine_arguments(
    folder: Path, role: str, settings: VllmSettings, tokenizer: ChatTokenizer
) -> dict[str, Any]:
    """The arguments of `AsyncEngineArgs`."""
    on_cpu = current_platform.is_cpu()
    arguments: dict[str, Any] = {
        "model": str(folder),
        "dtype": settings.dtype,
        "seed": 0,
        "max_num_seqs": settings.max_num_seqs,
        "max_model_len": settings.max_model_len or None,
        "block_size": settings.block_size or (32 if on_cpu else 16),
        "enable_prefix_caching": role == "policy",
        "gpu_memory_utilization": settings.memory_share,
        "disable_log_stats": False,
        "trust_remote_code": False,
    }
    if on_cpu:
        arguments |= {"enforce_eager": True, "kv_cache_memory_bytes": int(settings.cache_gib * GIB)}
    if role == "reward":
        arguments |= {
            "runner": "pooling",
            "pooler_config": PoolerConfig(
                pooling_type="STEP", step_tag_id=tokenizer.token_id("<extra_0>")
            ),
        }
    return arguments


def model_folder(model: str) -> Path:
    """The local folder of a model: itself, or the Hub's snapshot, fetched where it is not there
    yet."""
    if Path(model).is_dir():
        return Path(model)
    if model.startswith((".", "/")) or model.count("/") != 1:
        remedy = "Give a model folder, or a Hub name such as Qwen/Qwen2.5-Math-1.5B-Instruct"
        raise EngineFailure(f"model {model!r} is missing: no such folder", remedy)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        return Path(
            snapshot_download(model, allow_patterns=["*.json", "*.safetensors", "*.jinja", "*.txt"])
        )
    except (RepositoryNotFoundError, LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise EngineFailure(
            f"model {model!r} is missing: {error}",
            "Check the name and the connection, or give a local folder",
        ) from error


def describe(
    engine: Any,
    model: str,
    folder: Path,
    tokenizer: ChatTokenizer,
    role: str,
    settings: VllmSettings,
) -> EngineInfo:
    """The engine's line in a run's manifest."""
    weights = read_weights(folder)
    config = engine.vllm_config
    platform = "cpu" if current_platform.is_cpu() else str(current_platform.get_device_name())
    return EngineInfo(
        engine="vllm",
        model=settings.name or Path(model).name,
        version=vllm_version,
        dtype=str(config.model_config.dtype).removeprefix("torch."),
        parameters=weights.parameters,
        context=int(config.model_config.max_model_len),
        delimiter=settings.delimiter,
        capabilities=Capabilities(prompt_logprobs=True)
        if role == "policy"
        else Capabilities(False, 0, False, False, False, reward_model=True),
        hashes={
            "model": weights.sha256,
            "chat_template": hashlib.sha256((tokenizer.template or "").encode()).hexdigest(),
        },
        settings={
            "device": platform,
            "block_size": str(config.cache_config.block_size),
            "prefix_caching": str(config.cache_config.enable_prefix_caching),
            "max_num_seqs": str(settings.max_num_seqs),
            "memory_share": str(settings.memory_share),
            "cache_gib": str(settings.cache_gib),
        },
    )


def read_weights(folder: Path) -> Weights:
    """Counted from the headers of the safetensors files. Above two GiB only headers and sizes are
    hashed, not every weight."""
    files = sorted(folder.glob("*.safetensors"))
    size = sum(file.stat().st_size for file in files)
    digest, parameters = hashlib.sha256(), 0
    for file in files:
        header = safetensors_header(file)
        parameters += sum(
            product(entry["shape"])
            for name, entry in json.loads(header).items()
            if name != "__metadata__"
        )
        for chunk in (
            chunks(file) if size <= HASHED_BYTES else (header, str(file.stat().st_size).encode())
        ):
            digest.update(chunk)
    return Weights(parameters, size, digest.hexdigest(), tuple(file.name for file in files))


def safetensors_header(file: Path) -> bytes:
    """The JSON header: eight bytes of length, then names, types and shapes."""
    with file.open("rb") as source:
        (length,) = struct.unpack("<Q", source.read(8))
        return source.read(length)


def chunks(file: Path) -> Iterator[bytes]:
    """The file's bytes, a megabyte at a time."""
    with file.open("rb") as source:
        while chunk := source.read(2**20):
            yield chunk


def product(shape: list[int]) -> int:
    """Number of elements of a shape."""
    total = 1
    for size in shape:
        total *= size
    return total
