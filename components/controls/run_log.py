"""A run's nodes and log for a page, fetched once: a run that is over never changes, one that grows is read on from where it stood."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from backend.api.schemas import Event, Node
from backend.client import Client


@dataclass
class RunLog:
    """What has been read of a run so far."""

    run_id: int
    nodes: list[Node] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def read_on(self, service: Client) -> RunLog:
        """Fetch what is new, nodes after events so that every event's node is there."""
        after = self.events[-1].seq if self.events else -1
        while (page := service.events(self.run_id, after=after, limit=5000)).events:
            self.events.extend(page.events)
            after = page.last_seq
        last = self.nodes[-1].id if self.nodes else -1
        if any(event.kind == "node" and (event.node_id or 0) > last for event in self.events):
            self.nodes.extend(service.nodes(self.run_id, after=last))
        return self


def run_log(service: Client, run_id: int) -> RunLog:
    """The log of a run up to now, kept in the session until another run is looked at."""
    log = st.session_state.get("run_log")
    if not isinstance(log, RunLog) or log.run_id != run_id:
        log = st.session_state["run_log"] = RunLog(run_id)
    return log.read_on(service)
