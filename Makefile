# What a person, or CI, does with this repository; `make` alone lists it.
#
# Every target sets up first what it needs (.ci/setup); the second time that takes no time.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help report test properties fuzz calibration coverage attack lint format bench bench-large oldest newest clean

# Variables that .ci/setup found necessary on this machine, then a command in the environment.
use = . .setup/env && .venv/bin/
C_FILES = $(sort $(wildcard csrc/*/*.[ch] tests/c/*.[ch]))

# ---------------------------------------------------------------- for make report
OUT ?= out
SEED ?= 1
CASES ?= 20000
ifndef DATA
YEARS ?= 2016-2020
UNTIL ?= 2021-03-31
endif
# To the recipes as variables of the shell, which keeps spaces and quotes in a name what they are.
export DATA FROM UNTIL YEARS OUT SEED

help: ## this list
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14 | sed 's/^/  /'
	@echo
	@echo "make report DATA=my.csv UNTIL=2021-03-31   reports on your own table. UNTIL is the last day"
	@echo "  that is in it; FROM=2012-04-01 the first, without which nothing looks back;"
	@echo "  YEARS=2016-2020 the financial years; OUT=folder instead of out; OPTIONS='...' goes to"
	@echo "  the command, such as --column child_id=PersonRef (.venv/bin/rereferral report --help)."

report: ## simulate England and make the report on it, or on your own table
ifdef DATA
	@test -n "$$UNTIL" || { echo "make report DATA=... needs UNTIL=YYYY-MM-DD, the last day that is in the data" >&2; exit 2; }
	@test -r "$$DATA" || { echo "make report: cannot read DATA=$$DATA" >&2; exit 2; }
endif
	@.ci/setup report
ifndef DATA
	@$(use)rereferral simulate --calibration report --seed "$$SEED" --out "$$OUT/data"
endif
	@$(use)rereferral report "$${DATA:-$$OUT/data/episodes.csv}" $${YEARS:+--years "$$YEARS"} \
	    $${FROM:+--observed-from "$$FROM"} --observed-until "$$UNTIL" --out "$$OUT/report" $(OPTIONS)

test: ## every test but those below (under 10 minutes)
	@.ci/setup report test
	$(use)python -m pytest -n auto --maxprocesses 8 --dist loadfile $(PYTEST)

properties: ## count how often the package and the slow reference differ (CASES=20000 SEED=1)
	@.ci/setup report test
	$(use)python tests/count_properties.py --cases $(CASES) --seed $(SEED)
	$(use)python -m pytest --hypothesis-profile "new cases" --hypothesis-seed $(SEED) \
	    $$(grep -l "@given" tests/test_*.py)

fuzz: ## every way of reading CSV against libcsv alone, on hostile files (CASES=20000 SEED=1)
	@.ci/setup report test
	. .setup/env && REREFERRAL_FUZZ=$(CASES),$(SEED) .venv/bin/python -m pytest tests/test_core_c.py -k paths

calibration: ## the simulated England at full scale against the published figures
	@.ci/setup report test
	$(use)python -m pytest tests/calibration $(PYTEST)

coverage: ## how often limits of England from 59 authorities hold the truth (DRAWS=2000 SEED=1)
	@.ci/setup report test
	$(use)python tests/coverage_of_limits.py --draws $(or $(DRAWS),2000) --seed $(or $(SEED),1)

attack: ## small counts that can be found in tables of a simulated England, naive and protected (SEED=1 RULE=DFE)
	@.ci/setup report test
	$(use)python tests/attack_on_england.py --seed $(or $(SEED),1) --rule $(or $(RULE),DFE)

lint: ## format, style and types of the Python and the C, compiler warnings as errors
	@.ci/setup report test lint
	$(use)ruff check
	$(use)ruff format --check
	$(use)mypy
	$(use)python -m mypy.stubtest rereferral._core
	$(use)clang-format --dry-run -Werror $(C_FILES)
	. .setup/env && CFLAGS=-Werror .venv/bin/python setup.py -q build_ext --force \
	    --build-temp .setup/lint --build-lib .setup/lint

format: ## rewrite the Python and the C in the format that lint asks for
	@.ci/setup report test lint
	$(use)ruff check --fix
	$(use)ruff format
	$(use)clang-format -i $(C_FILES)

bench: ## beside every engine: JOBS="link csv" ROWS=10000000 RUNS=5 THREADS=1,2 (an hour or more)
	@.ci/setup report test bench
	$(use)python -m tests.bench $(JOBS) $(if $(ROWS),--rows $(ROWS)) $(if $(RUNS),--runs $(RUNS)) \
	    $(if $(THREADS),--threads $(THREADS)) $(BENCH)

bench-large: ## how a link grows from 1 to 10 to 100 million rows (24 GB of memory)
	@.ci/setup report test bench
	$(use)python -m tests.bench growth --sizes 1000000,10000000,100000000 \
	    $(if $(RUNS),--runs $(RUNS),--runs 3) $(if $(THREADS),--threads $(THREADS)) $(BENCH)

# The package built as a wheel on numpy 2, installed with other versions of what it needs.
oldest: ## the tests with the oldest numpy and pandas that the package supports
newest: ## the tests with the newest of everything, whatever .ci/pinned.txt says
oldest newest:
	@.ci/setup report test
	. .setup/env && .ci/elsewhere $@ $(PYTEST)

clean: ## remove what was built and set up; out/ stays
	rm -rf .setup .venv build dist python/*.egg-info python/rereferral/_core*.so
	rm -rf .pytest_cache .hypothesis .ruff_cache .mypy_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
