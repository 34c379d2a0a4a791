"""What can be set from outside: once at start by the environment (`Settings`), and while running
from the settings page (`Preferences`).

The environment's variables are listed in one table, in `docs/architecture.md`. An empty one counts
as not set.
"""

from __future__ import annotations

import ipaddress
import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from backend.core.errors import BadInput

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

PLUG_IN = r"^[a-z][a-z0-9_]{0,63}$"
"""What the name of a plug-in looks like; which there are, their registry knows."""

ModelName = Annotated[
    Annotated[
        str,
        StringConstraints(
            strip_whitespace=True, min_length=1, max_length=400, pattern=r"^[^\x00-\x1f\x7f]+$"
        ),
    ]
    | None,
    BeforeValidator(lambda value: None if isinstance(value, str) and not value.strip() else value),
]
"""A model's name or path on one line; nothing stands for the engine's default."""


class Preferences(BaseModel):
    """Settings of the settings page; they live in the store. The allow-lists count only where the
    service is bound to more than loopback."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runs_at_once: int = Field(
        4,
        ge=1,
        le=64,
        description="runs that search at the same time; further ones wait in the queue",
    )
    retention_days: float = Field(
        0.0,
        ge=0.0,
        le=36_500.0,
        description="runs older than this are deleted at start (0: kept for ever)",
    )
    default_engine: str = Field(
        "torch", pattern=PLUG_IN, description="the engine that the form proposes, by name"
    )
    default_model: ModelName = Field(
        None,
        description=(
            "the model that the form proposes with that engine; empty: the engine's default"
        ),
    )
    default_verifier: str = Field(
        "prm",
        pattern=PLUG_IN,
        description="the verifier that the form proposes, by name",
    )
    default_reward_model: ModelName = Field(
        None,
        description="the reward model that the form proposes with that engine; empty: its default",
    )
    allowed_models: tuple[str, ...] = Field(
        (), description="model names and paths that runs may use besides the shipped ones"
    )
    allow_imports: bool = Field(False, description="whether export files may be imported")

    def lists(self) -> tuple[object, ...]:
        """The part that guards a service which others can reach; it is changed on loopback only."""
        return (self.allowed_models, self.allow_imports)


@dataclass(frozen=True)
class ModelOptions:
    """What the environment says about models; None leaves the default of
    `backend.engines.models.ModelSettings`, whose fields have the same names."""

    device: str | None = None
    threads: int | None = None
    vllm_dtype: str | None = None
    vllm_context: int | None = None
    policy_share: float | None = None
    reward_share: float | None = None
    policy_gib: float | None = None
    reward_gib: float | None = None
    base_url: str | None = None
    openai_model: str | None = None
    openai_tokenizer: Path | None = None
    timeout_seconds: float | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> ModelOptions:
        """Raises `BadInput` with the variable's name, what it holds and what is accepted."""
        return cls(
            device=_word(
                environ,
                "ARBORETUM_DEVICE",
                r"cpu|cuda(:\d{1,3})?",
                "cpu, cuda, or one of several cards such as cuda:1",
            ),
            threads=_integer(environ, "ARBORETUM_THREADS", 0) or None,
            vllm_dtype=_word(
                environ,
                "ARBORETUM_VLLM_DTYPE",
                "auto|bfloat16|float16|float32",
                "auto, bfloat16, float16, float32",
            ),
            vllm_context=_integer(environ, "ARBORETUM_VLLM_CONTEXT", 0) or None,
            policy_share=_number(environ, "ARBORETUM_VLLM_POLICY_SHARE", most=1.0),
            reward_share=_number(environ, "ARBORETUM_VLLM_REWARD_SHARE", most=1.0),
            policy_gib=_number(environ, "ARBORETUM_VLLM_POLICY_GIB"),
            reward_gib=_number(environ, "ARBORETUM_VLLM_REWARD_GIB"),
            base_url=_word(
                environ,
                "ARBORETUM_OPENAI_URL",
                r"https?://[^\s/]\S*",
                "an address such as http://localhost:8000/v1",
            ),
            openai_model=_word(
                environ,
                "ARBORETUM_OPENAI_MODEL",
                r"[^\x00-\x1f\x7f]{1,400}",
                "a model's name on one line",
            ),
            openai_tokenizer=_folder(environ, "ARBORETUM_OPENAI_TOKENIZER", "tokenizer.json"),
            timeout_seconds=_number(environ, "ARBORETUM_OPENAI_TIMEOUT_SECONDS"),
        )


@dataclass(frozen=True)
class Settings:
    """What a process is started with. `token` None means that no token is asked for, which is so on
    loopback only."""

    db: Path = ROOT / "var" / "arboretum.duckdb"
    host: str = "127.0.0.1"
    port: int = 8501
    token: str | None = None
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    models: ModelOptions = ModelOptions()
    sql: bool = True
    samples: Path | None = ROOT / "backend" / "service" / "samples"
    problems: Path | None = None

    @property
    def public(self) -> bool:
        """Whether anybody but this machine can reach the service."""
        return not is_loopback(self.host)

    @classmethod
    def from_environment(
        cls,
        environ: Mapping[str, str],
        *,
        host: str | None = None,
        port: int | None = None,
        db: Path | None = None,
    ) -> Settings:
        """Settings of the environment, with what the caller knows better on top. Raises `BadInput`
        for a value that is not accepted."""
        chosen = host or environ.get("ARBORETUM_HOST") or cls.host
        token = environ.get("ARBORETUM_TOKEN") or None
        if token is None and not is_loopback(chosen):
            token = secrets.token_urlsafe(24)
        return cls(
            db=db or Path(environ.get("ARBORETUM_DB") or cls.db),
            host=chosen,
            port=port if port is not None else _integer(environ, "ARBORETUM_PORT", cls.port),
            token=token,
            hosts=_names(environ.get("ARBORETUM_HOSTS", "")),
            origins=_names(environ.get("ARBORETUM_ORIGINS", "")),
            models=ModelOptions.from_environment(environ),
            sql=_word(environ, "ARBORETUM_SQL", "on|off", "on, off") != "off",
            problems=Path(environ["ARBORETUM_PROBLEMS"])
            if environ.get("ARBORETUM_PROBLEMS")
            else None,
        )


def is_loopback(host: str) -> bool:
    """Whether a bind address is reached from this machine only."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _integer(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal():
        raise BadInput(
            f"environment variable {name}", given=text, accepted="a whole number of 0 or more"
        )
    return int(text)


def _number(environ: Mapping[str, str], name: str, most: float = math.inf) -> float | None:
    """A finite number above 0 and at most `most`, or None where the variable is not set."""
    text = (environ.get(name) or "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (0 < value <= most and math.isfinite(value)):
        raise BadInput(
            f"environment variable {name}",
            given=text,
            accepted=f"a number above 0{'' if most == math.inf else f', at most {most:g}'}",
        )
    return value


def _word(environ: Mapping[str, str], name: str, pattern: str, accepted: str) -> str | None:
    """A text that fits the pattern as a whole, or None where the variable is not set."""
    text = (environ.get(name) or "").strip()
    if text and re.fullmatch(pattern, text) is None:
        raise BadInput(f"environment variable {name}", given=text, accepted=accepted)
    return text or None


def _folder(environ: Mapping[str, str], name: str, file: str) -> Path | None:
    """A folder that holds the file, or None where the variable is not set."""
    text = environ.get(name) or ""
    if not text:
        return None
    folder = Path(text).expanduser()
    if not (folder / file).is_file():
        raise BadInput(
            f"environment variable {name}", given=text, accepted=f"a folder that holds {file}"
        )
    return folder
