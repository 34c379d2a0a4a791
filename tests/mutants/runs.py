"""Mutants of what stands around a strategy: policy, verifier, meter, driver, engines."""

from __future__ import annotations

from backend.core import spec, types
from backend.engines.openai import writing
from backend.engines.scripted import row
from backend.engines.shared.draws import uniforms
from backend.judging.verifiers import prm
from backend.runs import answer, budget, driver, policy, recorder
from tests.engines import test_scripted as of_scripted
from tests.engines.openai import test_engine as of_openai
from tests.judging.verifiers import test_verifiers as of_verifiers
from tests.mutants.edit import swap
from tests.mutants.mutant import Case, Defect, Mutant
from tests.runs import test_answer as of_answer
from tests.runs import test_budget as of_budget
from tests.runs import test_driver as of_driver
from tests.runs import test_policy as of_policy
from tests.storage import test_events as of_events
from tests.strategies import test_contract as contract

LEGAL = tuple(
    Case(contract.test_every_step_is_a_legal_place_to_stop, f"2-{strategy}-{{}}")
    for strategy in ("beam_search", "rebase")
)

RUNS = (
    Mutant(
        "aggregation-not-passed",
        Defect.LOST_OPTION,
        "step scores are always aggregated by the last",
        swap(
            prm.process_reward,
            "Prm(*R, aggregation=A, **M)",
            "Prm(*R, **M)",
            Prm=prm.ProcessRewardVerifier,
        ),
        (of_driver.test_every_option_of_a_run_reaches_the_part_that_it_is_for,),
    ),
    Mutant(
        "selector-options-not-passed",
        Defect.LOST_OPTION,
        "the parameters of the final rule are read and dropped",
        swap(driver.rule_of, "A.with_params(B)", "A.with_params({})"),
        (of_driver.test_every_option_of_a_run_reaches_the_part_that_it_is_for,),
    ),
    Mutant(
        "run-seed-not-passed",
        Defect.NO_SEED,
        "requests have the same seeds in every run",
        swap(
            policy.LivePolicy._make_calls, "seed_of(A, B)", "seed_of(0, B)", seed_of=policy.seed_of
        ),
        (of_policy.test_another_run_seed_gives_other_request_seeds,),
    ),
    Mutant(
        "one-seed-for-all",
        Defect.NO_SEED,
        "all requests of a run have the run's seed, so that N solutions are one",
        swap(policy.LivePolicy._make_calls, "seed_of(A, B)", "A", seed_of=policy.seed_of),
        (of_policy.test_seeds_follow_the_call_and_not_the_shape_of_the_batch,),
    ),
    Mutant(
        "seed-by-chance",
        Defect.NO_SEED,
        "requests are seeded anew every time",
        swap(
            policy.LivePolicy._make_calls,
            "seed_of(A, B)",
            "seed_of(__import__('uuid').uuid4().int, B)",
            seed_of=policy.seed_of,
        ),
        (Case(of_driver.test_the_same_spec_gives_the_same_trace, "particle_filter"),),
    ),
    Mutant(
        "strategy-without-seed",
        Defect.NO_SEED,
        "the strategy's own draws do not follow the run's seed",
        swap(
            driver.Driver._iterate,
            'stream(A, "strategy")',
            "__import__('numpy').random.default_rng()",
            stream=driver.stream,
        ),
        (Case(of_driver.test_the_same_spec_gives_the_same_trace, "particle_filter"),),
    ),
    Mutant(
        "engine-ignores-seeds",
        Defect.NO_SEED,
        "the engine draws the same numbers whatever the seed",
        swap(row.ScriptedRow._draw, "uniforms(A, B, C)", "uniforms(0, B, C)", uniforms=uniforms),
        (of_scripted.test_steps_come_with_the_probabilities_of_the_table,),
    ),
    Mutant(
        "tokens-zero",
        Defect.TOKENS,
        "generated tokens stay 0 on the ledger",
        swap(budget.Meter.charge, "len(A.token_ids)", "0"),
        (of_budget.test_the_ledger_counts_computed_tokens_once,),
    ),
    Mutant(
        "tokens-estimated",
        Defect.TOKENS,
        "generated tokens are estimated from the text",
        swap(budget.Meter.charge, "len(A.token_ids)", "len(A.text.split())"),
        (of_budget.test_the_ledger_counts_computed_tokens_once,),
    ),
    Mutant(
        "tokens-minus-one",
        Defect.TOKENS,
        "the log of a batch gives -1 for its generated tokens",
        swap(policy.LivePolicy._close_batch, "sum(A for B in C)", "-1"),
        (of_policy.test_every_batch_tells_what_it_cost,),
    ),
    Mutant(
        "tokens-absent",
        Defect.TOKENS,
        "nodes are stored without the ids of their tokens",
        swap(
            policy.LivePolicy.child, "Node(A, B, *R, **M)", "Node(A, (), *R, **M)", Node=types.Node
        ),
        (of_policy.test_records_have_dense_numbers_and_parents_come_first,),
    ),
    Mutant(
        "discarded-tokens-forgotten",
        Defect.TOKENS,
        "what aborted requests had written is not told apart",
        swap(policy.LivePolicy.record, "F(A, discarded=B)", "F(A, discarded=False)"),
        (of_policy.test_a_race_yields_as_they_finish_and_closing_keeps_the_partial_texts,),
    ),
    Mutant(
        "aborted-texts-forgotten",
        Defect.TOKENS,
        "what aborted requests had written is not charged at all",
        swap(
            policy.LivePolicy.race,
            "await self.collect(A)",
            "[] and await self.collect(A)",
            collect=policy.LivePolicy._collect_aborted,
        ),
        (of_policy.test_a_race_yields_as_they_finish_and_closing_keeps_the_partial_texts,),
    ),
    Mutant(
        "engine-loses-the-end-token",
        Defect.TOKENS,
        "the engine reports one token less than it counted",
        swap(
            row.ScriptedRow.completion,
            "F(*R, token_ids=tuple(A), **M)",
            "F(*R, token_ids=tuple(A[:-1]), **M)",
        ),
        (of_scripted.test_a_solution_the_table_does_not_know_ends,),
    ),
    Mutant(
        "length-finishes-a-step",
        Defect.END,
        "a step that stops at its length limit is done, as if the model had ended it",
        swap(
            policy.LivePolicy.child,
            "A.finish is Finish.END or (B and A.finish is Finish.LENGTH)",
            "A.finish in (Finish.END, Finish.LENGTH)",
        ),
        (of_policy.test_a_step_that_stops_at_its_length_limit_goes_on,),
    ),
    Mutant(
        "engine-calls-length-end",
        Defect.END,
        "the engine reports the end of the solution where its token limit stopped it",
        swap(
            row.ScriptedRow._end,
            "if len(A) >= B:\n    return self.completion(Finish.LENGTH)",
            "if len(A) >= B:\n    return self.completion(Finish.END)",
        ),
        (of_scripted.test_cut_by_tokens_is_a_length,),
    ),
    Mutant(
        "server-length-is-end",
        Defect.END,
        "a server's stop at the token limit is taken for the end of the solution",
        swap(writing.OpenAiWriting.end, "end_of(A)", "end_of('stop')"),
        (of_openai.test_several_steps_and_a_token_limit_are_kept_to,),
    ),
    Mutant(
        "cut-text-answers",
        Defect.END,
        "a text that was cut off is the answer though none can be read in it",
        swap(answer.Candidates._eligible, "return A or B", "return True"),
        (of_answer.test_a_length_end_counts_only_with_a_readable_answer,),
    ),
    Mutant(
        "nan-passes",
        Defect.NAN,
        "a reward that is no number stands as a score",
        swap(
            types.Score.__post_init__,
            "not (math.isfinite(A) and B)",
            "(A < 0.0 or A > 1.0)",
        ),
        LEGAL,
    ),
    Mutant(
        "nan-kills",
        Defect.NAN,
        "a reward that is no number raises",
        swap(
            types.Score.__post_init__,
            'F(self, "value", None)',
            "raise ValueError(self.reason)",
        ),
        LEGAL,
    ),
    Mutant(
        "failed-score-is-zero",
        Defect.ZERO,
        "where the reward model fails, its score is 0",
        swap(
            prm.ProcessRewardVerifier._judge,
            "Score(None, reason=A.failure)",
            "Score(0.0, reason=A.failure)",
            Score=types.Score,
        ),
        (of_verifiers.test_a_failed_score_is_none_with_the_models_reason,),
    ),
    Mutant(
        "failed-score-stored-as-zero",
        Defect.ZERO,
        "the store holds 0 for a score that failed",
        swap(recorder.Recorder.score, "F(A, B, C.value, *R)", "F(A, B, C.value or 0.0, *R)"),
        (of_events.test_scores_tell_failed_from_given_ones,),
    ),
    Mutant(
        "batches-differ",
        Defect.TWO_LOOPS,
        (
            "a call's key is its place in the batch, so that one by one gives other texts than "
            "all at once"
        ),
        swap(
            policy.LivePolicy._calls,
            "[F(A, B, self.next_ordinal(C), *R) for D in E]",
            "[F(A, B, len(calls) + each, *R) for each in E]",
            next_ordinal=policy.LivePolicy._next_ordinal,
        ),
        (of_policy.test_seeds_follow_the_call_and_not_the_shape_of_the_batch,),
    ),
    Mutant(
        "budget-tokens-not-capped",
        Defect.BUDGET,
        "a batch may write more tokens than are left",
        swap(
            budget.Meter.admit,
            "[cap(A, B) for A in C]",
            "list(C)",
            cap=budget.cap,
        ),
        (of_policy.test_generated_tokens_never_exceed_the_budget_and_the_cut_is_named,),
    ),
    Mutant(
        "budget-calls-not-cut",
        Defect.BUDGET,
        "a batch is admitted whole where fewer calls are left",
        swap(
            budget.Meter.admit,
            'int(min(A, self.left("model_calls")))',
            "A",
            left=budget.Meter._left,
        ),
        (of_budget.test_calls_are_admitted_one_by_one,),
    ),
    Mutant(
        "budget-rounds-and-seconds-ignored",
        Defect.BUDGET,
        "limits on rounds and seconds hold nothing back",
        swap(budget.Meter.require, '(*A, "rounds", "seconds")', "A"),
        (
            of_budget.test_rounds_are_noticed_at_the_next_admission,
            of_budget.test_seconds_are_noticed_at_the_next_admission,
        ),
    ),
    Mutant(
        "budget-scores-not-cut",
        Defect.BUDGET,
        "a batch is scored whole where fewer scores are left",
        swap(budget.Meter.admit_scores, "int(min(A, B))", "A"),
        (of_budget.test_scores_are_admitted_one_by_one,),
    ),
    Mutant(
        "budget-counts-prompts",
        Defect.BUDGET,
        "generated tokens include those of the prompts",
        swap(
            budget.Meter.charge,
            "A.generated_tokens += B",
            "A.generated_tokens += B + completion.prompt_tokens",
        ),
        (of_budget.test_the_ledger_counts_computed_tokens_once,),
    ),
    Mutant(
        "budget-counts-batches-of-scores",
        Defect.BUDGET,
        "a batch of scores counts as one verifier call",
        swap(budget.Meter.charge_scores, "A.verifier_calls += B", "A.verifier_calls += 1"),
        (of_budget.test_the_ledger_counts_computed_tokens_once,),
    ),
    Mutant(
        "budget-counts-every-yield",
        Defect.BUDGET,
        "rounds side by side count once for every search and not together",
        swap(
            driver.Driver._record,
            "A.round_over(B)",
            "A.round_over()",
            round_over=budget.Meter.round_over,
        ),
        (of_driver.test_rounds_on_the_ledger_are_those_that_wait_for_each_other,),
    ),
    Mutant(
        "budget-of-any-name",
        Defect.BUDGET,
        "a budget on an axis that does not exist is accepted and means nothing",
        swap(spec.RunSpec, "A not in BUDGET_AXES", "not A"),
        (of_driver.test_a_bad_spec_says_what_is_accepted,),
    ),
)
