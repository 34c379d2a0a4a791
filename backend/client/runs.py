"""Questions about runs, and orders to them, one method each: `client.why(3)`, `client.pause(3)`.

`Client` is one of these, and so is what a `StoredRun` asks through.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import httpx
from pydantic import JsonValue

from backend.client.forks import ForksClient
from backend.client.http import Http, Query
from backend.client.stream import Message, messages
from backend.core.spec import RunSpec
from backend.messages import runs as schemas
from backend.messages import why as schemas_why
from backend.messages.series import SeriesScore, SeriesScores

IMPORT_TIMEOUT_S = 600.0
WHY_TIMEOUT_S = 180.0
"""For questions that read many runs, or repeat one search many times."""


class RunsClient:
    """Runs of one service; `forks` goes on from what they have."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.forks = ForksClient(http)

    # Asking for runs, finding and steering them
    def submit(self, spec: RunSpec) -> int:
        """Ask for a run; its id comes back at once, before it starts."""
        return self._http.send("POST", "/runs", schemas.Submitted, spec).run_id

    def estimate(self, spec: RunSpec) -> schemas.Estimate:
        return self._http.send("POST", "/runs/estimate", schemas.Estimate, spec)

    def info(self, run_id: int) -> schemas.Run:
        """A run as it stands now."""
        return self._http.get(f"/runs/{run_id}", schemas.Run)

    def runs(
        self,
        *,
        status: str | None = None,
        strategy: str | None = None,
        problem: str | None = None,
        text: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> schemas.RunPage:
        query: Query = {
            "status": status,
            "strategy": strategy,
            "problem": problem,
            "text": text,
            "limit": limit,
            "offset": offset,
        }
        return self._http.get("/runs", schemas.RunPage, query)

    def reselect(
        self,
        run_id: int,
        selector: str,
        *,
        params: Mapping[str, JsonValue] | None = None,
        aggregation: str | None = None,
    ) -> schemas.Reselection:
        """What another final rule would have chosen from the candidates of a stored run."""
        query: Query = {
            "selector": selector,
            "params": json.dumps(dict(params or {})),
            "aggregation": aggregation,
        }
        return self._http.get(f"/runs/{run_id}/reselect", schemas.Reselection, query)

    def why(
        self, run_id: int, *, node: int | None = None, labeller: str | None = None
    ) -> schemas_why.Why:
        """Where the right answer of a run died, and the first wrong step on the path to `node`
        (absent: the chosen one), by a labeller of the catalogue (absent: the exact checker)."""
        query: Query = {"node": node, "labeller": labeller}
        return self._http.get(f"/runs/{run_id}/why", schemas_why.Why, query)

    def why_counts(
        self,
        *,
        status: str | None = None,
        strategy: str | None = None,
        problem: str | None = None,
        text: str | None = None,
        limit: int = 200,
    ) -> schemas_why.WhyCounts:
        """How often each cause occurs among the newest runs that match."""
        given = {
            "status": status,
            "strategy": strategy,
            "problem": problem,
            "text": text,
            "limit": limit,
        }
        params = {name: value for name, value in given.items() if value is not None}
        response = self._http.request("GET", "/why", params=params, timeout_s=WHY_TIMEOUT_S)
        return schemas_why.WhyCounts.model_validate_json(response.content)

    def what_if(self, run_id: int, ask: schemas_why.WhatIfAsk) -> schemas_why.WhatIf:
        """What a stored run would have chosen with other settings, and for how many rounds that is
        exact."""
        return self._http.send("POST", f"/runs/{run_id}/what-if", schemas_why.WhatIf, ask)

    def what_ifs(
        self, run_id: int, asks: Sequence[schemas_why.WhatIfAsk]
    ) -> list[schemas_why.Tried]:
        """Several what-ifs of one run; one that cannot be answered says why."""
        content, headers = (
            schemas_why.WhatIfAsks(asks=list(asks)).model_dump_json().encode(),
            {"Content-Type": "application/json"},
        )
        response = self._http.request(
            "POST",
            f"/runs/{run_id}/what-ifs",
            content=content,
            headers=headers,
            timeout_s=WHY_TIMEOUT_S,
        )
        return schemas_why.TriedList.model_validate_json(response.content).tried

    def score(self, run_id: int, ask: schemas_why.ScoreAsk) -> schemas_why.Scoring:
        """Have all nodes of a stored run scored by another verifier; `series` tells when it is
        done."""
        return self._http.send("POST", f"/runs/{run_id}/scores", schemas_why.Scoring, ask)

    def series(self, run_id: int) -> schemas_why.SeriesList:
        return self._http.get(f"/runs/{run_id}/scores", schemas_why.SeriesList)

    def series_scores(self, run_id: int, series: str) -> list[SeriesScore]:
        """The scores of one later series, in order of node."""
        return self._http.get(
            f"/runs/{run_id}/scores/values", SeriesScores, {"series": series}
        ).scores

    def lens(
        self, run_id: int, other: str, *, one: str = schemas_why.RUN, most: int = 100
    ) -> schemas_why.Lens:
        """Two series of scores of a run side by side; `other` judges."""
        return self._http.get(
            f"/runs/{run_id}/lens", schemas_why.Lens, {"one": one, "other": other, "most": most}
        )

    def cancel(self, run_id: int) -> str:
        return self._http.send("POST", f"/runs/{run_id}/cancel", schemas.Done).status

    def pause(self, run_id: int) -> str:
        return self._http.send("POST", f"/runs/{run_id}/pause", schemas.Done).status

    def resume(self, run_id: int) -> str:
        """Go on with a paused run, or take up one that was cut off, without paying again for what
        it has."""
        return self._http.send("POST", f"/runs/{run_id}/resume", schemas.Done).status

    def delete(self, run_id: int) -> None:
        self._http.request("DELETE", f"/runs/{run_id}")

    # What happened in a run
    def nodes(
        self, run_id: int, *, after: int = -1, limit: int | None = None
    ) -> list[schemas.Node]:
        return self._http.get(
            f"/runs/{run_id}/nodes", schemas.NodePage, {"after": after, "limit": limit}
        ).nodes

    def node(self, run_id: int, node_id: int) -> schemas.NodeDetail:
        return self._http.get(f"/runs/{run_id}/nodes/{node_id}", schemas.NodeDetail)

    def events(
        self, run_id: int, *, after: int = -1, limit: int = 1000, kinds: Sequence[str] = ()
    ) -> schemas.EventPage:
        """One page of the log after sequence number `after`, all kinds or those named."""
        return self._http.get(
            f"/runs/{run_id}/events",
            schemas.EventPage,
            {"after": after, "limit": limit, "kinds": ",".join(kinds) or None},
        )

    def all_events(self, run_id: int, *, kinds: Sequence[str] = ()) -> list[schemas.Event]:
        """The whole log so far, page by page."""
        events: list[schemas.Event] = []
        after = -1
        while (page := self.events(run_id, after=after, limit=5000, kinds=kinds)).events:
            events.extend(page.events)
            after = page.last_seq
        return events

    def follow(self, run_id: int, *, after: int = -1) -> Iterator[Message]:
        """Messages as they come, until the run is over (last kind `done`) or the service stops
        (`closing`)."""
        with self._http.connection.stream(
            "GET",
            f"/runs/{run_id}/events",
            params={"after": after},
            headers={"Accept": "text/event-stream"},
            timeout=httpx.Timeout(10.0),
        ) as response:
            if response.is_error:
                response.read()
            self._http.check(response)
            yield from messages(response.iter_lines())

    def export(self, run_id: int, format: str = "jsonl") -> bytes:
        """A run as a file: `jsonl`, `parquet` (a zip archive of tables), `html` (a page that opens
        offline) or `svg` (the tree)."""
        return self._http.request(
            "GET", f"/runs/{run_id}/export", params={"format": format}
        ).content

    def import_runs(
        self,
        content: bytes,
        *,
        format: str = "auto",
        name: str = "upload",
        question: str | None = None,
        answer: str | None = None,
    ) -> schemas.Taken:
        """Take in a file of this program or of another, all of its runs or none. `question` and
        `answer` are for formats that hold none."""
        given = {"format": format, "name": name, "question": question, "answer": answer}
        params = {key: value for key, value in given.items() if value is not None}
        headers = {"Content-Type": "application/octet-stream"}
        response = self._http.request(
            "POST",
            "/import",
            params=params,
            content=content,
            headers=headers,
            timeout_s=IMPORT_TIMEOUT_S,
        )
        return schemas.Taken.model_validate_json(response.content)

    def import_(self, content: bytes) -> int:
        """Take in an export file and return the new run's id."""
        return self.import_runs(content).run_ids[0]


__all__ = ["RunsClient"]
