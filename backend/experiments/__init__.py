"""Experiments: problems x arms x budgets x repeats, carried out once, read many times."""
