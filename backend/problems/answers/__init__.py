"""Answers read as values of a type, and compared."""
