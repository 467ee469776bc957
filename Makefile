# Two commands: `make lab` opens the course, `make test` checks everything. Both set themselves up, and go on where a
# failed or interrupted run stopped.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -q --durations=3
NBVAL := $(PYTEST) --nbval-lax --nbval-current-env
LESSONS := MMLEARN_QUICK=1 MMLEARN_PROGRESS=$(CURDIR)/.venv/progress.json $(NBVAL) --nbval-cell-timeout=300
CHANGED = $(shell git status --porcelain --untracked-files=all -- lessons | sed 's/.* //' | grep ipynb)

.PHONY: help lab check test clean
.DELETE_ON_ERROR:

help:
	@echo "make lab    set up and open the course in JupyterLab"
	@echo "make check  lint, unit tests and built notebooks: the quick inner loop"
	@echo "make test   everything that CI checks"
	@echo "make clean  remove the environment, to make it anew; your work in work/ stays"

lab: $(BIN)/.installed
	$(BIN)/mmlearn lab

check: $(BIN)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mmlearn build --check
	$(PYTEST) -n 2 tests/unit tests/exercises
	@if [ -n "$(CHANGED)" ]; then $(LESSONS) $(CHANGED); fi

# Solutions run in full, and a failing check raises. Lessons run with no exercise done, and training is cut short.
test: $(BIN)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mmlearn build --check
	$(BIN)/mmlearn data check
	$(PYTEST) -n 2 tests/unit tests/exercises tests/grading tests/parity tests/readiness tests/processes tests/notebooks tests/experiments
	MMLEARN_STRICT=1 MMLEARN_PROGRESS=$$(mktemp -d)/progress.json $(NBVAL) --nbval-cell-timeout=600 solutions
	$(LESSONS) lessons
	$(PYTEST) tests/browser

clean:
	rm -rf .venv

# A stamp is written only after pip has succeeded, so an interrupted install starts again and a finished one is skipped.
# pip comes last into a new environment: one that was made half is made anew.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit("mmlearn needs Python 3.11 or newer; this is " + sys.version.split()[0] + \
	  ". Name another one: make PYTHON=python3.11 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv --clear .venv

$(BIN)/.installed: pyproject.toml constraints.txt | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(BIN)/.installed-dev: $(BIN)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
