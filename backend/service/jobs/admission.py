"""What is checked before a run is accepted: every name in it exists, its parameters are valid, and
its engine can be had.

Whatever can be known without loading a model is refused here, with what was given and what is
accepted; the rest (a capability that only the loaded model can tell) fails the run with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backend.core.errors import BadInput, ProblemError
from backend.core.registry import STRATEGIES
from backend.core.spec import RunSpec
from backend.engines.entry import ENGINES
from backend.judging.rules import SELECTORS
from backend.judging.scorers import VERIFIERS
from backend.problems.base import Problem

OWN = "own"
"""The set of questions that users type themselves."""


@dataclass(frozen=True)
class Admission:
    """`find` returns the problem of an id; `engines` lists (name, available, reason);
    `allowed_models` None means any model may be named."""

    find: Callable[[str], Problem]
    engines: Callable[[], Sequence[tuple[str, bool, str]]]
    allowed_models: Callable[[], Sequence[str] | None]

    def admit(self, spec: RunSpec, problem: Problem | None = None) -> Problem:
        """The problem of an acceptable spec, or the one given, as a stored run saw it. Raises
        `BadInput` or `MissingCapability` that name what is wrong."""
        entry = STRATEGIES[spec.strategy]
        entry.parse(spec.params)
        SELECTORS[spec.selector or entry.card.selector].with_params(spec.selector_params)
        verifier = VERIFIERS[spec.verifier]
        verifier.parse(spec.verifier_params)
        self._engine(spec.engine)
        for name in (spec.model, spec.verifier_model):
            self.model(name)
        problem = problem or self.problem(spec)
        verifier.require(known=problem.answer is not None)
        return problem

    def problem(self, spec: RunSpec) -> Problem:
        """The problem that a spec names, or its own question as a problem without a set."""
        if spec.question is not None:
            return Problem(
                id="", set=OWN, level=None, seed=None, question=spec.question, answer=spec.answer
            )
        assert spec.problem is not None
        try:
            return self.find(spec.problem)
        except ProblemError as error:
            raise BadInput("problem", given=spec.problem, accepted=str(error)) from None

    def model(self, name: str | None) -> None:
        """Raises `BadInput` where the service is open to others and the model is not on its
        list.
        """
        allowed = self.allowed_models()
        if (
            name is not None
            and allowed is not None
            and name not in (*list_shipped_models(), *allowed)
        ):
            accepted = ", ".join((*list_shipped_models(), *allowed))
            raise BadInput(
                "model",
                given=name,
                accepted=(
                    f"{accepted} (this service is reachable from outside; its settings list "
                    "what may be loaded)"
                ),
            )

    def _engine(self, name: str) -> None:
        found = {engine: (available, reason) for engine, available, reason in self.engines()}
        if name not in found:
            raise BadInput("engine", given=name, accepted=", ".join(found))
        available, reason = found[name]
        if not available:
            usable = ", ".join(engine for engine, (ok, _) in found.items() if ok)
            raise BadInput(
                "engine", given=name, accepted=f"{usable} ({name} is not available: {reason})"
            )


def list_shipped_models() -> tuple[str, ...]:
    """The models that the engines themselves offer: everybody may use these."""
    names = (name for entry in ENGINES.values() for name in (*entry.models, *entry.reward_models))
    return tuple(dict.fromkeys(names))


__all__ = ["OWN", "Admission", "list_shipped_models"]
