"""Rules that choose one node among finished candidates. Importing this package registers all of
them."""

from backend.judging.selectors.best import Best
from backend.judging.selectors.credit import expected_credit
from backend.judging.selectors.length import First, LengthWeighted, Shortest, ShortestVote
from backend.judging.selectors.majority import Majority
from backend.judging.selectors.markers import MarkerVote
from backend.judging.selectors.perplexity import Perplexity, PerplexityConsistency, Rpc
from backend.judging.selectors.vote import AnswerClass, Vote
from backend.judging.selectors.weighted import MeanScore, Softmax, Weighted
from backend.problems.exact import canonical

__all__ = [
    "AnswerClass",
    "Best",
    "First",
    "LengthWeighted",
    "Majority",
    "MarkerVote",
    "MeanScore",
    "Perplexity",
    "PerplexityConsistency",
    "Rpc",
    "Shortest",
    "ShortestVote",
    "Softmax",
    "Vote",
    "Weighted",
    "canonical",
    "expected_credit",
]
