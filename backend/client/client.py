"""The typed client: how the pages, a notebook or a script talk to the service.

    >>> client = Client("http://127.0.0.1:8501")
    >>> run = client.start(strategy="beam_search", problem="ledger/3/17")
    >>> for message in run.follow():
    ...     print(message.kind, message.data)
    >>> run.nodes, run.events, run.ledger, run.scores  # DataFrames, see docs/notebooks.md

Every refusal comes back as `Refused`, with what was given and what is accepted; a service that
cannot be reached as `Unreachable`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import httpx

from backend.client.annotations import AnnotationClient
from backend.client.compare import CompareClient
from backend.client.experiments import Experiments
from backend.client.http import Http, Refused, SlowAnswer, Unreachable, path_part
from backend.client.runs import RunsClient
from backend.client.sql import SqlClient
from backend.core.settings import Preferences, ServerAddress
from backend.core.spec import RunSpec
from backend.messages import runs as schemas
from backend.messages.grading import Ask, Graded
from backend.messages.problem_files import ProblemFile, ProblemFiles
from backend.messages.servers import NewServer, Servers

if TYPE_CHECKING:
    from backend.client.stored_run import StoredRun

UPLOAD_TIMEOUT_S = 120.0
ANY_ADDRESS = ("0.0.0.0", "::")


def base_url(environ: Mapping[str, str] | None = None) -> str:
    """Where the service is: `ARBORETUM_BACKEND`, or `ARBORETUM_HOST` and `ARBORETUM_PORT`
    (127.0.0.1, 8501)."""
    environ = os.environ if environ is None else environ
    host = environ.get("ARBORETUM_HOST") or "127.0.0.1"
    host = "127.0.0.1" if host in ANY_ADDRESS else f"[{host}]" if ":" in host else host
    return (
        environ.get("ARBORETUM_BACKEND") or f"http://{host}:{environ.get('ARBORETUM_PORT') or 8501}"
    ).rstrip("/")


def public_url(environ: Mapping[str, str] | None = None) -> str:
    """What a browser puts before `/api`: nothing where pages and service share a port, else the
    address in `ARBORETUM_BACKEND`."""
    environ = os.environ if environ is None else environ
    return (environ.get("ARBORETUM_BACKEND") or "").rstrip("/")


def public_token(environ: Mapping[str, str] | None = None) -> str:
    """What a browser adds to addresses of a remote service as `token`, because a stream of events
    cannot carry a header: `ARBORETUM_TOKEN`. Nothing where pages and service share a port: there
    the cookie speaks."""
    environ = os.environ if environ is None else environ
    return (environ.get("ARBORETUM_TOKEN") or "") if public_url(environ) else ""


class Client(RunsClient):
    """Requests to one service, one method a question: those about runs are in `RunsClient`. Safe to
    use from several threads; close it, or use it as a context manager."""

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        transport: httpx.BaseTransport | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        token = token if token is not None else os.environ.get("ARBORETUM_TOKEN")
        super().__init__(Http(url or base_url(), token, transport, timeout_s))
        self.url = self._http.url
        self.compare = CompareClient(self._http)
        self.annotations = AnnotationClient(self._http)
        self.sql = SqlClient(self._http)
        self.experiments = Experiments(self._http)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # What there is
    def health(self) -> schemas.Health:
        return self._http.get("/health", schemas.Health)

    def catalog(self) -> schemas.Catalog:
        return self._http.get("/catalog", schemas.Catalog)

    def problem(self, problem_id: str) -> schemas.Problem:
        return self._http.get(f"/problems/{quote(problem_id)}", schemas.Problem)

    def grade(self, ask: Ask) -> Graded:
        """Whether an answer, or the answer that is read from a text, means the same as the right
        one."""
        return self._http.send("POST", "/grade", Graded, ask)

    # Problems of one's own
    def problem_files(self) -> ProblemFiles:
        """The sets of problems from files."""
        return self._http.get("/problem-files", ProblemFiles)

    def add_problem_file(self, content: bytes, *, name: str = "", file: str = "") -> ProblemFile:
        """Bring a file of problems; the set is called `file:NAME`, after the file's own name `file`
        where no name is given."""
        response = self._http.request(
            "POST",
            "/problem-files",
            params={"name": name, "file": file},
            content=content,
            headers={"Content-Type": "application/octet-stream"},
            timeout_s=UPLOAD_TIMEOUT_S,
        )
        return ProblemFile.model_validate_json(response.content)

    def remove_problem_file(self, name: str) -> None:
        """Remove a set that was brought."""
        self._http.request("DELETE", f"/problem-files/{path_part(name)}")

    # Runs as objects
    def run(self, run_id: int) -> StoredRun:
        """A run for a notebook: nodes, log, ledger and scores as DataFrames, and what can be asked
        of it. Raises `Refused` where there is none."""
        from backend.client.stored_run import StoredRun

        self.info(run_id)
        return StoredRun(self, run_id)

    def start(self, spec: RunSpec | None = None, /, **fields: Any) -> StoredRun:
        """Ask for a run by a specification, by its fields, or by both, where the fields go first;
        see `RunSpec` for their names."""
        from backend.client.stored_run import StoredRun, spec_of

        return StoredRun(self, self.submit(spec_of(spec, fields)))

    # Settings, store, engines
    def settings(self) -> Preferences:
        return self._http.get("/settings", Preferences)

    def save_settings(self, preferences: Preferences) -> Preferences:
        return self._http.send("PUT", "/settings", Preferences, preferences)

    def store(self) -> schemas.StoreInfo:
        return self._http.get("/store", schemas.StoreInfo)

    def prune(self, days: float) -> int:
        """Delete runs older than `days`; how many there were."""
        return self._http.send(
            "POST", "/store/prune", schemas.PrunedRuns, schemas.Prune(days=days)
        ).deleted

    def engines(self) -> list[schemas.ModelState]:
        return self._http.get("/engines", schemas.EngineStates).models

    def load(
        self, engine: str, model: str | None = None, kind: str = "policy"
    ) -> list[schemas.ModelState]:
        choice = schemas.ModelChoice.model_validate(
            {"engine": engine, "model": model, "kind": kind}
        )
        return self._http.send("POST", "/engines/load", schemas.EngineStates, choice).models

    def unload(
        self, engine: str, model: str | None = None, kind: str = "policy"
    ) -> list[schemas.ModelState]:
        choice = schemas.ModelChoice.model_validate(
            {"engine": engine, "model": model, "kind": kind}
        )
        return self._http.send("POST", "/engines/unload", schemas.EngineStates, choice).models

    # Completions servers
    def servers(self) -> Servers:
        """The servers of the settings page, with the result of the last test of each."""
        return self._http.get("/servers", Servers)

    def add_server(self, name: str, url: str) -> Servers:
        """Add a server under a name, and test it; a run uses it by a model `MODEL@NAME`."""
        server = ServerAddress.model_validate({"name": name, "url": url})
        return self._http.send("POST", "/servers", Servers, NewServer(server=server))

    def test_server(self, name: str) -> Servers:
        """Ask a server for what it can."""
        return self._http.send("POST", f"/servers/{path_part(name)}/test", Servers)

    def remove_server(self, name: str) -> Servers:
        """Remove a server."""
        return self._http.send("DELETE", f"/servers/{path_part(name)}", Servers)


__all__ = [
    "Client",
    "Refused",
    "SlowAnswer",
    "Unreachable",
    "base_url",
    "public_token",
    "public_url",
]
