"""Experiments, asked of a service: `client.experiments`."""

from __future__ import annotations

from backend.client.http import Http, Query
from backend.experiments.spec import Experiment
from backend.messages import experiments as schemas_experiments

ANALYSES_TIMEOUT_S = 175.0
"""For what computes all analyses of an experiment; the browser waits 180 s for a file."""


class Experiments:
    """One method a question; `name` is always the experiment's hash."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def all(self) -> list[schemas_experiments.ExperimentInfo]:
        return self._http.get("/experiments", schemas_experiments.ExperimentList).experiments

    def info(self, name: str) -> schemas_experiments.ExperimentDetail:
        return self._http.get(f"/experiments/{name}", schemas_experiments.ExperimentDetail)

    def start(
        self, experiment: Experiment, *, retry: bool = False
    ) -> schemas_experiments.ExperimentDetail:
        """Carry it out, or go on with it."""
        path = "/experiments?retry=true" if retry else "/experiments"
        return self._http.send("POST", path, schemas_experiments.ExperimentDetail, experiment)

    def estimate(self, experiment: Experiment) -> schemas_experiments.About:
        return self._http.send(
            "POST", "/experiments/estimate", schemas_experiments.About, experiment
        )

    def stop(self, name: str) -> str:
        return self._http.send(
            "POST", f"/experiments/{name}/stop", schemas_experiments.Steered
        ).status

    def pause(self, name: str) -> str:
        return self._http.send(
            "POST", f"/experiments/{name}/pause", schemas_experiments.Steered
        ).status

    def resume(self, name: str) -> str:
        return self._http.send(
            "POST", f"/experiments/{name}/resume", schemas_experiments.Steered
        ).status

    def curves(
        self,
        name: str,
        *,
        axis: str = "generated_tokens",
        within: str = "all",
        generated: float = 0.0,
        prompt: float = 0.0,
        cached: float = 0.0,
        verifier: float = 0.0,
    ) -> schemas_experiments.Curves:
        """Accuracy against an axis; the prices, for a million tokens, are those of the axis
        `money`."""
        query: Query = {
            "axis": axis,
            "slice": within,
            "generated": generated,
            "prompt": prompt,
            "cached": cached,
            "verifier": verifier,
        }
        return self._http.get(f"/experiments/{name}/curves", schemas_experiments.Curves, query)

    def results(
        self, name: str, arm: str, budget: float, *, limit: int = 1000
    ) -> schemas_experiments.Results:
        return self._http.get(
            f"/experiments/{name}/results",
            schemas_experiments.Results,
            {"arm": arm, "budget": budget, "limit": limit},
        )

    def matrix(self, name: str, *, budget: float | None = None) -> schemas_experiments.Matrix:
        return self._http.get(
            f"/experiments/{name}/matrix", schemas_experiments.Matrix, {"budget": budget}
        )

    def compare(
        self, name: str, one: str, other: str, budget: float, *, within: str = "all"
    ) -> schemas_experiments.PairedArms:
        query: Query = {"one": one, "other": other, "budget": budget, "slice": within}
        return self._http.get(f"/experiments/{name}/compare", schemas_experiments.PairedArms, query)

    def analyses(
        self,
        name: str,
        *,
        axis: str = "generated_tokens",
        within: str = "all",
        threshold: float = 0.5,
        wrong_costs: float = 1.0,
    ) -> list[schemas_experiments.Analysis]:
        query: dict[str, str | int | float] = {
            "axis": axis,
            "slice": within,
            "threshold": threshold,
            "wrong_costs": wrong_costs,
        }
        response = self._http.request(
            "GET", f"/experiments/{name}/analyses", params=query, timeout_s=ANALYSES_TIMEOUT_S
        )
        return schemas_experiments.Analyses.model_validate_json(response.content).analyses

    def report(self, name: str, *, axis: str = "generated_tokens") -> bytes:
        """One page (HTML) that opens anywhere."""
        return self._http.request(
            "GET",
            f"/experiments/{name}/report",
            params={"axis": axis},
            timeout_s=ANALYSES_TIMEOUT_S,
        ).content

    def open(self, name: str, key: str) -> int:
        """Carry out a task again as a run in the store; its id."""
        return self._http.send(
            "POST", f"/experiments/{name}/tasks/{key}/open", schemas_experiments.Opened
        ).run_id


__all__ = ["Experiments"]
