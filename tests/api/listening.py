"""An ASGI application on a free port of this machine, in a thread: for tests that need real
HTTP.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn


@contextlib.contextmanager
def listening(app: Any, **config: Any) -> Iterator[str]:
    """The address of `app`, host and port, while it runs; `config` are settings of uvicorn. At the
    end open answers have a second to end by themselves, and the port is free again."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            **{
                "log_level": "warning",
                "access_log": False,
                "timeout_graceful_shutdown": 1,
                **config,
            },
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
