# `make help` lists what there is. Every target sets up .venv by itself when it is needed.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
# On Linux without a GPU, PyTorch's CPU build is smaller: name its package index here.
TORCH_INDEX ?=
PIP_FLAGS = $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

BIN = .venv/bin
READY = .venv/.ready
PARTS = $(notdir $(wildcard parts/[0-9][0-9]))

.PHONY: help setup run run-cli run-api test test-all mutants clients fmt lint check sync notebooks clean
.DEFAULT_GOAL = help

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  make part-NN     Run the demo of a part: $(PARTS)"

setup: $(READY)  ## Make .venv with everything in it

$(READY): pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Ruvon needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up .venv (once; PyTorch is large, so this takes some minutes)"
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) \
	  -c constraints.txt -e ".[dev]"
	@$(BIN)/ruvon doctor > /dev/null 2>&1 || true # compiles the C kernels, where there is a compiler
	@touch $(READY)

run: $(READY)  ## Stream a story from the model that ships
	@$(BIN)/ruvon run "Once upon a time"

run-cli: $(READY)  ## Open a prompt where you can type beginnings
	@$(BIN)/ruvon run

run-api: $(READY)  ## Serve the model that ships, on http://127.0.0.1:8000
	@$(BIN)/ruvon serve

part-%: $(READY)
	@$(BIN)/python -m ruvon.course.run $*

test: $(READY)  ## The quick tests: what the stages must pass, at the newest stage
	$(BIN)/python -m pytest tests/parts -q

# One thread a process: the tests run side by side, and threads that wait for each other are slow.
test-all: $(READY) lint  ## Every test, and the lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests -q -n auto

# In an environment of their own: what they bring is large, and nobody else needs it.
clients: $(READY) .venv-clients/.ready  ## Clients of other projects against the server; ONLY=llm takes one
	@.venv-clients/bin/python tests/clients/run.py $(ONLY) --ruvon $(BIN)/ruvon

.venv-clients/.ready: tests/clients/requirements.txt
	@echo "Setting up .venv-clients (once; it takes some minutes and two gigabytes)"
	@test -x .venv-clients/bin/python || "$(PYTHON)" -m venv .venv-clients
	.venv-clients/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) \
	  -r tests/clients/requirements.txt
	@touch $@

mutants: $(READY)  ## Try every mutant of the exercises' solutions; test-all tries a spread of them
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/learn/test_exercises.py -q -n auto -k mutants --all-mutants

fmt: $(READY)  ## Format the code
	$(BIN)/ruff check --fix --quiet ruvon parts tests
	$(BIN)/ruff format --quiet ruvon parts tests

lint: $(READY)  ## Formatting, lint, types, and the order of the rooms
	$(BIN)/ruff format --check --quiet ruvon parts tests
	$(BIN)/ruff check --quiet ruvon parts tests
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

check: $(READY)  ## Hold the articles against the code and the results
	$(BIN)/ruvon course check

sync: $(READY)  ## Write code, output and figures into the articles again
	$(BIN)/ruvon course sync

notebooks: $(READY)  ## Execute the notebooks and keep their outputs
	$(BIN)/python -m ruvon.course.notebooks

clean:  ## Remove .venv and caches
	rm -rf .venv .venv-clients .ruvon-cache .mypy_cache .ruff_cache ruvon.egg-info build
