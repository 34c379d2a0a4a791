"""What an experiment is: a validated, frozen description, a TOML file or a form, whose hash names
its results.

    name = "what a budget buys"

    [[problems]]
    set = "ledger"
    level = 3
    first_seed = 1100000
    count = 40

    [budgets]
    axis = "solutions"
    values = [1, 4, 16, 64]

    [[arms]]
    name = "majority"
    strategy = "best_of_n"
    selector = "majority"
    pooled = true

    [[arms]]
    name = "beam search"
    strategy = "beam_search"
    by_budget = { n = [1, 4, 16, 64], beam_width = [1, 4, 4, 4] }
    slack = 1.5

A budget on the axis `solutions` is a multiple of what one solution costs: N solutions' worth are N
times the mean generated tokens of one chain on the problems of the same set and level, which is
measured first. On every other axis a budget is a limit of that axis of the ledger.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from backend.core.errors import BadInput
from backend.core.ports import Aggregation
from backend.core.spec import BUDGET_AXES, SamplingSpec, SplittingSpec

Axis = Literal[
    "solutions", "generated_tokens", "model_calls", "verifier_calls", "rounds", "seconds"
]
SOLUTIONS = "solutions"
RULES = ("best", "weighted", "majority", "coverage", "perplexity", "perplexity_consistency", "rpc")
"""Rules that are computed from a pool; `coverage` is the chance that any is right, which only an
oracle can use."""
MOST_CELLS = 2_000_000
CURATED, OWN = "curated", "file:"
"""The set by line that ships, and what the names of others begin with."""


class Problems(BaseModel):
    """Some problems: `count` of a set's level from `first_seed` up, or those named by `ids`.

    A set by line (`curated`, `file:gsm8k`) needs no level, and there `first_seed` is how many of
    its problems are passed over; `backend.experiments.by_line` finds which problems those are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    set: str | None = None
    level: int | None = Field(None, ge=0)
    first_seed: int = Field(0, ge=0)
    count: int = Field(40, ge=1, le=100_000)
    ids: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.ids) == (self.set is not None):
            raise ValueError("give either set (with level, first_seed, count) or ids")
        if self.set is not None and self.level is None and not self.by_line:
            raise ValueError(f"give the level of {self.set}")
        return self

    @property
    def by_line(self) -> bool:
        """Whether only the file of the set can say which problems these are."""
        return self.set is not None and (self.set == CURATED or self.set.startswith(OWN))

    def list_ids(self) -> list[str]:
        """The problems' ids; for a set by line, as many names that stand for them."""
        group = f"{self.set}/" if self.level is None else f"{self.set}/{self.level}/"
        return list(self.ids) or [
            f"{group}{self.first_seed + place + self.by_line}" for place in range(self.count)
        ]


class Budgets(BaseModel):
    """Budgets and what they count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    axis: Axis = "solutions"
    values: tuple[float, ...] = Field(min_length=1, max_length=64)

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if list(self.values) != sorted(set(self.values)) or self.values[0] <= 0:
            raise ValueError(f"values must rise and be above 0, got {list(self.values)}")
        if self.axis == SOLUTIONS and any(value != int(value) for value in self.values):
            raise ValueError(f"budgets in solutions are whole numbers, got {list(self.values)}")
        return self


class Arm(BaseModel):
    """One thing to compare. `by_budget` gives a parameter one value for each budget, `slack` is the
    limit as a multiple of the budget, for searches whose paths all end at about the same time.
    `pooled`: the rule is computed from one pool of `pool` samples, for every number of samples at
    once. `anytime`: one run at the largest budget serves the smaller ones by what it would have
    answered then."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=80)
    strategy: str
    params: dict[str, JsonValue] = Field(default_factory=dict)
    by_budget: dict[str, tuple[JsonValue, ...]] = Field(default_factory=dict)
    slack: float = Field(1.0, ge=1.0, le=10.0)
    selector: str | None = None
    selector_params: dict[str, JsonValue] = Field(default_factory=dict)
    engine: str = "torch"
    model: str | None = None
    verifier: str = "prm"
    verifier_model: str | None = None
    verifier_params: dict[str, JsonValue] = Field(default_factory=dict)
    aggregation: Aggregation = "last"
    sampling: SamplingSpec = Field(default_factory=SamplingSpec)
    splitting: SplittingSpec | None = None
    pooled: bool = False
    pool: int | None = Field(None, ge=1, le=100_000)
    anytime: bool = False

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.pooled and (self.by_budget or self.anytime or self.slack != 1.0):
            raise ValueError(f"{self.name}: a pooled arm takes no by_budget, slack or anytime")
        if self.pooled and self.selector not in RULES:
            raise ValueError(
                f"{self.name}: a pooled arm takes a selector of {', '.join(RULES)}, got "
                f"{self.selector}"
            )
        if self.pooled and self.selector_params:
            raise ValueError(f"{self.name}: the rule of a pooled arm has no selector_params")
        if not self.pooled and (self.pool is not None or self.selector == "coverage"):
            raise ValueError(f"{self.name}: pool and coverage are for pooled arms")
        if self.anytime and self.by_budget:
            raise ValueError(
                f"{self.name}: an anytime arm has one set of parameters for all budgets, "
                "got by_budget"
            )
        return self


class Experiment(BaseModel):
    """The whole description. `measured` problems of each cell, `chains` solutions each, tell what
    one solution costs (axis `solutions`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=120)
    note: str = Field("", max_length=4000)
    problems: tuple[Problems, ...] = Field(min_length=1)
    arms: tuple[Arm, ...] = Field(min_length=1, max_length=64)
    budgets: Budgets
    repeats: int = Field(1, ge=1, le=1000)
    seed: int = Field(0, ge=0, lt=2**31)
    measured: int = Field(32, ge=1)
    chains: int = Field(4, ge=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            raise ValueError(f"arms need different names, got {names}")
        for arm in self.arms:
            for parameter, values in arm.by_budget.items():
                if len(values) != len(self.budgets.values):
                    raise ValueError(
                        f"{arm.name}: {parameter} has {len(values)} values for "
                        f"{len(self.budgets.values)} budgets"
                    )
            if (
                arm.pool is not None
                and self.budgets.axis == SOLUTIONS
                and arm.pool < self.budgets.values[-1]
            ):
                raise ValueError(
                    f"{arm.name}: a pool of {arm.pool} cannot serve a budget of "
                    f"{self.budgets.values[-1]:.0f} solutions"
                )
            if arm.pooled and arm.pool is None and self.budgets.axis != SOLUTIONS:
                raise ValueError(
                    f"{arm.name}: give pool, the number of samples, where budgets are not "
                    "in solutions"
                )
        ids = self.problem_ids()
        if len(set(ids)) < len(ids):
            raise ValueError("a problem occurs twice")
        if len(ids) * len(self.arms) * len(self.budgets.values) * self.repeats > MOST_CELLS:
            raise ValueError(f"more than {MOST_CELLS:,} cells")
        return self

    def problem_ids(self) -> list[str]:
        """All problems, the groups taking turns: an experiment that is stopped half-way has as many
        of each."""
        turns = zip_longest(*(group.list_ids() for group in self.problems))
        return [problem for turn in turns for problem in turn if problem is not None]

    @property
    def hash(self) -> str:
        """Twelve hex digits of what decides about the results; name and note do not."""
        text = self.model_dump_json(exclude={"name", "note"}, exclude_defaults=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def pool_size(self, arm: Arm) -> int:
        """Samples in the pool of a pooled arm."""
        return arm.pool or int(self.budgets.values[-1])


def cell_of(problem_id: str) -> str:
    """The problems of one kind: set and level, such as `ledger/3`; the set alone where there are no
    levels."""
    return problem_id.rpartition("/")[0]


def read_experiment(path: Path) -> Experiment:
    """The experiment of a TOML file. Raises `BadInput` with the place of what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            "experiment file", given=str(path), accepted=f"a TOML file that can be read ({error})"
        ) from None
    return parse_experiment(text, path.name)


def parse_experiment(text: str, name: str = "experiment") -> Experiment:
    """The experiment of a TOML text. Raises `BadInput`."""
    try:
        return Experiment.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(name, given=str(error), accepted="TOML") from None
    except ValidationError as error:
        raise refuse(error) from None


def refuse(error: ValidationError) -> BadInput:
    """The first thing wrong, with its place."""
    first = error.errors()[0]
    place = ".".join(_number_places(first["loc"])) or "experiment"
    return BadInput(
        place, given=str(first["input"])[:200], accepted=first["msg"].removeprefix("Value error, ")
    )


def _number_places(place: Sequence[int | str]) -> list[str]:
    return [str(part + 1) if isinstance(part, int) else part for part in place]


assert set(BUDGET_AXES) | {SOLUTIONS} == set(Axis.__args__)  # type: ignore[attr-defined]

__all__ = [
    "MOST_CELLS",
    "RULES",
    "SOLUTIONS",
    "Arm",
    "Axis",
    "Budgets",
    "Experiment",
    "Problems",
    "cell_of",
    "parse_experiment",
    "read_experiment",
    "refuse",
]
