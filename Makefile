# The front door. Everything real is in CMakePresets.json, tests/ and packaging/; each target installs what
# it needs first (packaging/deps, quick when nothing is missing).

BUILD := build/release
JOBS ?= $(shell nproc)

# ccache keeps its objects in the home directory; where there is none, beside the build.
ifeq ($(wildcard $(HOME)),)
export CCACHE_DIR ?= $(CURDIR)/build/ccache
endif

.DEFAULT_GOAL := help
.PHONY: help build run test bench soak lint docs clean

help: ## this list
	@echo 'make TARGET, each of which installs what it needs first:'
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 12

build: ## the release binary, build/release/colloquium
	@packaging/deps build
	@test -f $(BUILD)/build.ninja || cmake --preset release --log-level=WARNING
	@ninja -j $(JOBS) -C $(BUILD) colloquium computo_conformance

run: build ## start the quickstart pipeline and post its sample webhooks
	@packaging/deps run
	@examples/quickstart/run.sh

test: ## everything that must hold, sanitizers included
	@packaging/deps build test
	@JOBS=$(JOBS) tests/run

bench: build ## the table of speeds, each row beside a peer (BENCH_ARGS=--quick for a short one)
	@packaging/deps bench
	@ninja -j $(JOBS) -C $(BUILD) bench_programs
	@tests/bench/run.py --build $(BUILD) $(BENCH_ARGS)

soak: build ## long runs: thousands of kills, millions of simulated crashes, seeded bugs, fuzzing (hours)
	@packaging/deps test bench
	@tests/run --soak

lint: ## layout and a small blocking set of clang-tidy checks, on what changed (LINT_ARGS=--all for everything)
	@packaging/deps build lint
	@tests/quality/lint.py $(LINT_ARGS)

docs: build ## write the generated reference, docs/reference
	@$(BUILD)/colloquium docs --out docs/reference

clean: ## remove everything built
	rm -rf build
