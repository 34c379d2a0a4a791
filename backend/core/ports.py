"""The interfaces of the project: what an engine, a reward model, a policy, a verifier and a
selector promise.

An engine works on tokens, a policy on nodes. Strategies use policies and verifiers only; the
composition root decides which engine stands behind them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

import msgspec

from backend.core.splitting import AT_BLANK_LINES, Splitter, Splitting, StepState
from backend.core.types import JSON, Alternative, Finish, Kind, Node, Score

if TYPE_CHECKING:
    from numpy.random import Generator

    Rng: TypeAlias = Generator
else:

    def __getattr__(name: str) -> object:
        """`Rng`, imported when it is asked for: numpy is a tenth of the start of a command that
        does not search."""
        if name != "Rng":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from numpy.random import Generator

        return Generator


Aggregation: TypeAlias = Literal["last", "min", "prod", "mean"]
"""How the scores of steps become one score of a path."""


class Until(msgspec.Struct, frozen=True, gc=False):
    """Where a generation stops, besides the model's end token: after `steps` steps (0: no step
    limit) or `tokens` tokens (0: no own limit).

    With `forced` neither a step nor the end token stops it, only the token limit: equal traffic
    for benchmarks.
    """

    steps: int = 1
    tokens: int = 0
    forced: bool = False


STEP = Until(steps=1)
END = Until(steps=0)


def steps(count: int) -> Until:
    """Stop after `count` >= 1 steps."""
    return Until(steps=count)


def tokens(count: int) -> Until:
    """Stop after `count` >= 1 tokens, wherever that is."""
    return Until(steps=0, tokens=count)


class Sampling(msgspec.Struct, frozen=True, gc=False):
    """How tokens are drawn. Temperature 0 is greedy. Order: temperature, top-k, top-p, min-p.
    `max_tokens` limits one step (or one go).

    `logprobs` of sampled tokens are those of the model before temperature and truncation (as vLLM
    reports by default). `alternatives` asks for that many likeliest tokens at each position (0:
    none, at most 20).
    """

    temperature: float = 0.8
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    max_tokens: int = 1024
    alternatives: int = 0

    @property
    def plain(self) -> bool:
        """Whether tokens are drawn just as the model has it: temperature 1, nothing truncated."""
        return (self.temperature, self.top_p, self.top_k, self.min_p) == (1.0, 1.0, 0, 0.0)


class Request(msgspec.Struct, frozen=True, gc=False):
    """One continuation to sample. `text` and `token_ids` are the whole prompt; an engine with a
    tokenizer uses the ids, and only those.

    `seed` in [0, 2**63) makes the draw reproducible whatever else is in the batch. `key` comes back
    with the completion. `splitting` says where a step ends, `state` how far the text has come in
    that (None: it begins here).
    """

    key: str
    text: str
    token_ids: tuple[int, ...]
    seed: int
    until: Until = STEP
    sampling: Sampling = Sampling()
    splitting: Splitting = AT_BLANK_LINES
    state: StepState | None = None

    @property
    def steps(self) -> int:
        """After how many steps it stops; 0: steps do not stop it."""
        return 0 if self.until.forced else self.until.steps

    @property
    def limit(self) -> int:
        """The most tokens that it may generate."""
        limit = min(self.sampling.max_tokens, self.until.tokens or self.sampling.max_tokens)
        by_length = self.splitting.rule == "tokens" and self.steps
        return min(limit, self.steps * self.splitting.length) if by_length else limit

    def splitter(self) -> Splitter:
        """What finds the ends of steps in the continuation."""
        return self.splitting.splitter(self.state)


class Completion(msgspec.Struct, frozen=True, gc=False):
    """What came back for the request `key`: text without the end token, ids with it, one
    log-probability (nats) an id.

    `finish` tells step, end, length and aborted apart. An aborted request still reports what it had
    generated. `prompt_tokens` counts the prompt, `cached_tokens` how many of those were served from
    a cache; both are the engine's own figures. `logprobs` is None where the server gives none.
    `failure` names why a request failed, else None. `remark` says what the engine did not take as
    the server told it, such as a count of tokens.
    """

    key: str
    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...] | None
    finish: Finish
    prompt_tokens: int
    cached_tokens: int = 0
    alternatives: tuple[tuple[Alternative, ...], ...] = ()
    failure: str | None = None
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """Tokens to be judged and not sampled: how likely is it that `sampling` draws `given` behind
    the prompt `token_ids`? Its limits play no part."""

    token_ids: tuple[int, ...]
    given: tuple[int, ...]
    sampling: Sampling


class Likelihood(NamedTuple):
    """How likely given tokens are: one log-probability (nats) an id, -inf where it is never drawn;
    empty where `failure` says why there is none.

    Under plain sampling these are the model's own, as a completion reports them. `prompt_tokens`
    counts prompt and given tokens, `cached_tokens` how many of them came from a cache.
    """

    logprobs: tuple[float, ...]
    prompt_tokens: int
    cached_tokens: int = 0
    failure: str | None = None


class Prompt(NamedTuple):
    """A rendered chat prompt: its text with special tokens visible, and its ids (empty where the
    engine has no tokenizer)."""

    text: str
    token_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do; a strategy or verifier that needs more is refused with the reason.

    `prompt_logprobs`: it judges given tokens under plain sampling; `tempered_logprobs`: under any
    temperature and truncation as well.
    """

    logprobs: bool = True
    alternatives: int = 20
    token_ids: bool = True
    seeds: bool = True
    abort: bool = True
    reward_model: bool = False
    prompt_logprobs: bool = False
    tempered_logprobs: bool = False


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Which model an engine runs, as it is recorded in the manifest of each run. `parameters`
    counts weights (for FLOPs, 0 if unknown); `context` is in tokens."""

    engine: str
    model: str
    version: str
    dtype: str
    parameters: int
    context: int
    delimiter: str
    capabilities: Capabilities
    hashes: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)


class EngineStats(NamedTuple):
    """The engine's own running counters since it was loaded: requests now running, tokens
    generated, prompt tokens, cached prompt tokens."""

    running: int
    generated_tokens: int
    prompt_tokens: int
    cached_tokens: int
    memory_bytes: int


class Engine(Protocol):
    """Generates text, and judges text that is given; the other methods describe the engine."""

    @property
    def info(self) -> EngineInfo: ...

    async def prompt(self, question: str, system: str | None) -> Prompt:
        """Render a question with the model's chat template, ready for the assistant's turn."""
        ...

    async def encode(self, text: str) -> tuple[int, ...]:
        """Token ids of plain text, no special tokens added; empty where the engine has no
        tokenizer."""
        ...

    async def tokens(self, token_ids: Sequence[int]) -> list[str]:
        """The text of each id by itself, for display; special tokens visible."""
        ...

    def generate(self, requests: Sequence[Request]) -> AsyncGenerator[Completion]:
        """Completions in order of completion, one a request. Closing the iterator aborts the rest;
        what had finished by then was yielded.

        Raises `EngineFailure` when the engine itself fails; a single bad request comes back with
        `failure` set.
        """
        ...

    async def take_aborted(self, keys: Sequence[str]) -> list[Completion]:
        """Return the partial completions of requests whose iterator was closed, with what they had
        generated. Each is returned once and then forgotten."""
        ...

    async def likelihoods(self, asked: Sequence[Given]) -> list[Likelihood]:
        """One result a request, same order; nothing is generated. Cancelling the call aborts it.

        Raises `MissingCapability` where the engine cannot tell, `EngineFailure` when it fails; a
        single bad request has `failure` set.
        """
        ...

    async def stats(self) -> EngineStats: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Solution:
    """A question with the steps written so far, for a reward model. Steps carry no delimiter and
    are not empty."""

    question: str
    steps: tuple[str, ...]
    system: str | None = None


class StepScores(NamedTuple):
    """Scores in [0, 1], one a step, in order; or a reason why there are none. `tokens` went through
    the model, `cached` were reused."""

    scores: tuple[float, ...]
    tokens: int
    cached: int = 0
    failure: str | None = None


class RewardModel(Protocol):
    """A process reward model: the probability that each step is right, given everything before
    it.
    """

    @property
    def info(self) -> EngineInfo: ...

    async def score(self, solutions: Sequence[Solution]) -> list[StepScores]:
        """One result a solution, same order; a row count that does not equal the step count is a
        failure of that solution."""
        ...

    async def close(self) -> None: ...


class Policy(Protocol):
    """A language model that continues nodes. Metered, cached and traced by the driver."""

    async def extend(
        self,
        nodes: Sequence[Node],
        n: int = 1,
        *,
        until: Until = STEP,
        sampling: Sampling | None = None,
        kind: Kind = Kind.STEP,
    ) -> list[list[Node]]:
        """Group i holds the `n` children of node i; a finished node gives [itself]. `sampling`
        replaces the run's own settings."""
        ...

    def race(
        self,
        nodes: Sequence[Node],
        n: int = 1,
        *,
        until: Until = END,
        sampling: Sampling | None = None,
        kind: Kind = Kind.STEP,
    ) -> AsyncGenerator[tuple[int, Node]]:
        """(i, child of node i) as they finish; closing cancels the others, whose partial texts stay
        as aborted nodes."""
        ...

    async def open(self, prompt: str, about: Sequence[Node] = ()) -> Node:
        """A new root of kind aside: another prompt to the same model, about some nodes of the
        search."""
        ...

    async def inject(self, node: Node, text: str, reason: str) -> Node:
        """A child holding text that nobody generated; it reopens a finished node and is never
        counted as generated."""
        ...

    async def log_likelihoods(self, pairs: Sequence[tuple[Node, Sequence[Node]]]) -> list[float]:
        """For each (node, steps) the natural logarithm of the probability that this policy, as it
        samples in this run, continues the node by just these steps, the ends of the steps included;
        -inf where it never does."""
        ...

    def answer(self, node: Node) -> str | None:
        """The answer written on the path to a node, None where none can be read: as the final rule
        of the run reads it."""
        ...

    @property
    def sampling(self) -> Sampling:
        """The run's own sampling settings, to be varied with `dataclasses.replace`."""
        ...


class VerifierTokens(NamedTuple):
    """Tokens that went through a verifier's model, and tokens that it reused from a cache instead,
    since it was made."""

    tokens: int
    cached: int


class Verifier(Protocol):
    """Scores the path that ends in each node; each node once, same order."""

    @property
    def tokens(self) -> VerifierTokens:
        """(0, 0) for a verifier without a model of its own."""
        ...

    async def score(self, nodes: Sequence[Node]) -> list[Score]: ...


class Classes(Protocol):
    """Which answers are the same; see `backend.problems.classes`. `changes` grows whenever answers
    that were placed are placed anew."""

    @property
    def changes(self) -> int: ...

    def of(self, answer: str | None) -> str | None:
        """The name of an answer's class, None for no answer."""
        ...


class Decision(NamedTuple):
    """How a final rule decided. `leaders` are all that tie for the win, the winner first:
    candidates, or one spokesman a class of answers.

    `confidence` in [0, 1] is how sure the rule is by its own measure: a vote's share of the winner,
    or the winner's value; None where it has none. `facts` say what else the rule found, such as how
    many candidates it pruned.
    """

    leaders: tuple[Node, ...]
    confidence: float | None = None
    facts: Mapping[str, JSON] = MappingProxyType({})


class Tally(Protocol):
    """The running state of a final rule: candidates come in one by one, each at constant cost, and
    the decision so far can be had at any time.

    A rule that looks at all candidates together may decide when it is asked, once for every
    candidate that came in.
    """

    def add(self, node: Node, value: float | None, answer: str | None) -> None:
        """One more finished candidate with its value and the answer read from it (None:
        unreadable)."""
        ...

    def winner(self) -> Node:
        """The chosen candidate among those added, of which there is at least one; ties go to the
        earliest."""
        ...

    def decision(self) -> Decision:
        """The winner with all that tie with it, and why."""
        ...


class Selector(Protocol):
    """Chooses the node that gives the answer among finished candidates. `values` may be None;
    `nodes` is not empty; ties go to the earliest."""

    @property
    def votes(self) -> bool:
        """Whether it matters which answers are the same."""
        ...

    def __call__(self, nodes: Sequence[Node], values: Sequence[float | None]) -> Node: ...

    def tally(self, classes: Classes | None = None) -> Tally:
        """A fresh tally by the same rule, for candidates that arrive over time. `classes` says
        which answers are the same; without it, exactly equal ones are."""
        ...
