"""The splitter of a run: what its nodes hold, its verifiers judge and its forks begin with are the
steps that the run's settings say."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from backend import problems
from backend.core.ports import Prompt, Request, Sampling
from backend.core.records import MemorySink, NodeRecord
from backend.core.spec import (
    NEWEST,
    RunSpec,
    TextEdit,
    by_delimiter,
    splitting_of,
    stored_splitting,
)
from backend.core.splitting import AT_BLANK_LINES, Splitting
from backend.core.types import Finish, Kind, Node
from backend.engines.scripted.engine import END_TEXT, ScriptedEngine, ScriptedRewardModel
from backend.engines.scripted.toy import toy_scores
from backend.judging.scorers import VERIFIERS, VerifierInputs
from backend.runs.paid import Placed, RunStart
from backend.runs.start import settle_start
from tests.golden import searched, spec

TEXT = (
    "Step 1: We write code.\n```\nx = 12\n\ny = 7\n```\n \nIt prints 19.\r\n\r\n"
    "## Step 2: We add.\n$$\n19 + 34\n\n= 53\n$$\nStep 3: The answer is \\boxed{53}."
)
SETTINGS: tuple[dict[str, Any] | None, ...] = (
    None,
    {},
    {"splitter": "line"},
    {"splitter": "heading"},
    {"splitter": "tokens", "step_tokens": 20},
)


def writes(text: str) -> ScriptedEngine:
    """An engine that can write nothing but this text."""
    return ScriptedEngine(lambda question, written: [(text[len(written) :] + END_TEXT, 1.0)])


async def search(text: str, **changes: Any) -> tuple[list[NodeRecord], list[tuple[str, ...]]]:
    """What a search of one path writes on such an engine, node by node, and the steps that its verifier got."""
    sink, seen = MemorySink(), list[tuple[str, ...]]()

    def score(question: str, steps: Sequence[str]) -> Sequence[float]:
        seen.append(tuple(steps))
        return toy_scores(question, tuple(steps))

    given = {"params": {"n": 1}, "versions": NEWEST.model_dump()} | changes
    asked = spec("stepwise_best_of_n", **given)
    outcome = await searched(asked, sink, engine=writes(text), reward=ScriptedRewardModel(score))
    assert outcome.status == "finished" and outcome.answer == "53"
    return sink.nodes[1:], seen


def splitting(settings: dict[str, Any] | None) -> Splitting:
    asked = spec("chain", splitting=settings, versions=NEWEST.model_dump())
    return splitting_of(2, asked.splitting, "\n\n")


@pytest.mark.parametrize("settings", SETTINGS)
async def test_the_nodes_of_a_run_are_its_steps_and_its_verifier_judges_them(
    settings: dict[str, Any] | None,
) -> None:
    nodes, seen = await search(TEXT, splitting=settings)
    texts, rule = [node.text for node in nodes], splitting(settings)
    steps = rule.split(texts)
    assert "".join(texts) == TEXT and len(nodes) == len(steps) > 1
    assert seen and {len(one) for one in seen} <= set(range(1, len(steps) + 1))
    assert seen[-1] == steps
    if rule.rule != "heading":  # there a node ends with the number of the next step
        assert tuple(text.strip() for text in texts) == steps
    if rule.rule == "tokens":
        assert [len(node.token_ids) for node in nodes[:-1]] == [20] * (len(nodes) - 1)
        assert {node.finish for node in nodes[:-1]} == {Finish.STEP}


async def test_code_and_formulas_stay_whole_and_other_blank_lines_end_steps() -> None:
    nodes, _ = await search(TEXT)
    assert [node.text for node in nodes] == [
        "Step 1: We write code.\n```\nx = 12\n\ny = 7\n```\n \n",
        "It prints 19.\r\n\r\n",
        "## Step 2: We add.\n$$\n19 + 34\n\n= 53\n$$\nStep 3: The answer is \\boxed{53}.",
    ]


async def test_a_run_of_before_cuts_at_its_delimiter_alone() -> None:
    nodes, seen = await search(TEXT, versions=None)
    steps = tuple(step.strip() for step in TEXT.split("\n\n"))
    assert tuple(node.text.strip() for node in nodes) == steps == seen[-1]


@pytest.mark.parametrize("settings", SETTINGS)
async def test_a_step_that_a_limit_cut_is_completed_where_it_ends(
    settings: dict[str, Any] | None,
) -> None:
    """Requests of at most 7 tokens begin within code and formulas, and within a line end."""
    rule, texts, ends = splitting(settings), list[str](), list[int]()
    engine = writes(TEXT)
    prompt = await engine.prompt("?", None)
    while len("".join(texts)) < len(TEXT):
        written = "".join(texts)
        request = Request(
            "k",
            prompt.text + written,
            (*prompt.token_ids, *await engine.encode(written)),
            0,
            sampling=Sampling(temperature=1.0, max_tokens=7),
            splitting=rule,
            state=rule.state_after(texts),
        )
        [found] = [one async for one in engine.generate([request])]
        texts.append(found.text)
        ends += [len("".join(texts))] if found.finish is Finish.STEP else []
    assert ends == ([] if rule.rule == "tokens" else rule.splitter().feed(TEXT))


@pytest.mark.parametrize("name", ["beam_search", "particle_filter", "mcts", "best_of_n"])
async def test_a_search_by_lines_gives_the_verifier_the_steps_of_its_rule(name: str) -> None:
    seen, sink = list[tuple[str, ...]](), MemorySink()

    def score(question: str, steps: Sequence[str]) -> Sequence[float]:
        seen.append(tuple(steps))
        return toy_scores(question, tuple(steps))

    asked = spec(name, versions=NEWEST.model_dump(), splitting={"splitter": "line"})
    await searched(asked, sink, reward=ScriptedRewardModel(score))
    texts = {tuple(path(sink.nodes, node)) for node in sink.nodes[1:]}
    assert seen and set(seen) <= {Splitting("line").split(each) for each in texts}


def path(nodes: Sequence[NodeRecord], node: NodeRecord) -> list[str]:
    above = [] if node.parent_id is None else path(nodes, nodes[node.parent_id])
    return [] if node.parent_id is None else [*above, node.text]


async def test_the_exact_checker_judges_the_same_steps() -> None:
    problem = problems.problem("ledger/2/1000001")
    steps = problems.SETS["ledger"].solution(problem, random.Random(0))
    root = Node("question")
    node = Node("\n".join(steps) + "\n", parent=root, depth=1)
    by_line = VerifierInputs(problem=problem, splitting=Splitting("line"))
    [score] = await VERIFIERS["exact"].build(by_line).score([node])
    assert score.steps == (1.0,) * len(steps)


def test_a_splitter_is_a_setting_of_a_run_and_old_versions_have_none() -> None:
    asked = RunSpec(strategy="chain", question="?", splitting={"splitter": "tokens"})  # type: ignore[arg-type]
    assert asked.model_dump()["splitting"]["step_tokens"] == 64
    assert "splitting" not in RunSpec(strategy="chain", question="?").model_dump()
    with pytest.raises(ValidationError, match="blank_line"):
        spec("chain", splitting={"splitter": "page"})
    with pytest.raises(ValidationError, match="version 2 of the splitter"):
        spec("chain", splitting={}, versions={"splitter": 1})


def test_an_engine_says_where_steps_end_unless_the_run_does() -> None:
    assert by_delimiter("\n\n") == AT_BLANK_LINES and by_delimiter("\n").rule == "line"
    assert splitting_of(2, None, "<step>") == Splitting("text", "<step>")
    assert splitting_of(1, None, "\n\n") == Splitting("text")


def test_a_stored_run_keeps_its_splitter() -> None:
    stored: dict[str, Any] = {"strategy": "chain", "question": "?"}
    assert stored_splitting(stored, "\n\n", "") == Splitting("text")
    newest = stored | {"versions": {"splitter": 2}, "splitting": {"thoughts": "one_step"}}
    assert stored_splitting(newest, "\n\n", "<think>\n") == Splitting(thoughts=False, thinking=True)
    assert stored_splitting(newest, "\n\n", "?") == Splitting(thoughts=False)


async def test_a_thought_that_the_prompt_opens_is_one_step_where_that_is_asked() -> None:
    class Thinking(ScriptedEngine):
        async def prompt(self, question: str, system: str | None) -> Prompt:
            text, ids = await super().prompt(question, system)
            return Prompt(text + "<think>\n", ids)

    text = "We add.\n\nWait.\n</think>\n\nThe answer is \\boxed{53}."
    engine = Thinking(lambda question, written: [(text[len(written) :] + END_TEXT, 1.0)])
    for thoughts, count in (("paragraphs", 3), ("one_step", 2)):
        sink = MemorySink()
        asked = spec("chain", versions=NEWEST.model_dump(), splitting={"thoughts": thoughts})
        await searched(asked, sink, engine=engine)
        assert len(sink.nodes[1:]) == count


@pytest.mark.parametrize(
    ("settings", "text", "written"),
    [
        (None, "So 12.", "So 12.\n\n"),
        ({"splitter": "line"}, "So 12.\n", "So 12.\n"),
        ({"splitter": "tokens"}, "So 12.", "So 12."),
    ],
)
async def test_a_step_that_a_person_wrote_ends_as_steps_of_the_run_do(
    settings: dict[str, Any] | None, text: str, written: str
) -> None:
    root = Node("<?>", kind=Kind.PROMPT)
    path = (Placed(root, 0), Placed(Node("x", parent=root, depth=1), 1))
    start = RunStart(path, settled=False, edit=TextEdit(text=text))
    settled = await settle_start(start, ScriptedEngine(), "?", None, splitting(settings))
    assert settled.path[-1].node.text == written
