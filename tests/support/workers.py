"""How tests are shared out to processes that run side by side (`pytest -n 2`).

The tests of a file stay in one process, so that what the file sets up once is set up once: a
service, a browser, an engine. Files with very many short tests go function by function, and the
mutants go by the file of tests that has to notice them. Engines come first, because they take
longest. Browser tests come last: Playwright keeps an event loop running in the main thread until
the session ends, and no other test could start one of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

BY_FUNCTION = frozenset({"tests/strategies/test_contract.py", "tests/strategies/test_fates.py"})
BY_CASE = "tests/mutants/test_mutants.py"
FIRST = ("tests/engines/test_vllm.py", "tests/engines/", "tests/mutants/")


def scope_of(nodeid: str) -> str:
    """Tests of one scope run in one process, in order."""
    file, _, rest = nodeid.partition("::")
    function, _, case = rest.partition("[")
    if file in BY_FUNCTION:
        return f"{file}::{function}"
    if file == BY_CASE:
        return f"{file}::{case.partition('.py')[0]}"
    return file


def order_of(item: pytest.Item) -> tuple[bool, int]:
    """The key by which tests are sorted; equal ones stay as they were found."""
    places = [at for at, start in enumerate(FIRST) if item.nodeid.startswith(start)]
    return item.get_closest_marker("browser") is not None, min(places, default=len(FIRST))


def encodable(data: object) -> object:
    """What a report says, fit for the way to the main process: hostile texts in a log or a message
    may hold half a surrogate pair, which has no encoding; it is written as its escape."""
    match data:
        case str():
            return data.encode("utf-8", "backslashreplace").decode("utf-8")
        case dict():
            return {encodable(key): encodable(value) for key, value in data.items()}
        case list() | tuple():
            return type(data)(map(encodable, data))
    return data


def scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Hands out scopes in the order of the tests. xdist's own scheduler would sort them by the
    number of their tests."""
    from xdist.scheduler import LoadScopeScheduling

    class ByScope(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    config.option.loadscopereorder = False
    return ByScope(config, log)
