# Everything a newcomer, a reviewer or a build machine runs. Each target does all it needs.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
# Tests start hundreds of processes; each would compile everything anew where compiled modules may not be kept.
unexport PYTHONDONTWRITEBYTECODE
SHARED := -n auto --dist loadfile -m "not soak"
# Tests of the whole service, of the repository, and long lists of examples: tracing each line would take as long again
# and tell nothing new.
WHOLE := $(addprefix tests/,browser/ catalogue/test_ten_thousand_rows.py enumeration/ facts/dose/test_properties.py \
	facts/findings/test_robust.py facts/history/test_any_record.py facts/reasons/test_reason_properties.py properties/ \
	recognition/ replay/ requirements/ rules/test_replay.py scenarios/ storage/test_copies.py test_demo.py test_deploy.py \
	test_documented.py test_protocol_cards.py test_schemathesis.py test_structure.py)
.PHONY: help setup setup-dev demo serve test check bench recognition soak lock dist sbom docs browser postgres clean

help:  ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

define INSTALL
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r $(1)
	@echo "$(CURDIR)" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')/pediatric_imaging_cds.pth"
	@printf '#!%s\nimport sys\n\nfrom cds_service.cli import main\n\nsys.exit(main())\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/cds-service
	@chmod +x $(BIN)/cds-service
	@touch $(VENV)/.runtime
endef

$(VENV)/.runtime: requirements.lock pyproject.toml
	$(call INSTALL,requirements.lock)

# What development needs holds all that the service needs.
$(VENV)/.dev: requirements-dev.lock requirements.lock pyproject.toml
	$(call INSTALL,requirements-dev.lock)
	@touch $@

setup: $(VENV)/.dev  ## make .venv with everything in it

demo: $(VENV)/.runtime  ## start the service and show cards for real orders
	@$(BIN)/python -m demo

serve: $(VENV)/.runtime  ## run the service on 127.0.0.1:8080
	@$(BIN)/python -m cds_service.cli serve

browser:
	@scripts/ensure-browser

postgres:
	@scripts/ensure-postgres

check: setup  ## everything a reviewer would look at, without the tests
	$(BIN)/ruff format --check cds_service tests bench demo
	$(BIN)/ruff check cds_service tests bench demo
	@{ $(BIN)/cds-service check && $(BIN)/cds-service docs --check; } & tried=$$!; \
	$(BIN)/mypy && $(BIN)/lint-imports && $(BIN)/python scripts/audit.py; \
	well=$$?; wait $$tried && exit $$well

test: check browser postgres  ## all tests, browser tests included
	$(BIN)/pytest $(SHARED) -p no:schemathesis $(addprefix --ignore=,$(WHOLE)) tests cds_service --cov --cov-report=term-missing:skip-covered
	$(BIN)/pytest $(SHARED) -n 4 $(WHOLE)

bench: setup  ## speed, measured against a bare application in the same run
	$(BIN)/python -m bench

recognition: setup  ## how many orders and reasons are recognised, and what failed
	$(BIN)/python -m tests.recognition

soak: setup browser postgres  ## the long runs
	$(BIN)/pytest -n 0 -m soak --timeout 3600

lock:  ## write the lock files anew
	$(PYTHON) -m pip install --quiet uv
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --quiet --output-file requirements.lock
	uv pip compile pyproject.toml --extra dev --constraint requirements.lock --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --quiet --output-file requirements-dev.lock

dist: setup sbom  ## the package, and the list of its parts
	$(BIN)/python -m hatchling build -t wheel -d dist

sbom: setup  ## dist/sbom.json: every library in it, with hashes
	@mkdir -p dist
	$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible --of JSON -o dist/sbom.json

docs: setup  ## write the generated pages anew
	$(BIN)/cds-service docs

clean:
	rm -rf $(VENV) build dist .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
