"""The use cases behind routes, commands and tests: queue of runs, catalogue, why, experiments,
forks; `assembly` builds all of it."""
