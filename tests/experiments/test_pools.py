"""Samples read as columns: each once, whatever shards they lie in; and rules on large pools beside
the exact ones."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from backend.core.errors import BadInput
from backend.core.statistics.estimators import majority_at_k
from backend.experiments.cells import read_cells
from backend.experiments.curves import curve
from backend.experiments.plan import tasks
from backend.experiments.pool_estimates import pool_keys
from backend.experiments.pools import read
from backend.experiments.rules import EXACT_UP_TO, RULES, majority
from backend.experiments.rules import SampledPool as Sampled
from backend.experiments.shards import Folder, Sample
from backend.experiments.spec import RULES as NAMES
from backend.experiments.spec import parse_experiment
from benchmarks.experiments import generated
from tests.experiments.examples import BEAM, HEAD, POOLED, carried_out, small


def sample(key: str, place: int, group: int | None = 0, score: float | None = 0.5) -> Sample:
    return Sample(
        key,
        f"p/{key}",
        0,
        place,
        None,
        group,
        group == 0,
        score,
        7,
        None if place == 1 else -0.1 * place,
        3,
        None,
    )


def test_pools_of_any_shards_are_read_each_sample_once(tmp_path: Path) -> None:
    folder = Folder.of(tmp_path, small())
    assert not read(folder, ["correct", "group"]).keys
    folder.add(
        [],
        [sample("a", place) for place in range(3)]
        + [sample("b", place, None, None) for place in range(2)],
    )
    folder.add([], [sample("c", place, place) for place in range(3)])
    found = read(folder, ["correct", "group", "score", "logprob"])
    assert sorted(found.keys) == ["a", "b", "c"] and sorted(found.sizes.tolist()) == [2, 3, 3]
    blank = found.one(list(found.keys).index("b"))
    assert (
        blank["group"].tolist() == [-1, -1]
        and np.isnan(blank["score"]).all()
        and not blank["correct"].any()
    )
    # a process that died had written three of them
    folder.add([], [replace(sample("a", place), score=0.9) for place in range(1, 4)])
    again = read(folder, ["score"], {"a", "c"})
    assert sorted(again.keys) == ["a", "c"]
    assert (
        len(again.one(list(again.keys).index("a"))["score"]) == 4 == folder.samples(["a"]).num_rows
    )
    assert sorted(
        len(batch.which) * batch.columns["score"].shape[1] for batch in again.batches()
    ) == [3, 4]


def test_pools_have_the_keys_of_their_tasks() -> None:
    experiment = small(3).model_copy(update={"repeats": 2, "seed": 5})
    planned = {
        task.key: task.arms
        for task in tasks(experiment, {"countdown/1": 10.0})
        if task.kind == "pool"
    }
    assert pool_keys(experiment) == planned and len(planned) == 6


async def test_every_rule_reads_the_one_pool_of_a_problem(tmp_path: Path) -> None:
    experiment = parse_experiment(
        HEAD.format(count=3) + "".join(POOLED.format(rule=rule) for rule in NAMES) + BEAM
    )
    assert set(NAMES) == set(RULES) and len(pool_keys(experiment)) == 3
    folder, _ = await carried_out(experiment, tmp_path)
    assert folder.samples().num_rows == 3 * 4
    found = read_cells(folder)
    assert (
        all(len(curve(found, rule, "samples")) == 3 for rule in NAMES)
        and read_cells(folder) == found
    )
    [first, *others] = (
        [cell.credit for cell in found[rule, 1.0].values()]
        for rule in ("coverage", "perplexity", "best")
    )
    assert all(other == pytest.approx(first) for other in others)
    assert found["rpc", 4.0] == {
        problem: cell._replace(credit=found["rpc", 4.0][problem].credit)
        for problem, cell in found["perplexity_consistency", 4.0].items()
    }
    with pytest.raises(BadInput, match="selector_params"):
        parse_experiment(
            HEAD.format(count=3) + POOLED.format(rule="rpc") + "selector_params = { fewest = 3 }\n"
        )


def test_curves_of_large_pools_are_the_counted_ones_within_the_standard_error(
    tmp_path: Path,
) -> None:
    size = 2 * EXACT_UP_TO
    folder, experiment = generated(
        tmp_path,
        30,
        size,
        ["majority", "weighted", "perplexity_consistency", "best", "coverage"],
        4 * size,
    )
    found, pools, keys = (
        read_cells(folder),
        read(folder, ["correct", "group"]),
        pool_keys(experiment),
    )
    names = dict(zip(keys, experiment.problem_ids(), strict=True))
    for k in (2, 32, 128, size):
        off = []
        for at, key in enumerate(pools.keys):
            right, group = pools.one(at)["correct"], pools.one(at)["group"]
            sizes = np.bincount(group[group >= 0])
            counted = majority_at_k(
                [int(sizes[0])],
                [int(each) for each in sizes[1:] if each],
                int((group < 0).sum()),
                k,
            )
            off.append(found["majority", float(k)][names[key]].credit - counted)
            assert right.sum() == sizes[0]
        assert abs(float(np.mean(off))) < 4.0 * 0.5 / math.sqrt(16 * len(off)) * (k < size) + 1e-12
    one = pools.one(0)
    none = np.full(size, math.nan)
    pool = Sampled(one["correct"].astype(float), none, one["group"].astype(float), none)
    assert majority(pool, 32) == found["majority", 32.0][names[pools.keys[0]]].credit
    assert read_cells(folder) == found and len(folder.estimates()) == 30 * 3 * 10


@pytest.mark.parametrize("rule", sorted(RULES))
def test_the_share_answered_is_that_of_what_the_rule_chooses(rule: str) -> None:
    nan = math.nan
    many = {
        "correct": np.array([[True, False, False, False, False]]),
        "group": np.array([[0, 1, -1, -1, 1]]),
        "score": np.array([[0.1, 0.3, 0.9, nan, 0.2]]),
        "logprob": np.array([[-0.5, nan, -0.1, -0.9, nan]]),
        "tokens": np.array([[3, 4, 5, 6, 7]]),
    }

    def answers(subset: tuple[int, ...]) -> bool:
        told = [at for at in subset if many["group"][0, at] >= 0]
        known = [at for at in subset if not math.isnan(many["logprob"][0, at])]
        if rule == "perplexity":
            best = max(known, key=lambda at: many["logprob"][0, at], default=None)
            return best in told if known else bool(told)
        if rule in ("rpc", "perplexity_consistency"):
            return any(at in known for at in told) if known else bool(told)
        return bool(told)

    for k in (1, 2, 3, 5):
        wanted = [answers(subset) for subset in combinations(range(5), k)]
        [[found]] = RULES[rule].answered(many, (k,)).tolist()
        assert found == pytest.approx(sum(wanted) / len(wanted)), k
        [[credit]] = RULES[rule].credit(many, (k,)).tolist()
        assert credit <= found + 1e-12


def test_drawn_estimates_at_one_that_a_folder_kept_are_counted_anew(tmp_path: Path) -> None:
    folder, _ = generated(tmp_path, 3, 40, ["perplexity_consistency"], 200)
    found = read_cells(folder)["perplexity_consistency", 1.0]
    folder.keep_estimates({place: 0.123 for place in folder.estimates() if place[2] == 1})
    assert read_cells(folder)["perplexity_consistency", 1.0] == found
