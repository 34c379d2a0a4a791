"""Mutants of votes and estimates, of what may know the right answer, and of who may reach a
network."""

from __future__ import annotations

from backend import problems
from backend.core.statistics import estimators
from backend.judging.selectors import best, path, perplexity, vote
from backend.runs import answer, control, driver, recorder
from backend.strategies import mcts
from tests import test_layers as layers
from tests.core.statistics import test_estimators as of_estimators
from tests.judging.selectors import test_perplexity as of_perplexity
from tests.judging.selectors import test_selectors as of_selectors
from tests.mutants.edit import Opening, TextSwap, swap
from tests.mutants.mutant import Case, Defect, Mutant
from tests.runs import test_answer as of_answer
from tests.runs import test_driver as of_driver

TRUTH = tuple(
    Case(of_driver.test_the_right_answer_changes_nothing_but_the_verdict, strategy)
    for strategy in ("best_of_n", "global_frontier")
)
HOLD_OF_THE_GRADER = f"from {problems.__name__} import {problems.grade.__name__}"

ANSWERS = (
    Mutant(
        "late-candidates-vote-twice",
        Defect.TWO_VOTES,
        "a candidate that a spent budget hands in again is added again",
        swap(answer.Candidates.finish, "[A for B in C if D]", "list(C)"),
        (of_answer.test_a_candidate_that_is_handed_in_again_does_not_vote_twice,),
    ),
    Mutant(
        "equal-texts-vote-twice",
        Defect.TWO_VOTES,
        "perplexity consistency counts a text as often as it was drawn",
        swap(perplexity.consistent, "set(A.values())", "set(range(len(weights)))"),
        (of_perplexity.test_consistency_adds_up_probabilities_of_distinct_texts,),
    ),
    Mutant(
        "unscored-candidate-is-zero",
        Defect.ZERO,
        "a candidate without a score is as good as one with the score 0",
        Opening(best.Best.add, "value = value or 0.0"),
        (of_selectors.test_best_takes_an_unscored_candidate_only_where_nothing_is_scored,),
    ),
    Mutant(
        "plug-in-coverage",
        Defect.ESTIMATES,
        "pass@k is 1 - (1 - c/N)^k",
        swap(estimators.pass_at_k, "1.0 - math.prod(A)", "1.0 - float(1.0 - right / n) ** k"),
        (of_estimators.test_pass_at_k_has_no_bias_where_the_plug_in_has,),
    ),
    Mutant(
        "first-of-equals-takes-all",
        Defect.ESTIMATES,
        "among equal scores of a pool the first takes the whole credit",
        swap(estimators.best_of_k, "A * math.fsum(B) / len(B)", "A * B[0]"),
        (of_estimators.test_best_of_k_shares_the_win_among_equal_scores,),
    ),
    Mutant(
        "blanks-not-drawn",
        Defect.ESTIMATES,
        "solutions without a readable answer are left out of the pool",
        swap(
            estimators.majority_at_k,
            "A = pool_size(B, C, D)",
            "A, C = pool_size(B, 0, D), 0",
            pool_size=estimators.pool_size,
        ),
        (of_estimators.test_unreadable_answers_are_drawn_and_never_win,),
    ),
    Mutant(
        "unreadable-answers-are-a-class",
        Defect.ESTIMATES,
        "solutions without a readable answer vote together",
        swap(vote.Vote._count, "A = B\nif A is None:\n    return", 'A = B or ""'),
        (of_selectors.test_candidates_without_an_answer_do_not_form_a_class,),
    ),
    Mutant(
        "length-counts-as-doubt",
        Defect.ESTIMATES,
        "the probability of a solution is not normalised for its length",
        swap(path.probability, "math.fsum(A) / B", "math.fsum(A)"),
        (of_perplexity.test_length_alone_changes_nothing,),
    ),
    Mutant(
        "stops-at-the-right-answer",
        Defect.TRUTH,
        "a run ends as soon as its answer is right",
        swap(
            driver.Driver._iterate,
            "await self.record(A)",
            "await self.record(A)\nif self._verdict.correct:\n    break",
            record=driver.Driver._record,
        ),
        TRUTH,
    ),
    Mutant(
        "keeps-the-right-answer",
        Defect.TRUTH,
        "an answer that is right is not given up for another",
        swap(
            driver.Driver._stand,
            "if A is None:\n    return",
            "if A is None or self._verdict.correct:\n    return",
        ),
        TRUTH,
    ),
    Mutant(
        "strategy-can-grade",
        Defect.TRUTH,
        "a strategy takes hold of the grader",
        Opening(mcts, HOLD_OF_THE_GRADER),
        (layers.test_what_searches_and_chooses_never_learns_the_right_answer,),
    ),
    Mutant(
        "rule-can-grade",
        Defect.TRUTH,
        "a final rule takes hold of the grader",
        Opening(best, HOLD_OF_THE_GRADER),
        (layers.test_what_searches_and_chooses_never_learns_the_right_answer,),
    ),
    Mutant(
        "recorder-can-upload",
        Defect.UPLOAD,
        "the recorder takes hold of an HTTP client",
        Opening(recorder, "import urllib.request"),
        (layers.test_only_the_named_modules_can_reach_a_network,),
    ),
    Mutant(
        "desk-can-connect",
        Defect.UPLOAD,
        "what every call passes takes hold of a connection",
        Opening(control.Control.gate, "self.dial = asyncio.open_connection"),
        (layers.test_only_the_named_modules_can_reach_a_network,),
    ),
    Mutant(
        "pages-tell-of-their-use",
        Defect.UPLOAD,
        "the pages send figures of use to the maker of their framework",
        TextSwap(".streamlit/config.toml", "gatherUsageStats = false", "gatherUsageStats = true"),
        (layers.test_no_part_tells_anybody_of_its_use,),
    ),
)
