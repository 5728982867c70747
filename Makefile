# Two commands are the front door: `make up` and `make test`. Everything here is thin over npm scripts.
.DEFAULT_GOAL := help
.PHONY: help up preview status down test bench lab-up lab-down lab-ssh clean

help: ## What can be done here
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: node_modules/.installed ## Start a simulated GPU cluster and bring the dev stack up on it
	@npm run --silent up

preview: node_modules/.installed ## What `make up` would change, with the policy pack, changing nothing
	@npm run --silent preview

status: node_modules/.installed ## Nodes, GPUs, models and their addresses
	@npm run --silent status

down: node_modules/.installed ## Destroy the dev stack and the simulated cluster: no resource, process or port is left
	@npm run --silent down

test: node_modules/.installed ## Everything: types, lint, unit, policies, the engine on a real API server
	@npm test --silent

bench: node_modules/.installed ## Measure preview, up, second up and destroy beside kubectl (docs/benchmarks.md)
	@npm run --silent bench

lab-up: node_modules/.installed ## Bare Debian hosts on this machine and the stack lab on them (Linux, root; docs/hosts-lab.md)
	@npm run --silent lab:up

lab-ssh: node_modules/.installed ## A shell on a lab host: make lab-ssh HOST=h1
	@npm run --silent lab -- ssh $(or $(HOST),h1)

lab-down: node_modules/.installed ## Destroy the stack lab and remove its hosts: no process, mount, interface or file is left
	@npm run --silent lab:down

clean: ## Remove what was made inside this checkout (the tools' cache outside of it stays)
	@if [ -d .sim ] && [ -e node_modules/.installed ]; then npm run --silent down; fi
	@if [ -d .sim/lab ]; then npm run --silent lab:down -- --force; fi
	rm -rf node_modules coverage .sim

node_modules/.installed: package.json package-lock.json
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' \
	  || { echo "Node.js 20.19 or newer is needed (found: $$(node --version 2>/dev/null || echo none)). Install it, then run make again." >&2; exit 1; }
	@echo "npm packages: installing from package-lock.json"
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
