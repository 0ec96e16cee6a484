# Every target sets up what it needs in .venv; nothing else has to be installed beforehand but Python 3.11+, git and make.
PYTHON ?= python3
VENV ?= .venv
DOCS_VENV := .venv-docs
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help scan test lint bench docs lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

scan: $(VENV)/.engines ## audit fixtures/sp404mk2 with every engine (shows, does not gate: always ends with 0)
	@$(BIN)/sp404audit scan fixtures/sp404mk2 || echo "(sp404audit ended with exit code $$?; make scan shows and does not gate)"

test: $(VENV)/.development ## run the tests
	@$(BIN)/python -m pytest -q -n auto --dist loadgroup $(ARGS)

lint: $(VENV)/.development ## ruff, mypy --strict, import layering
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.engines ## measure speed beside the peers (installs them into their own environment)
	@$(BIN)/python -m bench $(ARGS)

docs: site ## write the generated pages, and build the site into build/site

# The pages are written before the site is built, also with -j.
.PHONY: pages site
pages: $(VENV)/.development
	@$(BIN)/python -m docs

site: pages $(DOCS_VENV)/.ready
	@NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/mkdocs build --clean

LOCK := $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock"

lock: $(VENV)/bin/python ## lock what the GitHub Action and a release install (requirements/)
	@$(PIP) install uv
	@$(LOCK) --upgrade pyproject.toml --output-file requirements/action.txt
	@$(LOCK) --upgrade --extra engines pyproject.toml --output-file requirements/engines.txt
	@$(LOCK) --upgrade requirements/release.in --output-file requirements/release.txt

clean: ## remove what the other targets made
	rm -rf $(VENV) $(DOCS_VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build

# pip knows dependency groups from 25.1 on.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "sp404audit needs Python 3.11 or newer; say which: make PYTHON=python3.12 …")'
	@echo "setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade 'pip>=25.1'

# checkov pins packages that the test group wants newer: what is in the environment is always resolved as one set.
$(VENV)/.development: $(VENV)/bin/python pyproject.toml
	@if [ -e $(VENV)/.engines ]; then extra='[engines]'; fi; $(PIP) install --editable ".$$extra" --group test --group lint
	@touch $@

$(VENV)/.engines: $(VENV)/bin/python pyproject.toml
	@$(PIP) install --editable '.[engines]' --group test --group lint
	@touch $(VENV)/.development $@

# The site's builder has an environment of its own: it needs nothing of ours, and checkov's pins need nothing of its.
$(DOCS_VENV)/.ready: pyproject.toml
	@$(PYTHON) -m venv $(DOCS_VENV)
	@$(DOCS_VENV)/bin/python -m pip --disable-pip-version-check --quiet install --upgrade 'pip>=25.1'
	@$(DOCS_VENV)/bin/python -m pip --disable-pip-version-check --quiet install --group docs
	@touch $@
