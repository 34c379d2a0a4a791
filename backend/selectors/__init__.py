"""Rules that choose one node among finished candidates. Importing this package registers all of them."""

from backend.problems.exact import canonical
from backend.selectors.best import Best
from backend.selectors.credit import expected_credit
from backend.selectors.length import First, LengthWeighted, Shortest, ShortestVote
from backend.selectors.majority import Majority
from backend.selectors.markers import MarkerVote
from backend.selectors.perplexity import Perplexity, PerplexityConsistency, Rpc
from backend.selectors.vote import AnswerClass, Vote
from backend.selectors.weighted import MeanScore, Softmax, Weighted

__all__ = [
    "AnswerClass", "Best", "First", "LengthWeighted", "Majority", "MarkerVote", "MeanScore", "Perplexity", "PerplexityConsistency", "Rpc",
    "Shortest", "ShortestVote", "Softmax", "Vote", "Weighted", "canonical", "expected_credit",
]  # fmt: skip
