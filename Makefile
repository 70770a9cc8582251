# The two commands of a fresh machine: `make demo` and `make test`. Everything is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO_HOME ?= .automl
FER2013 ?= ../shared/data/fer2013/archive.zip
SHARED ?= ../shared/data
WORKERS ?= 4
SOAK ?= 3600
NVIDIA := $(shell docker info --format '{{.Runtimes}}' 2>/dev/null | grep -c nvidia)
COMPOSE_FILES := -f docker-compose.yml $(if $(filter 0,$(NVIDIA)),-f docker-compose.cpu.yml)
# No demonstration, test or measurement uploads anything.
demo test coverage bench bench-auto bench-cost bench-gpu scale fer2013 fer2013-gpu chaos soak compose-test: export WANDB_MODE := offline

HOST ?= localhost
.PHONY: install demo test coverage lint docs bench bench-auto bench-cost bench-gpu scale fer2013 fer2013-gpu chaos soak up compose-test tls pins hashes clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "automl needs Python 3.11 or newer; try: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: install
	$(BIN)/automl search --data digits --space quick --trials 12 --workers 2 --home $(DEMO_HOME) --export model.pt

test: lint
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# The tests again, with the share of automl's branches that they take: in their processes and in those they start.
coverage: install
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --cov --cov-report term:skip-covered

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# The documentation as a site, in site/.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# Everything that is quick to measure, on the CPU: FER2013 has to be there. Nothing else should run beside it.
bench: install
	$(BIN)/python -m benchmarks.startup $(FER2013) --output
	$(BIN)/python -m benchmarks.data_loading $(FER2013) digits --output
	$(BIN)/python -m benchmarks.roofline $(FER2013) --device cpu --output
	$(BIN)/python -m benchmarks.overhead $(FER2013) --device cpu --output
	$(BIN)/python -m benchmarks.epoch $(FER2013) --device cpu --images 2000 --output

# The engine on an NVIDIA GPU: all of FER2013, and a full training of each network in both ways.
bench-gpu: install
	$(BIN)/python -m benchmarks.roofline $(FER2013) --device cuda --output
	$(BIN)/python -m benchmarks.overhead $(FER2013) --device cuda --output
	$(BIN)/python -m benchmarks.epoch $(FER2013) --device cuda --output
	$(BIN)/python -m benchmarks.epoch $(FER2013) --device cuda --train --output

# Ten minutes each from a command to an exported model, on five sets of images.
bench-auto: install
	$(BIN)/python -m benchmarks.auto.compare $(SHARED) --output

# What a recipe costs by forecast and in reality, over the shipped spaces: processor time of one core, for some minutes.
bench-cost: install
	$(BIN)/python -m benchmarks.cost --output

# How far one PostgreSQL carries, beside stock Optuna: ten minutes, most of them the latter's.
scale: install
	$(BIN)/python -m benchmarks.scale --output

# The original experiments, the hour, and longer trainings after it: many hours on two cores. `make fer2013-gpu` wants one GPU and half an hour.
fer2013: install
	$(BIN)/python -m benchmarks.fer2013 seed $(FER2013) --output
	$(BIN)/python -m benchmarks.fer2013 hour $(FER2013) --output
	$(BIN)/python -m benchmarks.fer2013 long $(FER2013) --output

fer2013-gpu: install
	$(BIN)/python -m benchmarks.fer2013 gpu $(FER2013) --output

# Random histories of claims against a model, for minutes; then six workers and a database that are killed, stopped and restarted: two
# minutes and more, after which all has to be accounted for.
chaos: install
	$(BIN)/python -m benchmarks.claims
	$(BIN)/python -m benchmarks.chaos --output

# An hour of small trials and faults: processes, files, memory and connections may not grow. SOAK=120 makes it two minutes.
soak: install
	$(BIN)/python -m benchmarks.soak --seconds $(SOAK) --output

# The service in the foreground, with the GPUs where Docker can reserve them and without where it cannot.
up:
	docker compose $(COMPOSE_FILES) up --build --scale worker=$(WORKERS)

# A certificate for AUTOML_TLS that signs itself, in tls/: make HOST=first-machine tls
tls:
	mkdir -m 700 tls
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 -subj /CN=$(HOST) \
	  -addext subjectAltName=DNS:$(HOST),DNS:postgres,DNS:localhost,IP:127.0.0.1 -keyout tls/server.key -out tls/server.crt
	chmod 750 tls && chmod 640 tls/server.key

# Digests of images and actions, at their tags of today.
pins:
	.ci/pins

# The versions of constraints.txt with the hashes of their files, for Python 3.11 to 3.13 and every platform: with uv, from the network.
hashes:
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --constraint constraints.txt \
	  --generate-hashes --no-annotate --no-header --no-emit-index-url --output-file constraints.hashed.txt

compose-test: install
	$(BIN)/python -m benchmarks.compose_test --output

clean:
	rm -rf $(VENV) build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.*
