"""The engine host as a process: `python -m backend.engines.host SOCKET LOADER`."""

from __future__ import annotations

import sys

from backend.engines.host.child import main

if __name__ == "__main__":
    main(sys.argv[1:])
