"""Which servers a service that others can reach may ask.

Whoever may add a server could otherwise make this machine ask any address inside its network. So
each request is checked anew: the address that the server's name resolves to now must be one that an
allowed server resolves to, with the same scheme and port, and the connection goes to that very
address. Addresses of the link itself, where clouds keep their secrets, count only where an allowed
server names them by number.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

import httpx

from backend.core.errors import EngineFailure

Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"""(host, port) to the addresses of a host, in the order in which they are tried."""

PORTS: Final = {"http": 80, "https": 443}


class Place(NamedTuple):
    """Where a server is."""

    scheme: str
    host: str
    port: int


def place_of(address: httpx.URL | str) -> Place:
    """Scheme, host and port of an address."""
    url = httpx.URL(address)
    return Place(url.scheme, url.host, url.port or PORTS.get(url.scheme, 0))


async def resolve_host(host: str, port: int) -> list[str]:
    """The addresses of a host by the system's resolver; empty where it has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
    except OSError:
        return []
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


class AllowedTransport(httpx.AsyncBaseTransport):
    """Carries requests to allowed servers only. Raises `EngineFailure` for any other."""

    def __init__(
        self,
        allowed: Sequence[str],
        inner: httpx.AsyncBaseTransport,
        resolve: Resolve = resolve_host,
    ) -> None:
        self._allowed = [place_of(address) for address in allowed]
        self._inner, self._resolve = inner, resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the address that was checked; its Host header and the name in its
        certificate stay those of the server."""
        place = place_of(request.url)
        address = await self._checked(place)
        extensions = {**request.extensions, "sni_hostname": place.host}
        checked = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions=extensions,
        )
        return await self._inner.handle_async_request(checked)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _checked(self, place: Place) -> str:
        """The address to connect to."""
        same = [
            one for one in self._allowed if (one.scheme, one.port) == (place.scheme, place.port)
        ]
        known = {address for one in same for address in await self._resolve(one.host, one.port)}
        by_number = {one.host for one in same}
        for address in await self._resolve(place.host, place.port):
            if address in known and (address in by_number or not is_local_link(address)):
                return address
        raise EngineFailure(
            f"the server {place.scheme}://{place.host}:{place.port} is not allowed here, or its name "
            "leads elsewhere now",
            "This service is reachable from outside: its settings list the allowed servers, and "
            "they are changed while it is on loopback",
        )


def is_local_link(address: str) -> bool:
    """Whether an address is link-local, multicast or unspecified."""
    found = ipaddress.ip_address(address)
    return found.is_link_local or found.is_multicast or found.is_unspecified
