"""Rules that choose one node among finished candidates. Importing this package registers all of them."""

from backend.selectors.answers import AnswerClass, Vote, canonical
from backend.selectors.best import Best
from backend.selectors.majority import Majority
from backend.selectors.weighted import Weighted

__all__ = ["AnswerClass", "Best", "Majority", "Vote", "Weighted", "canonical"]
