"""The runs of a comparison as they are now: row, log, clock and the event at which the clock
stands."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st

from backend.client import Client
from backend.messages.runs import OVER, Run
from components.compare.address import CompareAddress
from components.compare.clock import Clock, clock
from components.frame.service import require
from components.run.log import RunLog

Made = TypeVar("Made")
_LOGS, _KEPT = "compare.logs", "compare.kept"


@dataclass(frozen=True)
class Track:
    """A run with its log up to now; `until` is the event that the clock's value belongs to, None
    for the end."""

    run: Run
    log: RunLog
    clock: Clock
    until: int | None

    @property
    def over(self) -> bool:
        return self.run.status in OVER

    @property
    def label(self) -> str:
        return f"run {self.run.id}, {self.run.strategy.replace('_', ' ')}"


def tracks(service: Client, now: CompareAddress) -> list[Track]:
    """Fetch what is new of every run; a run that is not there ends the page with what to do."""
    logs: dict[int, RunLog] = st.session_state.setdefault(_LOGS, {})
    for run_id in logs.keys() - set(now.runs):
        del logs[run_id]
    return [_track(service, logs, run_id, now) for run_id in now.runs]


def refresh(service: Client, now: CompareAddress, shown: Sequence[Track]) -> list[Track]:
    """The same runs a little later; those that are over are as they were."""
    logs: dict[int, RunLog] = st.session_state[_LOGS]
    return [track if track.over else _track(service, logs, track.run.id, now) for track in shown]


def _track(service: Client, logs: dict[int, RunLog], run_id: int, now: CompareAddress) -> Track:
    run = require(lambda: service.info(run_id), f"Run {run_id}")
    log = logs.setdefault(run_id, RunLog(run_id))
    require(lambda: log.read_on(service), f"The log of run {run_id}")
    counted = keep(
        ("clock", run_id, now.axis.name),
        len(log.events),
        lambda: clock(log.nodes, log.events, now.axis.name),
    )
    return Track(run, log, counted, counted.event_at(now.at))


def keep(name: Hashable, version: Hashable, make: Callable[[], Made]) -> Made:
    """What `make` gives, made again only for another version: the slider runs the page at every
    move."""
    store: dict[Hashable, tuple[Hashable, Made]] = st.session_state.setdefault(_KEPT, {})
    if name not in store or store[name][0] != version:
        store[name] = (version, make())
    return store[name][1]
