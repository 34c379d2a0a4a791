"""What all tests share: property tests without deadlines, parts that a machine may lack, order and
shares of processes that run tests side by side, and that no file of tests leaves processes
behind."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from tests.support import leftovers, parts, workers

settings.register_profile("arboretum", deadline=None, print_blob=True)
settings.load_profile("arboretum")
leftovers.mark()


def pytest_configure(config: pytest.Config) -> None:
    parts.check_required()
    config.pluginmanager.register(SessionFixtures())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=workers.order_of)
    parts.skip_missing(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    return workers.scheduler(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, object, object]:
    return workers.encodable((yield))


class SessionFixtures:
    """A plug-in of its own, because pytest tells a conftest nothing of fixtures of the session."""

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object]
    ) -> Generator[None, object, object]:
        if fixturedef.scope != "session":
            return (yield)
        before = leftovers.running()
        result = yield
        leftovers.SHARED.update(leftovers.running() - before)
        return result


@pytest.fixture(scope="session", autouse=True)
def no_process_outlives_the_session() -> Iterator[None]:
    """Set up first, so torn down last: by then every fixture has ended what it started."""
    yield
    left = leftovers.left_after(())
    leftovers.kill(left)
    assert not left, "fixtures of the session left processes behind"


@pytest.fixture(scope="module", autouse=True)
def no_process_outlives_its_file(no_process_outlives_the_session: None) -> Iterator[None]:
    """Each file of tests ends what it has started; fixtures of the session live on."""
    before = leftovers.running()
    yield
    left = leftovers.left_after(before | leftovers.SHARED, shared=leftovers.SHARED)
    leftovers.kill(left)
    assert not left, "the tests of this file left processes behind"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    lines = parts.summary(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in skipped
        if isinstance(report.longrepr, tuple | list)
    )
    if lines:
        terminalreporter.section("not tried on this machine")
        terminalreporter.write("\n".join([*lines, ""]))
