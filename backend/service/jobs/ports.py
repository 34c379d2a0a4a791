"""What jobs need from their neighbours besides the store: a source of models, and the driver."""

from __future__ import annotations

from typing import Protocol

from backend.core.ports import Engine, RewardModel
from backend.core.records import Sink
from backend.core.spec import RunSpec
from backend.problems.base import Problem
from backend.runs.driver import Control, GradeFunction, Outcome
from backend.runs.paid import Paid


class ModelHost(Protocol):
    """Loaded models by engine and name; loading happens at the first use, and several callers wait
    for the same load."""

    async def policy(self, engine: str, model: str | None) -> Engine: ...

    async def reward(self, engine: str, model: str | None) -> RewardModel: ...


class Launch(Protocol):
    """`backend.runs.driver.run`, or something that behaves like it."""

    async def __call__(
        self,
        spec: RunSpec,
        *,
        problem: Problem,
        engine: Engine,
        reward: RewardModel | None,
        sink: Sink,
        control: Control,
        grade: GradeFunction,
        paid: Paid,
    ) -> Outcome: ...


__all__ = ["Launch", "ModelHost"]
