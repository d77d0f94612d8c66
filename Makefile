# All targets set up what they need in .venv; nothing is installed outside of it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# PyTorch's own index has builds without CUDA; PyPI's default build brings some 3 GB of it.
TORCH_CPU := https://download.pytorch.org/whl/cpu
TORCH := torch==2.13.0
FOLDER ?=

.PHONY: help demo run bge-m3 formats test lint coverage bench metadata finding torture package clean
help:
	@echo "make demo              show what it does, on pictures of its own"
	@echo "make run               the daemon in the foreground, on your pictures"
	@echo "make run FOLDER=DIR    the same on another folder"
	@echo "make bge-m3            install the stronger encoder's packages"
	@echo "make formats           install what reads HEIC, JPEG XL and RAW without a preview"
	@echo "make test              set up and run all checks and tests"
	@echo "make lint              ruff, mypy and the import rules only"
	@echo "make bench             measure latency and throughput"
	@echo "make metadata          compare what is read of metadata with exiftool, on sets of its own (METADATA=DIR: yours, too)"
	@echo "make finding           measure how well pictures are found, on two sets of its own"
	@echo "make torture           read thousands of broken and hostile pictures, and watch the memory over 10,000"
	@echo "make torture MINUTES=60  random histories against a real daemon for so long; it goes on where the last run ended"
	@echo "make package           build wheel and sdist, install them with pip and pipx, and find a picture"
	@echo "make clean             remove .venv and caches"

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "glimpsed needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt --upgrade pip

$(VENV)/.core: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing glimpsed into $(VENV) (some 1.1 GB on disk, once) …"
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.demo: $(VENV)/.core
	$(PIP) install --quiet --constraint constraints.txt --group demo
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@echo "Installing the tests' packages, PyTorch for the CPU among them (some 250 MB, once) …"
	$(PIP) install --quiet --no-deps --no-index $(TORCH) 2>/dev/null \
	|| $(PIP) install --quiet --no-deps --extra-index-url $(TORCH_CPU) $(TORCH)
	$(PIP) install --quiet --constraint constraints.txt --editable '.[bge-m3,formats]' --group dev
	@touch $@

demo: $(VENV)/.demo
	$(BIN)/python demo

run: $(VENV)/.core
	$(BIN)/glimpsed $(if $(FOLDER),--folder '$(FOLDER)')

bge-m3: $(VENV)/.core
	@if command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi >/dev/null 2>&1; then \
	  echo "An NVIDIA GPU is here: fetching PyTorch with CUDA (some 3 GB) and FlagEmbedding (some 150 MB)."; \
	  $(PIP) install --constraint constraints.txt $(TORCH); \
	else \
	  echo "No NVIDIA GPU: fetching PyTorch for the CPU (some 200 MB) and FlagEmbedding (some 150 MB)."; \
	  $(PIP) install --no-deps --no-index $(TORCH) 2>/dev/null || $(PIP) install --no-deps --extra-index-url $(TORCH_CPU) $(TORCH); \
	fi
	$(PIP) install --constraint constraints.txt --editable '.[bge-m3]'
	@echo "The weights (2.3 GB) are not fetched by this: $(BIN)/glimpse model pull does. glimpse status tells what is missing."

formats: $(VENV)/.core
	$(PIP) install --constraint constraints.txt --editable '.[formats]'

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --dist loadfile
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --fail-under=90

bench: $(VENV)/.test
	$(BIN)/python bench/latency.py
	$(BIN)/python bench/throughput.py
	$(BIN)/python bench/encoding.py
	$(BIN)/python bench/lookups.py
	$(BIN)/python bench/restart.py
	$(BIN)/python bench/searching.py
	$(BIN)/python bench/ocr.py --every 4
	$(BIN)/python bench/ocr_noise.py --rounds 1

metadata: $(VENV)/.test
	$(BIN)/python bench/metadata.py $(METADATA) --made

finding: $(VENV)/.test
	$(BIN)/python bench/finding.py stamps --chart finding-stamps.png
	$(BIN)/python bench/finding.py rendered --chart finding-rendered.png

ifdef MINUTES
torture: $(VENV)/.test
	$(BIN)/python bench/torment.py --minutes $(MINUTES)
else
torture: $(VENV)/.test
	$(BIN)/python bench/torture.py
	$(BIN)/python bench/flat.py
	$(PIP) install --quiet --constraint constraints.txt --group fuzz
	$(BIN)/python bench/parsers.py -max_total_time=60
	HYPOTHESIS_PROFILE=new $(BIN)/python -m pytest -m hypothesis
endif

package: $(VENV)/.test
	$(BIN)/python bench/package.py

clean:
	rm -rf $(VENV) .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
