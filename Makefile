# Everything a user or developer calls. Set-up happens by itself, in .venv/, and only when it is out of date.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
READY := $(VENV)/.ready
# What pytest answers when there is no test among those that were asked for.
NO_TESTS := 5
# The files with tests that measure time, so that the others need not be read once more to find them.
TIMED = $(shell grep -rlw --include='test_*.py' 'mark\.alone' tests)
# What is started side by side prints when it is done; where make is too old for that, as it goes.
TOGETHER := --no-print-directory --jobs=4 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

# Tests start a thousand processes. Each would compile all that it imports, if nothing were kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test lint types layers pytest docs-check verify bench messages constraints clean FORCE

help:
	@echo 'make demo         simulate a season of a city, print the answer and where the report is'
	@echo 'make test         all that must hold: lint, types, layers, verify, pytest'
	@echo 'make lint         ruff: rules and format'
	@echo 'make types        mypy, strict'
	@echo 'make layers       import-linter: who may import whom'
	@echo 'make pytest       the tests, three at a time; ARGS="tests/unit -k luck" for some of them'
	@echo 'make docs-check   only the examples in the docs'
	@echo 'make verify       the engine against theory and published cases'
	@echo 'make bench        speed, measured here and now against other simulators, which it installs (45 min)'
	@echo 'make messages     the catalogues of other languages, brought up to date with the texts of the code'
	@echo 'make constraints  constraints.txt anew, from the newest versions that fit pyproject.toml'
	@echo 'make clean        remove .venv, caches and build outputs; results stay'

# Exit code 3 says that an objective was missed: that is an answer, not a failure.
demo: $(READY)
	@$(BIN)/canbao run scenarios/city-season.toml || { code=$$?; [ $$code -eq 3 ] || exit $$code; }

# Types are checked on one core, and canbao verify works on the other meanwhile; tests need both.
test: $(READY)
	@echo '== ruff, mypy, import-linter and canbao verify, side by side'
	@$(MAKE) $(TOGETHER) lint types layers verify
	@$(MAKE) --no-print-directory pytest
	@echo '== all passed'

lint: $(READY)
	@echo '== ruff: rules'
	@$(BIN)/ruff check
	@echo '== ruff: format'
	@$(BIN)/ruff format --check

types: $(READY)
	@echo '== mypy'
	@$(BIN)/mypy

layers: $(READY)
	@echo '== import-linter'
	@$(BIN)/lint-imports

pytest: $(READY)
	@echo '== pytest'
	@$(BIN)/python -m pytest -n 3 --dist worksteal -m 'not alone' $(ARGS) || [ $$? -eq $(NO_TESTS) ]
	@echo '== pytest: tests that measure time, with nothing beside them'
	@$(BIN)/python -m pytest -m alone $(or $(ARGS),$(TIMED)) || [ $$? -eq $(NO_TESTS) ]

docs-check: $(READY)
	@echo '== pytest: docs'
	@$(BIN)/python -m pytest tests/docs

verify: $(READY)
	@echo '== canbao verify'
	@$(BIN)/canbao verify

bench: $(VENV)/.bench
	@$(BIN)/python tests/bench/run.py $(ARGS)

# The contenders; one that cannot be installed is named as absent by the benchmark.
$(VENV)/.bench: $(READY) constraints-bench.txt
	@echo 'Installing the contenders of the benchmarks into $(VENV) ...'
	@$(PIP) install --quiet -c constraints.txt -c constraints-bench.txt --no-build-isolation -e '.[bench]' || \
	  echo 'Not all of them could be installed.' >&2
	@touch $@

messages: $(READY)
	@$(BIN)/python -m canbao.messages

clean:
	rm -rf $(VENV) $(VENV)-constraints constraints.txt.new build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up. The stamp is written last, so an interrupted set-up starts again. It holds the folder, because a virtual
# environment names its folder in many files: a copied or moved checkout must not run the code of the first one. After
# a change of pyproject.toml or constraints.txt, the environment that is there is brought up to date. What only tests and
# load tests need takes pip a minute or two on one core, so the kernel is compiled on the other; and of a hundred packages
# few modules are ever imported, so those are compiled at their first import.
KERNEL = $(BIN)/python -c 'from canbao.engines import engine_named; engine_named("compiled").prepare()'

ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
$(READY): FORCE
endif

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'canbao needs Python 3.11 or newer; name one: make PYTHON=python3.11 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo 'This Python cannot make virtual environments; on Debian: apt-get install python3-venv' >&2; exit 1; }
	@echo 'Setting up $(VENV) from constraints.txt (a minute or two, the first time) ...'
	@[ "$$(cat $@ 2>/dev/null)" = '$(CURDIR)' ] || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --quiet -c constraints.txt hatchling
	@$(PIP) install --quiet -c constraints.txt --no-build-isolation -e .
	@$(KERNEL) & \
	  $(PIP) install --quiet --no-compile -c constraints.txt --no-build-isolation -e '.[dev]'; code=$$?; wait; exit $$code
	@echo '$(CURDIR)' > $@
	@echo 'Set-up done.'

constraints:
	@echo 'Resolving anew in $(VENV)-constraints ...'
	@$(PYTHON) -m venv --clear $(VENV)-constraints
	@$(VENV)-constraints/bin/python -m pip --disable-pip-version-check install --quiet hatchling
	@$(VENV)-constraints/bin/python -m pip --disable-pip-version-check install --quiet --no-build-isolation -e '.[dev]'
	@{ echo '# What canbao is tested with: run time, tests and build backend, every package that they pull in.'; \
	   echo '# Written by `make constraints`; to change it, edit pyproject.toml and run that.'; \
	   $(VENV)-constraints/bin/python -m pip freeze --exclude-editable | grep -E '^[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+$$'; \
	 } > constraints.txt.new
	@mv constraints.txt.new constraints.txt
	@rm -rf $(VENV)-constraints
	@echo 'constraints.txt is new; run `make test` with it.'
