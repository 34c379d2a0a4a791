"""Completions servers: added, tested and removed."""

from __future__ import annotations

from fastapi import APIRouter

from backend.api.deps import Needs
from backend.messages.servers import NewServer, Servers

router = APIRouter(tags=["servers"])


@router.get("/servers")
async def servers(services: Needs) -> Servers:
    """The servers, with the result of the last test of each."""
    return services.servers.all()


@router.post("/servers")
async def add_server(body: NewServer, services: Needs) -> Servers:
    """Add a server, or give the one of that name another address; the answer comes when it was
    tested."""
    return await services.closing.guard(services.servers.add(body.server))


@router.post("/servers/{name}/test")
async def test_server(name: str, services: Needs) -> Servers:
    """Ask a server for what it can."""
    return await services.closing.guard(services.servers.test(name))


@router.delete("/servers/{name}")
async def remove_server(name: str, services: Needs) -> Servers:
    """Remove a server; runs that use it go on."""
    return await services.servers.remove(name)


__all__ = ["router"]
