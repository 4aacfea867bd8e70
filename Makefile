# EdgeFleet. `make` alone lists what there is. Each target does its own set-up.
CONFIGURATION ?= Release
export DOTNET_CLI_TELEMETRY_OPTOUT = 1
export DOTNET_NOLOGO = 1

.DEFAULT_GOAL := help
.PHONY: help setup build test demo stop-demo bench evidence clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing: Debian packages (as root), ONNX Runtime from npm
	@bash eng/setup.sh

build: setup ## Build everything
	@bash eng/build.sh EdgeFleet.sln $(CONFIGURATION)

test: build ## Run all tests; the last line is "N passed, N failed"
	@bash eng/test.sh $(CONFIGURATION)

demo: build ## The main job on this machine: 8 devices, real processes (KEEP=1 leaves it running)
	@dotnet eng/demo/bin/$(CONFIGURATION)/net10.0/edgefleet-demo.dll $(if $(KEEP),--keep)

stop-demo: ## Stop what `make demo KEEP=1` left running
	@dotnet eng/demo/bin/$(CONFIGURATION)/net10.0/edgefleet-demo.dll --stop

bench: build ## Measure speed as ratios within one run; writes artifacts/bench/*.json
	@dotnet tests/EdgeFleet.Benchmarks/bin/$(CONFIGURATION)/net10.0/EdgeFleet.Benchmarks.dll bench

evidence: build ## Long simulations and soaks; writes artifacts/evidence/*.json
	@bash eng/setup.sh evidence
	@dotnet tests/EdgeFleet.Benchmarks/bin/$(CONFIGURATION)/net10.0/EdgeFleet.Benchmarks.dll evidence

clean: ## Remove build results and artifacts
	@rm -rf artifacts; find . -name node_modules -prune -o \( -name bin -o -name obj \) -type d -print0 | xargs -0 rm -rf
