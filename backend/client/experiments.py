"""Experiments, asked of a service: `client.experiments`."""

from __future__ import annotations

from backend.client.http import Http, Query, path_part
from backend.experiments.spec import Experiment
from backend.messages import experiments as schemas_experiments

HEAVY_TIMEOUT_S = 175.0
"""For what is computed of an experiment, which may wait for others to end; the browser waits 180 s
for a file."""


class Experiments:
    """One method a question; `name` is always the experiment's hash."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def all(self) -> list[schemas_experiments.ExperimentInfo]:
        return self._http.get("/experiments", schemas_experiments.ExperimentList).experiments

    def info(self, name: str) -> schemas_experiments.ExperimentDetail:
        return self._http.get(
            f"/experiments/{path_part(name)}", schemas_experiments.ExperimentDetail
        )

    def start(
        self, experiment: Experiment, *, retry: bool = False
    ) -> schemas_experiments.ExperimentDetail:
        """Carry it out, or go on with it."""
        path = "/experiments?retry=true" if retry else "/experiments"
        return self._http.send("POST", path, schemas_experiments.ExperimentDetail, experiment)

    def estimate(self, experiment: Experiment) -> schemas_experiments.About:
        return self._http.send(
            "POST",
            "/experiments/estimate",
            schemas_experiments.About,
            experiment,
            timeout_s=HEAVY_TIMEOUT_S,
        )

    def stop(self, name: str) -> str:
        return self._http.send(
            "POST", f"/experiments/{path_part(name)}/stop", schemas_experiments.Steered
        ).status

    def pause(self, name: str) -> str:
        return self._http.send(
            "POST", f"/experiments/{path_part(name)}/pause", schemas_experiments.Steered
        ).status

    def resume(self, name: str) -> str:
        return self._http.send(
            "POST", f"/experiments/{path_part(name)}/resume", schemas_experiments.Steered
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
        return self._http.get(
            f"/experiments/{path_part(name)}/curves",
            schemas_experiments.Curves,
            query,
            timeout_s=HEAVY_TIMEOUT_S,
        )

    def results(
        self, name: str, arm: str, budget: float, *, limit: int = 1000
    ) -> schemas_experiments.Results:
        return self._http.get(
            f"/experiments/{path_part(name)}/results",
            schemas_experiments.Results,
            {"arm": arm, "budget": budget, "limit": limit},
            timeout_s=HEAVY_TIMEOUT_S,
        )

    def matrix(self, name: str, *, budget: float | None = None) -> schemas_experiments.Matrix:
        return self._http.get(
            f"/experiments/{path_part(name)}/matrix",
            schemas_experiments.Matrix,
            {"budget": budget},
            timeout_s=HEAVY_TIMEOUT_S,
        )

    def compare(
        self, name: str, one: str, other: str, budget: float, *, within: str = "all"
    ) -> schemas_experiments.PairedArms:
        query: Query = {"one": one, "other": other, "budget": budget, "slice": within}
        return self._http.get(
            f"/experiments/{path_part(name)}/compare",
            schemas_experiments.PairedArms,
            query,
            timeout_s=HEAVY_TIMEOUT_S,
        )

    def analyses(
        self,
        name: str,
        *,
        axis: str = "generated_tokens",
        within: str = "all",
        threshold: float = 0.5,
        wrong_costs: float = 1.0,
    ) -> list[schemas_experiments.Analysis]:
        """All analyses; each of them is computed for it."""
        query = _choices(axis, within, threshold, wrong_costs)
        return self._http.get(
            f"/experiments/{path_part(name)}/analyses",
            schemas_experiments.Analyses,
            query,
            timeout_s=HEAVY_TIMEOUT_S,
        ).analyses

    def analysis(
        self,
        name: str,
        which: str = "",
        *,
        axis: str = "generated_tokens",
        within: str = "all",
        threshold: float = 0.5,
        wrong_costs: float = 1.0,
    ) -> schemas_experiments.ShownAnalysis:
        """One analysis by its name (empty: the first), and which there are."""
        query = {**_choices(axis, within, threshold, wrong_costs), "which": which}
        return self._http.get(
            f"/experiments/{path_part(name)}/analysis",
            schemas_experiments.ShownAnalysis,
            query,
            timeout_s=HEAVY_TIMEOUT_S,
        )

    def report(self, name: str, *, axis: str = "generated_tokens") -> bytes:
        """One page (HTML) that opens anywhere."""
        return self._http.request(
            "GET",
            f"/experiments/{path_part(name)}/report",
            params={"axis": axis},
            timeout_s=HEAVY_TIMEOUT_S,
        ).content

    def open(self, name: str, key: str) -> int:
        """Carry out a task again as a run in the store; its id."""
        return self._http.send(
            "POST",
            f"/experiments/{path_part(name)}/tasks/{path_part(key)}/open",
            schemas_experiments.Opened,
        ).run_id


def _choices(
    axis: str, within: str, threshold: float, wrong_costs: float
) -> dict[str, str | int | float]:
    return {"axis": axis, "slice": within, "threshold": threshold, "wrong_costs": wrong_costs}


__all__ = ["Experiments"]
