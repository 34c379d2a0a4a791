"""A stored trace holds all that a particle search went by: weights, ancestors, ESS and evidence are
worked out anew from scores and uniforms."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from typing import Any, NamedTuple

import pytest

from backend.core.events import ScoreGiven
from backend.core.formulas.particles import ladder
from backend.core.records import MemorySink
from backend.core.statistics.resampling import SCHEMES, conditional
from backend.engines.scripted.engine import END_TEXT, ScriptedEngine, ScriptedRewardModel
from tests.golden import searched, spec
from tests.support.logged import of, rows

EXACT = {"rel": 1e-12, "abs": 1e-12}
SEARCHES: list[tuple[str, dict[str, Any]]] = [
    *(("particle_filter", {"particles": 7, "mode": mode, "scheme": scheme, "ess_min": 0.9}) for mode in ("paper", "exact") for scheme in SCHEMES),
    ("particle_filter", {"particles": 6, "mode": "exact", "potential": "odds", "temperature": 2.0, "ess_min": 1.0}),
    ("particle_filter", {"particles": 6, "temperature": 0.5, "ess_min": 0.0}),
    ("particle_filter", {"particles": 6}),
    ("particle_gibbs", {"particles": 4, "iterations": 4}),
    ("particle_gibbs", {"particles": 4, "iterations": 4, "mode": "exact", "ess_min": 0.9}),
    ("parallel_tempering", {"particles": 3, "chains": 3, "iterations": 3}),
    ("parallel_tempering", {"mode": "exact", "chains": 2, "hottest": 9.0, "ess_min": 0.95}),
]  # fmt: skip


class Held(NamedTuple):
    """A particle as the replay knows it: its node, its log weight, and the log potential of its
    prefix."""

    node: int
    log_weight: float = 0.0
    level: float = 0.0


def rambling(question: str, written: str) -> list[tuple[str, float]]:
    """Solutions of one to five steps."""
    steps = written.count("\n\n")
    ends = [(f"The answer is \\boxed{{{steps}}}.{END_TEXT}", 0.3 if steps < 4 else 1.0)]
    return [*ends, ("Go on.\n\n", 0.4), ("Or so.\n\n", 0.3)] if steps < 4 else ends


def liking(question: str, steps: tuple[str, ...]) -> list[float]:
    """Scores that differ by text and by place."""
    return [
        0.3 + 0.5 * ((7 * place + len(step)) % 11) / 11
        for place, step in enumerate(steps, start=len(steps))
    ]


def shares(log_weights: list[float]) -> list[float]:
    raised = [math.exp(weight - max(log_weights)) for weight in log_weights]
    return [weight / math.fsum(raised) for weight in raised]


def mean_of(log_weights: list[float]) -> float:
    """log of the mean weight."""
    return max(log_weights) + math.log(
        math.fsum(math.exp(weight - max(log_weights)) for weight in log_weights) / len(log_weights)
    )


class Replay:
    """Plays the events of one track again, with nothing but scores, uniforms, parents and the
    parameters of the run."""

    def __init__(
        self,
        sink: MemorySink,
        scores: dict[int, float],
        exact: bool,
        odds: bool,
        temperature: float,
    ) -> None:
        self._sink, self._scores, self._exact, self._odds, self._temperature = (
            sink,
            scores,
            exact,
            odds,
            temperature,
        )
        self.particles: list[Held] = []
        self.banked = 0.0

    def start(self, count: int) -> None:
        self.particles, self.banked = [Held(0)] * count, 0.0

    @property
    def log_weights(self) -> list[float]:
        return [particle.log_weight for particle in self.particles]

    def resampled(self, data: dict[str, Any]) -> None:
        weights, uniforms = shares(self.log_weights), data["uniforms"]
        drawn = (
            conditional(weights, uniforms)
            if data["scheme"] == "conditional"
            else SCHEMES[data["scheme"]](weights, uniforms)
        )
        assert drawn.tolist() == data["ancestors"] and data["particles"] == [
            particle.node for particle in self.particles
        ]
        assert data["log_weights"] == pytest.approx(self.log_weights, **EXACT)
        self.banked += mean_of(self.log_weights)
        self.particles = [
            self.particles[ancestor]._replace(log_weight=0.0) for ancestor in data["ancestors"]
        ]

    def weighed(self, data: dict[str, Any]) -> None:
        self.particles = [
            self._stepped(particle, node)
            for particle, node in zip(self.particles, data["particles"], strict=True)
        ]
        assert data["log_weights"] == pytest.approx(self.log_weights, **EXACT)

    def _stepped(self, particle: Held, node: int) -> Held:
        if node == particle.node:
            assert self._sink.nodes[node].done
            return particle
        assert self._sink.nodes[node].parent_id == particle.node
        r = self._scores[node]
        level = math.log(r / (1.0 - r)) if self._odds else math.log(r)
        gain = level - particle.level if self._exact else level
        return Held(node, particle.log_weight + gain / self._temperature, level)

    def told(self, stats: dict[str, float]) -> None:
        assert stats["ess"] == pytest.approx(
            1.0 / math.fsum(share**2 for share in shares(self.log_weights)), **EXACT
        )
        assert not self._exact or stats["log_evidence"] == pytest.approx(
            self.banked + mean_of(self.log_weights), **EXACT
        )


@pytest.mark.parametrize(("name", "params"), SEARCHES, ids=str)
async def test_replaying_a_stored_trace_gives_every_weight_again(
    name: str, params: dict[str, Any]
) -> None:
    sink, exact = MemorySink(), params.get("mode") == "exact"
    await searched(
        spec(name, params=params),
        sink,
        engine=ScriptedEngine(rambling),
        reward=ScriptedRewardModel(liking),
    )
    scores = {
        given.node: given.value for given in of(ScoreGiven, sink.events) if given.value is not None
    }
    heat = dict(
        enumerate(ladder(1.0, params.get("hottest", 4.0), params.get("chains", 3)), start=1)
    )
    replays: dict[str, Replay] = {}
    seen: defaultdict[str, int] = defaultdict(int)
    for event in rows(sink.events):
        data: Any = json.loads(json.dumps(event.data))
        if event.kind not in ("weighed", "resampled", "step") or event.phase in (
            "swap",
            "reference",
        ):
            continue
        if event.track not in replays:
            temperature = (
                heat[int(event.track[-1])]
                if name == "parallel_tempering"
                else params.get("temperature", 1.0)
            )
            odds = params.get("potential", "prob" if exact else "odds") == "odds"
            replays[event.track] = Replay(sink, scores, exact, odds, temperature)
        replay = replays[event.track]
        if event.kind == "weighed" and event.phase == "start":
            replay.start(len(data["particles"]))
        (replay.told if event.kind == "step" else getattr(replay, event.kind))(
            data["stats"] if event.kind == "step" else data
        )
        seen[event.kind] += 1
    assert seen["weighed"] == seen["step"] > 2
    assert (seen["resampled"] == 0) is (params.get("ess_min") == 0.0)
