"""Mutants of beams, trees and races."""

from __future__ import annotations

from backend.core.formulas import shares
from backend.core.formulas import soft_values as soft_formulas
from backend.runs import verifier
from backend.strategies import (
    ab_mcts,
    beam_search,
    chain,
    dvts,
    first_finish,
    mcts,
    rebase,
)
from backend.strategies.parts import beam, rollouts, rounds
from backend.strategies.parts.answer_tree import branching
from backend.strategies.parts.soft_tree import soft_values, soft_walks
from backend.strategies.parts.tree import vertex
from tests.mutants.edit import swap
from tests.mutants.mutant import Case, Defect, Mutant
from tests.runs import test_driver as of_driver
from tests.strategies import test_ab_mcts as of_ab_mcts
from tests.strategies import test_beams as of_beams
from tests.strategies import test_contract as contract
from tests.strategies import test_first_finish as of_first_finish
from tests.strategies import test_lookahead as of_lookahead
from tests.strategies import test_mcts as of_mcts
from tests.strategies import test_rebase as of_rebase
from tests.strategies import test_tree_sampling as of_tree_sampling


def limit(strategy: str) -> tuple[Case]:
    """The case of the contract that holds a strategy to its number of steps."""
    return (
        Case(contract.test_max_steps_is_exact_and_counts_from_the_root, f"0-2-{strategy}-{{}}"),
    )


SEARCHES = (
    Mutant(
        "chain-one-step-more",
        Defect.ONE_STEP_MORE,
        "a chain of max_steps + 1 steps",
        swap(chain.chain, "range(A)", "range(A + 1)"),
        limit("chain"),
    ),
    Mutant(
        "beam-one-round-more",
        Defect.ONE_STEP_MORE,
        "a beam of max_steps + 1 rounds",
        swap(beam_search.beam_search, "Beam(A, B, C, *R)", "Beam(A, B, C + 1, *R)", Beam=beam.Beam),
        limit("beam_search"),
    ),
    Mutant(
        "tree-one-level-more",
        Defect.ONE_STEP_MORE,
        "a search tree that is one level deeper than max_steps",
        swap(mcts.mcts, "A.depth + B.max_steps", "A.depth + B.max_steps + 1"),
        limit("mcts"),
    ),
    Mutant(
        "rollout-past-the-limit",
        Defect.ONE_STEP_MORE,
        "a rollout that goes one step past max_steps",
        swap(rollouts.roll_out, "A.depth >= B", "A.depth > B"),
        (of_lookahead.test_rollouts_come_near_the_step_limit_only_as_far_as_it_lets_them,),
    ),
    Mutant(
        "leaf-value-not-passed",
        Defect.LOST_OPTION,
        "tree search values leaves by the score, whichever value is chosen",
        swap(mcts.mcts, "LEAF_VALUES[A]", 'LEAF_VALUES["prm"]'),
        (
            Case(
                of_mcts.test_on_average_a_leaf_is_worth_its_score_the_score_of_a_solution_or_the_mean,
                "rollout-0.5606",
            ),
        ),
    ),
    Mutant(
        "duplicates-option-not-passed",
        Defect.LOST_OPTION,
        "beam search keeps equal texts although it was asked to merge them",
        swap(beam_search.beam_search, "Beam(A, B, C, D)", "Beam(A, B, C, False)", Beam=beam.Beam),
        (of_beams.test_duplicates_are_merged_on_demand_and_their_number_is_told,),
    ),
    Mutant(
        "beam-fills-up-with-copies",
        Defect.TWO_VOTES,
        "a beam with fewer than n solutions fills up with copies of them",
        swap(
            beam.search_beam,
            "Step(A, B, *R, **M)",
            "Step([*A, *A][: max(beam.n, len(A))], [*B, *B][: max(beam.n, len(B))], *R, **M)",
        ),
        (
            Case(
                of_beams.test_no_solution_is_listed_twice_while_others_are_still_written,
                "beam_search",
            ),
        ),
    ),
    Mutant(
        "beam-takes-the-first-to-arrive",
        Defect.TWO_VOTES,
        "only the first n solutions to arrive count",
        swap(beam.search_beam, "Step(A, B, *R, **M)", "Step(A[: beam.n], B[: beam.n], *R, **M)"),
        (of_beams.test_finished_solutions_are_set_aside_and_the_rest_goes_on,),
    ),
    Mutant(
        "cut-step-is-an-end",
        Defect.END,
        "beam search sets a step aside as a solution where it stopped at its length limit",
        swap(
            beam.search_beam,
            "A += [B.node for B in C if B.node.done]\n"
            "D += [B.value for B in C if B.node.done]\n"
            "E = [B for B in C if not B.node.done]",
            "over = [B for B in C if B.node.done or B.node.finish == 'length']\n"
            "A += [B.node for B in over]\n"
            "D += [B.value for B in over]\n"
            "E = [B for B in C if B not in over]",
        ),
        (of_beams.test_a_step_at_its_length_limit_is_not_an_end,),
    ),
    Mutant(
        "box-is-an-end",
        Defect.END,
        "a subtree of DVTS ends where the text holds a box",
        swap(
            dvts.dvts,
            "A is None or A.node.done or B",
            'A is None or A.node.done or "boxed{" in A.node.text or B',
        ),
        (
            Case(
                of_beams.test_a_solution_ends_where_the_model_ends_it_and_not_where_a_phrase_occurs,
                "dvts",
            ),
        ),
    ),
    Mutant(
        "cut-text-wins-the-race",
        Defect.END,
        "a text that was cut off wins first finish search",
        swap(first_finish.first_finish, "A.finish is not Finish.END", "not A.done"),
        (of_first_finish.test_a_text_that_was_cut_off_or_failed_never_wins,),
    ),
    Mutant(
        "one-failed-score-kills",
        Defect.NAN,
        "a run fails where one of its scores has failed",
        swap(verifier.LiveVerifier.require_scores, "A and all(B for C in D)", "any(B for C in D)"),
        (
            Case(
                of_driver.test_a_run_fails_for_want_of_scores_only_if_nothing_in_it_has_one,
                "budget0-stepwise_best_of_n",
            ),
        ),
    ),
    Mutant(
        "unscored-child-ranks-as-zero",
        Defect.ZERO,
        "a child that could not be scored competes with the score 0",
        swap(rounds.scores, "[A.value for A in await B]", "[A.value or 0.0 for A in await B]"),
        (
            of_rebase.test_a_prefix_without_a_score_stays_and_gets_children_only_where_none_has_a_score,
        ),
    ),
    Mutant(
        "no-score-at-all-goes-on",
        Defect.ZERO,
        "a run in which nothing has a score ends as if nothing had happened",
        swap(verifier.LiveVerifier.require_scores, "A and all(B for C in D)", "not A"),
        (
            Case(
                of_driver.test_a_run_fails_for_want_of_scores_only_if_nothing_in_it_has_one,
                "budget0-stepwise_best_of_n",
            ),
        ),
    ),
    Mutant(
        "rollout-ignored",
        Defect.LOOKAHEAD,
        "a step is ranked by its own score after its rollout has been written",
        swap(rollouts.ahead, "scores(A, B)", "scores(A, nodes)", scores=rounds.scores),
        (
            of_lookahead.test_a_step_is_ranked_by_the_score_k_greedy_steps_further_on,
            of_lookahead.test_looking_ahead_sees_through_a_trap_and_ignoring_what_is_seen_does_not,
        ),
    ),
    Mutant(
        "rollout-sampled",
        Defect.LOOKAHEAD,
        "the look ahead is sampled at the run's temperature and not greedy",
        swap(rollouts.roll_out, "replace(A, temperature=B)", "replace(A)"),
        (of_lookahead.test_a_step_is_ranked_by_the_score_k_greedy_steps_further_on,),
    ),
    Mutant(
        "losers-run-on",
        Defect.WASTE,
        "first finish search lets the others write to their end",
        swap(first_finish.first_finish, "break", "async for _ in race:\n    pass\nbreak"),
        (of_first_finish.test_the_others_stay_as_aborted_nodes_and_their_tokens_are_discarded,),
    ),
    Mutant(
        "sum-for-the-mean",
        Defect.TREE_SAMPLING,
        "the backup sums over draws, which favours wide prefixes",
        swap(soft_formulas.soft, "(A - math.log(B)) / C", "A / C"),
        (of_tree_sampling.test_golden_backup_and_what_a_sum_would_make_of_it,),
    ),
    Mutant(
        "copies-count-once",
        Defect.TREE_SAMPLING,
        "a text that is drawn again counts as drawn once",
        swap(soft_values.SoftVertex.adopt, "A.draws += 1", "pass"),
        (of_tree_sampling.test_every_state_of_a_rollout_stays_in_the_tree_and_every_draw_counts,),
    ),
    Mutant(
        "known-text-counts-as-a-round",
        Defect.BUDGET,
        "a walk to a known text, which asks no model, counts as a round",
        swap(soft_walks.grow, "F(*R, rounds=A, **M)", "F(*R, rounds=1, **M)"),
        (of_tree_sampling.test_a_walk_to_a_known_text_costs_nothing_and_is_counted_apart,),
    ),
    Mutant(
        "rebase-counts-the-last-step",
        Defect.WASTE,
        "max_tokens looks at the last step and not at the path",
        swap(
            rebase.rebase,
            "tokens_below(A, B)",
            "len(B.token_ids)",
            tokens_below=rebase.tokens_below,
        ),
        (of_rebase.test_the_tokens_of_the_whole_path_count_against_the_limit,),
    ),
    Mutant(
        "rebase-overflows",
        Defect.WASTE,
        "scores are raised without a shift, and a low temperature overflows",
        swap(shares.shares, "math.exp((A - B) / C)", "math.exp(A / C)"),
        (of_rebase.test_a_low_temperature_does_not_overflow,),
    ),
    Mutant(
        "rebase-solutions-keep-no-width",
        Defect.WASTE,
        "solutions give their width back, so that there are more of them than the width",
        swap(rebase.rebase, "A -= len(B) - len(C)", "pass"),
        (of_rebase.test_each_solution_takes_one_unit_of_the_width_for_good,),
    ),
    Mutant(
        "rebase-drops-unscored",
        Defect.WASTE,
        "children without a score vanish without a word",
        swap(
            rounds.expand,
            "(*A, *B, *C, *remark_unscored(D, E))",
            "(*A, *B, *C)",
            remark_unscored=rounds.remark_unscored,
        ),
        (
            of_rebase.test_a_prefix_without_a_score_stays_and_gets_children_only_where_none_has_a_score,
        ),
    ),
    Mutant(
        "batch-wastes-answers",
        Defect.WASTE,
        "of a batch of answers only the first is told to the arms of AB-MCTS",
        swap(
            ab_mcts.ab_mcts,
            "[A for B in C if D.done and living(E)]",
            "[A for B in C if D.done and living(E)][:1]",
            living=rounds.living,
        ),
        (of_ab_mcts.test_no_paid_answer_is_wasted_whatever_the_batch,),
    ),
    Mutant(
        "answer-told-twice",
        Defect.WASTE,
        "an answer that is told again counts again",
        swap(branching.tell, "A.scored or B", "B"),
        (of_ab_mcts.test_telling_again_changes_nothing_and_the_order_of_telling_does_not_matter,),
    ),
    Mutant(
        "walk-sorts-the-tree",
        Defect.WASTE,
        "a walk looks at other children than those along its path",
        swap(
            vertex.descend,
            "A = [formula(B, C) for C in D.children]",
            "A = [formula(B, C) for C in D.children]\n"
            "sorted(formula(vertex, C) for vertex in root.children for C in vertex.children)",
        ),
        (of_mcts.test_a_walk_looks_at_the_children_along_its_path_only,),
    ),
)
