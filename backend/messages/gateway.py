"""What a program sends that speaks to a strategy as if it were a model: the request of OpenAI's chat
completions, as far as a search can honour it, with the settings of a run as further fields."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

Role = Literal["system", "developer", "user", "assistant"]


class TextPart(BaseModel):
    """A part of a message; only text can be read."""

    type: Literal["text"]
    text: str


class GatewayMessage(BaseModel):
    """One message of the conversation."""

    role: Role
    content: str | list[TextPart]

    @property
    def text(self) -> str:
        """The whole text of the message."""
        parts = self.content
        return parts if isinstance(parts, str) else "".join(part.text for part in parts)


class StreamOptions(BaseModel):
    """Whether a last part of the stream says what was used."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """A request for one answer. `model` is `STRATEGY` or `STRATEGY:MODEL`. Fields of other programs
    that change nothing here are passed over; those that would change the answer are refused."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    model: str = Field(
        description="STRATEGY or STRATEGY:MODEL, MODEL with ENGINE/ before it if need be"
    )
    messages: list[GatewayMessage] = Field(min_length=1, max_length=1000)
    stream: bool = False
    stream_options: StreamOptions = Field(default_factory=StreamOptions)
    n: Literal[1] = Field(1, description="one answer; how many are sampled says the strategy")
    max_tokens: int | None = Field(None, ge=1, le=32_768, description="limit of one step")
    max_completion_tokens: int | None = Field(None, ge=1, le=32_768)
    temperature: float | None = Field(None, ge=0.0)
    top_p: float | None = Field(None, gt=0.0, le=1.0)
    seed: int | None = Field(None, ge=0, lt=2**63)
    tools: None = Field(None, description="strategies call no tools")
    functions: None = None
    logprobs: Literal[False] | None = Field(None, description="the run's page shows them")
    response_format: dict[str, JsonValue] | None = None

    params: dict[str, JsonValue] = Field(default_factory=dict, description="of the strategy")
    budget: dict[str, float] = Field(default_factory=dict, description="limits by axis")
    verifier: str | None = Field(None, description="absent: prm where there are reward models")
    verifier_params: dict[str, JsonValue] = Field(default_factory=dict)
    selector: str | None = None
    selector_params: dict[str, JsonValue] = Field(default_factory=dict)
    right_answer: str | None = Field(None, description="by which the run is graded")

    @field_validator("response_format")
    @classmethod
    def _only_text(cls, value: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
        if value is not None and value.get("type") != "text":
            raise ValueError("only text can be answered")
        return value


class TokensUsed(BaseModel):
    """Tokens of the whole search, pruned texts included."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class RunLink(BaseModel):
    """The stored run behind an answer: `url` is the path of its page; `answer` what was read in
    the text, None where nothing could be; `correct` None where it is not known; `reason` says why
    there is no text, if there is none."""

    run_id: int
    url: str
    answer: str | None = None
    correct: bool | None = None
    reason: str | None = None


class ChosenText(BaseModel):
    """The chosen text."""

    role: Literal["assistant"] = "assistant"
    content: str


class ChatChoice(BaseModel):
    """The one choice: `stop` for a text that its model ended, `length` for all others."""

    index: Literal[0] = 0
    message: ChosenText
    finish_reason: Literal["stop", "length"]


class ChatAnswer(BaseModel):
    """The answer of one call, with the run as one further field."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: TokensUsed
    arboretum: RunLink


class ServedModel(BaseModel):
    """A name that a request may give as `model`."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: Literal["arboretum"] = "arboretum"


class ServedModels(BaseModel):
    """All names that a request may give as `model`, each strategy with its default and with every
    model that an engine offers."""

    object: Literal["list"] = "list"
    data: list[ServedModel]


__all__ = [
    "ChatAnswer",
    "ChatChoice",
    "ChatRequest",
    "ChosenText",
    "GatewayMessage",
    "RunLink",
    "ServedModel",
    "ServedModels",
    "TokensUsed",
]
