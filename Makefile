# Every target sets itself up from nothing: a virtual environment in .venv, the package with all its extras, the test tools.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-quick lint format clean

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[all]' --group dev
	touch $@

demo: $(READY)
	$(BIN)/edgewise demo

test: $(READY)
	$(BIN)/ruff check
	$(BIN)/pytest -n 2 --dist worksteal

test-quick: $(READY)
	$(BIN)/pytest -n 2 --dist worksteal -m 'not slow'

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf $(VENV)
