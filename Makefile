# Everything a fresh machine needs is git, make and Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
INSTALL := $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo test lint lock

help: ## List the commands.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

demo: .venv/runtime ## Install, run the pipeline on simulated data, print the comparison.
	dvc repro
	python -m src.products.report

test: .venv/development lint ## Lint, types, tests.
	pytest

lint: .venv/development ## Style and types only.
	ruff check .
	ruff format --check .
	mypy

lock: ## Pin the newest versions that fit the requirements*.in files.
	for list in requirements requirements-service requirements-dev; do \
		$(UV) pip compile --quiet --universal --python-version 3.11 --no-emit-index-url \
			--no-annotate --no-header --upgrade $$list.in --output-file $$list.txt || exit; \
	done

$(UV):
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

.venv/runtime: requirements.txt | $(UV)
	$(INSTALL) -r requirements.txt
	@touch $@

.venv/service: requirements-service.txt | $(UV)
	$(INSTALL) -r requirements-service.txt
	@touch $@

.venv/development: requirements-dev.txt .venv/runtime .venv/service
	$(INSTALL) -r requirements-dev.txt
	@touch $@
