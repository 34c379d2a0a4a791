"""A service that speaks the real schemas from made-up runs: pages and component are tested against
it over real HTTP.

A run plays its trace at a pace (seconds an event) from the moment it is submitted, so that a page
sees it grow.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import plotly
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp

from backend.api.guard import Guard
from backend.core.events import AnswerChanged, ledger_of
from backend.core.settings import Preferences, Settings
from backend.core.spec import RunSpec
from backend.judging.rules import SELECTORS
from backend.messages import runs as schemas
from backend.messages.forks import Kin
from backend.messages.servers import NewServer, Probed, Server, Servers
from backend.service.catalog import selector
from tests.api.listening import listening
from tests.pages.traces import PROMPT, QUESTION, Trace, beam_trace, particle_trace
from tests.support.logged import of

PARAMS_SCHEMA: dict[str, Any] = {
    "title": "Params",
    "type": "object",
    "properties": {
        "n": {
            "type": "integer",
            "default": 4,
            "minimum": 1,
            "maximum": 256,
            "title": "N",
            "description": "beams kept a round [SAL]",
        },
        "temperature": {
            "type": "number",
            "default": 0.8,
            "minimum": 0.0,
            "maximum": 5.0,
            "title": "Temperature",
            "description": "of the policy",
        },
        "duplicates": {
            "type": "boolean",
            "default": True,
            "title": "Duplicates",
            "description": "keep equal texts",
        },
        "scheme": {
            "enum": ["multinomial", "systematic"],
            "default": "multinomial",
            "type": "string",
            "title": "Scheme",
            "description": "how to resample",
        },
    },
}


def strategy(
    name: str, title: str, views: list[str], available: bool = True
) -> schemas.StrategyInfo:
    return schemas.StrategyInfo(
        name=name,
        title=title,
        summary=(
            f"{title} keeps the most promising partial solutions.\n\nIt goes on until all are "
            "finished."
        ),
        paper="Snell et al. 2024, arXiv:2408.03314",
        year=2024,
        params_schema=PARAMS_SCHEMA,
        selector="best",
        needs_verifier=True,
        needs=["logprobs"],
        sources=["The round: **Snell** et al., section 5.2."],
        departures=["Finished solutions are kept :material/home: $n$ times."],
        avoided=["Copies do not vote twice."],
        views=views,
        roles=[],
        phases={"select": "keep the best n"},
        available=available,
        reason="" if available else "needs log-probabilities, which openai does not give",
    )


CATALOG = schemas.Catalog(
    strategies=[
        strategy("beam_search", "Beam search", ["tree"]),
        strategy("particle_filter", "Particle filter", ["tree", "particles"]),
        strategy("best_of_n", "Best of N", ["tree"], available=False),
    ],
    selectors=[
        selector(SELECTORS[name])
        for name in ("best", "majority", "softmax", "shortest_vote", "marker_vote")
    ],
    verifiers=[
        schemas.VerifierInfo(
            name="prm",
            title="Process reward model",
            needs=["reward_model"],
            available=True,
            reason="",
        ),
        schemas.VerifierInfo(
            name="exact", title="Exact checker (oracle)", needs=[], available=True, reason=""
        ),
    ],
    engines=[
        schemas.EngineChoice(
            name="torch",
            title="Embedded (torch)",
            available=True,
            reason="",
            models=["classroom"],
            reward_models=["classroom-prm", "classroom-prm-full"],
            state="ready",
            seconds_loading=0.0,
        ),
        schemas.EngineChoice(
            name="vllm",
            title="vLLM",
            available=False,
            reason="vllm is not installed",
            models=[],
            state="unloaded",
            seconds_loading=0.0,
        ),
    ],
    problem_sets=[
        schemas.ProblemSetInfo(
            name="ledger",
            title="Ledger: quantities that depend on each other",
            levels=[1, 2, 3, 4, 5],
        ),
        schemas.ProblemSetInfo(
            name="countdown", title="Countdown: reach a target", levels=[1, 2, 3, 4, 5]
        ),
        schemas.ProblemSetInfo(name="curated", title="Curated questions", levels=[], size=30),
    ],
    budget_axes=[
        schemas.Axis(name="generated_tokens", title="Generated tokens"),
        schemas.Axis(name="seconds", title="Seconds"),
    ],
)


@dataclass
class FakeRun:
    """A run that plays `trace`, one event every `pace_s` seconds; 0: all at once."""

    id: int
    spec: RunSpec
    trace: Trace
    pace_s: float = 0.0
    status: str = "running"
    error: str | None = None
    remedy: str | None = None
    started: float = field(default_factory=time.monotonic)
    held: int | None = None

    def seen(self) -> int:
        """How many events have happened by now."""
        total = len(self.trace.events)
        if self.held is None and self.status == "running":
            count = (
                total
                if self.pace_s == 0
                else min(total, 1 + int((time.monotonic() - self.started) / self.pace_s))
            )
            if count == total:
                self.status = "finished"
            return count
        return total if self.held is None else self.held

    def hold(self, status: str) -> None:
        self.held, self.status = self.seen(), status

    def go_on(self) -> None:
        self.started = time.monotonic() - (self.held or 0) * self.pace_s
        self.held, self.status = None, "running"

    def event(self, seq: int) -> schemas.Event:
        record = self.trace.events[seq].row()
        node = None
        if record.kind == "node":
            assert record.node_id is not None
            node = self.node(record.node_id)
        return schemas.Event(
            seq=record.seq,
            t_ms=record.t_ms,
            kind=record.kind,
            node_id=record.node_id,
            track=record.track,
            round=record.round,
            phase=record.phase,
            label=record.label,
            value=record.value,
            data=record.data,
            node=node,
        )

    def node(self, node_id: int) -> schemas.Node:
        record = self.trace.nodes[node_id]
        mean = sum(record.logprobs) / len(record.logprobs) if record.logprobs else None
        return schemas.Node(
            id=record.id,
            parent_id=record.parent_id,
            depth=record.depth,
            kind=record.kind,
            role=record.role,
            text=record.text,
            finish=record.finish,
            done=record.done,
            mean_logprob=mean,
            n_tokens=len(record.token_ids),
            seq=record.seq,
        )

    def detail(self, node_id: int) -> schemas.NodeDetail:
        record, path = self.trace.nodes[node_id], [node_id]
        while (parent := self.trace.nodes[path[0]].parent_id) is not None:
            path.insert(0, parent)
        return schemas.NodeDetail(
            **self.node(node_id).model_dump(),
            key=record.key,
            token_ids=list(record.token_ids),
            logprobs=None if record.logprobs is None else list(record.logprobs),
            tokens=pieces(record.text, len(record.token_ids)) if record.logprobs else [],
            alternatives=[],
            path=path,
            prompt_text=PROMPT + "".join(self.trace.nodes[at].text for at in path[1:-1]),
            sampling={"temperature": 0.8, "seed": 7},
        )

    def answer(self) -> schemas.Run:
        seen = self.seen()
        over = self.status == "finished"
        answers = of(AnswerChanged, self.trace.events[:seen])
        last = answers[-1] if answers else None
        ledger = next(
            (
                dict(ledger)
                for event in reversed(self.trace.events[:seen])
                if (ledger := ledger_of(event.body)) is not None
            ),
            {},
        )
        problem = None if self.spec.problem is None else problem_of(self.spec.problem)
        return schemas.Run(
            id=self.id,
            status=self.status,
            spec=self.spec.model_dump(mode="json"),
            strategy=self.spec.strategy,
            params=self.spec.params,
            problem=problem,
            question=self.spec.question or QUESTION,
            engine=self.spec.engine,
            model=self.spec.model if self.status == "queued" else self.spec.model or "classroom",
            verifier=self.spec.verifier,
            verifier_model=self.spec.verifier_model,
            aggregation=self.spec.aggregation,
            selector=self.spec.selector,
            seed=self.spec.seed,
            budget=self.spec.budget,
            sampling=self.spec.sampling.model_dump(),
            answer="24" if last else None,
            right_answer=self.spec.answer if self.spec.question else "24",
            correct=True if last else None,
            grade_reason="24 equals 24: the same integer" if last else None,
            chosen_node=last.node if last else None,
            reason=None,
            error=self.error,
            remedy=self.remedy,
            ledger=ledger,
            manifest={} if self.status == "queued" else {"spec": self.spec.model_dump(mode="json")},
            nodes=len(self.trace.nodes),
            events=seen,
            origin="own",
            created_at="2026-03-01T10:00:00Z",
            finished_at="2026-03-01T10:00:05Z" if over else None,
        )


def pieces(text: str, count: int) -> list[str]:
    """The text as `count` tokens of equal length, the last ones shorter or empty."""
    width = -(-len(text) // count)
    return [text[at * width : (at + 1) * width] for at in range(count)]


def problem_of(problem_id: str) -> schemas.Problem:
    name, *rest = problem_id.split("/")
    level, seed = (int(rest[0]), int(rest[1])) if len(rest) == 2 else (None, int(rest[0]))
    return schemas.Problem(
        id=problem_id, set=name, level=level, seed=seed, question=QUESTION, answer="24", meta={}
    )


class FakeService:
    """The runs of a service and its HTTP face; `pace_s` holds for runs that are submitted."""

    def __init__(self, pace_s: float = 0.0) -> None:
        self.pace_s = pace_s
        self.runs: dict[int, FakeRun] = {}
        self.specs: list[RunSpec] = []
        self.preferences = Preferences()
        self.servers: dict[str, Server] = {}
        self.pruned: list[float] = []
        self.loads: list[tuple[str, str]] = []
        self.estimates_fail = False
        self.app = FastAPI()
        self._routes(self.app)

    def add(
        self,
        trace: Trace,
        strategy: str = "beam_search",
        pace_s: float = 0.0,
        *,
        spec: RunSpec | None = None,
        **fields: Any,
    ) -> FakeRun:
        run = FakeRun(
            len(self.runs) + 1,
            spec or RunSpec(strategy=strategy, problem="ledger/3/17"),
            trace,
            pace_s,
            **fields,
        )
        self.runs[run.id] = run
        return run

    def submit(self, spec: RunSpec) -> FakeRun:
        self.specs.append(spec)
        trace = particle_trace() if spec.strategy == "particle_filter" else beam_trace()
        run = FakeRun(len(self.runs) + 1, spec, trace, self.pace_s)
        self.runs[run.id] = run
        return run

    def _routes(self, app: FastAPI) -> None:
        self._facts(app)
        self._runs(app)
        self._contents(app)

        @app.middleware("http")
        async def any_origin(request: Request, answer: Any) -> Response:
            response: Response = await answer(request)
            response.headers["Access-Control-Allow-Origin"] = "*"
            return response

    def _facts(self, app: FastAPI) -> None:
        app.get("/api/catalog")(lambda: CATALOG)
        app.get("/api/health")(
            lambda: schemas.Health(
                status="ok",
                version="0",
                uptime_s=1.0,
                runs=schemas.RunCounts(queued=0, running=0),
                engines=[],
            )
        )
        app.get("/api/settings")(lambda: self.preferences)
        self._servers(app)
        app.get("/api/store")(lambda: schemas.StoreInfo(bytes=3_400_000, runs=len(self.runs)))
        ready = schemas.ModelState(
            engine="torch",
            model="classroom",
            kind="policy",
            state="ready",
            seconds_loading=1.2,
            memory_bytes=41_000_000,
        )
        app.get("/api/engines")(lambda: schemas.EngineStates(models=[ready]))
        app.get("/api/assets/plotly.min.js")(
            lambda: FileResponse(Path(plotly.__file__).parent / "package_data" / "plotly.min.js")
        )
        app.get("/api/problems/{problem_id:path}")(lambda problem_id: problem_of(problem_id))

        @app.put("/api/settings")
        def save(preferences: Preferences) -> Preferences:
            self.preferences = preferences
            return preferences

        @app.post("/api/store/prune")
        def prune(body: schemas.Prune) -> schemas.PrunedRuns:
            self.pruned.append(body.days)
            return schemas.PrunedRuns(deleted=1)

        @app.post("/api/engines/{what}")
        def engine(what: str, body: schemas.ModelChoice) -> schemas.EngineStates:
            self.loads.append((what, body.engine))
            return schemas.EngineStates(models=[ready])

    def _servers(self, app: FastAPI) -> None:
        """Servers of which every one with `gone` in its address does not work."""

        def listed() -> Servers:
            return Servers(servers=list(self.servers.values()))

        @app.post("/api/servers")
        def add(body: NewServer) -> Servers:
            name, url = body.server.name, body.server.url
            works = Probed(ok=True, model="m", gives=("seeds",), refuses="min_p")
            fails = Probed(ok=False, reason="nobody answers **here**", remedy="Start it")
            self.servers[name] = Server(
                name=name, url=url, probed=fails if "gone" in url else works
            )
            return listed()

        @app.delete("/api/servers/{name}")
        def remove(name: str) -> Servers:
            del self.servers[name]
            return listed()

        app.get("/api/servers")(listed)
        app.post("/api/servers/{name}/test")(lambda name: listed())

    def _runs(self, app: FastAPI) -> None:
        @app.post("/api/runs/estimate")
        def estimate(spec: RunSpec) -> Response:
            if self.estimates_fail:
                return JSONResponse(
                    {"error": "parameter n: got 900", "given": 900, "accepted": "at most 256"},
                    status_code=422,
                )
            return JSONResponse(
                schemas.Estimate(
                    tokens=640,
                    calls=32,
                    verifier_calls=32,
                    rounds=4,
                    seconds=2.0,
                    sentence="about 640 tokens, 32 calls, 2 seconds",
                ).model_dump()
            )

        @app.post("/api/runs", status_code=202)
        def submit(spec: RunSpec) -> schemas.Submitted:
            return schemas.Submitted(run_id=self.submit(spec).id)

        @app.get("/api/runs")
        def runs(
            text: str = "",
            status: str = "",
            strategy: str = "",
            problem: str = "",
            limit: int = 50,
            offset: int = 0,
        ) -> schemas.RunPage:
            found = [
                run.answer()
                for run in reversed(self.runs.values())
                if text in (run.spec.question or QUESTION)
                and status in ("", run.status)
                and strategy in ("", run.spec.strategy)
            ]
            return schemas.RunPage(runs=found[offset : offset + limit], total=len(found))

        @app.post("/api/runs/{run_id}/{what}")
        def control(run_id: int, what: str) -> schemas.Done:
            run = self.runs[run_id]
            run.go_on() if what == "resume" else run.hold(
                {"pause": "paused", "cancel": "cancelled"}[what]
            )
            return schemas.Done(status=run.status)

        @app.delete("/api/runs/{run_id}", status_code=204)
        def delete(run_id: int) -> None:
            del self.runs[run_id]

        @app.get("/api/runs/{run_id}")
        def run(run_id: int) -> Response:
            if run_id not in self.runs:
                return JSONResponse(
                    {
                        "error": f"there is no run {run_id}",
                        "given": run_id,
                        "accepted": "the id of a stored run",
                    },
                    status_code=404,
                )
            return JSONResponse(self.runs[run_id].answer().model_dump())

    def _contents(self, app: FastAPI) -> None:
        app.get("/api/runs/{run_id}/forks")(lambda run_id: Kin(origins=[], forks=[]))

        @app.get("/api/runs/{run_id}/nodes")
        def nodes(run_id: int, after: int = -1) -> schemas.NodePage:
            run = self.runs[run_id]
            return schemas.NodePage(
                nodes=[
                    run.node(record.id)
                    for record in run.trace.nodes
                    if record.id > after and record.seq < run.seen()
                ]
            )

        @app.get("/api/runs/{run_id}/nodes/{node_id}")
        def node(run_id: int, node_id: int) -> Response:
            run = self.runs[run_id]
            if node_id >= len(run.trace.nodes):
                return JSONResponse(
                    {
                        "error": f"run {run_id} has no node {node_id}",
                        "given": node_id,
                        "accepted": "a node id of this run",
                    },
                    status_code=404,
                )
            return Response(run.detail(node_id).model_dump_json(), media_type="application/json")

        @app.get("/api/runs/{run_id}/events", response_model=None)
        def events(
            run_id: int, request: Request, after: int = -1, limit: int = 1000, kinds: str = ""
        ) -> Response:
            run = self.runs[run_id]
            if "text/event-stream" in request.headers.get("accept", ""):
                after = int(request.headers.get("last-event-id", after))
                return StreamingResponse(stream(run, after, self), media_type="text/event-stream")
            wanted = kinds.split(",") if kinds else None
            found = [
                run.event(seq)
                for seq in range(after + 1, run.seen())
                if wanted is None or run.trace.events[seq].kind in wanted
            ][:limit]
            page = schemas.EventPage(
                events=found, last_seq=found[-1].seq if found else after, status=run.status
            )
            return Response(page.model_dump_json(), media_type="application/json")

    closing = False


async def stream(run: FakeRun, after: int, service: FakeService) -> AsyncGenerator[str]:
    """Server-sent events of a run, from the one after `after` to the end."""
    at, told = after + 1, ""
    while not service.closing:
        seen = run.seen()
        if run.status != told:
            told = run.status
            yield message("status", {"status": told})
        for seq in range(at, seen):
            event = run.event(seq)
            yield f"id: {seq}\n" + message(event.kind, event.model_dump(exclude_none=True))
        at = max(at, seen)
        if run.status in schemas.OVER:
            yield message("done", {"status": run.status})
            return
        await asyncio.sleep(0.02)
    yield message("closing", {})


def message(kind: str, data: Mapping[str, object]) -> str:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"


@contextlib.contextmanager
def serving(service: FakeService, settings: Callable[[], Settings] | None = None) -> Iterator[str]:
    """The service on a free port of this machine, in a thread; its address. With `settings` the
    real guard stands before it."""
    app: ASGIApp = service.app if settings is None else Guard(service.app, settings)
    with listening(app) as address:
        try:
            yield f"http://{address}"
        finally:
            service.closing = True
