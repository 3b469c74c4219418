# The commands of the project; `make help` lists them. Everything is installed into .venv from
# requirements/*.txt, which pin each package by its hashes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
RUN_STAMP := $(VENV)/.run-installed
DEV_STAMP := $(VENV)/.dev-installed
FUZZ_STAMP := $(VENV)/.fuzz-installed
SBOM_STAMP := $(VENV)/.sbom-installed
NODE_PEERS := tests/conformance/node
UV := $(BIN)/uv
COMPILE := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet --custom-compile-command "make lock"
SECONDS_OF = $(BIN)/python tools/budget.py
# How many tests run at a time.
JOBS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() or 1)')

# What of the server's tests depends on its store.
ON_POSTGRES := $(addprefix tests/server/test_,store.py rules.py sign_ins.py live.py http.py streams.py convergence.py outside_accounts.py loops.py tokens.py)

# Make itself sets AS, to the name of the assembler; only the user's counts.
ifeq ($(origin AS),default)
AS :=
endif

.PHONY: help demo test check e2e postgres nodes corpus suites screenshots bench bench-tui bench-ci chaos chaos-ci fuzz fuzz-ci sbom sim sim-ci crash crash-ci docs lock catalogues clean format

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

$(FUZZ_STAMP): requirements/fuzz.txt $(DEV_STAMP)
	$(PIP) install --quiet --require-hashes -r requirements/fuzz.txt
	touch $@

$(SBOM_STAMP): requirements/sbom.txt $(DEV_STAMP)
	$(PIP) install --quiet --require-hashes -r requirements/sbom.txt
	touch $@

demo: $(RUN_STAMP)  ## chat at once: server, room, bot and app on this machine (AS=name, DATA_DIR=folder)
	@$(BIN)/talkbot-tui demo $(if $(AS),--as "$(AS)") $(if $(DATA_DIR),--data-dir "$(DATA_DIR)")

test: $(DEV_STAMP) catalogues  ## the tests (at most 15 minutes; nine on two free cores)
	$(SECONDS_OF) test 900 -- $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

check: $(DEV_STAMP)  ## format, lint, types, layers, sizes (at most 3 minutes)
	$(SECONDS_OF) check 180 -- sh -ec '$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports && $(BIN)/python -m pytest tests/test_architecture.py'

e2e: $(DEV_STAMP) catalogues  ## the app in a real terminal against a real server; the screen layer (at most 6 minutes)
	$(SECONDS_OF) e2e 360 -- $(BIN)/python -m pytest -o addopts="-q --strict-markers --import-mode=importlib" -p no:cacheprovider -o timeout=240 tests/e2e

postgres: $(DEV_STAMP) catalogues  ## the server's tests on PostgreSQL, opening one and moving there (at most 4 minutes)
	$(SECONDS_OF) postgres 240 -- env TALKBOT_TEST_STORES=postgresql $(BIN)/python -m pytest -o addopts="-q --strict-markers --import-mode=importlib" -p no:cacheprovider -n $(JOBS) --dist loadfile tests/postgresql $(ON_POSTGRES)

nodes: $(DEV_STAMP) catalogues  ## several servers on one PostgreSQL: over Redis, without it, behind balancers (at most 4 minutes)
	$(SECONDS_OF) nodes 240 -- $(BIN)/python -m pytest -o addopts="-q --strict-markers --import-mode=importlib" -p no:cacheprovider -n 3 --dist loadgroup tests/nodes

corpus: $(DEV_STAMP) catalogues  ## every bad input of tests/corpus (at most 8 minutes)
	$(SECONDS_OF) corpus 480 -- $(BIN)/python -m pytest -o addopts="-q --strict-markers --import-mode=importlib" -p no:cacheprovider -o timeout=240 tests/corpus

$(NODE_PEERS)/node_modules/.package-lock.json: $(NODE_PEERS)/package.json $(NODE_PEERS)/package-lock.json
	cd $(NODE_PEERS) && npm ci --ignore-scripts --silent
	touch $@

suites: $(DEV_STAMP) catalogues $(NODE_PEERS)/node_modules/.package-lock.json  ## the protocols against us and against Node, the JavaScript and TypeScript clients (at most 4 minutes; needs Node and npm)
	$(SECONDS_OF) suites 240 -- $(BIN)/python -m pytest -o addopts="-q --strict-markers --import-mode=importlib" -p no:cacheprovider tests/conformance tests/peers

screenshots: $(DEV_STAMP) catalogues  ## draw screenshots/*.svg anew
	$(BIN)/python -m tests.ui.screenshots

bench: $(DEV_STAMP) bench-tui  ## measure against peers; writes bench/RESULTS.md and bench/TUI.md
	$(BIN)/python bench/run.py

bench-tui: $(DEV_STAMP) catalogues  ## the app beside WeeChat and irssi on one pty rig; writes bench/TUI.md (ONLY="start keys": less; DEEP=1: 100,000 messages)
	$(BIN)/python -m bench.tui $(if $(DEEP),--deep) $(if $(ONLY),--only $(ONLY))

bench-ci: $(DEV_STAMP) catalogues  ## a shorter bench that fails when a goal is missed by far (at most 12 minutes)
	$(SECONDS_OF) bench-ci 720 -- sh -ec '$(BIN)/python bench/run.py --ci; $(BIN)/python -m bench.tui --ci'

fuzz: $(FUZZ_STAMP) catalogues  ## fuzz with 100,000,000 executions, going on where the last run ended (a day)
	$(BIN)/python -m tests.fuzz --runs 100000000 --jobs 2 --seed 0 --keep .fuzz
	$(BIN)/python -m tests.fuzz.http --examples 5000

fuzz-ci: $(FUZZ_STAMP) catalogues  ## the same with 2,000,000, as far as the time goes (at most 5 minutes)
	$(SECONDS_OF) fuzz-ci 300 -- sh -ec '$(BIN)/python -m tests.fuzz --runs 2000000 --jobs 2 --seconds 225; $(BIN)/python -m tests.fuzz.http --examples 100'

sbom: $(SBOM_STAMP)  ## the bill of materials of what is installed to run, in dist/sbom.json
	$(BIN)/python tools/sbom.py

sim: $(DEV_STAMP)  ## simulate the core with 1,000,000 seeds (hours; FIRST=seed begins elsewhere)
	$(BIN)/python -m tests.sim --seeds 1000000 --first $(or $(FIRST),1) --jobs 2

sim-ci: $(DEV_STAMP)  ## the same with 10,000 (at most 12 minutes)
	$(SECONDS_OF) sim-ci 720 -- $(BIN)/python -m tests.sim --seeds 10000 --jobs 2

crash: $(DEV_STAMP)  ## kill client and server at 10,000 moments, cut the power at 1,000,000 (hours; needs strace; POINTS, IMAGES: fewer)
	$(BIN)/python -m tests.crash --points $(or $(POINTS),10000) --images $(or $(IMAGES),1000000)

crash-ci: $(DEV_STAMP)  ## the same at 120 and 20,000, and the bugs planted for it and for the server (at most 8 minutes)
	$(SECONDS_OF) crash-ci 480 -- sh -ec '$(BIN)/python -m tests.crash --points 120 --images 20000; $(BIN)/python -m pytest -o addopts="-q --strict-markers --import-mode=importlib" -p no:cacheprovider tests/planted/test_planted_crash.py tests/planted/test_planted_server.py'

chaos: $(DEV_STAMP)  ## real processes on a bad network: 1,500,000 messages acknowledged (half a day)
	$(BIN)/python -m tests.chaos --kinds all --seeds 50 --messages 300 --jobs 2

chaos-ci: $(DEV_STAMP)  ## the same with 30,000 (at most 15 minutes)
	$(SECONDS_OF) chaos-ci 900 -- $(BIN)/python -m tests.chaos --kinds all --seeds 3 --messages 105 --jobs 3

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
	$(COMPILE) pyproject.toml --extra postgres --extra redis -c requirements/dev.txt -o requirements/server.txt
	$(COMPILE) pyproject.toml --extra dev --extra fuzz -c requirements/dev.txt -o requirements/fuzz.txt
	$(COMPILE) pyproject.toml --extra dev --extra sbom -c requirements/dev.txt -c requirements/fuzz.txt -o requirements/sbom.txt

clean:  ## remove what was installed and made
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
