# make demo       train, attack and filter on a small data set
# make test       the whole test suite; with TORCH_VERSION=2.10.0 the tests of the ops
#                 under that torch, with the libraries that were built for .venv
# make bench      every op against its peers
# make lint       format, style and types; every header of csrc compiled alone
# make format     brings Python and C++ into the format that lint asks for
# make sanitize   the CPU kernels under AddressSanitizer, UndefinedBehaviorSanitizer
#                 and ThreadSanitizer, with every instruction set of the machine
# make test-gpu   the same bits on a GPU as on the CPU, and the benchmark there
# make cuda-resources   registers and instructions of the CUDA kernels; no GPU needed
# make help       this list; python -m experiments lists the commands for the paper
#
# Each makes .venv, installs the pinned requirements and builds the extension
# first, and does only what has changed since. PYTHON chooses the interpreter,
# PYQUANT_CUDA=auto|1|0 whether the CUDA kernels are built.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

SOURCES := setup.py pyproject.toml $(shell find csrc -type f)

.PHONY: help demo test bench lint format sanitize test-gpu cuda-resources install clean
.DELETE_ON_ERROR:

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/pyquant.installed
	$(BIN)/python -m experiments.demo $(ARGS)

ifdef TORCH_VERSION
# The same libraries under another torch, which has an environment of its own.
OTHER := $(VENV)-torch-$(TORCH_VERSION)
OP_TESTS := tests/pyquant tests/csrc/test_cpu_kernels.py

test: $(VENV)/pyquant.installed $(OTHER)/torch.installed
	$(OTHER)/bin/python -m pytest $(OP_TESTS) $(ARGS)

$(OTHER)/torch.installed: requirements-other-torch.txt
	$(PYTHON) -m venv $(OTHER)
	$(OTHER)/bin/python -m pip install --quiet --disable-pip-version-check \
	  torch==$(TORCH_VERSION) -r $<
	@touch $@
else
test: $(VENV)/pyquant.installed $(VENV)/requirements-test.installed
	$(BIN)/python -m pytest $(ARGS)
endif

bench: $(VENV)/pyquant.installed $(VENV)/requirements-test.installed
	$(BIN)/python -m benchmarks $(ARGS)

LINTERS := $(VENV)/requirements-lint.installed
CXX_FILES = $(shell find csrc tests -name '*.h' -o -name '*.cpp' -o -name '*.cuh' -o -name '*.cu')

lint: $(VENV)/requirements.installed $(LINTERS)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/clang-format --dry-run -Werror $(CXX_FILES)
	$(BIN)/mypy
	$(BIN)/python tests/csrc/check_headers.py

format: $(LINTERS)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/clang-format -i $(CXX_FILES)

# The kernels, which need no torch.
SANITIZED := tests/csrc/sanitize_cpu_kernels.cpp \
  $(filter-out %/op.cpp,$(wildcard csrc/cpu/*/*.cpp csrc/cpu/*/*/*.cpp))

sanitize: build/sanitize-address,undefined/test build/sanitize-thread/test
	for test in $^; do $$test || exit 1; done

build/sanitize-%/test: $(SANITIZED) $(SOURCES)
	@mkdir -p $(@D)
	$(CXX) -std=c++20 -O1 -g -ffp-contract=off -fsanitize=$* -fno-sanitize-recover=all \
	  $(SANITIZED) -o $@ -pthread

test-gpu: $(VENV)/pyquant.installed $(VENV)/requirements-test.installed
	$(BIN)/python -m pytest -m cuda -rs $(ARGS)
	@if $(BIN)/python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; \
	then $(BIN)/python -m benchmarks --device cuda; \
	else echo "No benchmark: torch finds no CUDA device."; fi

cuda-resources: $(BIN)/python
	$(BIN)/python -m benchmarks.cuda_resources $(ARGS)

install: $(VENV)/pyquant.installed

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "pyquant needs Python 3.10 or newer; choose one with make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/%.installed: %.txt $(BIN)/python
	$(INSTALL) -r $<
	@touch $@

$(VENV)/requirements-test.installed: requirements.txt

$(VENV)/pyquant.installed: $(SOURCES) $(VENV)/requirements.installed $(VENV)/cuda.setting
	$(INSTALL) --no-build-isolation --no-deps --editable .
	$(BIN)/python -m pyquant
	@touch $@

# Changes only when PYQUANT_CUDA does, and then the extension is built again.
$(VENV)/cuda.setting: $(BIN)/python FORCE
	@echo "$${PYQUANT_CUDA:-auto}" | cmp -s - $@ || echo "$${PYQUANT_CUDA:-auto}" > $@
FORCE:

clean:
	rm -rf $(VENV) $(VENV)-torch-* build pyquant/*.so *.egg-info
