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

READING = {"pydantic", "typer", "numpy", "msgspec"}
"""What says what a run is: its fields, its events, its random source."""
STORE = READING | {"sqlalchemy", "duckdb", "duckdb_sqlalchemy", "pyarrow"}
CHILD = """
import json, sys
from backend.__main__ import main
try:
    status = main(json.loads(sys.argv[1]))
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
sys.exit(status)
"""


def imported_by(*arguments: str) -> set[str]:
    """The heavy packages that a command imports in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names: list[str] = json.loads(done.stderr.splitlines()[-1])
    return HEAVY.intersection(names)


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (["--help"], READING),
        (["run", "--help"], READING),
        (["catalog"], READING),
        (["catalog", "--json"], READING),
        (["problems"], READING),
        (["problems", "countdown/2/1000001"], READING),
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


def test_what_is_listed_is_needed() -> None:
    """So that a package that a command no longer imports leaves the list."""
    assert imported_by("catalog") == READING
