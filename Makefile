# Everything runs in .venv; `make demo` and `make test` need nothing but Python 3.11+, make and git.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
EXTRAS := .venv/.extras
DEMO := .venv/.demo
LEAST ?= $(or $(TMPDIR),/tmp)/tare-least
# The numeric core: its lines are all to be reached by tests, and its mutants noticed.
CORE := statistics/moments statistics/channel statistics/state statistics/exact statistics/sums statistics/histogram \
  statistics/buckets input_spec/affine measuring/random_order folding/plan folding/layers folding/api \
  folding/verification networks/heads/batched networks/stored/folded normalisation/strategies \
  normalisation/input_layer statistics/intervals measuring/stopping statistics/dataset_stats
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: setup demo test test-least test-long browser lint coverage mutation fuzz hostile faults bench bench-advice bench-question \
  bench-scale docs audit sbom clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'error: expected Python 3.11 or newer, found '"`$(PYTHON) --version`"'; set PYTHON=python3.11'; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) --editable '.[dev]'
	@touch $(READY)

$(DEMO): $(READY)
	$(PIP) --editable '.[demo,dev]'
	@touch $(DEMO)

$(EXTRAS): $(READY)
	$(PIP) --editable '.[audio,bench,dask,dev,docs,geo,heic,hf,medical,onnx,otel,ray,readers,science,serve,tables,tensorboard,tiff,video,wandb]'
	@touch $(EXTRAS)

demo: $(DEMO)
	$(BIN)/tare demo --out demo --overwrite

test: $(READY)
	$(BIN)/python -m pytest -q --numprocesses auto --maxprocesses 8 --dist loadfile -m 'not long and not browser' $(ARGS)

test-long: $(EXTRAS)
	$(BIN)/python -m pytest -q --numprocesses auto --maxprocesses 8 --dist loadfile -m 'long and not browser'

# The ordinary tests with the least versions that pyproject.toml admits, in an environment of their own outside the checkout.
test-least:
	$(PYTHON) -m venv $(LEAST)
	$(LEAST)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-least.txt --editable '.[torch]' \
		hypothesis pytest pytest-xdist
	$(LEAST)/bin/python -m pytest -q --numprocesses auto --maxprocesses 8 --dist loadfile -m 'not long and not browser' $(ARGS)

browser: $(READY)
	$(BIN)/python -m pytest -q -m browser

lint: $(EXTRAS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/tare check .

# Lines, not branches; a call of `report` a module, since --fail-under judges the total.
coverage: $(READY)
	COVERAGE_RCFILE=/dev/null $(BIN)/python -m pytest -q -m 'not browser' --cov=tare --cov-report= tests
	@for module in $(CORE); do \
		COVERAGE_RCFILE=/dev/null $(BIN)/coverage report --include="src/tare/$$module.py" --fail-under=95 || exit 1; \
	done

mutation: $(READY)
	$(BIN)/python -m benchmarks.mutation --write docs/laws.md $(ARGS)

bench-advice: $(READY)
	$(BIN)/python -m benchmarks.advice_regret --write docs/advise.md $(ARGS)

bench-question: $(READY)
	$(BIN)/python -m benchmarks.question --write docs/the-question.md $(ARGS)

# The same 2,000 inputs of each of the ten parsers every time; `python -m fuzz --seconds 60` for new ones.
fuzz: $(READY)
	$(PIP) --editable '.[dev,fuzz]'
	$(BIN)/python -m fuzz --runs 2000 $(ARGS)

hostile: $(READY)
	$(BIN)/python -m benchmarks.hostile $(ARGS)

faults: $(READY)
	$(BIN)/python -m benchmarks.faults $(ARGS)

bench: $(EXTRAS)
	$(BIN)/python -m benchmarks $(ARGS)

bench-scale: $(EXTRAS)
	$(BIN)/python -m benchmarks.scale --write docs/scale.md $(ARGS)

# The pinned versions against the published advisories; needs a network. Nothing of what is audited is installed.
audit:
	$(PYTHON) -m venv build/audit
	build/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	build/audit/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip $(ARGS)

sbom: $(READY)
	$(BIN)/python -m benchmarks.sbom --out dist/tare.cdx.json $(ARGS)

docs: $(EXTRAS)
	$(BIN)/mkdocs build --strict

clean:
	rm -rf .venv build dist site demo .import_linter_cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
