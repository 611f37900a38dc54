# The commands of the house. Each sets up what it needs in .venv and works again when run twice.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test storm planted test-newest check check-install bench docs clean

demo: .venv/.demo
	$(BIN)/python examples/tour.py

test: .venv/.dev
	$(BIN)/python tests/servers/node_packages.py
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

# Ten thousand tasks over each server that an event loop waits for itself, many of them cut off, and the contract on S3 in a bridge: some three minutes.
storm: .venv/.dev
	SPOONBILL_STORM=10000 $(BIN)/python -m pytest -q tests/aio/test_bridge_servers.py tests/aio/test_bridge_s3.py

# The conformance kit on stores with one bug each: it finds them all.
planted: .venv/.dev
	$(BIN)/python -m pytest -q tests/contract/test_planted.py

# The suite on the newest Python of this machine; without the tensor frameworks where they have no wheels for it.
test-newest: .venv-newest/.dev
	.venv-newest/bin/python tests/servers/node_packages.py
	.venv-newest/bin/python -m pytest -q -n 2 --dist loadfile \
		$$(test -f .venv-newest/.frameworks || echo --ignore-glob=*/test_safetensors_*.py)

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/basedpyright
	$(BIN)/lint-imports --no-logo
	$(BIN)/python scripts/generate.py --check
	$(BIN)/python scripts/console.py --check
	$(BIN)/python scripts/check_snippets.py

# A stranger's first commands, by the pip that comes with this Python: the base install imports every store, and `all`
# resolves. Nothing of it is kept.
check-install:
	rm -rf .venv-install
	$(PYTHON) -m venv .venv-install
	.venv-install/bin/python -m pip install --quiet --disable-pip-version-check .
	cd .venv-install && bin/python -c 'from spoonbill.datastores import *; LmdbStore; print("the base install imports every store")'
	cd .venv-install && bin/python -c 'from importlib.resources import files; \
		assert len(list(files("spoonbill.cli.browse").joinpath("assets").iterdir())) == 6; print("the page is there")'
	.venv-install/bin/python -m pip install --quiet --disable-pip-version-check --dry-run '.[all]'
	rm -rf .venv-install

bench: .venv/.dev
	$(BIN)/python benchmarks/run.py
	PYTHONPATH=. $(BIN)/python benchmarks/layers.py && $(BIN)/python scripts/generate.py

docs: .venv/.docs
	$(BIN)/python scripts/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

.venv/.made:
	$(PYTHON) -m venv .venv
	$(PIP) --upgrade pip
	touch $@

.venv/.demo: pyproject.toml .venv/.made
	$(PIP) --editable '.[demo]'
	touch $@

.venv/.dev: pyproject.toml .venv/.made
	$(PIP) --editable '.[dev]'
	touch $@

.venv/.docs: pyproject.toml .venv/.made
	$(PIP) --editable '.[all,docs,test]'
	touch $@

.venv-newest/.dev: pyproject.toml
	"$$($(PYTHON) scripts/newest_python.py)" -m venv --clear .venv-newest
	.venv-newest/bin/python -m pip install --quiet --upgrade pip
	.venv-newest/bin/python -m pip install --quiet --editable '.[all,demo,suite,test]'
	.venv-newest/bin/python -m pip install --quiet --editable '.[frameworks]' && touch .venv-newest/.frameworks || true
	touch $@

clean:
	rm -rf .venv .venv-install .venv-newest .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis site
