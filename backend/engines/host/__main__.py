"""The engine host as a process: `python -m backend.engines.host SOCKET LOADER`."""

from __future__ import annotations

import gc
import sys

# What imports make stays, and the collector would look through it again and again.
gc.set_threshold(50_000, 20, 20)

from backend.engines.host.child import main  # noqa: E402

if __name__ == "__main__":
    main(sys.argv[1:])
