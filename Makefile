# The habits of this project. `make` lists them.
VENV ?= .venv
PORT ?= 8050
REQUESTS ?= 120000
# More than two processors: half of the time tests wait for a server, a browser or a killed process.
JOBS ?= 3
PYTEST_ARGS ?=
UV := uv==0.13.9

BIN := $(VENV)/bin
OLD_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$python -c '$(OLD_ENOUGH)' 2>/dev/null && echo $$python && break; done)
# -qq: pip says errors only. Where packages come from is the machine's pip configuration.
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)
NOT_SERVED := not store and not browser and not bench

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo install install-test test lint types unit store browser bench lock wheel clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: install ## build a made-up city and serve its portal (PORT=8050 REQUESTS=120000)
	@$(BIN)/openward demo --serve --port $(PORT) --requests $(REQUESTS)

install: $(VENV)/.runtime $(VENV)/.project ## make VENV (.venv) with what a server needs

install-test: $(VENV)/.test $(VENV)/.project tests/vendor/manifest.json ## the same and the tools of the tests

test: lint types ## everything: lint, types, and all tests on SQLite, PostGIS and in Chromium
	@tests/services.sh postgis chromium r -- $(PYTEST) -m "not bench"

lint: install-test ## style, formatting, import rules, YAML, Dockerfile, Compose file
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --check .; exit 1; }
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports
	@$(BIN)/yamllint --strict $$(git ls-files -co --exclude-standard '*.yaml' '*.yml')
	@$(BIN)/hadolint docker/Dockerfile
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker/compose.yaml

types: install-test ## mypy --strict
	@$(BIN)/mypy

unit: install-test ## tests that need no server and no browser
	@$(PYTEST) -m "$(NOT_SERVED)"

store: install-test ## tests of the record store, on SQLite and on PostGIS
	@tests/services.sh postgis -- $(PYTEST) -m store

browser: install-test ## tests in a real Chromium
	@tests/services.sh chromium -- $(PYTEST) -m "browser and not store"

bench: install-test ## measure; alone on the machine, please
	@$(BIN)/python -m pytest -m bench $(PYTEST_ARGS)

lock: ## resolve the dependencies anew, with hashes, for all platforms
	@test -x build/lock/bin/python || $(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip install -qq --disable-pip-version-check $(UV)
	@$(call resolve,requirements.lock,)
	@$(call resolve,requirements-test.lock,--extra test --constraint requirements.lock)

# No header, no annotations, no index: nothing of this machine gets into the file.
define resolve
build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links $(2) pyproject.toml -o build/$(1) && \
{ echo '# Made by "make lock"; edit pyproject.toml instead.'; cat build/$(1); } > $(1) && \
echo "$(1): $$(grep -c '^[a-z]' $(1)) packages"
endef

wheel: $(BIN)/pip ## build dist/openward-*.whl, JavaScript parts included
	@$(BIN)/python -m pip wheel -qq --disable-pip-version-check --no-deps --wheel-dir dist .
	@ls dist/*.whl

clean: ## remove what is generated, except the environment and var/
	@rm -rf build dist assets/vendor tests/vendor $(VENV)/.project .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -path './$(VENV)' -prune -o -path ./.git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# --- stamps: what is up to date is not done again ------------------------------

$(BIN)/pip:
	@$(PYTHON) -c '$(OLD_ENOUGH)' 2>/dev/null || { echo "openward needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null || { echo "openward needs Python's venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.runtime: requirements.lock | $(BIN)/pip
	@echo "Installing the packages of requirements.lock into $(VENV) (about half a minute, once) …"
	@$(PIP) --require-hashes -r requirements.lock
	@touch $@

# The test lock holds the runtime lock's versions, so it stands for both.
$(VENV)/.test: requirements-test.lock requirements.lock | $(BIN)/pip
	@echo "Installing the packages of requirements-test.lock into $(VENV) (about a minute, once) …"
	@$(PIP) --require-hashes -r requirements-test.lock
	@touch $@ $(VENV)/.runtime

# Editable, so that a changed source file needs no new install.
$(VENV)/.project: pyproject.toml hatch_build.py assets/package-lock.json | $(BIN)/pip
	@$(PIP) --no-deps -e .
	@touch $@

tests/vendor/manifest.json: assets/package-lock.json hatch_build.py | $(VENV)/.test
	@command -v npm >/dev/null || $(PIP) "$$($(BIN)/python -c 'import hatch_build; print(hatch_build.NODE_WHEEL)')"
	@$(BIN)/python hatch_build.py tests
	@touch $@
