"""Trees that are searched: vertices, formulas of choice, values of leaves, backups, the
frontier.
"""
