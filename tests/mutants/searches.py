"""Mutants of beams, trees and races."""

from __future__ import annotations

from tests.mutants.mutant import Defect, Mutant

STRATEGIES, FORMULAS = "backend/strategies", "backend/core/formulas"
BEAM, REBASE, LOOKAHEAD = (
    f"{STRATEGIES}/parts/beam.py",
    f"{STRATEGIES}/rebase.py",
    "strategies/test_lookahead.py",
)
LIMIT = "strategies/test_contract.py::test_max_steps_is_exact_and_counts_from_the_root"
OF_BEAMS, OF_REBASE, OF_AB, OF_TREE = (
    f"strategies/test_{name}.py" for name in ("beams", "rebase", "ab_mcts", "tree_sampling")
)
OF_FIRST = "strategies/test_first_finish.py"

SEARCHES = (
    Mutant(
        "chain-one-step-more",
        Defect.ONE_STEP_MORE,
        "a chain of max_steps + 1 steps",
        f"{STRATEGIES}/chain.py",
        "for _ in range(params.max_steps):",
        "for _ in range(params.max_steps + 1):",
        (f"{LIMIT}[0-2-chain-{{}}]",),
    ),
    Mutant(
        "beam-one-round-more",
        Defect.ONE_STEP_MORE,
        "a beam of max_steps + 1 rounds",
        f"{STRATEGIES}/beam_search.py",
        "Beam(params.n, params.beam_width, params.max_steps,",
        "Beam(params.n, params.beam_width, params.max_steps + 1,",
        (f"{LIMIT}[0-2-beam_search-{{}}]",),
    ),
    Mutant(
        "tree-one-level-more",
        Defect.ONE_STEP_MORE,
        "a search tree that is one level deeper than max_steps",
        f"{STRATEGIES}/mcts.py",
        "Vertex(root), root.depth + params.max_steps,",
        "Vertex(root), root.depth + params.max_steps + 1,",
        (f"{LIMIT}[0-2-mcts-{{}}]",),
    ),
    Mutant(
        "rollout-past-the-limit",
        Defect.ONE_STEP_MORE,
        "a rollout that goes one step past max_steps",
        f"{STRATEGIES}/parts/rollouts.py",
        "or end.depth >= horizon)]",
        "or end.depth > horizon)]",
        (f"{LOOKAHEAD}::test_rollouts_come_near_the_step_limit_only_as_far_as_it_lets_them",),
    ),
    Mutant(
        "leaf-value-not-passed",
        Defect.LOST_OPTION,
        "tree search values leaves by the score, whichever value is chosen",
        f"{STRATEGIES}/mcts.py",
        "LEAF_VALUES[params.value](",
        'LEAF_VALUES["prm"](',
        (
            "strategies/test_mcts.py::test_on_average_a_leaf_is_worth_its_score_the_score_of_a_solution_or_the_mean[rollout-0.5606]",
        ),
    ),
    Mutant(
        "duplicates-option-not-passed",
        Defect.LOST_OPTION,
        "beam search keeps equal texts although it was asked to merge them",
        f"{STRATEGIES}/beam_search.py",
        "params.max_steps, params.filter_duplicates)",
        "params.max_steps, False)",
        (f"{OF_BEAMS}::test_duplicates_are_merged_on_demand_and_their_number_is_told",),
    ),
    Mutant(
        "beam-fills-up-with-copies",
        Defect.TWO_VOTES,
        "a beam with fewer than n solutions fills up with copies of them",
        BEAM,
        "yield Step(finished, values,",
        (
            "yield Step([*finished, *finished][: max(beam.n, len(finished))], [*values, "
            "*values][: max(beam.n, len(values))],"
        ),
        (
            f"{OF_BEAMS}::test_no_solution_is_listed_twice_while_others_are_still_written[beam_search]",
        ),
    ),
    Mutant(
        "beam-takes-the-first-to-arrive",
        Defect.TWO_VOTES,
        "only the first n solutions to arrive count",
        BEAM,
        "yield Step(finished, values,",
        "yield Step(finished[: beam.n], values[: beam.n],",
        (f"{OF_BEAMS}::test_finished_solutions_are_set_aside_and_the_rest_goes_on",),
    ),
    Mutant(
        "cut-step-is-an-end",
        Defect.END,
        "beam search sets a step aside as a solution where it stopped at its length limit",
        BEAM,
        "        finished += [child.node for child in children if child.node.done]\n"
        "        values += [child.value for child in children if child.node.done]\n"
        "        survivors = [child for child in children if not child.node.done]",
        "        over = [child for child in children if child.node.done or child.node.finish == "
        '"length"]\n'
        "        finished += [child.node for child in over]\n"
        "        values += [child.value for child in over]\n"
        "        survivors = [child for child in children if child not in over]",
        (f"{OF_BEAMS}::test_a_step_at_its_length_limit_is_not_an_end",),
    ),
    Mutant(
        "box-is-an-end",
        Defect.END,
        "a subtree of DVTS ends where the text holds a box",
        f"{STRATEGIES}/dvts.py",
        "best.node.done or last:",
        'best.node.done or "boxed{" in best.node.text or last:',
        (
            f"{OF_BEAMS}::test_a_solution_ends_where_the_model_ends_it_and_not_where_a_phrase_occurs[dvts]",
        ),
    ),
    Mutant(
        "cut-text-wins-the-race",
        Defect.END,
        "a text that was cut off wins first finish search",
        f"{STRATEGIES}/first_finish.py",
        "if not notes and node.finish is not Finish.END:",
        "if not notes and not node.done:",
        (f"{OF_FIRST}::test_a_text_that_was_cut_off_or_failed_never_wins",),
    ),
    Mutant(
        "one-failed-score-kills",
        Defect.NAN,
        "best-of-N fails where one of its scores has failed",
        f"{STRATEGIES}/best_of_n.py",
        "if solutions and all(value is None for value in values):",
        "if any(value is None for value in values):",
        (f"{OF_BEAMS}::test_best_of_n_survives_one_failed_score_but_not_all",),
    ),
    Mutant(
        "unscored-child-ranks-as-zero",
        Defect.ZERO,
        "a child that could not be scored competes with the score 0",
        f"{STRATEGIES}/parts/rounds.py",
        "return [score.value for score in found]",
        "return [score.value or 0.0 for score in found]",
        (
            f"{OF_REBASE}::test_a_prefix_without_a_score_stays_and_gets_children_only_where_none_has_a_score",
        ),
    ),
    Mutant(
        "no-score-at-all-goes-on",
        Defect.ZERO,
        "a round without a single score goes on as if nothing had happened",
        f"{STRATEGIES}/parts/rounds.py",
        "if all(score.value is None for score in found):",
        "if not found:",
        (
            "strategies/test_contract.py::test_a_round_without_any_score_fails_with_the_reason[stepwise_best_of_n-{}]",
        ),
    ),
    Mutant(
        "rollout-ignored",
        Defect.LOOKAHEAD,
        "a step is ranked by its own score after its rollout has been written",
        f"{STRATEGIES}/parts/rollouts.py",
        "found = await scores(verifier, ends)",
        "found = await scores(verifier, nodes)",
        (
            f"{LOOKAHEAD}::test_a_step_is_ranked_by_the_score_k_greedy_steps_further_on",
            f"{LOOKAHEAD}::test_looking_ahead_sees_through_a_trap_and_ignoring_what_is_seen_does_not",
        ),
    ),
    Mutant(
        "rollout-sampled",
        Defect.LOOKAHEAD,
        "the look ahead is sampled at the run's temperature and not greedy",
        f"{STRATEGIES}/parts/rollouts.py",
        "greedy = replace(policy.sampling, temperature=0.0)",
        "greedy = replace(policy.sampling)",
        (f"{LOOKAHEAD}::test_a_step_is_ranked_by_the_score_k_greedy_steps_further_on",),
    ),
    Mutant(
        "losers-run-on",
        Defect.WASTE,
        "first finish search lets the others write to their end",
        f"{STRATEGIES}/first_finish.py",
        'break\n            yield Step(winners, values, notes, phase="race"',
        (
            "async for _ in race:\n                    pass\n                "
            'break\n            yield Step(winners, values, notes, phase="race"'
        ),
        (f"{OF_FIRST}::test_the_others_stay_as_aborted_nodes_and_their_tokens_are_discarded",),
    ),
    Mutant(
        "sum-for-the-mean",
        Defect.TREE_SAMPLING,
        "the backup sums over draws, which favours wide prefixes",
        f"{FORMULAS}/soft_values.py",
        "(total - math.log(math.fsum(draws))) / reward_weight",
        "total / reward_weight",
        (f"{OF_TREE}::test_golden_backup_and_what_a_sum_would_make_of_it",),
    ),
    Mutant(
        "copies-count-once",
        Defect.TREE_SAMPLING,
        "a text that is drawn again counts as drawn once",
        f"{STRATEGIES}/parts/soft_tree/soft_values.py",
        "                child.draws += 1\n",
        "",
        (f"{OF_TREE}::test_every_state_of_a_rollout_stays_in_the_tree_and_every_draw_counts",),
    ),
    Mutant(
        "known-text-counts-as-a-round",
        Defect.BUDGET,
        "a walk to a known text, which asks no model, counts as a round",
        f"{STRATEGIES}/parts/soft_tree/soft_walks.py",
        "rounds=int(walk.asked)",
        "rounds=1",
        (f"{OF_TREE}::test_a_walk_to_a_known_text_costs_nothing_and_is_counted_apart",),
    ),
    Mutant(
        "rebase-counts-the-last-step",
        Defect.WASTE,
        "max_tokens looks at the last step and not at the path",
        REBASE,
        "tokens_below(root, child.node) < params.max_tokens",
        "len(child.node.token_ids) < params.max_tokens",
        (f"{OF_REBASE}::test_the_tokens_of_the_whole_path_count_against_the_limit",),
    ),
    Mutant(
        "rebase-overflows",
        Defect.WASTE,
        "scores are raised without a shift, and a low temperature overflows",
        f"{FORMULAS}/shares.py",
        "math.exp((score - scores[0]) / temperature)",
        "math.exp(score / temperature)",
        (f"{OF_REBASE}::test_a_low_temperature_does_not_overflow",),
    ),
    Mutant(
        "rebase-solutions-keep-no-width",
        Defect.WASTE,
        "solutions give their width back, so that there are more of them than the width",
        REBASE,
        "        width -= len(children) - len(level)\n",
        "",
        (f"{OF_REBASE}::test_each_solution_takes_one_unit_of_the_width_for_good",),
    ),
    Mutant(
        "rebase-drops-unscored",
        Defect.WASTE,
        "children without a score vanish without a word",
        f"{STRATEGIES}/parts/rounds.py",
        "(*dead(group), *notes, *told, *unscored(children))",
        "(*dead(group), *notes, *told)",
        (
            f"{OF_REBASE}::test_a_prefix_without_a_score_stays_and_gets_children_only_where_none_has_a_score",
        ),
    ),
    Mutant(
        "batch-wastes-answers",
        Defect.WASTE,
        "of a batch of answers only the first is told to the arms of AB-MCTS",
        f"{STRATEGIES}/ab_mcts.py",
        "for asked, node in zip(asks, written, strict=True) if node.done and living([node])]",
        "for asked, node in zip(asks, written, strict=True) if node.done and living([node])][:1]",
        (f"{OF_AB}::test_no_paid_answer_is_wasted_whatever_the_batch",),
    ),
    Mutant(
        "answer-told-twice",
        Defect.WASTE,
        "an answer that is told again counts again",
        f"{STRATEGIES}/parts/answer_tree/branching.py",
        "if branch.told or branch.parent is None:",
        "if branch.parent is None:",
        (f"{OF_AB}::test_telling_again_changes_nothing_and_the_order_of_telling_does_not_matter",),
    ),
    Mutant(
        "walk-sorts-the-tree",
        Defect.WASTE,
        "a walk looks at other children than those along its path",
        f"{STRATEGIES}/parts/tree/vertex.py",
        "        levels.append(worth)\n",
        (
            "        levels.append(worth)\n        sorted(formula(vertex, child) for vertex in "
            "root.children for child in vertex.children)\n"
        ),
        ("strategies/test_mcts.py::test_a_walk_looks_at_the_children_along_its_path_only",),
    ),
)
