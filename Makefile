# Everything a fresh machine needs is Python 3.11+, make and, for `make test`, Chromium, PostgreSQL and gcc.
PYTHON ?= python3
BIN := .venv/bin
LOCKS := requirements.lock requirements-server.lock requirements-test.lock

.PHONY: setup demo test campaign bench times load evaluate fuzz lock words system screenshots

setup: .venv/ready

.venv/ready: pyproject.toml $(LOCKS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "hiprep: $(PYTHON) is too old (wanted Python 3.11 or newer)" >&2; exit 2; }
	@$(PYTHON) -m venv .venv || { echo "hiprep: Python's venv module is missing (Debian: apt-get install python3-venv)" >&2; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes $(addprefix -r ,$(LOCKS))
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup
	@$(BIN)/hiprep demo

test: setup system
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

# What takes too long for every day, such as 200 kills of each database's server.
campaign: setup system
	@$(BIN)/python -m pytest -m campaign
	@$(BIN)/python tests/load.py --seconds 1800

bench: setup
	@$(BIN)/python tests/bench.py

# From the sample to the number on the page, frames of the live angle, first loads: a quarter of an hour at the speed of life;
# `make times ARGS="--only loads --page /sessions"`.
times: setup system
	@$(BIN)/python tests/screen_times.py $(ARGS)

# Live sessions by the hundred for three minutes each; `make load ARGS="--seconds 30 --only sqlite"`.
load: setup system
	@$(BIN)/python tests/load.py $(ARGS)

# Simulated people by families, against the goals; `make evaluate ARGS="--family walking --n 50"`.
evaluate: setup
	@$(BIN)/python tests/evaluation/evaluate.py $(ARGS)

# Fuzzing for minutes, guided by coverage (CPython on Linux); `make fuzz ARGS="600 packets:witmotion"`.
fuzz: setup .venv/fuzz
	@$(BIN)/python tests/fuzz.py $(ARGS)

.venv/fuzz: requirements-fuzz.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# The browser of the end-to-end tests, the second database, the compiler of the reference band in C. Root on Debian gets
# them installed; everyone else is told.
system:
	@set --; command -v chromium >/dev/null || set -- chromium; \
	command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || set -- "$$@" postgresql; \
	command -v gcc >/dev/null || set -- "$$@" gcc libc6-dev; \
	[ $$# = 0 ] || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$$@" >/dev/null; \
	  else echo "hiprep: missing: $$* (Debian: apt-get install $$*)" >&2; exit 1; fi; }

# The catalogues of other languages, up to what the code says; then write the missing translations in server/locales.
words: setup
	@$(BIN)/python -m server.locales

# What the README shows, from the demo.
screenshots: setup system
	@$(BIN)/python tests/screenshots.py

# Resolve again for every platform. Each file holds what it adds to the one before.
lock: setup
	@set -e; compile="$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml"; \
	tmp=$$(mktemp -d); \
	$$compile --all-extras -o $$tmp/all; \
	$$compile -c $$tmp/all -o $$tmp/1; \
	$$compile -c $$tmp/all --extra server -o $$tmp/2; \
	rest() { awk 'FNR == NR { if (/^[a-z]/) seen[$$1] = 1; next } /^[a-z]/ { skip = $$1 in seen } !skip' "$$1" "$$2"; }; \
	cp $$tmp/1 requirements.lock; \
	rest $$tmp/1 $$tmp/2 > requirements-server.lock; \
	rest $$tmp/2 $$tmp/all > requirements-test.lock; \
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --group fuzz -o requirements-fuzz.lock; \
	rm -r $$tmp
