"""Every module can be imported in an installation that has what its requirements name, whatever
else other installations bring along."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.parts import PARTS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("backend", "storage", "components", "benchmarks")
NEEDING_VLLM = ("backend.engines.vllm", "benchmarks.raw_vllm")
STARTS = frozenset({"__main__", "sandbox", "env"})
"""Files that are run, as programs or by Alembic, and never imported."""

IMPORT_ALL = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def modules() -> list[str]:
    """The names of all modules of the product."""
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    names = (file.relative_to(ROOT).with_suffix("").parts for file in files)
    imported = (".".join(name) for name in names if name[-1] not in STARTS)
    return sorted(name.removesuffix(".__init__") for name in imported)


def test_every_module_can_be_imported() -> None:
    found = modules()
    assert len(found) > 300
    if not PARTS["vllm"].present():
        found = [name for name in found if not name.startswith(NEEDING_VLLM)]
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORT_ALL, *found],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
