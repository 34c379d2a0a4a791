"""Inspect (inspect_ai): logs of evaluations, both as `.json` and as `.eval` archives. One run a
sample and epoch.

A sample is a conversation, so a run is a chain: what the model wrote is cut into steps as thinking
text is, reasoning first; what tools and users said in between stands as injected text. Further
choices of the last call stand beside the first. Letters of a scorer count as in Inspect: C 1, P
0.5, I and N 0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from backend.core.errors import BadInput
from backend.core.types import JSON, Finish, Kind, Node
from backend.exchange.archive import is_archive, members
from backend.exchange.base import (
    BYTES_LIMIT,
    RUN_LIMIT,
    FileRemarks,
    Foreign,
    Format,
    GivenNumber,
    Imported,
    ImportHints,
    MaybeText,
    MaybeWhole,
    begins,
    decode,
    read_number,
    say_value,
    within_limit,
)
from backend.exchange.document import Record, decode_text, load, read_records, unwrap
from backend.exchange.thinking import segments
from backend.exchange.transcript import Transcript, moment, some_runs
from backend.problems.extraction import extract

LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
CUT = ("max_tokens", "model_length")


class MessagePart(Foreign):
    """A piece of a message: text, reasoning, or something that is not shown (an image, for
    example)."""

    type: str
    text: MaybeText = None
    reasoning: MaybeText = None


class ToolCall(Foreign):
    """A call of a tool."""

    function: MaybeText = None
    arguments: Any = None


class ChatMessage(Foreign):
    """A chat message; `source` says input for those that the sample began with."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[MessagePart] | None = None
    source: MaybeText = None
    tool_calls: list[ToolCall] | None = None


class InspectChoice(Foreign):
    """One of the answers of a call."""

    message: ChatMessage
    stop_reason: MaybeText = None


class Output(Foreign):
    """The last call."""

    choices: list[InspectChoice] = Field(default_factory=list)


class TokenUsage(Foreign):
    """What a model was asked for in a sample, in tokens."""

    input_tokens: MaybeWhole = None
    output_tokens: MaybeWhole = None


class SampleScore(Foreign):
    """What a scorer said."""

    value: Any = None
    answer: MaybeText = None
    explanation: MaybeText = None


class Mistake(Foreign):
    """Why a sample failed."""

    message: MaybeText = None


class InspectSample(Foreign):
    """One sample of one epoch."""

    id: int | str
    epoch: MaybeWhole = 1
    input: str | list[ChatMessage]
    target: list[MaybeText] | MaybeText = None
    messages: list[ChatMessage]
    output: Output | None = None
    scores: dict[str, SampleScore] | None = None
    started_at: MaybeText = None
    completed_at: MaybeText = None
    error: Mistake | None = None
    attachments: dict[str, str] | None = None
    model_usage: dict[str, TokenUsage] | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        """The answers that count as right."""
        many = self.target if isinstance(self.target, list) else [self.target]
        return tuple(each for each in many if each)

    @property
    def texts(self) -> Mapping[str, str]:
        """Long texts by the names that stand for them."""
        return self.attachments or {}


class Evaluation(Foreign):
    """What was evaluated."""

    task: MaybeText = None
    model: MaybeText = None
    packages: dict[str, MaybeText] | None = None


class LogHeader(Foreign):
    """The log without its samples."""

    eval: Evaluation


class InspectLog(LogHeader):
    """The log as JSON."""

    samples: list[InspectSample]


def parse(content: bytes, given: ImportHints) -> list[Imported]:
    """A run a sample, in the order of the log."""
    remarks = FileRemarks()
    if not is_archive(content):
        runs = [
            run for record in unwrap(read_records(content)) for run in _log(record, given, remarks)
        ]
        return some_runs(runs, "$.samples")
    files = members(
        content,
        lambda name: (
            name == "header.json" or (name.startswith("samples/") and name.endswith(".json"))
        ),
        4 * BYTES_LIMIT,
    )
    header = decode(
        LogHeader, _member("header.json", files.pop("header.json", b"")), "header.json: $", remarks
    )
    within_limit("the archive", "runs", len(files), RUN_LIMIT)
    runs = [
        _run(
            header.eval,
            decode(InspectSample, _member(name, files[name]), f"{name}: $", remarks),
            given,
            f"{name}: $",
            remarks,
        )
        for name in files
    ]
    return some_runs(runs, "the archive")


def _log(record: Record, given: ImportHints, remarks: FileRemarks) -> list[Imported]:
    """The runs of one log."""
    where = record.where
    log = decode(InspectLog, record.value, where, remarks)
    within_limit(f"{where}.samples", "runs", len(log.samples), RUN_LIMIT)
    return [
        _run(log.eval, each, given, f"{where}.samples[{index}]", remarks)
        for index, each in enumerate(log.samples)
    ]


def _member(name: str, content: bytes) -> JSON:
    """The value of a member of an archive. Raises `BadInput` naming the member."""
    try:
        return load(decode_text(content), 1)
    except BadInput as problem:
        raise BadInput(
            f"{name}, {problem.what}", given=problem.given, accepted=problem.accepted
        ) from problem


def _run(
    evaluation: Evaluation,
    sample: InspectSample,
    given: ImportHints,
    where: str,
    remarks: FileRemarks,
) -> Imported:
    right = (given.answer,) if given.answer else sample.targets
    asked = (
        sample.input
        if isinstance(sample.input, str)
        else "\n\n".join(_text(one, sample.texts) for one in sample.input)
    )
    known = ImportHints(
        given.question or _whole(asked, sample.texts), right[0] if right else None, right[1:]
    )
    version = (evaluation.packages or {}).get("inspect_ai")
    task = evaluation.task or "an evaluation"
    trace = Transcript(
        "inspect",
        known,
        strategy=f"inspect {task}",
        program="inspect_ai",
        version=version,
        model=evaluation.model or "",
        remarks=remarks,
    )
    trace.problem_id = f"{task}/{sample.id}"
    for usage in (sample.model_usage or {}).values():
        trace.cost("generated_tokens", usage.output_tokens)
        trace.cost("prompt_tokens", usage.input_tokens)
    trace.note(sample=sample.id, epoch=sample.epoch)
    trace.at(moment(sample.started_at))
    last = _conversation(trace, sample, where)
    trace.at(moment(sample.completed_at))
    values = [
        _write_score(trace, name, score, last) for name, score in (sample.scores or {}).items()
    ]
    trace.step([last], values[:1] or [None])
    _write_answer(trace, sample, last, values)
    if sample.error is not None:
        reason = (sample.error.message or "the sample failed")[:2000]
        return trace.finish(status="failed", reason=reason)
    return trace.finish()


def _conversation(trace: Transcript, sample: InspectSample, where: str) -> Node:
    """Write down what was said after the question; the last node."""
    first = next(
        (index for index, each in enumerate(sample.messages) if each.role == "assistant"),
        len(sample.messages),
    )
    final = max(
        (index for index, each in enumerate(sample.messages) if each.role == "assistant"),
        default=-1,
    )
    system = "\n\n".join(
        _text(each, sample.texts) for each in sample.messages[:first] if each.role == "system"
    )
    if system:
        trace.note(system=system)
    node = trace.root
    for index, message in enumerate(sample.messages[first:], first):
        place, name = f"{where}.messages[{index}].content", f"message {index + 1}"
        if message.role != "assistant":
            text = _text(message, sample.texts)
            node = trace.node(node, text, name, place, kind=Kind.INJECTED, role=message.role)
            continue
        before = node
        cut = index == final and any(choice.stop_reason in CUT for choice in _choices(sample)[:1])
        node = _write_message(
            trace, node, message, sample, name, place, ends=index == final, cut=cut
        )
        trace.step()
        if index == final:
            for number, choice in enumerate(_choices(sample)[1:], 2):
                beside, cut = f"{where}.output.choices[{number - 1}]", choice.stop_reason in CUT
                _write_message(
                    trace,
                    before,
                    choice.message,
                    sample,
                    f"choice {number}",
                    beside,
                    ends=True,
                    cut=cut,
                )
    return node


def _choices(sample: InspectSample) -> Sequence[InspectChoice]:
    return () if sample.output is None else sample.output.choices


def _write_message(
    trace: Transcript,
    node: Node,
    message: ChatMessage,
    sample: InspectSample,
    name: str,
    where: str,
    *,
    ends: bool,
    cut: bool,
) -> Node:
    """A message of the model as a chain of steps below `node`; the last of them."""
    steps = [step for part in _pieces(message, sample.texts) for step in segments(part)] or [""]
    for index, step in enumerate(steps):
        done = ends and index == len(steps) - 1
        finish = Finish.LENGTH if done and cut else None
        node = trace.node(node, step, f"{name}, step {index + 1}", where, done=done, finish=finish)
    return node


def _pieces(message: ChatMessage, attachments: Mapping[str, str]) -> list[str]:
    """Reasoning, text and calls of a message."""
    parts: Sequence[MessagePart] = (
        [MessagePart(type="text", text=message.content)]
        if isinstance(message.content, str)
        else message.content or ()
    )
    texts = [
        part.reasoning or ""
        if part.type == "reasoning"
        else part.text or ("" if part.type == "text" else f"[{part.type}]")
        for part in parts
    ]
    calls = [
        f"[{call.function or 'tool'}] {json.dumps(call.arguments, ensure_ascii=False)}"
        for call in message.tool_calls or ()
    ]
    return [_whole(text, attachments) for text in (*texts, *calls) if text]


def _text(message: ChatMessage, attachments: Mapping[str, str]) -> str:
    return "\n\n".join(_pieces(message, attachments))


def _whole(text: str, attachments: Mapping[str, str]) -> str:
    """A long text stands once among the attachments, and its name everywhere else."""
    return (
        attachments.get(text.removeprefix("attachment://"), text)
        if text.startswith("attachment://")
        else text
    )


def _write_score(trace: Transcript, name: str, score: SampleScore, node: Node) -> float | None:
    """Write down a score; its number in [0, 1], or None where it is none."""
    said = LETTERS.get(score.value, score.value) if isinstance(score.value, str) else score.value
    number = read_number(said)
    if number.value is None:
        number = GivenNumber(None, f"the scorer said {say_value(score.value)}")
    return trace.score(node, name, number)


def _write_answer(
    trace: Transcript, sample: InspectSample, node: Node, values: Sequence[float | None]
) -> None:
    """The answer that the first scorer read, else the one that can be read from the last
    message.
    """
    first = next(iter((sample.scores or {}).values()), None)
    read = extract(node.text)
    named = first is not None and first.answer is not None
    answer = first.answer if first is not None and named else read.answer
    correct = {1.0: True, 0.0: False}.get(values[0]) if values and values[0] is not None else None
    reason = first.explanation[:2000] if first is not None and first.explanation else None
    if node is not trace.root:
        rule = None if named else read.rule
        trace.answer(node, answer, correct=correct, reason=reason, read_by=rule)


FORMAT = Format(
    "inspect",
    "Inspect log (.eval, .json)",
    "inspect_ai",
    lambda beginning: (
        (is_archive(beginning) and (b"_journal/" in beginning or b"samples/" in beginning))
        or begins(beginning, rb'^\s*\{\s*"version"\s*:\s*\d+\s*,\s*"status"\s*:')
    ),
    parse,
    order=50,
    holds=lambda value: isinstance(value, dict) and "eval" in value and "samples" in value,
)

__all__ = ["FORMAT"]
