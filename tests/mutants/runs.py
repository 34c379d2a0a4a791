"""Mutants of what stands around a strategy: policy, verifier, meter, driver, engines."""

from __future__ import annotations

from tests.mutants.mutant import Defect, Mutant

POLICY, BUDGET, RUNNER = "backend/runs/policy.py", "backend/runs/budget.py", "backend/runs/driver.py"
LEGAL = "strategies/test_contract.py::test_every_step_is_a_legal_place_to_stop"

RUNS = (
    Mutant(
        "aggregation-not-passed", Defect.LOST_OPTION, "step scores are always aggregated by the last", "backend/judging/verifiers/__init__.py",
        "delimiter=delimiter, aggregation=aggregation)\n    if name == \"exact\"", "delimiter=delimiter)\n    if name == \"exact\"",
        ("runs/test_driver.py::test_every_option_of_a_run_reaches_the_part_that_it_is_for",),
    ),
    Mutant(
        "selector-options-not-passed", Defect.LOST_OPTION, "the parameters of the final rule are read and dropped", RUNNER,
        ".configured(spec.selector_params)", ".configured({})",
        ("runs/test_driver.py::test_every_option_of_a_run_reaches_the_part_that_it_is_for",),
    ),
    Mutant(
        "run-seed-not-passed", Defect.NO_SEED, "requests have the same seeds in every run", POLICY,
        "seed_of(self._desk.seed, key)", "seed_of(0, key)",
        ("runs/test_policy.py::test_another_run_seed_gives_other_request_seeds",),
    ),
    Mutant(
        "one-seed-for-all", Defect.NO_SEED, "all requests of a run have the run's seed, so that N solutions are one", POLICY,
        "seed_of(self._desk.seed, key)", "self._desk.seed",
        ("runs/test_policy.py::test_seeds_follow_the_call_and_not_the_shape_of_the_batch",),
    ),
    Mutant(
        "seed-by-chance", Defect.NO_SEED, "requests are seeded anew every time", POLICY,
        "seed_of(self._desk.seed, key)", "seed_of(uuid4().int, key)",
        ("runs/test_driver.py::test_the_same_spec_gives_the_same_trace[particle_filter]",),
    ),
    Mutant(
        "strategy-without-seed", Defect.NO_SEED, "the strategy's own draws do not follow the run's seed", RUNNER,
        'stream(self._spec.seed, "strategy")', "np.random.default_rng()",
        ("runs/test_driver.py::test_the_same_spec_gives_the_same_trace[particle_filter]",),
    ),
    Mutant(
        "engine-ignores-seeds", Defect.NO_SEED, "the engine draws the same numbers whatever the seed", "backend/engines/scripted/row.py",
        "uniforms(self.request.seed, at, AHEAD)", "uniforms(0, at, AHEAD)",
        ("engines/test_scripted.py::test_steps_come_with_the_probabilities_of_the_table",),
    ),
    Mutant(
        "tokens-zero", Defect.TOKENS, "generated tokens stay 0 on the ledger", BUDGET,
        "self.ledger, len(completion.token_ids)", "self.ledger, 0",
        ("runs/test_budget.py::test_the_ledger_counts_computed_tokens_once",),
    ),
    Mutant(
        "tokens-estimated", Defect.TOKENS, "generated tokens are estimated from the text", BUDGET,
        "self.ledger, len(completion.token_ids)", "self.ledger, len(completion.text.split())",
        ("runs/test_budget.py::test_the_ledger_counts_computed_tokens_once",),
    ),
    Mutant(
        "tokens-minus-one", Defect.TOKENS, "the log of a batch gives -1 for its generated tokens", POLICY,
        "sum(len(answer.token_ids) for answer in answers)", "-1",
        ("runs/test_policy.py::test_every_batch_tells_what_it_cost",),
    ),
    Mutant(
        "tokens-absent", Defect.TOKENS, "nodes are stored without the ids of their tokens", POLICY,
        "completion.text, completion.token_ids, completion.logprobs, parent,", "completion.text, (), completion.logprobs, parent,",
        ("runs/test_policy.py::test_records_have_dense_numbers_and_parents_come_first",),
    ),
    Mutant(
        "discarded-tokens-forgotten", Defect.TOKENS, "what aborted requests had written is not told apart", POLICY,
        "discarded=completion.finish is Finish.ABORTED)", "discarded=False)",
        ("runs/test_policy.py::test_a_race_yields_as_they_finish_and_closing_keeps_the_partial_texts",),
    ),
    Mutant(
        "aborted-texts-forgotten", Defect.TOKENS, "what aborted requests had written is not charged at all", POLICY,
        "left += await self._aborted(", "left += [] and await self._aborted(",
        ("runs/test_policy.py::test_a_race_yields_as_they_finish_and_closing_keeps_the_partial_texts",),
    ),
    Mutant(
        "engine-loses-the-end-token", Defect.TOKENS, "the engine reports one token less than it counted", "backend/engines/scripted/row.py",
        "token_ids=tuple(self.ids),", "token_ids=tuple(self.ids[:-1]),",
        ("engines/test_scripted.py::test_a_solution_the_table_does_not_know_ends",),
    ),
    Mutant(
        "length-finishes-a-step", Defect.END, "a step that stops at its length limit is done, as if the model had ended it", POLICY,
        "completion.finish is Finish.END or (whole and completion.finish is Finish.LENGTH)", "completion.finish in (Finish.END, Finish.LENGTH)",
        ("runs/test_policy.py::test_a_step_that_stops_at_its_length_limit_goes_on",),
    ),
    Mutant(
        "engine-calls-length-end", Defect.END, "the engine reports the end of the solution where its token limit stopped it",
        "backend/engines/scripted/row.py",
        "        if len(self.ids) >= self._limit:\n            return self.completion(Finish.LENGTH)",
        "        if len(self.ids) >= self._limit:\n            return self.completion(Finish.END)",
        ("engines/test_scripted.py::test_cut_by_tokens_is_a_length",),
    ),
    Mutant(
        "server-length-is-end", Defect.END, "a server's stop at the token limit is taken for the end of the solution", "backend/engines/openai/engine.py",
        'Finish.LENGTH if piece.finish == "length" else Finish.END', "Finish.END",
        ("engines/test_openai.py::test_several_steps_and_a_token_limit_are_kept_to",),
    ),
    Mutant(
        "cut-text-answers", Defect.END, "a text that was cut off is the answer though none can be read in it", "backend/runs/answer.py",
        "return node.finish is not Finish.LENGTH or self.answer(node) is not None", "return True",
        ("runs/test_answer.py::test_a_length_end_counts_only_with_a_readable_answer",),
    ),
    Mutant(
        "nan-passes", Defect.NAN, "a reward that is no number stands as a score", "backend/core/types.py",
        "not (math.isfinite(self.value) and 0.0 <= self.value <= 1.0)", "(self.value < 0.0 or self.value > 1.0)",
        (f"{LEGAL}[2-beam_search-{{}}]", f"{LEGAL}[2-rebase-{{}}]"),
    ),
    Mutant(
        "nan-kills", Defect.NAN, "a reward that is no number raises", "backend/core/types.py",
        '            object.__setattr__(self, "value", None)\n', '            raise ValueError(self.reason)\n',
        (f"{LEGAL}[2-beam_search-{{}}]", f"{LEGAL}[2-rebase-{{}}]"),
    ),
    Mutant(
        "failed-score-is-zero", Defect.ZERO, "where the reward model fails, its score is 0", "backend/judging/verifiers/prm.py",
        "return Score(None, reason=result.failure)", "return Score(0.0, reason=result.failure)",
        ("judging/verifiers/test_verifiers.py::test_a_failed_score_is_none_with_the_models_reason",),
    ),
    Mutant(
        "failed-score-stored-as-zero", Defect.ZERO, "the store holds 0 for a score that failed", "backend/core/records.py",
        "label=scorer, value=score.value, data=data)", "label=scorer, value=score.value or 0.0, data=data)",
        ("storage/test_events.py::test_scores_tell_failed_from_given_ones",),
    ),
    Mutant(
        "batches-differ", Defect.TWO_LOOPS, "a call's key is its place in the batch, so that one by one gives other texts than all at once", POLICY,
        "self._next_ordinal(node.key), until, sampling, kind) for _ in range(n)]", "len(calls) + each, until, sampling, kind) for each in range(n)]",
        ("runs/test_policy.py::test_seeds_follow_the_call_and_not_the_shape_of_the_batch",),
    ),
    Mutant(
        "budget-tokens-not-capped", Defect.BUDGET, "a batch may write more tokens than are left", BUDGET,
        "return [capped(request, share) for request in requests[:count]]", "return list(requests[:count])",
        ("runs/test_policy.py::test_generated_tokens_never_exceed_the_budget_and_the_cut_is_named",),
    ),
    Mutant(
        "budget-calls-not-cut", Defect.BUDGET, "a batch is admitted whole where fewer calls are left", BUDGET,
        'count = int(min(len(requests), self._left("model_calls")))', "count = len(requests)",
        ("runs/test_budget.py::test_calls_are_admitted_one_by_one",),
    ),
    Mutant(
        "budget-rounds-and-seconds-ignored", Defect.BUDGET, "limits on rounds and seconds hold nothing back", BUDGET,
        'for axis in (*axes, "rounds", "seconds"):', "for axis in axes:",
        ("runs/test_budget.py::test_rounds_are_noticed_at_the_next_admission", "runs/test_budget.py::test_seconds_are_noticed_at_the_next_admission"),
    ),
    Mutant(
        "budget-scores-not-cut", Defect.BUDGET, "a batch is scored whole where fewer scores are left", BUDGET,
        'return int(min(count, self._left("verifier_calls")))', "return count",
        ("runs/test_budget.py::test_scores_are_admitted_one_by_one",),
    ),
    Mutant(
        "budget-counts-prompts", Defect.BUDGET, "generated tokens include those of the prompts", BUDGET,
        "ledger.generated_tokens += generated\n", "ledger.generated_tokens += generated + completion.prompt_tokens\n",
        ("runs/test_budget.py::test_the_ledger_counts_computed_tokens_once",),
    ),
    Mutant(
        "budget-counts-batches-of-scores", Defect.BUDGET, "a batch of scores counts as one verifier call", BUDGET,
        "ledger.verifier_calls += count", "ledger.verifier_calls += 1",
        ("runs/test_budget.py::test_the_ledger_counts_computed_tokens_once",),
    ),
    Mutant(
        "budget-counts-every-yield", Defect.BUDGET, "rounds side by side count once for every search and not together", RUNNER,
        "desk.meter.round_over(step.rounds)", "desk.meter.round_over()",
        ("runs/test_driver.py::test_rounds_on_the_ledger_are_those_that_wait_for_each_other",),
    ),
    Mutant(
        "budget-of-any-name", Defect.BUDGET, "a budget on an axis that does not exist is accepted and means nothing", "backend/core/spec.py",
        "if axis not in BUDGET_AXES:", "if not axis:",
        ("runs/test_driver.py::test_a_bad_spec_says_what_is_accepted",),
    ),
)
