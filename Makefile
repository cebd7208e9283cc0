# Everything a developer does here. `make` alone prints the list.

BIN := .venv/bin
STAMP := .venv/.installed

# The first Python that is new enough; say PYTHON=/path/to/python3 to choose another.
PYTHON ?= $(shell for python in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

# Checks run side by side; where make can, it keeps the output of each together.
OUTPUT_SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header

.DEFAULT_GOAL := help
.PHONY: help setup demo run test check format bench soak mutation lock schemas clean format-check lint types imports unit

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1@\2/p' $(MAKEFILE_LIST) | awk -F@ '{ printf "%-16s%s\n", $$1, $$2 }'

setup: $(STAMP) ## Set up .venv as the lock file says; does nothing when that is done
	@:

demo: setup ## Record a short scripted meeting and show the files
	@$(BIN)/onrecord demo

run: setup ## Run the whole system on http://127.0.0.1:8080
	@$(BIN)/onrecord up

test: setup ## Run all tests, with real PostgreSQL, RabbitMQ and ffmpeg
	$(BIN)/pytest -n logical --dist worksteal $(ARGS)

check: setup ## Format, lint, types, import rules and unit tests
	@$(MAKE) --no-print-directory --keep-going -j2 $(OUTPUT_SYNC) types unit lint format-check imports

format: setup ## Format the code and mend what the linter can
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: setup ## Measure, with real PostgreSQL and RabbitMQ, and print the tables; ARGS=--quick measures less
	@$(BIN)/python -m tests.bench $(ARGS)

soak: setup ## Look for skipped events among ten million appends; about half an hour
	$(BIN)/python -m tests.soak $(ARGS)

mutation: setup ## Change the rules in thousands of ways, and see that tests notice; an hour or two
	$(BIN)/python -m tests.mutation $(ARGS)

lock: ## Write the lock files anew, by uv; ARGS=--upgrade takes newer versions
	$(COMPILE) $(ARGS) pyproject.toml -o requirements.lock
	$(COMPILE) $(ARGS) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

schemas: setup ## Write the JSON schemas and AsyncAPI documents of all messages anew
	@$(BIN)/python -m shared.documents.schemas
	@$(BIN)/python -m shared.documents.bus
	@$(BIN)/python -m services.gateway.signaling.asyncapi

clean: ## Remove .venv and everything else that was made here
	rm -rf .venv .cache mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

types: setup
	$(BIN)/mypy

unit: setup
	$(BIN)/pytest --quiet -n logical --dist worksteal tests/unit

lint: setup
	$(BIN)/ruff check --output-format concise .

format-check: setup
	$(BIN)/ruff format --check --output-format concise .

imports: setup
	$(BIN)/lint-imports --no-logo

# uv where it is at hand, else pip. The project itself is a link to this directory, built by the locked hatchling.
$(STAMP): requirements-dev.lock pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "No Python 3.11 or newer here; say where it is: make setup PYTHON=/path/to/python3"; exit 1; }
	@if command -v uv >/dev/null; then $(WITH_UV); else $(WITH_PIP); fi
	@touch $@

define WITH_UV
set -e; \
	echo "Setting up .venv with $(PYTHON) and uv …"; \
	uv venv --quiet --allow-existing --python $(PYTHON) .venv; \
	uv pip sync --quiet --python $(BIN)/python --require-hashes requirements-dev.lock; \
	uv pip install --quiet --python $(BIN)/python --offline --no-deps --no-build-isolation --editable .
endef

define WITH_PIP
set -e; \
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(INSTALL_VENV); }; \
	echo "Setting up .venv with $(PYTHON) and pip …"; \
	$(PYTHON) -m venv .venv; \
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock; \
	$(BIN)/python -m pip install --quiet --no-index --no-deps --no-build-isolation --editable .
endef

# Debian and Ubuntu ship Python without what makes a virtual environment.
define INSTALL_VENV
	package="python$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"; \
	[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		|| { echo "$(PYTHON) cannot make a virtual environment: install $$package (Debian, Ubuntu), or uv"; exit 1; }; \
	echo "Installing $$package, which $(PYTHON) needs to make a virtual environment …"; \
	apt-get update -qq; \
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$$package" >/dev/null
endef
