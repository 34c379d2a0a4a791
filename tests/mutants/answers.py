"""Mutants of votes and estimates, of what may know the right answer, and of who may reach a
network."""

from __future__ import annotations

from tests.mutants.mutant import Defect, Mutant

ESTIMATORS, OF_ESTIMATORS, OF_SELECTORS = (
    "backend/core/statistics/estimators.py",
    "core/statistics/test_estimators.py",
    "judging/selectors/test_selectors.py",
)
RUNNER, STANDING, TRACE = (
    "backend/runs/driver.py",
    "backend/runs/answer.py",
    "backend/core/records.py",
)
TRUTH = "runs/test_driver.py::test_the_right_answer_changes_nothing_but_the_verdict"
OUTWARD = "test_layers.py::test_only_the_named_modules_can_reach_a_network"

ANSWERS = (
    Mutant(
        "late-candidates-vote-twice",
        Defect.TWO_VOTES,
        "a candidate that a spent budget hands in again is added again",
        STANDING,
        "return self._add([(node, value) for node, value in extra if node not in self._reported])",
        "return self._add(list(extra))",
        ("runs/test_answer.py::test_a_candidate_that_is_handed_in_again_does_not_vote_twice",),
    ),
    Mutant(
        "equal-texts-vote-twice",
        Defect.TWO_VOTES,
        "perplexity consistency counts a text as often as it was drawn",
        "backend/judging/selectors/perplexity.py",
        "voters = set(voter.values())",
        "voters = set(range(len(weights)))",
        (
            "judging/selectors/test_perplexity.py::test_consistency_adds_up_probabilities_of_distinct_texts",
        ),
    ),
    Mutant(
        "unscored-candidate-is-zero",
        Defect.ZERO,
        "a candidate without a score is as good as one with the score 0",
        "backend/judging/selectors/best.py",
        "        if value == self._top:",
        "        value = value or 0.0\n        if value == self._top:",
        (f"{OF_SELECTORS}::test_best_takes_an_unscored_candidate_only_where_nothing_is_scored",),
    ),
    Mutant(
        "plug-in-coverage",
        Defect.ESTIMATES,
        "pass@k is 1 - (1 - c/N)^k",
        ESTIMATORS,
        "return 1.0 - math.prod(1.0 - k / i for i in range(n - right + 1, n + 1))",
        "return 1.0 - float(1.0 - right / n) ** k",
        (f"{OF_ESTIMATORS}::test_pass_at_k_has_no_bias_where_the_plug_in_has",),
    ),
    Mutant(
        "first-of-equals-takes-all",
        Defect.ESTIMATES,
        "among equal scores of a pool the first takes the whole credit",
        ESTIMATORS,
        "math.fsum(worth) / len(worth)",
        "worth[0]",
        (f"{OF_ESTIMATORS}::test_best_of_k_shares_the_win_among_equal_scores",),
    ),
    Mutant(
        "blanks-not-drawn",
        Defect.ESTIMATES,
        "solutions without a readable answer are left out of the pool",
        ESTIMATORS,
        "n = pool_size([*right, *wrong], blank, k)\n    classes",
        "n, blank = pool_size([*right, *wrong], 0, k), 0\n    classes",
        (f"{OF_ESTIMATORS}::test_unreadable_answers_are_drawn_and_never_win",),
    ),
    Mutant(
        "unreadable-answers-are-a-class",
        Defect.ESTIMATES,
        "solutions without a readable answer vote together",
        "backend/judging/selectors/vote.py",
        (
            "        name = self._classes.of(ballot.answer)\n        if name is None:\n        "
            "    return\n"
        ),
        '        name = self._classes.of(ballot.answer) or ""\n',
        (f"{OF_SELECTORS}::test_candidates_without_an_answer_do_not_form_a_class",),
    ),
    Mutant(
        "length-counts-as-doubt",
        Defect.ESTIMATES,
        "the probability of a solution is not normalised for its length",
        "backend/judging/selectors/path.py",
        "math.fsum(map(math.fsum, logprobs)) / count)",
        "math.fsum(map(math.fsum, logprobs)))",
        ("judging/selectors/test_perplexity.py::test_length_alone_changes_nothing",),
    ),
    Mutant(
        "stops-at-the-right-answer",
        Defect.TRUTH,
        "a run ends as soon as its answer is right",
        RUNNER,
        "                await self._record(step)\n",
        (
            "                await self._record(step)\n                if "
            "self._verdict.correct:\n                    break\n"
        ),
        (f"{TRUTH}[best_of_n]", f"{TRUTH}[global_frontier]"),
    ),
    Mutant(
        "keeps-the-right-answer",
        Defect.TRUTH,
        "an answer that is right is not given up for another",
        RUNNER,
        "        if standing is None:\n            return\n",
        "        if standing is None or self._verdict.correct:\n            return\n",
        (f"{TRUTH}[best_of_n]", f"{TRUTH}[global_frontier]"),
    ),
    Mutant(
        "strategy-can-grade",
        Defect.TRUTH,
        "a strategy takes hold of the grader",
        "backend/strategies/mcts.py",
        "from backend.core.ports import Policy, Rng, Verifier\n",
        (
            "from backend.core.ports import Policy, Rng, Verifier\nfrom backend.problems "
            "import grade  # noqa: F401\n"
        ),
        ("test_layers.py::test_what_searches_and_chooses_never_learns_the_right_answer",),
    ),
    Mutant(
        "rule-can-grade",
        Defect.TRUTH,
        "a final rule takes hold of all that is known of problems",
        "backend/judging/selectors/best.py",
        "from backend.core.ports import Classes, Decision\n",
        (
            "from backend import problems  # noqa: F401\nfrom backend.core.ports import "
            "Classes, Decision\n"
        ),
        ("test_layers.py::test_what_searches_and_chooses_never_learns_the_right_answer",),
    ),
    Mutant(
        "recorder-can-upload",
        Defect.UPLOAD,
        "the recorder takes hold of an HTTP client",
        "backend/runs/recorder.py",
        "import time\n",
        "import time\nimport urllib.request\n",
        (OUTWARD,),
    ),
    Mutant(
        "desk-can-connect",
        Defect.UPLOAD,
        "what every call passes takes hold of a connection",
        "backend/runs/control.py",
        "        self.arrived()\n",
        "        self.arrived()\n        self.dial = asyncio.open_connection\n",
        (OUTWARD,),
    ),
    Mutant(
        "pages-tell-of-their-use",
        Defect.UPLOAD,
        "the pages send figures of use to the maker of their framework",
        ".streamlit/config.toml",
        "gatherUsageStats = false",
        "gatherUsageStats = true",
        ("test_layers.py::test_no_part_tells_anybody_of_its_use",),
    ),
)
