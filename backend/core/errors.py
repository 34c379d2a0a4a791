"""What can go wrong, under one root.

A message says what was given and what is accepted. `BudgetExhausted` and `asyncio.CancelledError`
are the two signals that a strategy never catches: the driver turns both into recorded ends of a
run.
"""

from __future__ import annotations

from backend.core.limits import Limit


class ArboretumError(Exception):
    """Root of every error this project raises on purpose."""


class BadInput(ArboretumError):
    """Something given from outside is not acceptable; the message names it and what would be."""

    def __init__(self, what: str, *, given: object, accepted: object) -> None:
        super().__init__(f"{what}: got {given!r}, accepted: {accepted}")
        self.what, self.given, self.accepted = what, given, accepted


class TooLong(BadInput):
    """Something given from outside is longer than is taken in."""


class ProblemError(ArboretumError):
    """A problem, level or problem file that does not exist or cannot be read; the message names
    what is accepted."""


class UnreadableProblems(ProblemError):
    """A problem file that somebody brought cannot be taken in; the message names the row and what
    is accepted."""


class NotFound(ArboretumError):
    """A run, node, problem or model that was named does not exist."""


class Conflict(ArboretumError):
    """The request does not fit the state of the thing it names, for example pausing a finished
    run.
    """


class BudgetExhausted(ArboretumError):
    """The budget of a run is spent. Raised by the metered policy and verifier at the first call
    that no longer fits. `limit` is all that there was of
    `axis`."""

    def __init__(self, axis: str, limit: float) -> None:
        super().__init__(str(Limit(axis, limit)))
        self.axis, self.limit = axis, limit


class EngineFailure(ArboretumError):
    """An engine could not do what it was asked; `remedy` says what a user can do about it."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(f"{reason}. {remedy}" if remedy else reason)
        self.reason, self.remedy = reason, remedy


class PassingFailure(EngineFailure):
    """A failure after which the same call may succeed, because what failed is started again at the
    next use."""


class MissingCapability(EngineFailure):
    """A strategy or verifier needs something that the chosen engine cannot give (log-probabilities,
    a reward model ...)."""


class VerifierFailure(ArboretumError):
    """Nothing in a whole run could be scored, so the search had nothing to steer by."""


class StorageFailure(ArboretumError):
    """The store refused or lost something; nothing half-written stays behind."""


class ProcessDied(ArboretumError):
    """A process that computed something for this one ended before it answered. Asking again starts
    another."""
