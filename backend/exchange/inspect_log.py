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
from typing import Literal

from pydantic import Field, JsonValue

from backend.core.types import Finish, Kind, Node
from backend.exchange.archive import is_archive, members
from backend.exchange.base import (
    BYTES_LIMIT,
    RUN_LIMIT,
    Foreign,
    Format,
    Imported,
    ImportHints,
    begins,
    decode,
    within_limit,
)
from backend.exchange.thinking import segments
from backend.exchange.transcript import Transcript, moment, some_runs
from backend.problems.extraction import extract_answer

LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
CUT = ("max_tokens", "model_length")


class MessagePart(Foreign):
    """A piece of a message: text, reasoning, or something that is not shown (an image, for
    example)."""

    type: str
    text: str = ""
    reasoning: str = ""


class ToolCall(Foreign):
    """A call of a tool."""

    function: str
    arguments: JsonValue = None


class ChatMessage(Foreign):
    """A chat message; `source` says input for those that the sample began with."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | list[MessagePart]
    source: str | None = None
    tool_calls: list[ToolCall] | None = None


class InspectChoice(Foreign):
    """One of the answers of a call."""

    message: ChatMessage
    stop_reason: str = "stop"


class Output(Foreign):
    """The last call."""

    choices: list[InspectChoice] = Field(default_factory=list)


class SampleScore(Foreign):
    """What a scorer said."""

    value: JsonValue
    answer: str | None = None
    explanation: str | None = None


class Mistake(Foreign):
    """Why a sample failed."""

    message: str


class InspectSample(Foreign):
    """One sample of one epoch."""

    id: int | str
    epoch: int = 1
    input: str | list[ChatMessage]
    target: str | list[str] = ""
    messages: list[ChatMessage]
    output: Output = Output()
    scores: dict[str, SampleScore] | None = None
    started_at: str | None = None
    completed_at: str | None = None
    error: Mistake | None = None
    attachments: dict[str, str] = Field(default_factory=dict)


class Evaluation(Foreign):
    """What was evaluated."""

    task: str
    model: str = ""
    packages: dict[str, str] = Field(default_factory=dict)


class LogHeader(Foreign):
    """The log without its samples."""

    eval: Evaluation


class InspectLog(LogHeader):
    """The log as JSON."""

    samples: list[InspectSample]


def parse(content: bytes, given: ImportHints) -> list[Imported]:
    """A run a sample, in the order of the log."""
    if not is_archive(content):
        log = decode(InspectLog, content)
        within_limit("$.samples", "runs", len(log.samples), RUN_LIMIT)
        return some_runs(
            [
                _run(log.eval, each, given, f"$.samples[{index}]")
                for index, each in enumerate(log.samples)
            ],
            "$.samples",
        )
    files = members(
        content,
        lambda name: (
            name == "header.json" or (name.startswith("samples/") and name.endswith(".json"))
        ),
        4 * BYTES_LIMIT,
    )
    header = decode(LogHeader, files.pop("header.json", b""), "header.json: $")
    within_limit("the archive", "runs", len(files), RUN_LIMIT)
    runs = [
        _run(header.eval, decode(InspectSample, files[name], f"{name}: $"), given, f"{name}: $")
        for name in files
    ]
    return some_runs(runs, "the archive")


def _run(evaluation: Evaluation, sample: InspectSample, given: ImportHints, where: str) -> Imported:
    target = sample.target if isinstance(sample.target, str) else "; ".join(sample.target)
    asked = (
        sample.input
        if isinstance(sample.input, str)
        else "\n\n".join(_text(one, sample.attachments) for one in sample.input)
    )
    known = ImportHints(
        given.question or _whole(asked, sample.attachments), given.answer or target or None
    )
    version = evaluation.packages.get("inspect_ai")
    trace = Transcript(
        "inspect",
        known,
        strategy=f"inspect {evaluation.task}",
        program="inspect_ai",
        version=version,
        model=evaluation.model,
    )
    trace.problem_id = f"{evaluation.task}/{sample.id}"
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
        return trace.finish(status="failed", reason=sample.error.message[:2000])
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
        _text(each, sample.attachments) for each in sample.messages[:first] if each.role == "system"
    )
    if system:
        trace.note(system=system)
    node = trace.root
    for index, message in enumerate(sample.messages[first:], first):
        place, name = f"{where}.messages[{index}].content", f"message {index + 1}"
        if message.role != "assistant":
            text = _text(message, sample.attachments)
            node = trace.node(node, text, name, place, kind=Kind.INJECTED, role=message.role)
            continue
        before = node
        cut = index == final and any(
            choice.stop_reason in CUT for choice in sample.output.choices[:1]
        )
        node = _write_message(
            trace, node, message, sample, name, place, ends=index == final, cut=cut
        )
        trace.step()
        if index == final:
            for number, choice in enumerate(sample.output.choices[1:], 2):
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
    steps = [step for part in _pieces(message, sample.attachments) for step in segments(part)] or [
        ""
    ]
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
        else message.content
    )
    texts = [
        part.reasoning
        if part.type == "reasoning"
        else part.text or ("" if part.type == "text" else f"[{part.type}]")
        for part in parts
    ]
    calls = [
        f"[{call.function}] {json.dumps(call.arguments, ensure_ascii=False)}"
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
    value = LETTERS.get(score.value) if isinstance(score.value, str) else score.value
    number = float(value) if isinstance(value, int | float) else None
    reason = (
        None
        if number is not None
        else f"the scorer said {json.dumps(score.value, ensure_ascii=False)[:200]}"
    )
    trace.score(node, name, number, reason)
    return number if number is not None and 0.0 <= number <= 1.0 else None


def _write_answer(
    trace: Transcript, sample: InspectSample, node: Node, values: Sequence[float | None]
) -> None:
    """The answer that the first scorer read, else the one that can be read from the last
    message.
    """
    first = next(iter((sample.scores or {}).values()), None)
    answer = (
        first.answer
        if first is not None and first.answer is not None
        else extract_answer(node.text)
    )
    correct = {1.0: True, 0.0: False}.get(values[0]) if values and values[0] is not None else None
    reason = first.explanation[:2000] if first is not None and first.explanation else None
    if node is not trace.root:
        trace.answer(node, answer, correct=correct, reason=reason)


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
)

__all__ = ["FORMAT"]
