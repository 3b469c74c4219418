# The commands of the project; `make help` lists them. Everything is installed into .venv from
# requirements/*.txt, which pin each package by its hashes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
RUN_STAMP := $(VENV)/.run-installed
DEV_STAMP := $(VENV)/.dev-installed
UV := $(BIN)/uv
COMPILE := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet --custom-compile-command "make lock"
SECONDS_OF = $(BIN)/python tools/budget.py

# Make itself sets AS, to the name of the assembler; only the user's counts.
ifeq ($(origin AS),default)
AS :=
endif

.PHONY: help demo test check e2e screenshots bench bench-ci docs lock catalogues clean format

help:  ## list the commands
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/ -/'

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "talkbot-tui needs Python 3.11 or later; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements/run.txt requirements/build.txt pyproject.toml hatch_build.py | $(BIN)/python
	$(PIP) install --quiet --require-hashes -r requirements/run.txt -r requirements/build.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(DEV_STAMP): requirements/dev.txt $(RUN_STAMP)
	$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	touch $@

demo: $(RUN_STAMP)  ## chat at once: server, room, bot and app on this machine (AS=name, DATA_DIR=folder)
	@$(BIN)/talkbot-tui demo $(if $(AS),--as "$(AS)") $(if $(DATA_DIR),--data-dir "$(DATA_DIR)")

test: $(DEV_STAMP) catalogues  ## the tests (at most 10 minutes)
	$(SECONDS_OF) test 600 -- $(BIN)/python -m pytest

check: $(DEV_STAMP)  ## format, lint, types, layers, sizes (at most 3 minutes)
	$(SECONDS_OF) check 180 -- sh -ec '$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports && $(BIN)/python -m pytest tests/test_architecture.py'

e2e: $(DEV_STAMP) catalogues  ## the app in a real terminal against a real server (at most 6 minutes)
	$(SECONDS_OF) e2e 360 -- $(BIN)/python -m pytest -o addopts="-q --strict-markers --import-mode=importlib" -p no:cacheprovider -o timeout=240 tests/e2e

screenshots: $(DEV_STAMP) catalogues  ## draw screenshots/*.svg anew
	$(BIN)/python -m tests.ui.screenshots

bench: $(DEV_STAMP)  ## measure against peers; writes bench/RESULTS.md
	$(BIN)/python bench/run.py

bench-ci: $(DEV_STAMP) catalogues  ## a shorter bench that fails when a goal is missed by far (at most 12 minutes)
	$(SECONDS_OF) bench-ci 720 -- $(BIN)/python bench/run.py --ci

docs: $(DEV_STAMP)  ## write the generated documents
	$(BIN)/python tools/generate_docs.py

catalogues: $(DEV_STAMP)
	@$(BIN)/python tools/catalogues.py compile

format: $(DEV_STAMP)  ## format and mend what can be mended by a machine
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

lock: $(DEV_STAMP)  ## pin every dependency anew
	$(MAKE) -s lock-with

lock-with:
	$(COMPILE) pyproject.toml -o requirements/run.txt
	$(COMPILE) requirements/build.in -c requirements/run.txt -o requirements/build.txt
	$(COMPILE) pyproject.toml --extra dev --extra postgres --extra redis -c requirements/run.txt -o requirements/dev.txt

clean:  ## remove what was installed and made
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
