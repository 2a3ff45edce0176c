# Everything one does with this repository. `make` alone lists the targets.
# Needs: GNU make and Python 3.11 (name another with PYTHON=...). Everything else lands in .venv.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PYTEST_ARGS ?=
UP_ARGS ?=
BENCH_ARGS ?=
SCENARIO ?= --help
SCENARIO_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install dev-up run-local test test-integration bench bench-scenarios notebooks lint clean lock
.DELETE_ON_ERROR:

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Set up .venv from requirements.lock (again only when the lock or pyproject.toml changed)

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 is needed, and '$(PYTHON)' is not it. Install it (Debian/Ubuntu: python3.11"; \
	  echo "and python3.11-venv) or name yours: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; \
	  exit 1; } >&2
# Without the mark an installation was cut off, and pip does not mend what it left half done.
	@test -e $@ -a -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV) || { \
	  echo "'$(PYTHON) -m venv' failed. On Debian/Ubuntu: apt-get install python3.11-venv" >&2; \
	  rm -rf $(VENV); exit 1; }
	@rm -f $@
	@echo "Setting up $(VENV) from requirements.lock: about a minute, 1.4 GB."
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The shell must outlive Ctrl-C, so that `up` gets to stop its children and make has nothing to report.
dev-up: $(INSTALLED) ## Everything on this machine, without sample traffic (Ctrl-C stops it)
	@trap : INT; $(BIN)/web-analytics up --no-sample $(UP_ARGS) || test $$? -eq 130

run-local: $(INSTALLED) ## Everything on this machine, with sample traffic (Ctrl-C stops it)
	@trap : INT; $(BIN)/web-analytics up $(UP_ARGS) || test $$? -eq 130

lint: $(INSTALLED) ## ruff, mypy, and every file in conf/ against its model
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@for file in $(filter-out conf/funnels.yaml conf/reports.yaml,$(wildcard conf/*.yaml)); do \
	  WEB_ANALYTICS_CONFIG=$$file $(BIN)/web-analytics config show >/dev/null || exit 1; \
	  echo "$$file: valid"; done

# Two workers: one run alone keeps little more than one core busy. Who runs what: tests/conftest.py.
test: lint ## lint, then the unit and end-to-end tests
	$(BIN)/pytest -n 2 --no-loadscope-reorder -m "not integration" $(PYTEST_ARGS)

test-integration: $(INSTALLED) ## Longer end-to-end and fault tests
	$(BIN)/pytest -m integration $(PYTEST_ARGS)

bench: $(INSTALLED) ## Throughput, freshness and latency of the whole chain (under 15 minutes; resumable)
	$(BIN)/python -m bench $(BENCH_ARGS)

bench-scenarios: $(INSTALLED) ## One longer run: SCENARIO=catch-up, steady, one-visitor, growth, uniques, clients or bombs
	$(BIN)/python -m bench.scenarios $(SCENARIO) $(SCENARIO_ARGS)

# JupyterLab has 90 packages that nothing else needs, so it is not in the lock.
notebooks: $(INSTALLED) ## Open the notebooks in a browser (fetches JupyterLab the first time: 180 MB)
	$(BIN)/uv pip install --quiet --python $(VENV) --constraint requirements.lock jupyterlab==4.6.6
	$(BIN)/jupyter lab notebooks

lock: $(INSTALLED) ## Resolve requirements.lock again from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra dev --generate-hashes --python-version 3.11 \
	  --no-header --quiet --output-file requirements.lock

clean: ## Remove caches and build outputs (leaves .venv, data/ and bench-data/)
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis spark-warehouse metastore_db derby.log
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
