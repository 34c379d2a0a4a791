"""Completions servers of the settings page, and what a probe found out about them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from backend.core.settings import ServerAddress
from backend.messages.runs import Answer


class NewServer(BaseModel):
    """A server to add, or to replace by the same name."""

    model_config = ConfigDict(extra="forbid")

    server: ServerAddress


class Probed(Answer):
    """What a probe found: whether the server can be used, with the reason and remedy if not, the
    model that answered, its context in tokens (0: not told), and what it gives and refuses."""

    ok: bool
    reason: str = ""
    remedy: str = ""
    model: str = ""
    context: int = 0
    gives: tuple[str, ...] = ()
    refuses: str = ""
    seconds: float = 0.0


class Server(Answer):
    """A server; `probed` is None until it was tested since the service's start."""

    name: str
    url: str
    probed: Probed | None = None


class Servers(Answer):
    """All servers, those of the settings page by name; `address` is the one that the environment
    names, if it does."""

    servers: list[Server]
    address: str | None = None


__all__ = ["NewServer", "Probed", "Server", "Servers"]
