# `make` alone lists the commands.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
SET_UP := .venv/.set-up
SERVERS := .venv/.set-up-servers
# Processes that run tests at once; a file stays in one, so that it builds its lakes once.
JOBS ?= 2
PARALLEL := -n $(JOBS) --dist loadfile
# Further options for pytest, such as ARGS="tests/storage -k lock".
ARGS ?=

NOTEBOOKS = $(wildcard notebooks/*.ipynb dashboards/*.ipynb)
STRIPPED = --keep-id --extra-keys "metadata.papermill cell.metadata.papermill"

.PHONY: help
help:  ## show this list
	@awk 'BEGIN { FS = ":.*  ## "; print "\n  dmp: people data, from notebooks\n" } \
	    /^[a-z-]+:.*  ## / { printf "  \033[36mmake %-14s\033[0m %s\n", $$1, $$2 } \
	    END { print "" }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(SET_UP)  ## make .venv with everything that requirements.lock pins

.PHONY: demo
demo: setup  ## the whole tour on synthetic people: load, resolve, segment, export
	@$(BIN)/dmp demo

.PHONY: dashboards
dashboards: setup  ## open the pages for stakeholders
	@$(BIN)/dmp dashboards

.PHONY: lab
lab: setup  ## open the notebooks in JupyterLab
	@$(BIN)/dmp lab

.PHONY: test
test: setup  ## run the tests that need no server and are not slow
	@scripts/install-system-packages
	@$(BIN)/pytest $(PARALLEL) -m "not servers and not slow" $(ARGS)

.PHONY: test-servers
test-servers: $(SERVERS)  ## run the tests against real servers, and the slow ones
	@scripts/install-system-packages servers
	@$(BIN)/pytest $(PARALLEL) -m "servers or slow" $(ARGS)

$(SERVERS): $(SET_UP) requirements-servers.lock
	@$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements-servers.lock
	@touch $@

.PHONY: coverage
coverage: setup  ## run the tests and show by package what they reach
	@mkdir -p build
	@$(BIN)/pytest -q $(PARALLEL) -m "not servers" --cov --cov-report= $(ARGS)
	@$(BIN)/coverage json --quiet -o build/coverage.json
	@$(BIN)/python scripts/coverage-by-package build/coverage.json

CHECKS := check-format check-lint check-types check-layers check-notebooks check-docs

.PHONY: check $(CHECKS)
check: setup  ## formatting, lint, types, layers, notebooks, generated docs
	@$(MAKE) --keep-going $(CHECKS)

check-format:
	$(BIN)/ruff format --check
check-lint:
	$(BIN)/ruff check
check-types:
	$(BIN)/mypy
check-layers:
	$(BIN)/lint-imports --no-logo
check-notebooks:
	$(if $(NOTEBOOKS),$(BIN)/nbstripout --verify $(STRIPPED) $(NOTEBOOKS))
check-docs:
	$(BIN)/python scripts/generate-docs --check

.PHONY: format
format: setup  ## put code and notebooks into their committed form
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	$(if $(NOTEBOOKS),$(BIN)/nbstripout $(STRIPPED) $(NOTEBOOKS))

.PHONY: docs
docs: setup  ## write the pages of docs/ that are made from code anew
	@$(BIN)/python scripts/generate-docs

# Tests that drive a browser take the pictures; some stand in the documentation.
.PHONY: screenshots
screenshots: setup  ## take the pictures in docs/images anew
	@DMP_SHOTS=build/screenshots $(BIN)/pytest -q -m "browser" tests/e2e
	@scripts/take-screenshots build/screenshots docs/images

.PHONY: site
site: setup  ## build the documentation site into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "build/site/index.html"

.PHONY: benchmark
benchmark: setup  ## measure the claims about speed and accuracy
	@for script in benchmarks/*.py; do echo; echo "# $$script"; $(BIN)/python $$script; done

# How long `make fuzz` looks in all, and at which parsers of fuzz/parsers.py.
SECONDS ?= 600
PARSER ?= $(shell $(BIN)/python -c "from fuzz.parsers import PARSERS; print(*PARSERS)")

.PHONY: fuzz
fuzz: setup  ## look for input that breaks a parser: SECONDS=600 PARSER=csv_rows
	@for parser in $(PARSER); do \
	    $(BIN)/python -m fuzz $$parser --seconds $$(($(SECONDS) / $(words $(PARSER)))); \
	done

.PHONY: lock
lock: setup  ## pin the newest versions that pyproject.toml allows
	@CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --upgrade \
	    --extra test --extra dev --extra fuzz --extra api --extra alerts --extra docs \
	    --generate-hashes --allow-unsafe --strip-extras \
	    --output-file requirements.lock pyproject.toml
	@scripts/server-requirements | CUSTOM_COMPILE_COMMAND="make lock" \
	    $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe \
	    --strip-extras --no-annotate --constraint requirements.lock \
	    --output-file requirements-servers.lock -
	@# The locks say versions; where they come from is each machine's own business.
	@sed -i '/^-/,/^$$/d' requirements.lock requirements-servers.lock

.PHONY: clean
clean:  ## remove .venv and caches; data stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .fuzz
	rm -rf build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(SET_UP): requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(BIN)/python:
	@for python in python3.11 python3; do \
	    if $$python -c 'import ensurepip, sys; sys.exit(sys.version_info[:2] != (3, 11))' \
	        2>/dev/null; then exec $$python -m venv .venv; fi; \
	done; \
	echo "dmp needs Python 3.11 with venv, which this machine lacks." >&2; \
	echo "On Debian or Ubuntu: apt-get install python3.11 python3.11-venv" >&2; \
	echo "With conda: conda env create -f environment.yml" >&2; \
	exit 1
