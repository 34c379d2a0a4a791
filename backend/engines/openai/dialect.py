"""What a server takes and gives, and the body of a request in its dialect.

Servers refuse what they do not know (strict ones), what is too large (a seed of 63 bits, 20
alternatives) or what is too small (temperature 0). `RUNGS` lists what can be left out or lowered,
level by level; the probe (`backend.engines.openai.probe`) sends what requests will send and goes
down these levels until nothing is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from backend.core.errors import MissingCapability
from backend.core.ports import Request

Body: TypeAlias = dict[str, Any]
UNKNOWN: Final = -1
"""The id of a token whose id nobody told."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server takes, by the names of `RUNGS`, and what it gave in the probe.

    `seed_below` bounds seeds (0: none are sent), `logprobs` is the most alternatives a position,
    `coolest` the least temperature, `top_k_off` what says that top-k is off (None: it is never
    sent). `keeps_stop`: a stop text stays in the text. `repeats_text`:
    each event repeats the text so far. `echoes`: it tells log-probabilities of a prompt's tokens.
    `tells_ends`: it says why a text ended.
    """

    takes_ids: bool = True
    return_token_ids: bool = True
    include_stop_str_in_output: bool = True
    add_special_tokens: bool = True
    continuous_usage_stats: bool = True
    ignore_eos: bool = True
    min_p: bool = True
    top_k_off: int | None = 0
    stream_options: bool = True
    seed_below: int = 2**63
    logprobs: int = 20
    coolest: float = 0.0
    top_p_one: bool = True
    gives_logprobs: bool = False
    gives_ids: bool = False
    keeps_stop: bool = False
    repeats_text: bool = False
    echoes: bool = False
    tells_ends: bool = True


class Rung(NamedTuple):
    """A field of `Dialect`: its levels from the full one down, with what the server refuses at
    each, and the words by which a refusal names it."""

    field: str
    levels: tuple[tuple[Any, str], ...]
    words: tuple[str, ...]


def on_or_off(name: str) -> Rung:
    """A setting that is sent or not."""
    return Rung(name, ((True, ""), (False, name)), (name,))


RUNGS: Final = (
    on_or_off("return_token_ids"),
    on_or_off("include_stop_str_in_output"),
    on_or_off("add_special_tokens"),
    on_or_off("continuous_usage_stats"),
    on_or_off("ignore_eos"),
    on_or_off("min_p"),
    Rung("top_k_off", ((0, ""), (-1, "top_k = 0 (-1 is sent)"), (None, "top_k")), ("top_k",)),
    on_or_off("stream_options"),
    Rung(
        "seed_below",
        ((2**63, ""), (2**31, f"seeds from {2**31} up"), (0, "seed")),
        ("seed",),
    ),
    Rung(
        "logprobs",
        ((20, ""), (5, "logprobs above 5"), (1, "logprobs above 1"), (0, "logprobs")),
        ("logprob", "log probabilities"),
    ),
    Rung("coolest", ((0.0, ""), (0.01, "temperature 0 (0.01 is sent)")), ("temperature",)),
    Rung("top_p_one", ((True, ""), (False, "top_p = 1 (left out)")), ("top_p",)),
    Rung("takes_ids", ((True, ""), (False, "prompts as token ids")), ("prompt",)),
)
"""In which order they are given up where a refusal names none: extensions first."""


def refused(dialect: Dialect) -> list[str]:
    """What the server refused in the probe, in words."""
    found = [dict(rung.levels)[getattr(dialect, rung.field)] for rung in RUNGS]
    return [told for told in found if told]


def make_body(
    dialect: Dialect, model: str, request: Request, stops: Sequence[str], stop_ids: Sequence[int]
) -> Body:
    """The body of a request. `stops` and `stop_ids`, where given, end the text at the server.

    Raises `MissingCapability` for a setting that the server refuses and that would change what is
    drawn.
    """
    sampling = request.sampling
    as_ids = dialect.takes_ids and request.token_ids and UNKNOWN not in request.token_ids
    body: Body = {
        "model": model,
        "prompt": list(request.token_ids) if as_ids else request.text,
        "max_tokens": request.limit,
        "temperature": max(sampling.temperature, dialect.coolest),
        "stream": True,
    }
    if dialect.top_p_one or sampling.top_p < 1.0:
        body["top_p"] = sampling.top_p
    if dialect.seed_below:
        body["seed"] = request.seed % dialect.seed_below
    if dialect.stream_options:
        body["stream_options"] = {"include_usage": True} | (
            {"continuous_usage_stats": True} if dialect.continuous_usage_stats else {}
        )
    if dialect.gives_logprobs and dialect.logprobs:
        body["logprobs"] = max(1, min(sampling.alternatives, dialect.logprobs))
    if dialect.add_special_tokens:
        body["add_special_tokens"] = False
    for name in ("return_token_ids", "include_stop_str_in_output"):
        body |= {name: True} if getattr(dialect, name) else {}
    body |= drawing(dialect, request)
    if stops:
        body |= {"stop": list(stops), "stop_token_ids": list(stop_ids)}
    return body


def drawing(dialect: Dialect, request: Request) -> Body:
    """The settings beyond the protocol that change what is drawn. They are sent where they are off
    too: a server may have defaults of its own."""
    sampling, found = request.sampling, Body()
    for name, taken, value, plain in (
        ("top_k", dialect.top_k_off is not None, sampling.top_k, dialect.top_k_off),
        ("min_p", dialect.min_p, sampling.min_p, 0.0),
        ("ignore_eos", dialect.ignore_eos, request.until.forced, None),
    ):
        if taken:
            found |= {name: value or plain} if value or plain is not None else {}
        elif value:
            raise MissingCapability(
                f"{name} = {value} is asked for, and the server refuses this setting",
                "Leave it out, or choose another server",
            )
    return found
