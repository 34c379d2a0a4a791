"""Ports for servers that cannot be handed a socket."""

from __future__ import annotations

import contextlib
import random
import socket

PORTS = range(20_000, 32_000)
"""Below the ports that systems hand to connections, so that none takes a free port before the
server does."""


def free_port() -> int:
    """A port of this machine on which nothing listens. Chosen by chance: tests run side by side."""
    chance = random.SystemRandom()
    while True:
        port = chance.choice(PORTS)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
