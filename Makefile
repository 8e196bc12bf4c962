# `make demo` walks the main job; `make test` checks everything. Both need Python 3.11+, Node 20 and
# nothing else of ours: they make .venv and fill it.

VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
# uv where it is present, plain pip where it is not; both read the same pyproject.toml. Neither compiles
# what it installs: most of that is never imported, and the rest is compiled then.
UV := $(shell command -v uv 2>/dev/null)
INSTALL := $(if $(UV),$(UV) pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --no-compile)

.PHONY: demo test test-long lint types python-tests extension-tests format clean

demo: $(VENV)/.installed
	$(BIN)/nbmlops demo

test: $(VENV)/.installed-for-tests
	$(BIN)/python tests/run_all.py

# The property, attack and soak suites with a larger budget.
test-long: $(VENV)/.installed-for-tests
	NBMLOPS_TEST_BUDGET=long $(BIN)/python -m pytest -m "long or not long" --timeout 3600

format: $(VENV)/.installed-for-tests
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" jlpm lint

$(BIN)/python:
	$(if $(UV),$(UV) venv --quiet --seed --python 3.11 $(VENV),$(PYTHON) -m venv $(VENV))
	$(if $(UV),,$(BIN)/python -m pip install --quiet --upgrade pip)

$(VENV)/.installed: $(BIN)/python pyproject.toml
	@echo "Installing nbmlops into $(VENV) (the first time takes a minute or two) ..."
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.installed-for-tests: $(VENV)/.installed
	@echo "Installing what the tests need ..."
	$(INSTALL) --editable '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) nbmlops/labextension labextension/node_modules labextension/lib dist
