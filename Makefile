# Every target sets up .venv by itself where needed. Wanted beforehand: Python 3.11 to 3.13, pip and make.

VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.qent-hw-installed
DEMO := runs/demo

TF_CPP_MIN_LOG_LEVEL ?= 2
export TF_CPP_MIN_LOG_LEVEL
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# A checkout that was moved or copied together with its .venv is installed anew: the environment holds absolute paths.
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
$(shell rm -f $(READY))
endif

.PHONY: help install demo test nightly lint bench docs devices studies models wheel-test lock clean

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

install: $(READY) ## the locked environment in .venv, and this package in it
	@echo "Ready: $(VENV)/bin/qent-hw"

demo: $(READY) ## the showpiece: watch a state lose its entanglement, and get a report
	@rm -rf $(DEMO)
	@$(VENV)/bin/qent-hw run experiments/sudden_death.toml --out $(DEMO)

test: $(READY) ## the tests, on two cores
	@$(PY) -m pytest -q -n 2 --dist worksteal

nightly: $(READY) ## what takes too long for every day: remote runs, their commands killed 200 times
	@QENT_HW_NIGHTLY=1 $(PY) -m pytest -q tests/experiments/remote/test_kill.py

lint: $(READY) ## ruff and mypy
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy qent_hw

bench: $(READY) ## this package beside its peers (make bench NAME="dataset …" for some)
	@$(PY) -m benchmarks $(NAME) --out runs/benchmarks.json

docs: $(READY) ## the documentation as a small web site in site/, to be opened from there without a network
	@$(PY) -m mkdocs build -q --clean
	@echo "Open site/index.html"

devices: $(READY) ## measure the models for four devices and write docs/device-models.md (about half an hour)
	@$(PY) -m qent_hw.experiments.devices

studies: $(READY) ## run the shipped studies and write docs/studies and experiments/tables (some hours)
	@$(PY) -m qent_hw.experiments.study.publish $(NAME)

models: $(READY) ## train the shipped models anew
	@$(PY) -m qent_hw.estimators.make_zoo

wheel-test: $(READY) ## build the wheel and try it in a fresh environment
	@tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && trap 'exit 130' INT TERM && set -e && \
	$(PY) -m pip wheel -q --no-deps --no-build-isolation -w "$$tmp" . && \
	$(PY) -c "$$TOP_LEVEL" "$$tmp"/*.whl && \
	echo "Installing it with the locked packages into a fresh environment (a few minutes) …" && \
	$(PY) -m venv "$$tmp/venv" && \
	"$$tmp/venv/bin/python" -m pip install -q --no-deps --require-hashes -r requirements.lock && \
	"$$tmp/venv/bin/python" -m pip install -q --no-deps "$$tmp"/*.whl && \
	"$$tmp/venv/bin/python" -m pip check && \
	cd "$$tmp" && venv/bin/qent-hw --help && venv/bin/qent-hw families && echo "The wheel works."

lock: ## write requirements.lock anew (make lock UPGRADE=--upgrade for newer versions)
	@tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && trap 'exit 130' INT TERM && $(FIND_PYTHON) && \
	"$$python" -m venv "$$tmp" && "$$tmp/bin/python" -m pip install -q uv && \
	env -u UV_FIND_LINKS -u UV_INDEX -u UV_EXTRA_INDEX_URL "$$tmp/bin/uv" pip compile -q $(UPGRADE) --no-config --system-certs \
		--universal --python-version 3.11 --fork-strategy fewest --extra dev --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" -o requirements.lock pyproject.toml

clean: ## remove caches, build products and the demo's run; .venv and other runs stay
	@rm -rf build dist site .hypothesis .mypy_cache .pytest_cache .ruff_cache $(DEMO)
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# Sets $$python to an interpreter that can make the environment: the base one, never that of some active virtual environment.
FIND_PYTHON = python= && for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	python=$$("$$candidate" -c "$$USABLE" 2>/dev/null) && break; python=; done; \
	if [ -z "$$python" ]; then \
	echo "qent-hw needs Python 3.11, 3.12 or 3.13 with venv and pip; none was found (make PYTHON=/path/to/python3 names one)" >&2; \
	exit 2; fi

define USABLE
import ensurepip, sys, venv
assert (3, 11) <= sys.version_info[:2] <= (3, 13)
print(sys._base_executable)
endef
export USABLE

define TOP_LEVEL
import sys, zipfile
names = zipfile.ZipFile(sys.argv[1]).namelist()
top = sorted({name.split("/")[0] for name in names})
print("Top level of the wheel:", *top)
if [name for name in top if not name.startswith("qent_hw-")] != ["qent_hw"] or len(top) != 2:
    sys.exit("the wheel would install more than qent_hw")
for folder in ("circuits", "calibration", "experiments"):
    if not any(name.startswith(f"qent_hw/bench/{folder}/") for name in names):
        sys.exit(f"the wheel lacks qent_hw/bench/{folder}")
endef
export TOP_LEVEL

$(READY): requirements.lock pyproject.toml
	@if ! $(PY) -c "$$USABLE" >/dev/null 2>&1 || ! $(PY) -m pip --version >/dev/null 2>&1; then \
	$(FIND_PYTHON); "$$python" -m venv --clear $(VENV); fi
	@echo "Installing the locked packages into $(VENV) (once; a few minutes) …"
	@$(PY) -m pip install -q --no-deps --require-hashes -r requirements.lock
	@$(PY) -m pip install -q --no-deps --no-build-isolation -e .
	@printf '%s' '$(CURDIR)' > $@
