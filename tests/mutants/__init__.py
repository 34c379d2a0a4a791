"""Our own code with known defects put into it, one at a time: each has to make the tests fail that
are named for it.

`mutant` says what a mutant is, `table` lists them, `workshop` tries one on a copy of the project.
`python -m tests.mutants` writes `docs/mutants.md`.
"""
