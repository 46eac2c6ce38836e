# Everything here sets itself up: Python 3.11 or newer and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
READY := $(VENV)/.ready
SUPPLY_CHAIN := .cache/supply-chain

.DEFAULT_GOAL := help
.PHONY: help demo run drill test lint types contracts infra unit e2e bench kubeconfig fuzz lock sbom audit format clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# what the function imports, and the one package more that its stand-in cluster needs
$(RUNTIME): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Pipehook needs Python 3.11 or newer; try make PYTHON=python3.12")'
	@echo "Setting up $(VENV) with what the function needs: one to four minutes, once."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python supply-chain/install.py --require-hashes -r requirements.txt
	@$(BIN)/python supply-chain/install.py --no-deps $$(grep '^trustme==' requirements-dev.txt)
	@printf '#!/bin/sh\nPYTHONPATH="%s" exec "%s/python" -m functions "$$@"\n' '$(CURDIR)' '$(CURDIR)/$(BIN)' > $(BIN)/pipehook
	@chmod +x $(BIN)/pipehook
	@touch $@

$(READY): $(RUNTIME) requirements.in requirements-dev.txt
	@echo "Adding the tools for development: one to two minutes, once."
	@$(BIN)/python supply-chain/install.py -r requirements-dev.txt
	@touch $@

demo: $(RUNTIME) ## Send a push, a ping and two forgeries through the function; show what the cluster holds then (ARGS=--help)
	@$(BIN)/python -m tests.demo $(ARGS)

run: $(RUNTIME) ## Serve the function on this machine until Ctrl-C, with a curl line that signs
	@$(BIN)/python -m tests.demo --serve

drill: $(READY) ## Fail cluster and queue in every way under 300 deliveries, then count what the cluster holds
	@$(BIN)/python -m tests.drill

test: $(READY) ## Check style, types, import contracts, infrastructure, and run every test
	@$(MAKE) --no-print-directory --jobs=2 infra lint types contracts
	@$(MAKE) --no-print-directory unit

lint: $(READY) ## Check style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .

types: $(READY) ## Check types
	@$(BIN)/mypy

contracts: $(READY) ## Check that imports go one way
	@$(BIN)/lint-imports

infra: $(READY) ## Check the Terraform and the cluster's YAML, as far as the tools for it are installed
	@$(BIN)/python infra/checks/terraform.py
	@$(BIN)/python infra/checks/kustomize.py
	@$(BIN)/python infra/checks/gcloud.py $(if $(CI),--commands)
	@infra/checks/policy.sh $(if $(CI),,--installed-only)
	@$(if $(CI),$(BIN)/python infra/checks/extract_schemas.py --check)

# byte code is kept whatever the shell says: each of the processes would compile all of the tests by itself
unit: $(READY) ## Run every test but those that need a cluster of their own, two processes for each core (JOBS=0: one alone)
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(or $(JOBS),auto) --dist worksteal --durations=20

e2e: $(READY) ## Run tests/e2e against the cluster that KUBECONFIG names, or the bundled stand-in
	@$(BIN)/python -m pytest tests/e2e

bench: $(READY) ## Measure cold start, one delivery, many, triggers, forgeries and, with KUBECONFIG, a cluster, each beside what it is compared with
	@$(BIN)/python -m bench

kubeconfig: $(RUNTIME) ## Write the function's kubeconfig with your own access to the cluster (ARGS=--help)
	@$(BIN)/python -m functions kubeconfig $(ARGS)

fuzz: $(READY) ## Feed every parser with what coverage says is new, SECONDS=60 in all
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r fuzz/requirements.txt
	@$(BIN)/python -m fuzz --seconds $(or $(SECONDS),60)

lock: $(SUPPLY_CHAIN)/.ready ## Make requirements.txt of requirements.in, with hashes; UPGRADE=NAME moves one of those it needs
	@$(SUPPLY_CHAIN)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		$(if $(UPGRADE),--upgrade-package $(UPGRADE)) --custom-compile-command 'make lock' requirements.in -o requirements.txt

sbom: $(SUPPLY_CHAIN)/.ready ## Write what is deployed as CycloneDX to artifacts/sbom.json
	@mkdir -p artifacts
	@$(SUPPLY_CHAIN)/bin/cyclonedx-py requirements --output-reproducible -o artifacts/sbom.json requirements.txt
	@echo "artifacts/sbom.json"

audit: $(SUPPLY_CHAIN)/.ready ## Look for known vulnerabilities in what is deployed (asks the network)
	@$(SUPPLY_CHAIN)/bin/pip-audit --disable-pip --require-hashes -r requirements.txt

$(SUPPLY_CHAIN)/.ready: supply-chain/requirements.txt
	@$(PYTHON) -m venv $(SUPPLY_CHAIN)
	@$(SUPPLY_CHAIN)/bin/python -m pip install --quiet --disable-pip-version-check -r supply-chain/requirements.txt
	@touch $@

format: $(READY) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean: ## Remove what was set up and measured
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage artifacts
