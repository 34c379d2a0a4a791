"""its_hub: a result as `json.dumps(dataclasses.asdict(result))`, for best-of-N, self-consistency,
beam search, particle filtering and particle Gibbs, and for planning around any of them; or a list
of results.

its_hub keeps final responses and final numbers only, so a run is a star of whole responses; how
they grew was never recorded. Which algorithm it was shows in the names of the fields. Copies of one
response stay apart, as they voted apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, model_validator

from backend.core.errors import BadInput
from backend.core.statistics.weights import ess, softmax
from backend.core.steps import Remarked, Weighed
from backend.core.types import JSON, Kind, Node
from backend.exchange.base import (
    FileRemarks,
    Foreign,
    Format,
    GivenNumber,
    Imported,
    ImportHints,
    MaybeText,
    MaybeWhole,
    Number,
    begins,
    decode,
)
from backend.exchange.document import Record, read_records, unwrap
from backend.exchange.transcript import Transcript, some_runs
from backend.problems.extraction import extract


class ItsHubPart(Foreign):
    """A piece of a response of several pieces."""

    type: str
    text: MaybeText = None


class Response(Foreign):
    """A chat message; a call of tools has no content."""

    content: str | list[ItsHubPart] | None = None
    role: MaybeText = None
    tool_calls: Any = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return " ".join(part.text or "" for part in self.content if part.type == "text")
        return self.content or ""


Responses = list[
    Annotated[
        Response,
        BeforeValidator(lambda given: {"content": given} if isinstance(given, str) else given),
    ]
]
"""Messages; older versions wrote their texts alone."""


class ItsHubResult(Foreign):
    """The fields of all results. Those of Gibbs hold one list an iteration, those of planning one
    result an approach."""

    responses: Responses | None = None
    scores: list[Number] | None = None
    log_weights_lst: list[list[Number]] | list[Number] | None = None
    steps_used: list[Any] | None = None
    responses_lst: list[Responses] | None = None
    ref_indices_lst: list[list[int]] | None = None
    steps_used_lst: list[Any] | None = None
    response_counts: Any = None
    selected_index: int | None = Field(None, ge=0)
    usage: dict[str, MaybeWhole] | None = None

    @model_validator(mode="after")
    def _some(self) -> ItsHubResult:
        if not (self.responses or self.responses_lst):
            raise ValueError("a result with responses")
        return self


class PlannedResult(Foreign):
    """A result of planning: the plan, and what the search made of each approach."""

    plan: MaybeText = None
    approaches: list[str] | None = None
    approach_results: dict[str, ItsHubResult] = Field(min_length=1)
    approach_budgets: Any = None
    combined_responses: Any = None
    best_approach: MaybeText = None
    best_approach_result: Any = None
    usage: dict[str, MaybeWhole] | None = None


USAGE = {
    "completion_tokens": "generated_tokens",
    "prompt_tokens": "prompt_tokens",
    "num_calls": "model_calls",
}
"""What its_hub counts, by the axes of the ledger."""


def parse(content: bytes, given: ImportHints) -> list[Imported]:
    """A run a result; of Gibbs one round an iteration, of planning one round an approach."""
    return some_runs([_run(record, given) for record in unwrap(read_records(content))], "$")


def _run(record: Record, given: ImportHints) -> Imported:
    where, value = record
    if isinstance(value, dict) and "approach_results" in value:
        return _planned(record, given)
    remarks = FileRemarks()
    result = decode(ItsHubResult, value, where, remarks)
    trace = _begin(f"its_hub {algorithm(result)}", result.usage, given, remarks)
    nodes = _write_result(trace, result, where, trace.root)
    if result.selected_index is not None:
        _choose(trace, nodes, result.selected_index, where)
    return trace.finish()


def _begin(
    strategy: str, usage: Mapping[str, int | None] | None, given: ImportHints, remarks: FileRemarks
) -> Transcript:
    trace = Transcript("its_hub", given, strategy=strategy, program="its_hub", remarks=remarks)
    if usage:
        counted: dict[str, JSON] = {**usage}
        trace.note(usage=counted)
        for name, axis in USAGE.items():
            trace.cost(axis, usage.get(name))
    return trace


def _planned(record: Record, given: ImportHints) -> Imported:
    """The plan, below it the approaches, and below each the responses that followed it."""
    where, remarks = record.where, FileRemarks()
    result = decode(PlannedResult, record.value, where, remarks)
    inner = next(iter(result.approach_results.values()))
    trace = _begin(f"its_hub Planning, {algorithm(inner)}", result.usage, given, remarks)
    plan = trace.node(trace.root, result.plan or "", "plan", f"{where}.plan")
    best: tuple[list[Node], ItsHubResult, str] | None = None
    for number, (approach, found) in enumerate(result.approach_results.items(), 1):
        place = f"{where}.approach_results.{approach[:40]}"
        follows = trace.node(
            plan, approach, f"approach {number}", place, kind=Kind.INJECTED, role="plan"
        )
        nodes = _write_result(
            trace, found, place, follows, track=f"approach {number}", name=f"approach {number}, "
        )
        for name, axis in USAGE.items():
            if result.usage is None and found.usage:
                trace.cost(axis, found.usage.get(name))
        if approach == result.best_approach:
            best = (nodes, found, place)
    if result.best_approach is not None and best is None:
        raise BadInput(
            f"{where}.best_approach",
            given=result.best_approach[:80],
            accepted="one of approach_results",
        )
    if best is not None and best[1].selected_index is not None:
        _choose(trace, best[0], best[1].selected_index, best[2])
    return trace.finish()


def _write_result(
    trace: Transcript,
    result: ItsHubResult,
    where: str,
    parent: Node,
    *,
    track: str = "",
    name: str = "",
) -> list[Node]:
    """The responses of a result below a node; those of the last iteration are what it chose
    among."""
    nodes: list[Node] = []
    for index, responses in enumerate(result.responses_lst or [result.responses or []]):
        nodes = _iteration(trace, result, index, responses, ResultPlace(where, parent, track, name))
    return nodes


def _choose(trace: Transcript, nodes: Sequence[Node], index: int, where: str) -> None:
    if index >= len(nodes):
        raise BadInput(f"{where}.selected_index", given=index, accepted=f"0 to {len(nodes) - 1}")
    found = extract(nodes[index].text)
    trace.answer(nodes[index], found.answer, read_by=found.rule)


class ResultPlace(NamedTuple):
    """Where a result stands in its file and in the tree, and what its nodes are called."""

    where: str
    parent: Node
    track: str
    name: str


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
    trace: Transcript,
    result: ItsHubResult,
    index: int,
    responses: Sequence[Response],
    place: ResultPlace,
) -> list[Node]:
    many = result.responses_lst is not None
    where = f"{place.where}.responses_lst[{index}]" if many else f"{place.where}.responses"
    name = place.name + (f"iteration {index + 1}, response" if many else "response")
    nodes = [
        trace.node(
            place.parent, each.text, f"{name} {slot + 1}", f"{where}[{slot}].content", done=True
        )
        for slot, each in enumerate(responses)
    ]
    if result.log_weights_lst is not None:
        weights = _numbers(result.log_weights_lst, index, many, len(nodes), place.where)
        _weigh(trace, weights, nodes, _references(result, index, nodes, place.where), place.track)
        return nodes
    scores: Sequence[GivenNumber | None] = (
        [None] * len(nodes)
        if result.scores is None
        else _same_number(f"{place.where}.scores", result.scores, len(nodes))
    )
    worth = [
        None if score is None else trace.score(node, "its_hub", score)
        for node, score in zip(nodes, scores, strict=True)
    ]
    trace.step(nodes, worth, track=place.track)
    return nodes


def _weigh(
    trace: Transcript,
    given: Sequence[GivenNumber],
    nodes: Sequence[Node],
    notes: Sequence[Remarked],
    track: str,
) -> None:
    """Write down weights; one that is missing, as for a particle that died, weighs nothing."""
    log_weights = [-math.inf if each.value is None else each.value for each in given]
    missing = [
        Remarked(f"weighs nothing: {each.reason}", (node,))
        for each, node in zip(given, nodes, strict=True)
        if each.value is None
    ]
    weighed = Weighed(tuple(nodes), tuple(log_weights), tuple(log_weights))
    some = any(weight > -math.inf for weight in log_weights)
    trace.step(
        nodes,
        [float(weight) for weight in softmax(log_weights)] if some else [None] * len(nodes),
        (weighed, *missing, *notes),
        track=track,
        stats={"ess": ess(log_weights)} if some else {},
    )


def _references(
    result: ItsHubResult, index: int, nodes: Sequence[Node], where: str
) -> list[Remarked]:
    """Which trajectories the next iteration held on to."""
    if result.ref_indices_lst is None or index >= len(result.ref_indices_lst):
        return []
    held = result.ref_indices_lst[index]
    if not all(0 <= slot < len(nodes) for slot in held):
        raise BadInput(
            f"{where}.ref_indices_lst[{index}]", given=held[:20], accepted=f"0 to {len(nodes) - 1}"
        )
    return [
        Remarked("held as the reference of the next iteration", tuple(nodes[slot] for slot in held))
    ]


def _numbers(
    found: Sequence[GivenNumber | list[GivenNumber]],
    index: int,
    many: bool,
    count: int,
    where: str,
) -> Sequence[GivenNumber]:
    place = f"{where}.log_weights_lst[{index}]" if many else f"{where}.log_weights_lst"
    row = found[index] if many and index < len(found) else found
    if not isinstance(row, list) or any(isinstance(value, list) for value in row):
        raise BadInput(place, given="other numbers", accepted="one log weight a response")
    return _same_number(place, [value for value in row if isinstance(value, GivenNumber)], count)


def _same_number(where: str, values: list[GivenNumber], count: int) -> list[GivenNumber]:
    if len(values) != count:
        raise BadInput(where, given=f"{len(values)} numbers", accepted=f"{count}, one a response")
    return values


def _holds(value: JSON) -> bool:
    """Whether a value is a result: responses with a choice, scores or weights."""
    if not isinstance(value, dict):
        return False
    lists = isinstance(value.get("responses"), list) or isinstance(value.get("responses_lst"), list)
    return lists or isinstance(value.get("approach_results"), dict)


FORMAT = Format(
    "its_hub",
    "its_hub result (JSON)",
    "its_hub",
    lambda beginning: begins(beginning, rb'^\s*\{\s*"responses(_lst)?"\s*:'),
    parse,
    order=40,
    holds=_holds,
)

__all__ = ["FORMAT"]
