"""The meter: generated tokens never exceed their limit, other axes by one admitted batch at
most.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import BudgetExhausted
from backend.core.ports import END, STEP, Completion, Request, Sampling, tokens
from backend.core.types import Finish
from backend.runs.budget import SHORTEST_SHARE, Meter


def request(index: int = 0, *, limit: int = 100, until=STEP) -> Request:
    return Request(f"k{index}", "", (), index, until, Sampling(max_tokens=limit))


def completion(generated: int, prompt: int = 0, cached: int = 0) -> Completion:
    return Completion("k", "", tuple(range(generated)), None, Finish.STEP, prompt, cached)


def meter(**limits: float) -> Meter:
    return Meter(limits, lambda: 1.0, policy_size=10, verifier_size=5)


def test_without_limits_everything_is_admitted_unchanged() -> None:
    requests = [request(index) for index in range(5)]
    assert meter().admit(requests) == requests


@given(st.integers(1, 5000), st.integers(1, 40), st.integers(1, 300))
def test_admitted_tokens_never_exceed_what_is_left(left: int, count: int, own: int) -> None:
    admitted = meter(generated_tokens=left).admit(
        [request(index, limit=own) for index in range(count)]
    )
    assert 1 <= len(admitted) <= count
    assert sum(one.limit for one in admitted) <= left
    assert all(1 <= one.limit <= own for one in admitted)


def test_a_batch_is_cut_to_fewer_requests_rather_than_to_useless_shares() -> None:
    admitted = meter(generated_tokens=2 * SHORTEST_SHARE).admit(
        [request(index) for index in range(8)]
    )
    assert [one.limit for one in admitted] == [SHORTEST_SHARE, SHORTEST_SHARE]


def test_a_spent_token_budget_raises_and_names_axis_and_limit() -> None:
    spent = meter(generated_tokens=30)
    spent.charge(completion(30))
    with pytest.raises(BudgetExhausted, match="generated_tokens limit 30"):
        spent.admit([request()])


def test_calls_are_admitted_one_by_one() -> None:
    limited = meter(model_calls=3)
    assert len(limited.admit([request(index) for index in range(5)])) == 3
    assert limited.find_spent_axis(5) == ("model_calls", 3)


def test_scores_are_admitted_one_by_one() -> None:
    limited = meter(verifier_calls=4)
    limited.charge_scores(3, 0, 0)
    assert limited.admit_scores(7) == 1
    limited.charge_scores(1, 0, 0)
    with pytest.raises(BudgetExhausted, match="verifier_calls"):
        limited.admit_scores(1)


def test_rounds_are_noticed_at_the_next_admission() -> None:
    limited = meter(rounds=1)
    limited.admit([request()])
    limited.round_over()
    with pytest.raises(BudgetExhausted, match="rounds"):
        limited.admit([request()])


def test_seconds_are_noticed_at_the_next_admission() -> None:
    with pytest.raises(BudgetExhausted, match="seconds"):
        meter(seconds=0.5).admit([request()])


def test_the_ledger_counts_computed_tokens_once() -> None:
    counting = meter()
    counting.charge(completion(4, prompt=10, cached=8))
    counting.charge(completion(6, prompt=2), discarded=True)
    counting.charge_scores(2, 7, 3)
    ledger = counting.ledger
    assert (ledger.model_calls, ledger.generated_tokens, ledger.discarded_tokens) == (2, 10, 6)
    assert (ledger.prompt_tokens, ledger.cached_tokens) == (12, 8)
    assert (ledger.verifier_calls, ledger.verifier_tokens, ledger.verifier_cached_tokens) == (
        2,
        7,
        3,
    )
    assert ledger.flops == 2 * 10 * (10 - 8 + 4) + 2 * 10 * (2 + 6) + 2 * 5 * 7


def test_a_cap_keeps_a_shorter_limit_of_the_strategy() -> None:
    admitted = meter(generated_tokens=50).admit([request(until=tokens(5))])
    assert admitted[0].limit == 5
    assert meter(generated_tokens=50).admit([request(until=END)])[0].limit == 50
