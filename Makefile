# Aliases of the everyday tasks. `make help` lists them.
.PHONY: help run demo fleet test bench micro crowd lint format dashboards functions lock migration

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/'

run: ## start everything on this machine
	./run

demo: ## the same with throw-away data, a demo user and sample articles
	./run --demo

fleet: ## the whole fleet behind nginx on this machine; needs nginx, pgbouncer, prometheus, prometheus-alertmanager
	.venv/bin/python -m tests.fleet

test: ## every check that CI runs
	./test

bench: ## the service beside the least that could be done, into docs/performance.md; needs wrk
	.venv/bin/python -m tests.load.bench --write

micro: ## what single functions cost
	.venv/bin/python -m pytest tests/load/micro --benchmark-enable --benchmark-only --benchmark-columns=min,median,ops

crowd: ## a mix of users at a whole service, by locust
	.venv/bin/python -m tests.load.crowd

lint: ## ruff, mypy, import contracts
	.venv/bin/ruff check . && .venv/bin/mypy && .venv/bin/lint-imports

format: ## put the code in form
	.venv/bin/ruff format . && .venv/bin/ruff check --fix .

dashboards: ## write deploy/grafana/dashboards/*.json from deploy/grafana/boards
	.venv/bin/python -m deploy.grafana.generate

functions: ## write alembic/functions/*.sql from what the migrations come to
	.venv/bin/python -m tests.gates.function_reference

lock: ## pin anew what pyproject.toml declares
	.tools/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --extra local pyproject.toml -o requirements.lock
	.tools/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --extra aws -c requirements.lock pyproject.toml -o requirements-aws.lock
	.tools/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --extra tracing -c requirements.lock pyproject.toml -o requirements-tracing.lock
	.tools/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --extra local --extra aws --extra tracing --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	echo setuptools | .tools/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate - -o deploy/build.lock

migration: ## a new migration from the models: make migration name=add_something
	.venv/bin/alembic revision --autogenerate -m "$(name)"
