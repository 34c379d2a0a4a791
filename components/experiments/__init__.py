"""Experiments, budget curves, analyses and the matrix."""
