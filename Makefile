# make run does all its own set-up on a Debian or Ubuntu with Python 3.11 or newer, make test on the systems of
# tests/systems.py.

# The first Python that is new enough. (`true`, since make throws away what a command that ends with 127 has printed.)
PYTHON ?= $(firstword $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python; done; true))
NEW_ENOUGH = test -n "$(PYTHON)" || { echo "mailtrip needs Python 3.11 or newer (apt-get install python3);" \
	"here: $$(python3 -V 2>/dev/null || echo no python3)" >&2; exit 1; }
BIN := .venv/bin
LAB_VARIABLES := MAILTRIP_LAB_NET,MAILTRIP_LAB_DIR
SUDO := $(if $(shell command -v sudo),sudo --preserve-env=$(LAB_VARIABLES))
AS_ROOT := $(if $(filter 0,$(shell id -u)),,$(SUDO))
LAB := $(AS_ROOT) $(BIN)/python -B -m tests.lab

# What `make fuzz` does: see tests/fuzz/targets.py.
TARGETS := headers message bounce imap imap_list imap_untagged pop3
SECONDS := 600

# Hypothesis tries fewer examples than in `make test`.
QUICKLY := --hypothesis-profile=quick

# Modules are compiled once (hundreds of mailtrips start), and programs in Go (Helm, promtool, Podman, Prometheus) collect
# their garbage less often: they have hardly any.
CHEAPLY := PYTHONDONTWRITEBYTECODE= GOGC=400

# No thread for each test that waits whether it hangs for minutes: its developer sees that.
UNWATCHED := --override-ini=faulthandler_timeout=0

# Stamp files: what they stand for is done again only when what they depend on has changed.
VENV := .venv/made
PROGRAM := .venv/program
TOOLS := .venv/tools
WHEELS := .newer/wheels/done

PYTHONS := trixie forky

.PHONY: help run quick test pythons lowest check docs pictures site image suite servers newer wheels lab lab-down bench fuzz

help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

run: $(PROGRAM) ## start the exporter; options: make run ARGS="--config.file mail.yml"
	@exec $(BIN)/mailtrip serve $(ARGS)

quick: check ## style, types, and the tests that need no server, no root and start no program: in about a minute
	$(CHEAPLY) $(BIN)/python -m pytest -m "pure and not slow" -q -n 4 --dist worksteal $(QUICKLY) $(UNWATCHED) $(ARGS)

test: suite servers newer wheels check ## install the servers that the tests need, run all checks and all tests
	@tests/sudo.sh "mail servers and containers of the tests run as root" || true # if not, the tests say so
	$(CHEAPLY) $(BIN)/python -m tests.shares $(ARGS)

pythons: servers $(TOOLS) ## as root: the tests that need Python alone, with the Pythons of newer Debians
	@for suite in $(PYTHONS); do tests/pythons.sh $$suite .pythons -q -n 4 $(QUICKLY) $(ARGS) || exit 1; done

check: $(TOOLS) ## style and types only
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	MYPY_NUM_WORKERS=2 $(BIN)/mypy

lowest: $(TOOLS) ## the tests that need Python alone, with the oldest libraries that pyproject.toml allows
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m tests.lowest -q -n 4 $(QUICKLY) $(ARGS)

docs: $(TOOLS) ## regenerate the generated pages
	$(BIN)/python -m docs.configuration
	$(BIN)/python -m docs.metrics
	$(BIN)/python -m docs.web
	$(BIN)/python -m docs.faults
	$(BIN)/python -m docs.alert_texts
	$(BIN)/python -m docs.commandline
	$(BIN)/python -m docs.animation
	$(BIN)/python -m dashboards
	$(BIN)/python -m charts
	$(BIN)/python -m charts.kustomize

pictures: servers $(TOOLS) ## take the pictures of the README again: the terminal and a page, of real trips through the lab
	@$(AS_ROOT) $(BIN)/python -B -m tests.pictures

site: $(TOOLS) ## build the documentation site below .site
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[site]'
	$(BIN)/mkdocs build --strict

# Podman's own format has no HEALTHCHECK; Docker does not know the variable, and needs none.
image: ## build the container image, with Docker or Podman; another base: make image ARGS="--build-arg BASE=..."
	BUILDAH_FORMAT=docker $(shell command -v docker || command -v podman || echo docker) build --tag mailtrip $(ARGS) .

suite: # said once, and before anything is installed
	@$(NEW_ENOUGH)
	@$(PYTHON) -B -m tests.systems

servers:
	@packages=$$($(PYTHON) -B -m tests.systems packages) && tests/debian.sh $$packages

newer: # a Prometheus of the next major version, and its Alertmanager, beside the system's
	@tests/newer.sh forky .newer prometheus prometheus-alertmanager

wheels: $(WHEELS) # what the container image is built of, so that the tests ask no registry

lab: suite servers $(VENV) ## start the lab of mail servers for use by hand, and show how to use it
	@$(LAB) up
	@$(LAB) usage

lab-down: ## stop the lab
	@$(LAB) down

bench: suite servers $(TOOLS) ## measure what a trip costs beside a bare loop, scrapes, memory; one part: make bench ARGS=trip
	@$(BIN)/python -m tests.bench $(ARGS)

fuzz: $(TOOLS) ## fuzz the parsers, each for SECONDS=600; TARGETS="headers imap" for some
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	@for target in $(TARGETS); do \
		nice $(BIN)/python -m tests.fuzz $$target .fuzz/$$target -max_total_time=$(SECONDS) -artifact_prefix=.fuzz/ || exit 1; done

# Debian keeps ensurepip, without which there is no virtual environment, in a package of its own.
$(VENV):
	@$(NEW_ENOUGH)
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || tests/debian.sh \
		$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
	@echo "installing into .venv; the first time takes half a minute"
	@$(PYTHON) -m venv --clear .venv
	@touch $@

$(PROGRAM): $(VENV) pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(TOOLS): $(PROGRAM)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# The stand-in for Docker's image has Debian's own Python (tests/container/standin.py).
$(WHEELS): pyproject.toml
	@rm -rf $(@D)
	@echo "fetching what the container image is built of"
	@/usr/bin/python3 -m pip wheel --quiet --disable-pip-version-check --wheel-dir $(@D) uv hatchling '.[tracing]'
	@rm $(@D)/mailtrip_exporter-*
	@touch $@
