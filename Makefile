# Veilmart. `make help` lists the targets. ARGS passes options on: make demo ARGS=--once
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
# An empty value keeps bytecode, whatever a machine is set to: many processes begin, and each would compile everything.
export PYTHONDONTWRITEBYTECODE :=
.PHONY: help demo test long faults hammer lint format bench latency verify.pyz lock clean

help: ## list the targets
	@grep -hE '^[a-z.]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z.]+):[^#]*## ?/\1\t/' | expand -t 12

demo: $(VENV)/.run ## score the 6,656 applicants under encryption (ARGS=--once, --dir DIR, --help)
	@$(BIN)/veilmart demo $(ARGS)

test: $(VENV)/.dev ## run the tests, import rules included, in two processes
	@$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

long: $(VENV)/.dev ## run the tests that take long: whole markets of real processes, killed and cut off
	@$(BIN)/pytest -n 2 --dist loadfile -m long $(ARGS)

faults: $(VENV)/.dev ## kill processes and fail their disks at every call that writes (needs strace; ARGS='--every 5')
	@$(BIN)/pytest -m faults tests/faults $(ARGS)

hammer: $(VENV)/.dev ## kill a marketplace's processes for 5 minutes while others write and read (ARGS='--seconds 20')
	@$(BIN)/python tests/hammer/kill_loop.py $(ARGS)

lint: $(VENV)/.dev ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(VENV)/.dev ## rewrite the code in the house format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.bench ## time the engine against phe, HEU and its floor, joint statistics, the log, the catalog (60 minutes; let nothing else run; ARGS=--search)
	@$(BIN)/python benchmarks/run.py $(ARGS)

latency: $(VENV)/.dev ## time one subject's score in a market of real processes
	@$(BIN)/python benchmarks/one_subject.py $(ARGS)

verify.pyz: $(VENV)/.run ## make the stand-alone verifier; the same sources give the same bytes
	@$(BIN)/veilmart audit verifier --out $@

lock: ## solve the dependencies anew (needs uv)
	uv pip compile pyproject.toml --all-extras --group dev -o requirements/dev.lock $(LOCK)
	uv pip compile pyproject.toml requirements/build.in --extra node --extra marketplace -c requirements/dev.lock -o requirements/run.lock $(LOCK)
	uv pip compile pyproject.toml --all-extras --group dev --group bench -c requirements/dev.lock -o requirements/bench.lock $(LOCK) --prerelease allow
LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --quiet \
	--custom-compile-command 'make lock'

clean: ## remove the virtual environment and the demo's files
	rm -rf $(VENV) var

# The lock files carry a hash for every file, so the install fails on anything that was not reviewed.
$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'Veilmart needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 demo' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment: install python3-venv" >&2; exit 1; }

INSTALL = echo 'installing $(1)' && $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $(1) \
	&& $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . && touch $@

$(VENV)/.run: $(VENV)/pyvenv.cfg requirements/run.lock pyproject.toml
	@$(call INSTALL,requirements/run.lock)

$(VENV)/.dev: $(VENV)/.run requirements/dev.lock
	@$(call INSTALL,requirements/dev.lock)

$(VENV)/.bench: $(VENV)/.dev requirements/bench.lock
	@$(call INSTALL,requirements/bench.lock)
