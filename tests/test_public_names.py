"""Names that others hold on to stay: what `tests/public_names.json` lists is still there, under the
same name and with the same meaning. More may be there; a new public name goes into the list when it
is released."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.public_names import READ

LIST = Path(__file__).with_name("public_names.json")
HELD: dict[str, Any] = json.loads(LIST.read_text(encoding="utf-8"))

WITHDRAWN = {
    "allowed_urls": "a setting that nothing ever read",
}
"""Names that are gone on purpose, each with the reason."""


def missing(held: Any, found: Any, at: str = "") -> Iterator[str]:
    """What the list holds and the code no longer has, or has otherwise. Names in a list keep their
    order, because arguments may be given by place."""
    if isinstance(held, dict) and isinstance(found, dict):
        for name, value in held.items():
            if name not in found:
                yield from () if name in WITHDRAWN else (f"{at}{name} is gone",)
            else:
                yield from missing(value, found[name], f"{at}{name} / ")
    elif isinstance(held, list) and isinstance(found, list):
        yield from _missing_in_order(held, found, at)
    elif held != found:
        yield f"{at.removesuffix(' / ')} was {held!r} and is {found!r}"


def _missing_in_order(held: list[Any], found: list[Any], at: str) -> Iterator[str]:
    if any(isinstance(each, dict) for each in held):
        yield from missing(dict(enumerate(held)), dict(enumerate(found)), at)
        return
    expected = [each for each in held if each not in WITHDRAWN]
    kept = [each for each in found if each in expected]
    if kept != expected:
        yield f"{at.removesuffix(' / ')} held {expected} and has {kept}"


@pytest.mark.parametrize("part", HELD)
def test_public_names_stay(part: str) -> None:
    assert list(missing(HELD[part], READ[part]())) == []


def test_whatever_is_read_is_held() -> None:
    assert HELD.keys() == READ.keys()


@pytest.mark.parametrize(
    ("held", "found", "said"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": {"b": None}}, {"a": {}}, ["a / b is gone"]),
        ({"a": 1}, {"a": 2}, ["a was 1 and is 2"]),
        ({"a": ["x", "y"]}, {"a": ["x", "z", "y"]}, []),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, ["a held ['x', 'y'] and has ['y', 'x']"]),
        ({"a": [{"n": 1}]}, {"a": [{"n": 1}, {"n": 2}]}, []),
    ],
)
def test_additions_pass_and_removals_do_not(held: Any, found: Any, said: list[str]) -> None:
    assert list(missing(held, found)) == said
