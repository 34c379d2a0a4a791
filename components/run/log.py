"""A run's nodes and log for the pages, fetched once a process: a run that is over never changes,
one that grows is read on from where it stood."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import streamlit as st

from backend.client import Client
from backend.core.events import NodeAdded
from backend.core.records import EventRecord
from backend.core.tree import TreeRow, tree_table
from backend.messages.runs import Node, Run
from backend.problems.exact import canonical
from backend.problems.extraction import READER_VERSION, reader_of, reader_version
from components.frame.collector import spare_collector
from components.run.reached import Answers

PAGE = 20_000
KEPT_RUNS = 3
KEPT_MOMENTS = 4
BIG = 1_000
FOR_GOOD = ("finished", "cancelled")  # what failed or crashed can be resumed


@dataclass
class RunLog:
    """What has been read of a run so far; `unreadable` says what is wrong with events that cannot
    be read; `reader` is the version by which the run reads answers. Several visitors may share
    one."""

    run_id: int
    nodes: list[Node] = field(default_factory=list)
    events: list[EventRecord] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    reader: int = READER_VERSION
    _answers: Answers = field(default_factory=Answers)
    _tables: dict[tuple[int, int | None], list[TreeRow]] = field(default_factory=dict)
    _whole: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def seq(self) -> int:
        """The last event that has been read, -1 before the first."""
        return self.events[-1].seq if self.events else -1

    def read_on(self, service: Client, over: bool = False) -> RunLog:
        """Fetch what is new, nodes after events so that every event's node is there; nothing once a
        run that is `over` for good has been read."""
        with self._lock:
            if self._whole:
                return self
            before = len(self.events)
            while (page := service.events(self.run_id, after=self.seq, limit=PAGE)).events:
                self.events.extend(event.record() for event in page.events)
            self.unreadable += [
                f"Event {event.seq}: {event.problem}"
                for event in self.events[before:]
                if event.problem is not None
            ]
            last = self.nodes[-1].id if self.nodes else -1
            if any(
                isinstance(added := event.body, NodeAdded) and added.node > last
                for event in reversed(self.events)
            ):
                self.nodes.extend(service.nodes(self.run_id, after=last))
            if len(self.events) - before > BIG:
                self.rows()
                spare_collector()
            self._whole = over
        return self

    def rows(self, until: int | None = None) -> list[TreeRow]:
        """The nodes as they stood after event `until` (None: now). Treat it as read-only: the same
        moment gives the same list."""
        with self._lock:
            moment = (self.seq, until)
            if moment not in self._tables:
                while len(self._tables) >= KEPT_MOMENTS:
                    del self._tables[next(iter(self._tables))]
                self._tables[moment] = tree_table(self.nodes, self.events, until)
            return self._tables[moment]

    def answers(self) -> Answers:
        """The answers of the solutions that are finished by now."""
        with self._lock:
            return (
                self._answers.read_on(self.rows(), partial(answer_of, reader=self.reader), self.seq)
                if self._answers.seq != self.seq
                else self._answers
            )


def answer_of(text: str, reader: int = READER_VERSION) -> str | None:
    """The answer as the final rules of a run with that reader compare it: the same reading and the
    same canonical form."""
    answer = reader_of(reader)(text).answer
    return canonical(answer) if answer is not None and answer.strip() else None


def _new_log(_url: str, run_id: int, reader: int) -> RunLog:
    return RunLog(run_id, reader=reader)


_log: Callable[[str, int, int], RunLog] = st.cache_resource(
    _new_log, max_entries=KEPT_RUNS, show_spinner=False
)


def run_log(service: Client, run: Run) -> RunLog:
    """The log of a run up to now."""
    return _log(service.url, run.id, reader_version(run.spec)).read_on(
        service, run.status in FOR_GOOD
    )
