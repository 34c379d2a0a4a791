"""Golden traces: what every strategy does on the scripted engine, step by step, does not change by
accident."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.core.registry import STRATEGIES
from tests.golden import FOLDER, SEARCHES, differing_lines, golden

ROOT = Path(__file__).parents[2]


def stored(name: str, folder: Path = FOLDER) -> list[str]:
    return (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", list(STRATEGIES))
async def test_the_trace_is_the_golden_one(name: str) -> None:
    found = list(differing_lines(stored(name), await golden(name)))
    assert not found, (
        f"{name}.jsonl (python -m tests.golden writes it anew, if this is meant):\n"
        + "\n".join(found[:10])
    )


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_a_golden_trace_shows_a_search_with_scores_and_an_answer(name: str) -> None:
    text = "\n".join(stored(name))
    assert '"kind":"answer"' in text and '"answer":"53"' in text
    assert ('"kind":"score"' in text) is STRATEGIES[name].card.needs_verifier


def test_every_strategy_of_the_catalogue_has_one() -> None:
    assert set(SEARCHES) == set(STRATEGIES) == {path.stem for path in FOLDER.glob("*.jsonl")}


def test_traces_do_not_depend_on_the_order_of_sets(tmp_path: Path) -> None:
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        environ = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run(
            [sys.executable, "-m", "tests.golden", str(folder)], cwd=ROOT, env=environ, check=True
        )
    for name in SEARCHES:
        assert stored(name, tmp_path / "1") == stored(name, tmp_path / "2")
        assert not list(differing_lines(stored(name), stored(name, tmp_path / "1")))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('"value":0.', '"value":0.1', "value: "),
        ('"parent_id":0', '"parent_id":1', "node.parent_id: 1, expected 0"),
        ('"finish":"step"', '"finish":"length"', "node.finish: 'length', expected 'step'"),
        ('"done":', '"doomed":', "done: "),
        ('"key":"', '"key":"0', "node.key: "),
        ('"nodes":[', '"nodes":[0,', "data.nodes: "),
        ('"logprob":-', '"logprob":-1', "node.logprob: "),
    ],
)
def test_a_difference_is_named_with_its_line_and_field(before: str, after: str, told: str) -> None:
    expected = stored("particle_filter")
    place = next(
        number for number, line in enumerate(expected) if before in line and '"root"' not in line
    )
    changed = [*expected[:place], expected[place].replace(before, after, 1), *expected[place + 1 :]]
    [first, *_] = differing_lines(expected, changed)
    assert first.startswith(f"line {place + 1}: ") and told in first


def test_fields_in_another_order_are_a_difference() -> None:
    assert list(differing_lines(['{"a":{"b":1,"c":2}}'], ['{"a":{"c":2,"b":1}}'])) == [
        "line 1: a: c, b in this order, expected b, c"
    ]


def test_a_line_too_few_or_too_many_is_a_difference() -> None:
    expected = stored("chain")
    assert [found.partition(":")[0] for found in differing_lines(expected, expected[:-1])] == [
        f"line {len(expected)}"
    ]
    assert [found.partition(":")[0] for found in differing_lines(expected[:-1], expected)] == [
        f"line {len(expected)}"
    ]
    assert list(differing_lines(expected, expected)) == []
