"""Questions about two runs: `client.compare.divergence(3, 7)`."""

from __future__ import annotations

from backend.client.http import Http
from backend.messages.compare import Divergence


class CompareClient:
    """Hangs on `Client` as `compare`."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def divergence(self, run_id: int, other_id: int) -> Divergence:
        """The first token in which run `other_id` differs from run `run_id`; both are over. Meant
        for a rerun, which `client.submit(client.info(run_id).again())` starts."""
        return self._http.get(f"/runs/{run_id}/divergence", Divergence, {"other": other_id})


__all__ = ["CompareClient"]
