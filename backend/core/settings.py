"""What can be set from outside: once at start by the environment (`Settings`), and while running
from the settings page (`Preferences`).

The environment's variables are listed in one table, in `docs/architecture.md`, and read by
`backend.core.environment`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

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


def whole_number(text: object) -> int:
    """The number that decimal digits write. Raises `ValueError` for anything else."""
    if not isinstance(text, str) or not text.isdecimal():
        raise ValueError(WHOLE)
    return int(text)


def tokenizer_folder(folder: Path | None) -> Path | None:
    """The folder, with the home directory in the place of `~`. Raises `ValueError` if it holds no
    tokenizer."""
    found = folder and folder.expanduser()
    if found and not (found / "tokenizer.json").is_file():
        raise ValueError("no tokenizer.json")
    return found


WHOLE, POSITIVE = "a whole number of 0 or more", "a number above 0"
SHARE = f"{POSITIVE}, at most 1"
Whole = Annotated[int, BeforeValidator(whole_number)]
SomeOrNone = Annotated[int | None, BeforeValidator(lambda text: whole_number(text) or None)]
"""A whole number; 0 stands for the default."""
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)] | None
Share = Annotated[float, Field(gt=0, le=1)] | None
TokenizerFolder = Annotated[Path | None, AfterValidator(tokenizer_folder)]


def without_path(url: str) -> str:
    """A server's address as it is compared: without a slash or `/v1` at its end. Raises
    `ValueError` for one with a user's name, a query or an odd port."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError(ADDRESS)
    if parts.query or parts.fragment or parts.port == 0:  # reading an odd port raises as well
        raise ValueError(ADDRESS)
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


ADDRESS = "an address such as http://localhost:8000/v1"
ServerUrl = Annotated[
    str, StringConstraints(max_length=400, pattern=r"^[!-~]+$"), AfterValidator(without_path)
]


class ServerAddress(BaseModel):
    """A completions server by a name of one's own. A run uses it by a model `MODEL@NAME`, or
    `@NAME` for the server's first model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", description="a short name")
    url: ServerUrl = Field(description=ADDRESS)


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
    allow_imports: bool = Field(
        False, description="whether files may be imported, and problem files brought"
    )
    servers: tuple[ServerAddress, ...] = Field(
        (), max_length=50, description="completions servers by name"
    )
    allowed_servers: tuple[ServerUrl, ...] = Field(
        (), description="addresses of completions servers that may be added and asked"
    )

    def lists(self) -> tuple[object, ...]:
        """The part that guards a service which others can reach; it is changed on loopback only."""
        return (self.allowed_models, self.allow_imports, self.allowed_servers)


class ModelOptions(BaseModel, frozen=True, str_strip_whitespace=True):
    """What the environment says about models, each with what it accepts; None leaves the default of
    `backend.engines.models.ModelSettings`, whose fields have the same names."""

    device: str | None = Field(
        None,
        validation_alias="ARBORETUM_DEVICE",
        pattern="^(cpu|cuda(:[0-9]{1,3})?)$",
        description="cpu, cuda, or one of several cards such as cuda:1",
    )
    threads: SomeOrNone = Field(None, validation_alias="ARBORETUM_THREADS", description=WHOLE)
    vllm_dtype: str | None = Field(
        None,
        validation_alias="ARBORETUM_VLLM_DTYPE",
        pattern="^(auto|bfloat16|float16|float32)$",
        description="auto, bfloat16, float16, float32",
    )
    vllm_context: SomeOrNone = Field(
        None, validation_alias="ARBORETUM_VLLM_CONTEXT", description=WHOLE
    )
    policy_share: Share = Field(
        None, validation_alias="ARBORETUM_VLLM_POLICY_SHARE", description=SHARE
    )
    reward_share: Share = Field(
        None, validation_alias="ARBORETUM_VLLM_REWARD_SHARE", description=SHARE
    )
    policy_gib: Positive = Field(
        None, validation_alias="ARBORETUM_VLLM_POLICY_GIB", description=POSITIVE
    )
    reward_gib: Positive = Field(
        None, validation_alias="ARBORETUM_VLLM_REWARD_GIB", description=POSITIVE
    )
    base_url: str | None = Field(
        None,
        validation_alias="ARBORETUM_OPENAI_URL",
        pattern=r"^https?://[^\s/]\S*$",
        description="an address such as http://localhost:8000/v1",
    )
    openai_model: str | None = Field(
        None,
        validation_alias="ARBORETUM_OPENAI_MODEL",
        pattern=r"^[^\x00-\x1f\x7f]{1,400}$",
        description="a model's name on one line",
    )
    openai_tokenizer: TokenizerFolder = Field(
        None,
        validation_alias="ARBORETUM_OPENAI_TOKENIZER",
        description="a folder that holds tokenizer.json",
    )
    timeout_seconds: Positive = Field(
        None, validation_alias="ARBORETUM_OPENAI_TIMEOUT_SECONDS", description=POSITIVE
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
    frames: tuple[str, ...] = ()
    models: ModelOptions = field(default_factory=ModelOptions)
    sql: bool = True
    samples: Path | None = ROOT / "backend" / "service" / "samples"
    problems: Path | None = None

    @property
    def experiments(self) -> Path:
        """Where the results of experiments are kept: beside the store."""
        return self.db.parent / "experiments"

    @property
    def own_problems(self) -> Path:
        """Where the problem files are kept that users brought: beside the store."""
        return self.db.parent / "problems"

    @property
    def public(self) -> bool:
        """Whether anybody but this machine can reach the service."""
        return not is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a bind address is reached from this machine only."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
