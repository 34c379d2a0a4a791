"""its_hub: a result as `json.dumps(dataclasses.asdict(result))`, for best-of-N, self-consistency,
beam search, particle filtering and particle Gibbs.

its_hub keeps final responses and final numbers only, so a run is a star of whole responses; how
they grew was never recorded. Which algorithm it was shows in the names of the fields. Copies of one
response stay apart, as they voted apart.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field, model_validator

from backend.core.errors import BadInput
from backend.core.statistics.weights import ess, softmax
from backend.core.steps import Remarked, Weighed
from backend.core.types import JSON, Node
from backend.exchange.base import Foreign, Format, Imported, ImportHints, begins, decode
from backend.exchange.transcript import Transcript
from backend.problems.extraction import extract_answer


class ItsHubPart(Foreign):
    """A piece of a response of several pieces."""

    type: str
    text: str = ""


class Response(Foreign):
    """A chat message; a call of tools has no content."""

    content: str | list[ItsHubPart] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return " ".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class ItsHubResult(Foreign):
    """The fields of all results. Those of Gibbs hold one list an iteration."""

    responses: list[Response] | None = None
    scores: list[float] | None = None
    log_weights_lst: list[float] | list[list[float]] | None = None
    steps_used: list[int] | None = None
    responses_lst: list[list[Response]] | None = None
    ref_indices_lst: list[list[int]] | None = None
    selected_index: int = Field(ge=0)
    usage: dict[str, int] | None = None

    @model_validator(mode="after")
    def _some(self) -> ItsHubResult:
        if not (self.responses or self.responses_lst):
            raise ValueError("a result with responses")
        return self


def parse(content: bytes, given: ImportHints) -> list[Imported]:
    """One run; of Gibbs, one round an iteration."""
    result = decode(ItsHubResult, content)
    trace = Transcript("its_hub", given, strategy=f"its_hub {algorithm(result)}", program="its_hub")
    if result.usage:
        usage: dict[str, JSON] = {**result.usage}
        trace.note(usage=usage)
    iterations = result.responses_lst or [result.responses or []]
    nodes: list[Node] = []
    for index, responses in enumerate(iterations):
        nodes = _iteration(trace, result, index, responses)
    if result.selected_index >= len(nodes):
        raise BadInput(
            "$.selected_index", given=result.selected_index, accepted=f"0 to {len(nodes) - 1}"
        )
    chosen = nodes[result.selected_index]
    answer = extract_answer(chosen.text)
    trace.answer(
        chosen,
        answer,
        reason=None if answer is not None else "no answer could be read from the chosen response",
    )
    return [trace.finish()]


def algorithm(result: ItsHubResult) -> str:
    """Which algorithm gives a result these fields."""
    if result.responses_lst is not None:
        return "ParticleGibbs"
    if result.log_weights_lst is not None:
        return "ParticleFiltering"
    if result.scores is None:
        return "SelfConsistency"
    return "BestOfN" if result.steps_used is None else "BeamSearch"


def _iteration(
    trace: Transcript, result: ItsHubResult, index: int, responses: Sequence[Response]
) -> list[Node]:
    many = result.responses_lst is not None
    where = f"$.responses_lst[{index}]" if many else "$.responses"
    name = f"iteration {index + 1}, response" if many else "response"
    nodes = [
        trace.node(
            trace.root, each.text, f"{name} {slot + 1}", f"{where}[{slot}].content", done=True
        )
        for slot, each in enumerate(responses)
    ]
    if result.log_weights_lst is not None:
        _weigh(
            trace,
            _numbers(result.log_weights_lst, index, many, len(nodes)),
            nodes,
            _references(result, index, nodes),
        )
        return nodes
    scores: Sequence[float | None] = (
        [None] * len(nodes)
        if result.scores is None
        else _same_number("$.scores", result.scores, len(nodes))
    )
    for node, score in zip(nodes, scores, strict=True):
        if score is not None:
            trace.score(node, "its_hub", score)
    trace.step(
        nodes, [score if score is not None and 0.0 <= score <= 1.0 else None for score in scores]
    )
    return nodes


def _weigh(
    trace: Transcript,
    log_weights: Sequence[float],
    nodes: Sequence[Node],
    notes: Sequence[Remarked],
) -> None:
    weighed = Weighed(tuple(nodes), tuple(log_weights), tuple(log_weights))
    trace.step(
        nodes,
        [float(weight) for weight in softmax(log_weights)],
        (weighed, *notes),
        stats={"ess": ess(log_weights)},
    )


def _references(result: ItsHubResult, index: int, nodes: Sequence[Node]) -> list[Remarked]:
    """Which trajectories the next iteration held on to."""
    if result.ref_indices_lst is None or index >= len(result.ref_indices_lst):
        return []
    held = result.ref_indices_lst[index]
    if not all(0 <= slot < len(nodes) for slot in held):
        raise BadInput(
            f"$.ref_indices_lst[{index}]", given=held[:20], accepted=f"0 to {len(nodes) - 1}"
        )
    return [
        Remarked("held as the reference of the next iteration", tuple(nodes[slot] for slot in held))
    ]


def _numbers(
    found: list[float] | list[list[float]], index: int, many: bool, count: int
) -> Sequence[float]:
    where = f"$.log_weights_lst[{index}]" if many else "$.log_weights_lst"
    row = found[index] if many and index < len(found) else found
    if not isinstance(row, list) or any(isinstance(value, list) for value in row):
        raise BadInput(where, given=type(row).__name__, accepted="one log weight a response")
    return _same_number(where, [value for value in row if not isinstance(value, list)], count)


def _same_number(where: str, values: list[float], count: int) -> list[float]:
    if len(values) != count:
        raise BadInput(where, given=f"{len(values)} numbers", accepted=f"{count}, one a response")
    return values


FORMAT = Format(
    "its_hub",
    "its_hub result (JSON)",
    "its_hub",
    lambda beginning: begins(beginning, rb'^\s*\{\s*"responses(_lst)?"\s*:'),
    parse,
    order=40,
)

__all__ = ["FORMAT"]
