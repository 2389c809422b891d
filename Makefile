# make demo       train, attack and filter on a small data set
# make test       the whole test suite; with TORCH_VERSION=2.10.0 the tests of the ops
#                 under that torch, with the libraries that were built for .venv
# make bench      every op against its peers
# make lint       format, style and types; every header of csrc compiled alone
# make format     brings Python and C++ into the format that lint asks for
# make sanitize   the CPU kernels under AddressSanitizer, UndefinedBehaviorSanitizer
#                 and ThreadSanitizer, with every instruction set of the machine
# make clang      the same test of the CPU kernels, compiled by clang, which PyPI has
# make test-gpu   the same bits on a GPU as on the CPU, and the benchmark there
# make cuda-resources   registers and instructions of the CUDA kernels; no GPU needed
# make dist       wheel and source distribution of the commit, in dist/, checked and
#                 installed elsewhere and tested there
# make help       this list; python -m experiments lists the commands for the paper
#
# Each makes .venv, installs the pinned requirements and builds the extension
# first, and does only what has changed since. PYTHON chooses the interpreter,
# PYQUANT_CUDA=auto|1|0 whether the CUDA kernels are built (in make demo alone:
# only where there is a GPU). torch for CUDA, from PyPI, is a download of 3 GB; a
# new .venv gets that for CPUs with TORCH_INDEX=https://download.pytorch.org/whl/cpu

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

SOURCES := setup.py pyproject.toml $(shell find csrc -type f)

# The demo keeps what is built already, and builds for this machine where nothing is.
ifeq ($(MAKECMDGOALS),demo)
ifeq ($(shell nvidia-smi --list-gpus 2>/dev/null),)
export PYQUANT_CUDA ?= $(or $(shell cat $(VENV)/cuda.setting 2>/dev/null),0)
endif
endif

ifdef TORCH_INDEX
ifneq ($(TORCH_INDEX),$(shell cat $(VENV)/torch.index 2>/dev/null || echo $(TORCH_INDEX)))
$(error torch in $(VENV) is from $(shell cat $(VENV)/torch.index); make clean first for another TORCH_INDEX)
endif
endif

.PHONY: help demo test bench lint format sanitize clang test-gpu cuda-resources dist install clean
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
test: $(VENV)/pyquant.installed $(VENV)/requirements-test.installed $(VENV)/requirements-cluster.installed
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

clang: build/clang/test
	$<

# The package is zig, which contains clang. Only libgcc tells which instruction sets there are.
build/clang/test: $(SANITIZED) $(SOURCES) $(VENV)/requirements-clang.installed
	@mkdir -p $(@D)
	ZIG_LOCAL_CACHE_DIR=$(@D)/cache ZIG_GLOBAL_CACHE_DIR=$(@D)/cache \
	  $(BIN)/python -m ziglang c++ -std=c++20 -O1 -ffp-contract=off -fno-sanitize=undefined \
	  -Wall -Wextra $(SANITIZED) $$($(CXX) -print-libgcc-file-name) -o $@ -pthread

test-gpu: $(VENV)/pyquant.installed $(VENV)/requirements-test.installed
	$(BIN)/python -m pytest -m cuda -rs $(ARGS)
	@if $(BIN)/python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; \
	then $(BIN)/python -m benchmarks --device cuda; \
	else echo "No benchmark: torch finds no CUDA device."; fi

cuda-resources: $(BIN)/python
	$(BIN)/python -m benchmarks.cuda_resources $(ARGS)

# From what is committed, so that nothing else gets in. The wheel is built from the source
# distribution, and installed into an environment that has torch from $(VENV).
PARTS := build/dist
ELSEWHERE := $(PARTS)/elsewhere
INSTALLED_TESTS := $(addprefix tests/pyquant/,test_both_ops.py command_line/test_images.py \
  command_line/test_start.py)

dist: $(VENV)/pyquant.installed $(VENV)/requirements-test.installed $(VENV)/requirements-dist.installed
	rm -rf dist $(PARTS)
	mkdir -p dist $(PARTS)/source $(ELSEWHERE)
	git archive --output $(PARTS)/source.tar HEAD
	tar -x -f $(PARTS)/source.tar -C $(PARTS)/source
	@git diff --quiet HEAD || echo "Changes that are not committed are left out."
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) \
	  $(BIN)/python -m build --no-isolation --outdir dist $(PARTS)/source
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python -m abi3audit --strict dist/*.whl
	$(BIN)/python -m pytest tests/distribution/check_contents.py
	cp -r $(PARTS)/source/tests $(PARTS)/source/pyproject.toml $(ELSEWHERE)
	$(BIN)/python -m venv $(ELSEWHERE)/venv
	$(BIN)/python -c 'import sys; print(*(p for p in sys.path if "site-packages" in p), sep="\n")' \
	  > $$(echo $(ELSEWHERE)/venv/lib/python*/site-packages)/torch.pth
	$(ELSEWHERE)/venv/bin/python -m pip install --quiet --no-index --force-reinstall --no-deps \
	  dist/*.whl
	cd $(ELSEWHERE) && venv/bin/pyquant info && venv/bin/python -m pytest $(INSTALLED_TESTS)
	ls -l dist

install: $(VENV)/pyquant.installed

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "pyquant needs Python 3.10 or newer; choose one with make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/%.installed: %.txt $(BIN)/python
	$(INSTALL) -r $<
	@touch $@

$(VENV)/requirements-test.installed $(VENV)/requirements-cluster.installed: $(VENV)/requirements.installed

# Not quiet, since it takes minutes: pip shows each download with its size.
$(VENV)/requirements.installed: requirements.txt $(VENV)/torch.index
	@echo "Installing into $(VENV), with torch from $$(cat $(VENV)/torch.index). That on PyPI is for CUDA:"
	@echo "with what it needs, 3 GB to download and 6 GB on disk. In a new $(VENV), the one for CPUs takes"
	@echo "0.3 GB to download: TORCH_INDEX=https://download.pytorch.org/whl/cpu"
	@index=$$(cat $(VENV)/torch.index); [ $$index = PyPI ] || \
	  $(BIN)/python -m pip install --disable-pip-version-check --no-deps \
	    --index-url $$index $$(grep -E '^torch(vision)?==' $<)
	$(BIN)/python -m pip install --disable-pip-version-check -r $<
	@touch $@

$(VENV)/torch.index: $(BIN)/python
	@echo "$(or $(TORCH_INDEX),PyPI)" > $@

$(VENV)/pyquant.installed: $(SOURCES) $(VENV)/requirements.installed $(VENV)/cuda.setting
	@echo "Compiling the kernels; with those for CUDA that takes minutes"
	$(INSTALL) --no-build-isolation --no-deps --editable .
	$(BIN)/python -m pyquant
	@touch $@

# Changes only when PYQUANT_CUDA does, and then the extension is built again.
$(VENV)/cuda.setting: $(BIN)/python FORCE
	@echo "$${PYQUANT_CUDA:-auto}" | cmp -s - $@ || echo "$${PYQUANT_CUDA:-auto}" > $@
FORCE:

clean:
	rm -rf $(VENV) $(VENV)-torch-* build dist pyquant/*.so *.egg-info
