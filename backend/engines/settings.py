"""What a user may set about models, and which models ship with the project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from backend.core.settings import Settings

CLASSROOM: Final = Path(__file__).resolve().parents[1] / "classroom"
SHIPPED: Final = MappingProxyType(
    {
        "classroom": CLASSROOM / "policy",
        "classroom-prm": CLASSROOM / "prm",
        "classroom-prm-full": CLASSROOM / "prm-full",
    }
)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What a user may set about models. `names` maps names to folders; `allowed` None allows every
    model, else only these and `names`.

    `policy_share` and `reward_share` split a GPU's memory between vLLM's two engines; `policy_gib`
    and `reward_gib` are their caches on a CPU. `base_url` ends in `/v1` or will get it; the key is
    read from the environment variable `api_key_env`. `servers` are further addresses by name;
    `allowed_servers` None: any server may be asked.
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
    servers: Mapping[str, str] = field(default_factory=dict)
    allowed_servers: tuple[str, ...] | None = None
    api_key_env: str = "ARBORETUM_OPENAI_KEY"
    timeout_seconds: float = 120.0
    delimiter: str = "\n\n"


def model_settings(settings: Settings) -> ModelSettings:
    """What the environment says about models, and the defaults for everything else."""
    return ModelSettings(
        **{name: value for name, value in vars(settings.models).items() if value is not None}
    )


__all__ = ["SHIPPED", "ModelSettings", "model_settings"]
