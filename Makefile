# Everything a fresh machine needs is git, make and Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
INSTALL := $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo backtest payments campaign card month months feedback notebook serve report test test-months test-spark images lint deps lock s3 mlflow

help: ## List the commands.
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

demo: .venv/runtime ## Install, run the pipeline on simulated data, print the comparison.
	dvc repro
	python -m src.products.report

backtest: .venv/runtime ## Install, test the models on many months instead of one, print the comparison.
	dvc repro pipelines/backtest/dvc.yaml
	python -m src.backtest.report

payments: .venv/runtime ## Install, run the payments pipeline on simulated data, print the comparison.
	dvc repro pipelines/payments/dvc.yaml
	python -m src.payments.report

campaign: .venv/runtime ## Install, choose whom to contact next month, print what it is expected to bring.
	dvc repro pipelines/campaign/dvc.yaml
	python -m src.campaign.report

card: .venv/runtime ## Install, write the model card: groups of customers, what age and sex are worth.
	dvc repro pipelines/card/dvc.yaml

month: .venv/runtime ## Take a new month in: FILE=its snapshot; checks, runs, measures, decides (docs/month.md).
	python -m src.month '$(FILE)'

months: .venv/runtime ## The last four months of the simulated bank, taken in one by one in a clone: .months.
	python -m scripts.months

feedback: .venv/runtime ## Install, let simulated customers react to offers, print whether learning from that helps.
	dvc repro pipelines/feedback/dvc.yaml
	python -m src.feedback.report

notebook: .venv/development ## Execute the analysis on the data at hand: data/recommendations_EDA.ipynb.
	jupyter-execute notebooks/recommendations_EDA.ipynb --output=../data/recommendations_EDA

serve: .venv/service ## Serve the models of the last run on 127.0.0.1:8000; needs a key (docs/service.md).
	python -m src.service

BASE ?= main
report: .venv/runtime ## What this branch changes against BASE (main): report/report.md.
	python -m src.compare.pull_request '$(BASE)' $(if $(IMAGES_URL),--images-url $(IMAGES_URL))

s3: .venv/development ## An S3 endpoint on this machine, kept in .s3; says how to use it.
	bash deploy/s3/run_s3_server.sh

mlflow: .venv/runtime ## MLflow on this machine, kept in .mlflow or where deploy/mlflow/.env says.
	bash deploy/mlflow/run_mlflow_server.sh

test: .venv/development lint ## Lint, types, tests.
	pytest --numprocesses auto --dist loadfile --no-loadscope-reorder -m 'not months'

test-months: .venv/development ## The test of the monthly cycle, which takes as long as half of the others.
	pytest -m months tests/month

# Java 17 or newer, beside what else a fresh machine needs. No Java of a test lives long enough to
# gain from the second compiler, which takes a third of the processor time.
test-spark: export JAVA_TOOL_OPTIONS = -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
test-spark: .venv-spark/installed ## Tests of the Spark engine: installs it, starts a cluster on loopback, stops it.
	WORKER_MEMORY=1500m SPARK_PORT=$${SPARK_PORT:-7177} scripts/spark_cluster.sh run \
		.venv-spark/bin/python -m pytest tests/spark

images: .venv/development ## Build both images, start them, ask them: Docker, Podman, or root of a Debian.
	python -m scripts.images

lint: .venv/development ## Style and types only.
	ruff check .
	ruff format --check .
	mypy

deps: .venv/runtime ## Write what the stages import into every dvc.yaml.
	python -m scripts.deps

lock: ## Pin the newest versions that fit the requirements*.in files.
	for list in requirements requirements-service requirements-dev requirements-spark; do \
		$(UV) pip compile --quiet --universal --python-version 3.11 --no-emit-index-url \
			--no-annotate --no-header --generate-hashes --upgrade $$list.in --output-file $$list.txt \
			|| exit; \
	done

$(UV):
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

.venv/runtime: requirements.txt | $(UV)
	$(INSTALL) -r requirements.txt
	@touch $@

.venv/service: requirements-service.txt | $(UV)
	$(INSTALL) -r requirements-service.txt
	@touch $@

.venv/development: requirements-dev.txt .venv/runtime .venv/service
	$(INSTALL) -r requirements-dev.txt
	@touch $@

# An environment of its own: PySpark is half a gigabyte. The lists are complete: to look for what it
# depends on, uv would download it once more, although it has it.
.venv-spark/installed: requirements.txt requirements-dev.txt requirements-spark.txt | $(UV)
	test -x .venv-spark/bin/python || $(PYTHON) -m venv .venv-spark
	$(UV) pip install --quiet --compile-bytecode --no-deps --python .venv-spark/bin/python \
		-r requirements.txt -r requirements-dev.txt -r requirements-spark.txt
	@touch $@
