# Everything a person or a build server does here. Each target sets up what it needs.
SHELL := /bin/sh
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
PATHS := appliance tests tools bench

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench test-long test-faults test-vm lock check-wheels docs texts clean setup-run setup-test setup-faults

help: ## Show this list.
	@echo "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  %-13s %s\n' "$$name" "$$text"; done

run: setup-run ## Start a whole trial box here (ARGS=--lan: for the network too); prints its address and a one-time password.
	@exec $(BIN)/exambox run $(ARGS)

test: setup-test ## Run every test that is quick enough for each change (under 15 minutes on two cores; ARGS: only some of them).
	$(BIN)/python -m $(if $(ARGS),pytest,tests.support.lanes) -m "not faults and not vm and not long" $(ARGS)

test-long: setup-test ## Run the browser journeys that take longest; the build server runs them too.
	$(PYTEST) -m long $(ARGS)

lint: setup-test ## Check style, types, layers and shell scripts; changes nothing.
	$(BIN)/ruff format --check $(wildcard $(PATHS))
	$(BIN)/ruff check $(wildcard $(PATHS))
	$(BIN)/mypy
	$(BIN)/lint-imports
	@for script in scripts/* .ci/run; do head -n 1 "$$script" | grep -q bash && bash -n "$$script" || sh -n "$$script" || exit 1; done

format: setup-test ## Put the code into the house style.
	$(BIN)/ruff format $(wildcard $(PATHS))
	$(BIN)/ruff check --fix $(wildcard $(PATHS))

bench: setup-test ## Measure cost, write build/bench.json.
	$(BIN)/python -m bench $(ARGS)

test-faults: setup-faults ## Kill, fill, stall and lie: the slow failure tests. Counts are printed.
	$(PYTEST) -m faults --timeout=3600 -s $(ARGS)

test-vm: setup-faults ## Boot the box under real systemd, plug USB devices into an emulated machine (root; fetches a Debian tree).
	$(PYTEST) -m vm --timeout=1800 -s $(ARGS)

texts: setup-test ## Bring the catalogues of translated texts up to the code; says what is not translated.
	$(BIN)/python -m tools.make_texts $(ARGS)

docs: setup-test ## Write the documents that are generated from the code.
	$(BIN)/python tools/make_command_docs.py

lock: ## Write requirements/*.lock anew from pyproject.toml (needs uv; ARGS=--upgrade takes newer versions).
	scripts/lock $(ARGS)

check-wheels: ## Check that every locked package has a wheel for x86-64 and aarch64, Python 3.11 to 3.13 (needs uv).
	scripts/check-wheels

clean: ## Remove what can be made again; a trial box's recordings are not here and stay.
	rm -rf build dist .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup-run:
	@scripts/setup run

setup-test:
	@scripts/setup test

setup-faults:
	@scripts/setup faults
