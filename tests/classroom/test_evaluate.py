"""The evaluation's verifier reads a question once for all solutions, and gets what whole rows
get.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from backend.classroom import folder
from backend.classroom import tokenizer as vocabulary
from backend.classroom.encoding import tag_steps
from backend.classroom.evaluate import EvaluatedVerifier, judge, read_samples
from backend.classroom.samples import ClassroomSolution
from backend.engines.torch.qwen2 import REWARD_MODEL, Qwen2Config, Qwen2ForProcessRewardModel
from backend.problems import problem

SOLUTIONS = [("a b.", "c 12."), ("a.",), (), ("a b.", "c 12."), ("a b c d.", "e.", "f 3.")]


def test_scores_equal_those_of_whole_rows(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = Qwen2Config(310, 32, 48, 2, 4, 2, architecture=REWARD_MODEL)
    folder.write_model(
        tmp_path, Qwen2ForProcessRewardModel(config), config, vocabulary.train(["one text."], 300)
    )
    verifier = EvaluatedVerifier(tmp_path, "cpu")
    found = verifier.score("how many a?", SOLUTIONS, rows=2)
    for steps, scores in zip(SOLUTIONS, found, strict=True):
        row = tag_steps(verifier.tokenizer, "how many a?", steps)
        with torch.no_grad():
            expected = verifier.model(torch.tensor([row.ids])).float().softmax(-1)[0, :, 1]
        assert scores == pytest.approx([float(expected[tag]) for tag in row.tags], abs=4e-3)


def test_a_solution_is_judged_by_answer_and_by_step() -> None:
    given = problem("procedure/1/7")
    steps = (f"The answer is \\boxed{{{given.answer}}}.",)
    found = judge(given, ClassroomSolution(given.id, given.question, steps, True))
    assert found.correct
    assert len(found.kinds) == 1


def test_samples_come_back_from_their_line() -> None:
    line = (
        '{"problem": "x", "samples": [{"correct": true, "answer": "1", "text": "t", "kinds": '
        '[null], "scores": {"prm": [0.5]}}]}'
    )
    (sample,) = read_samples(line)
    assert (sample.correct, sample.kinds, dict(sample.scores)) == (True, (None,), {"prm": (0.5,)})
