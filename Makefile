# osdr: cross-Region disaster recovery for Amazon OpenSearch Service.
# `make` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# everything that is installed, built or run lives in these two, both ignored by git
DRILL := .drill
BUILD := build

LAMBDAS := snapshot recovery promotion gate traffic
# The app sets it to what dr.functionArchitecture says.
GOARCH_FUNCTIONS ?= arm64
# Reproducible bytes: no paths, no VCS stamp, no build id; without net/rpc.
LAMBDA_FLAGS := -trimpath -buildvcs=false -tags lambda.norpc -ldflags "-s -w -buildid="

# The race detector is for what runs in production and for the drill; the CDK app is
# one synth in one process, and its bindings are slow to build with it; the
# simulation runs one goroutine at a time by itself.
PLAIN := ./constructs/... ./stacks/... ./bin/... ./internal/simulation
RACED  = $$(go list ./internal/... ./lambda/... ./drill/... | grep -v /internal/simulation)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: lambdas
lambdas: ## build the functions into build/lambda, the same bytes everywhere
	@for f in $(LAMBDAS); do \
	  CGO_ENABLED=0 GOOS=linux GOARCH=$(GOARCH_FUNCTIONS) go build $(LAMBDA_FLAGS) -o $(BUILD)/lambda/$$f/bootstrap ./lambda/$$f; \
	done

.PHONY: app
app: ## what cdk.json runs: build the functions, then synthesise
	@# Node 20 works and is past its end, which the CLI tells in a line; jsii's page of
	@# it would bury the faults. The value names the major version.
	@JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20 go run ./bin/app

.PHONY: install
install: ## install what tests and drill need into .drill, pinned
	@go run ./bin/drill install

.PHONY: test
test: install ## every test but the drill
	go test -timeout 45m -skip '^TestSimulation$$' $(PLAIN)
	@# -v says how many histories were played, and how quickly
	go test ./internal/simulation -run '^TestSimulation$$' -v -timeout 1h
	@# The contract suite asks a real node: minutes alone, and longer beside the others.
	go test -race -timeout 45m $(RACED)
	@# It asks the go command about the packages, which the test cache does not see.
	go test -count=1 ./internal/archtest

.PHONY: drill
drill: ## all that must be true, on this machine: emulator, real OpenSearch nodes, real cdk (SCENARIO=<name> plays one)
	@go run ./bin/drill run $(SCENARIO)

# The operator's command; built, since a disaster is no time to compile.
OSDR := $(BUILD)/osdr
# What starts the real cdk. A shell of the local cloud (drill env) has its own, and
# its proxy is the way to the domains there.
CDK ?= $(if $(OSDR_DRILL_CDK),node $(OSDR_DRILL_CDK),cdk)
LOCAL = $(if $(OSDR_DRILL_PROXY),HTTPS_PROXY=$(OSDR_DRILL_PROXY))
# TO=<region> makes another Region active than the one cdk.json does not name.
# ARGS goes to osdr plan (-c dr.<path>=<value> goes on to cdk, too), CDK_ARGS to cdk.
TO ?=
ARGS ?=
CDK_ARGS ?=
# cdk takes each CDK_ variable of its environment for an option of its own.
unexport CDK_ARGS

.PHONY: osdr
osdr: ## build the operator's command, build/osdr
	@CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o $(BUILD)/osdr ./bin/osdr

# The plan says what would be lost before anything starts, and stops where the
# switch would be refused; it prints the documented command and its words.
define switch
	@plan="$$($(LOCAL) $(OSDR) plan --$(1) $(if $(TO),--to $(TO)) -o shell $(ARGS))"; \
	eval "$$plan"; export AWS_REGION; \
	if ! $(CDK) "$$@" $(CDK_ARGS); then \
	  echo "make $@: the deployment ended early. Nothing is half done that a run does not go on with: osdr status shows where it stands, make $@ goes on." >&2; exit 1; \
	fi; \
	if [ -n "$$OSDR_COMMIT" ]; then echo; echo "commit this line to cdk.json now:  $$OSDR_COMMIT"; fi
endef

.PHONY: failover
failover: osdr ## make the other Region active: the active one is lost (TO=<region>)
	$(call switch,failover)

.PHONY: failback
failback: osdr ## switch Regions as planned, losing nothing (TO=<region>)
	$(call switch,planned)

SEEDS ?= 10000
.PHONY: simulate
simulate: ## play SEEDS=<n> histories against the protocol; SEED=<n> replays one
	go test ./internal/simulation -run '^TestSimulation$$' -count=1 -v -timeout 0 $(if $(SEED),-seed $(SEED),-seeds $(SEEDS))

.PHONY: golden
golden: ## rewrite the template goldens, and the tables in README and docs, after a wanted change
	go test ./stacks ./internal/config ./internal/drift/checks -update

.PHONY: sizes
sizes: lambdas ## size of each function's package (at most 8 MB)
	@rc=0; for f in $(LAMBDAS); do \
	  bytes=$$(gzip -9 -c $(BUILD)/lambda/$$f/bootstrap | wc -c); \
	  awk -v f=$$f -v b=$$bytes 'BEGIN { printf "%-10s %5.1f MB zipped\n", f, b/1e6; exit (b > 8e6) }' \
	    || { echo "$$f is larger than 8 MB" >&2; rc=1; }; \
	done; exit $$rc

GOLANGCI_VERSION := v2.6.2
GOVULN_VERSION   := v1.1.4
# The version is in the name, so that a new pin is installed.
GOLANGCI := $(DRILL)/bin/golangci-lint-$(GOLANGCI_VERSION)
GOVULN   := $(DRILL)/bin/govulncheck-$(GOVULN_VERSION)

# go install names a command after its package: it is renamed.
$(GOLANGCI):
	GOBIN=$(abspath $@.d) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $@.d/golangci-lint $@ && rmdir $@.d

$(GOVULN):
	GOBIN=$(abspath $@.d) go install golang.org/x/vuln/cmd/govulncheck@$(GOVULN_VERSION)
	mv $@.d/govulncheck $@ && rmdir $@.d

.PHONY: lint
lint: $(GOLANGCI) $(GOVULN) ## vet, gofmt, golangci-lint, and known vulnerabilities where their database can be reached
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt would change:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	$(GOLANGCI) run ./...
	@bash .ci/vulnerabilities $(GOVULN)

.PHONY: clean
clean: ## remove what was built and installed here
	rm -rf $(BUILD) cdk.out $(DRILL)
