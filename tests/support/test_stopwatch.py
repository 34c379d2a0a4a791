"""A bound in seconds is for a machine with a core to spare, and holds on a busy one too."""

from __future__ import annotations

import pytest

from tests.support.stopwatch import PRESSURE, Stopwatch, queued_s


@pytest.mark.parametrize(
    ("passed", "queued", "counted"), [(4.0, 0.0, 4.0), (4.0, 1.0, 3.0), (4.0, 4.0, 1.0)]
)
def test_time_in_the_queue_for_a_core_does_not_count_but_a_quarter_always_does(
    passed: float, queued: float, counted: float
) -> None:
    times, queues = iter([100.0, 100.0 + passed]), iter([7.0, 7.0 + queued])
    assert Stopwatch(lambda: next(times), lambda: next(queues)).seconds() == counted


@pytest.mark.skipif(not PRESSURE.exists(), reason="this system does not count who waits for a core")
def test_the_queue_is_counted_by_the_system() -> None:
    before = queued_s()
    assert 0.0 < before <= queued_s()
