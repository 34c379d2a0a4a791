"""The environment's variables, read by pydantic-settings: what each is called, holds and accepts.

A variable that is empty or blank counts as not set; one that is not named here is not looked at.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, SettingsConfigDict

from backend.core.errors import BadInput
from backend.core.settings import WHOLE, ModelOptions, Settings, Whole, is_loopback


def names_in(text: str) -> tuple[str, ...]:
    """Names between commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(names_in)]
"""Several names in one variable. `NoDecode`: it holds no JSON."""

SHORTEST_TOKEN = 16
TOKEN = f"at least {SHORTEST_TOKEN} characters, so that nobody guesses it"
Token = Annotated[str, StringConstraints(strip_whitespace=True, min_length=SHORTEST_TOKEN)]

SECRETS = frozenset({"ARBORETUM_TOKEN"})

FRAME_HOSTS = "hosts between commas, such as https://lab.example.org or lab.example.org:8443"
FrameHost = Annotated[
    str,
    StringConstraints(pattern=r"^(https?://)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?$"),
]
FrameHosts = Annotated[tuple[FrameHost, ...], NoDecode, BeforeValidator(names_in)]
"""Hosts whose pages may show these in a frame; they stand in a header, so nothing else fits."""

OnOff = Annotated[str, StringConstraints(strip_whitespace=True, pattern="^(on|off)$")]


class Variables(BaseSettings):
    """What the environment may set. Descriptions say what is accepted."""

    model_config = SettingsConfigDict(frozen=True, case_sensitive=True, validate_default=False)


class ServiceVariables(Variables):
    """What the environment says about the service and its files."""

    db: Path | None = Field(None, validation_alias="ARBORETUM_DB")
    host: str | None = Field(None, validation_alias="ARBORETUM_HOST")
    port: Whole = Field(Settings.port, validation_alias="ARBORETUM_PORT", description=WHOLE)
    token: Token | None = Field(None, validation_alias="ARBORETUM_TOKEN", description=TOKEN)
    hosts: Names = Field((), validation_alias="ARBORETUM_HOSTS")
    origins: Names = Field((), validation_alias="ARBORETUM_ORIGINS")
    frames: FrameHosts = Field((), validation_alias="ARBORETUM_FRAMES", description=FRAME_HOSTS)
    sql: OnOff = Field("on", validation_alias="ARBORETUM_SQL", description="on, off")
    problems: Path | None = Field(None, validation_alias="ARBORETUM_PROBLEMS")


class ModelVariables(ModelOptions, Variables):
    """What the environment says about models."""


def read_settings(
    environ: Mapping[str, str],
    *,
    host: str | None = None,
    port: int | None = None,
    db: Path | None = None,
) -> Settings:
    """Settings of a mapping of variables, with what the caller knows better on top. Raises
    `BadInput` for a value that is not accepted."""
    known = {} if port is None else {"ARBORETUM_PORT": ""}
    said = read_variables(ServiceVariables, {**environ, **known})
    models = read_variables(ModelVariables, environ)
    chosen = host or said.host or Settings.host
    token = said.token
    if token is None and not is_loopback(chosen):
        token = secrets.token_urlsafe(24)
    return Settings(
        db=db or said.db or Settings.db,
        host=chosen,
        port=said.port if port is None else port,
        token=token,
        hosts=said.hosts,
        origins=said.origins,
        frames=said.frames,
        models=ModelOptions.model_construct(**vars(models)),
        sql=said.sql == "on",
        problems=said.problems,
    )


class GivenVariables(EnvSettingsSource):
    """The variables of a mapping, in the place of this process's own."""

    def __init__(self, settings: type[BaseSettings], environ: Mapping[str, str]) -> None:
        super().__init__(settings)
        self.env_vars = {name: value for name, value in environ.items() if value.strip()}


Read = TypeVar("Read", bound=Variables)


def read_variables(settings: type[Read], environ: Mapping[str, str]) -> Read:
    """What a mapping of variables says. Raises `BadInput` with the variable's name, what it holds
    and what is accepted."""
    try:
        return settings(_build_sources=((GivenVariables(settings, environ),), {}))
    except ValidationError as error:
        [first, *_] = error.errors()
        name = str(first["loc"][0])
        fields = {field.validation_alias: field for field in settings.model_fields.values()}
        held = environ[name]
        # what is to be secret is shown to nobody, not even where it is too short
        given = f"{len(held.strip())} characters" if name in SECRETS else held
        raise BadInput(
            f"environment variable {name}", given=given, accepted=fields[name].description
        ) from None


__all__ = ["ModelVariables", "ServiceVariables", "read_settings", "read_variables"]
