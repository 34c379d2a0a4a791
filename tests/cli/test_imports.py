"""A command starts fast because it imports what it needs: no heavy package that is not listed for
it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "backend" / "service" / "samples" / "2-beam-search.jsonl"

HEAVY = frozenset(
    [
        "IPython",
        "aiohttp",
        "alembic",
        "altair",
        "antlr4",
        "duckdb",
        "duckdb_sqlalchemy",
        "fastapi",
        "httpx",
        "huggingface_hub",
        "jinja2",
        "matplotlib",
        "math_verify",
        "msgspec",
        "numpy",
        "pandas",
        "pebble",
        "plotly",
        "pyarrow",
        "pydantic",
        "pydantic_settings",
        "ray",
        "requests",
        "rich",
        "safetensors",
        "scipy",
        "sqlalchemy",
        "starlette",
        "streamlit",
        "sympy",
        "tokenizers",
        "torch",
        "transformers",
        "typer",
        "uvicorn",
        "vllm",
    ]
)
"""Packages whose import takes 20 ms or more, or brings others that do."""

READING = {"pydantic", "typer", "msgspec"}
"""What says what a run is: its fields and its events."""
CATALOG = READING | {"pydantic_settings", "numpy"}
"""Also what is set from outside, and what strategies and formulas compute with."""
STORE = READING | {"pydantic_settings", "sqlalchemy", "duckdb", "duckdb_sqlalchemy"}
"""What reads a stored run, which is small: a large one is read through pyarrow."""
CHILD = """
import json, sys
from backend.__main__ import main
try:
    status = main(json.loads(sys.argv[1]))
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
sys.exit(status)
"""


def imported_by(*arguments: str, ends_with: int = 0) -> set[str]:
    """The heavy packages that a command imports in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ends_with, done.stderr
    names: list[str] = json.loads(done.stderr.splitlines()[-1])
    return HEAVY.intersection(names)


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (["--help"], READING),
        (["run", "--help"], READING),
        (["serve", "--help"], READING),
        (["sweep", "--help"], READING),
        (["catalog"], CATALOG),
        (["catalog", "--json"], CATALOG),
        (["problems"], CATALOG),
        (["problems", "countdown/2/1000001"], CATALOG),
    ],
)
def test_a_command_that_looks_at_nothing_stored_imports_no_store(
    arguments: list[str], allowed: set[str]
) -> None:
    assert imported_by(*arguments) <= allowed


def test_a_stored_run_is_verified_without_what_runs_and_draws(tmp_path: Path) -> None:
    db = ["--db", str(tmp_path / "a.duckdb")]
    imported_by("import", str(SAMPLE), *db)
    assert imported_by("verify-run", "1", *db) <= STORE


def test_a_run_imports_no_model_library_and_nothing_that_draws(tmp_path: Path) -> None:
    """Models are imported by the engine host, a process of its own. This run ends where it would
    load one. pandas is the doing of DuckDB, for any value that is bound to a statement."""
    run = ["run", "--strategy", "chain", "--problem", "ledger/3/17", "--model", "/nowhere"]
    found = imported_by(*run, "--db", str(tmp_path / "a.duckdb"), ends_with=3)
    assert found <= STORE | {"alembic", "numpy", "pandas", "pyarrow"}


def test_what_is_listed_is_needed() -> None:
    """So that a package that a command no longer imports leaves the list."""
    assert imported_by("--help") == READING
    assert imported_by("catalog") == CATALOG
