"""What the documents name exists: files and objects in the README, the architecture and the cards,
and every kind of event in the glossary."""

from __future__ import annotations

import ast
import pkgutil
import re
from functools import cache
from pathlib import Path

import pytest

from backend.core.events import KINDS
from tests.test_layers import ROOT, SOURCES

GUIDES = (ROOT / "README.md", ROOT / "docs" / "architecture.md")
MADE = ("var/",)
"""Folders that are made at run time."""
PLACEHOLDERS = r"NAME|FAMILY"

CARDS = sorted((ROOT / "backend").rglob("cards/*.md"))


def words(path: Path) -> list[str]:
    """What stands in backticks, outside blocks of code."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.findall(r"`([^`\n]+)`", text)


def test_files_that_the_guides_name_exist() -> None:
    pattern = r"[a-z.][\w.-]*(/[\w.-]+)*/[\w.-]*"
    files = [word for path in GUIDES for word in words(path) if re.fullmatch(pattern, word)]
    named = [file for file in files if not file.startswith(MADE)]
    assert len(named) > 20
    folders = (re.sub(rf"/[^/]*({PLACEHOLDERS}).*", "", file) for file in named)
    assert [folder for folder in folders if not (ROOT / folder).exists()] == []


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_objects_that_a_guide_names_exist(path: Path) -> None:
    for word in words(path):
        if re.fullmatch(r"(backend|storage|components)(\.\w+)+", word):
            pkgutil.resolve_name(word)


def test_the_glossary_has_every_kind_of_event() -> None:
    glossary = GUIDES[1].read_text(encoding="utf-8").partition("| kind of event |")[2]
    listed = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|[^|]*\|", glossary, re.M))))
    assert listed == {kind.__struct_config__.tag for kind in KINDS}


@cache
def names_by_file() -> dict[str, set[str]]:
    """The names in the code of the product's files, by the name of the file: what is defined there
    and what it uses."""
    found: dict[str, set[str]] = {}
    for path in SOURCES:
        names = found.setdefault(path.name, set())
        for each in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names |= {getattr(each, field, None) for field in ("name", "id", "attr", "arg")}
    return found


@pytest.mark.parametrize("path", CARDS, ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_files_that_the_review_of_a_card_names_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    files = re.findall(r"`([\w/]+\.py)`", text)
    assert [file for file in files if Path(file).name not in names_by_file()] == []


@pytest.mark.parametrize("path", CARDS, ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_names_that_the_review_of_a_card_gives_a_file_are_in_it(path: Path) -> None:
    """A name in backticks right behind a file is in that file: `` `beam.py` `search_beam` ``."""
    named = re.findall(r"`([\w/]+\.py)` `([A-Za-z_][\w.]*)`", path.read_text(encoding="utf-8"))
    known = names_by_file()
    assert [
        one for one in named if not known[Path(one[0]).name].issuperset(one[1].split("."))
    ] == []
