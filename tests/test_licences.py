"""Everything in the repository that is neither code nor text is named in docs/licences.md, with its
source and licence."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOPS = (
    "backend",
    "benchmarks",
    "components",
    "docs",
    "pages",
    "storage",
    "tests",
    ".ci/javascript",
)
OURS = frozenset({".py", ".md", ".toml", ".txt", ".js", ".css", ".html", ".ini", ".cfg"})
"""Code and text of the project itself."""
PASSING = frozenset({"__pycache__", "node_modules", ".hypothesis", "var"})
ROW = re.compile(r"^\| (`.+?) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)


def page() -> str:
    return (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")


def patterns() -> list[str]:
    """The files that the first table names."""
    return [name for row in ROW.findall(page()) for name in re.findall(r"`([^`]+)`", row[0])]


def shipped() -> list[str]:
    """Every file that is neither code nor text."""
    return sorted(
        str(path.relative_to(ROOT))
        for top in TOPS
        for path in (ROOT / top).rglob("*")
        if path.is_file() and path.suffix not in OURS and not PASSING & set(path.parts)
    )


def test_every_file_that_is_no_code_is_named_with_its_licence() -> None:
    named = patterns()
    left = [path for path in shipped() if not any(fnmatchcase(path, each) for each in named)]
    assert left == []
    assert len(shipped()) > 50


def test_every_line_of_the_page_names_something_that_is_there() -> None:
    files = shipped()
    assert [each for each in patterns() if not any(fnmatchcase(one, each) for one in files)] == []


def test_every_line_says_what_where_from_and_which_licence() -> None:
    rows = ROW.findall(page())
    assert len(rows) > 10
    for files, what, source, licence in rows:
        assert what.strip() and source.strip(), files
        assert re.search(r"Apache-2\.0|MIT|Open Font License", licence), files


def test_the_libraries_in_the_browser_are_the_installed_ones() -> None:
    pinned = (ROOT / "requirements-common.txt").read_text(encoding="utf-8")
    for name in ("streamlit", "plotly"):
        version = re.search(rf"^{name}==(\S+)", pinned, re.MULTILINE)
        assert version is not None and f"{name} {version[1]}" in page()
    found = re.search(r"plotly\.js v(\S+)", plotly_head())
    assert found is not None and f"plotly.js {found[1]}" in page()


def plotly_head() -> str:
    """The first lines of the script that is handed out."""
    from importlib.resources import files

    return files("plotly").joinpath("package_data/plotly.min.js").read_text("utf-8")[:300]
