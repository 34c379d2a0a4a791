"""Write `docs/mutants.md` anew: `python -m tests.mutants`."""

from __future__ import annotations

from tests.mutants.page import PAGE, page

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
