"""What a user asks for: one validated, frozen description that rebuilds a run from its row.

The same model is the body of `POST /api/runs`, the arguments of `python -m backend run` and what
the store keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from backend.core.blocks import opens_thought
from backend.core.ports import Aggregation, Sampling
from backend.core.splitting import BLANK_LINE, Rule, Splitting

BUDGET_AXES = ("generated_tokens", "model_calls", "verifier_calls", "rounds", "seconds")
"""Axes a budget can limit, as they are named in the ledger: tokens sampled, completions asked for,
paths scored, sequential rounds, wall seconds."""


class SamplingSpec(BaseModel):
    """Sampling settings of a run; see `backend.core.ports.Sampling` for their meaning."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(
        0.8, ge=0.0, le=5.0, description="0 is greedy; search papers use 0.8"
    )
    top_p: float = Field(
        1.0,
        gt=0.0,
        le=1.0,
        description="nucleus: keep the likeliest tokens that together have this probability",
    )
    top_k: int = Field(0, ge=0, description="keep this many likeliest tokens (0: all)")
    min_p: float = Field(
        0.0,
        ge=0.0,
        lt=1.0,
        description="keep tokens at least this fraction as likely as the likeliest",
    )
    max_tokens: int = Field(
        1024,
        ge=1,
        le=32768,
        description="limit of one step (or of a whole answer where a strategy generates in one go)",
    )
    alternatives: int = Field(
        0, ge=0, le=20, description="store this many likeliest tokens at every position"
    )

    def sampling(self) -> Sampling:
        return Sampling(**self.model_dump())


class SplittingSpec(BaseModel):
    """Where the steps of a run end; see `backend.core.splitting`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    splitter: Literal["blank_line", "line", "heading", "tokens"] = Field(
        "blank_line",
        description=(
            "what ends a step: blank_line, line (each line is a step), heading (before the next "
            '"Step 2" or "## ..."), or tokens (after step_tokens of them); never within code '
            "between fences or a formula"
        ),
    )
    step_tokens: int = Field(
        64, ge=1, le=32768, description="length of a step in tokens, for the splitter tokens"
    )
    thoughts: Literal["paragraphs", "one_step"] = Field(
        "paragraphs",
        description=(
            "what a model thinks between <think> and </think>: cut into steps like the rest, or "
            "one_step"
        ),
    )

    def splitting(self, prompt: str) -> Splitting:
        """The rule, for solutions of this prompt: it may have opened the thought."""
        one_step = self.thoughts == "one_step"
        return Splitting(
            self.splitter,
            length=self.step_tokens if self.splitter == "tokens" else 0,
            thoughts=not one_step,
            thinking=one_step and opens_thought(prompt),
        )


class Versions(BaseModel):
    """By which version of each a run reads its texts: `reader` finds the answer in a text, `grader`
    compares answers, `splitter` finds the steps. A run that is taken up, replayed or read again
    keeps its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reader: int = Field(1, ge=1, description="version of what finds the answer in a text")
    grader: int = Field(1, ge=1, description="version of what compares answers")
    splitter: int = Field(1, ge=1, description="version of what finds the steps in a text")


FIRST = Versions()
"""The versions of a run that names none: it was made before there were any others."""

NEWEST = Versions(reader=2, grader=2, splitter=2)
"""What a new run is read with. The reader's grows with a change of what is read in a text, the
grader's whenever a pair of answers may be judged otherwise than before, the splitter's with a
change of where steps end; its first version cuts at the engine's delimiter and nowhere else. They
stand here so that a stored run can be compared with them without what reads and compares."""


def splitting_of(
    version: int, asked: SplittingSpec | None, delimiter: str, prompt: str = ""
) -> Splitting:
    """By which rule a run finds steps: by its version of the splitter, its own settings, and (None)
    what its engine says ends a step. `prompt` is what its solutions are written behind."""
    if version == 1:
        return Splitting("text", delimiter)
    return by_delimiter(delimiter) if asked is None else asked.splitting(prompt)


def by_delimiter(delimiter: str) -> Splitting:
    """The rule for an engine whose steps end with this text."""
    rules: Mapping[str, Rule] = {BLANK_LINE: "blank_line", "\n": "line"}
    return Splitting(rules.get(delimiter, "text"), delimiter)


def stored_splitting(spec: Mapping[str, object], delimiter: str, prompt: str) -> Splitting:
    """By which rule a stored run finds steps, from its settings as they are stored. Raises
    `ValidationError` for settings that this version does not know."""
    asked, versions = spec.get("splitting"), Versions.model_validate(spec.get("versions") or {})
    settings = None if asked is None else SplittingSpec.model_validate(asked)
    return splitting_of(versions.splitter, settings, delimiter, prompt)


class RunSpec(BaseModel):
    """A run: strategy, problem, models, budget and seed. Exactly one of `problem` and `question` is
    given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: str = Field(description="a name from the catalogue")
    params: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="parameters of the strategy; what is absent takes the published default",
    )
    problem: str | None = Field(None, description="a problem id such as ledger/3/17")
    question: str | None = Field(
        None, min_length=1, max_length=20_000, description="a question of one's own"
    )
    answer: str | None = Field(
        None, max_length=2_000, description="the right answer of one's own question, if it is known"
    )
    seed: int = Field(0, ge=0, lt=2**63)
    budget: dict[str, float] = Field(
        default_factory=dict, description="limits by axis: " + ", ".join(BUDGET_AXES)
    )
    engine: str = Field(
        "torch", description="a name from the catalogue, such as torch, vllm, openai or scripted"
    )
    model: str | None = Field(None, description="model name or path; absent: the engine's default")
    verifier: str = Field("prm", description="a name from the catalogue, such as prm or exact")
    verifier_model: str | None = Field(
        None, description="reward model name or path; absent: the engine's default"
    )
    verifier_params: dict[str, JsonValue] = Field(
        default_factory=dict,
        exclude_if=lambda params: not params,
        description="parameters of the verifier; what is absent takes its default",
    )
    aggregation: Aggregation = Field(
        "last", description="how step scores become one score of a path"
    )
    selector: str | None = Field(
        None, description="final rule; absent: the one the strategy's paper uses"
    )
    selector_params: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="parameters of the final rule; what is absent takes its default",
    )
    sampling: SamplingSpec = Field(default_factory=SamplingSpec)
    system: str | None = Field(
        None, max_length=20_000, description="system prompt; absent: the model's own default"
    )
    splitting: SplittingSpec | None = Field(
        None,
        exclude_if=lambda splitting: splitting is None,
        description="where steps end; absent: where the engine says, which is at blank lines",
    )
    versions: Versions | None = Field(
        None,
        exclude_if=lambda versions: versions is None,
        description=(
            "by which version texts are read; a new run takes the newest, one that was stored "
            "without versions has the first of each"
        ),
    )

    @property
    def read_with(self) -> Versions:
        """The versions of the run, the first of each where it names none."""
        return self.versions or FIRST

    @model_validator(mode="after")
    def _one_splitter(self) -> Self:
        if self.splitting is not None and self.versions is not None and self.versions.splitter < 2:
            raise ValueError(
                "splitting is for version 2 of the splitter: version 1 knows only what the engine "
                "says ends a step"
            )
        return self

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if (self.problem is None) == (self.question is None):
            raise ValueError("give exactly one of problem (an id) and question (a text)")
        if self.problem is not None and self.answer is not None:
            raise ValueError("answer goes with question; a problem knows its own")
        for axis, limit in self.budget.items():
            if axis not in BUDGET_AXES:
                raise ValueError(
                    f"budget axis {axis!r} is unknown, accepted: {', '.join(BUDGET_AXES)}"
                )
            if not limit > 0:
                raise ValueError(f"budget {axis} must be above 0, got {limit}")
        return self


class TokenEdit(BaseModel):
    """Another token at `position` (from 0) of a step: one of the stored alternatives by its id, or
    a typed text. The step is cut there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    position: int = Field(ge=0, description="place of the token in its step, from 0")
    token_id: int | None = Field(
        None, description="one of the alternatives that are stored for that place"
    )
    text: str | None = Field(
        None, min_length=1, max_length=1_000, description="a text of one's own in its place"
    )

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if (self.token_id is None) == (self.text is None):
            raise ValueError(
                "give exactly one of token_id (a stored alternative) and text (one of your own)"
            )
        return self


class TextEdit(BaseModel):
    """What a person changed in the step that a fork begins at: its text, or one token of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str | None = Field(None, max_length=100_000, description="the step's new text")
    whole: bool = Field(
        True,
        description=(
            "the new text is a whole step: it ends as steps of the run do, which is added "
            "where it is missing"
        ),
    )
    token: TokenEdit | None = None

    @model_validator(mode="after")
    def _one_change(self) -> Self:
        if (self.text is None) == (self.token is None):
            raise ValueError(
                "give exactly one of text (the whole step anew) and token (another token in it)"
            )
        if self.text is not None and not self.text.strip():
            raise ValueError("the new text is empty: to leave a step out, fork from its parent")
        return self


class Fork(BaseModel):
    """A search that goes on from a node of a stored run. `settings` are the fields of a `RunSpec`
    that are to be different; the problem stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: int = Field(ge=0, description="where to go on: any node of the run")
    edit: TextEdit | None = None
    settings: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="fields of a run that are to be different from the origin's",
    )

    @model_validator(mode="after")
    def _same_problem(self) -> Self:
        for name in ("problem", "question", "answer"):
            if name in self.settings:
                raise ValueError(
                    f"{name} cannot be changed: a fork goes on with the problem of its origin"
                )
        return self
