"""Write the golden traces anew, into their own folder or into the one that is named: `python -m
tests.golden [FOLDER]`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.golden import FOLDER, SEARCHES, golden


def main(folder: Path) -> None:
    for name in SEARCHES:
        lines = asyncio.run(golden(name))
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
