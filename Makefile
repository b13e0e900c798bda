# Everything that one does with the project. Only Go, git, bash and make are
# needed: what the tests drive besides is installed by `make test` on Debian.

FUZZTIME ?= 30s
BENCHTIME ?= 1s
SOAKTIME ?= 1h

.PHONY: run generate lint test bench performance soak fuzz demo-clip screenshots

run: ## the program with the demo show, at http://localhost:8080
	go run ./cmd/bookmygig -demo

generate: ## Go files from the templ components
	go tool templ fmt views
	go tool templ generate

lint: ## format, generated files, vet, staticcheck
	.ci/lint

test: ## all tests with the race detector
	.ci/tools
	go test -race -timeout 9m -p 2 $$(go list ./... | grep -v -e /cmd/bookmygig -e /cmd/showload)
	go test -race -timeout 9m -count 1 -parallel 4 ./cmd/bookmygig ./cmd/showload # they build the program, which go test does not see

bench: ## benchmarks, a crowd on a running server, and crowds beside a bare server
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...
	.ci/with-show sh -c 'go run ./cmd/showload -url $$SHOW_URL -gig $$SHOW_GIG -pid $$SHOW_PID \
		-viewers 450 -slow 50 -chatters 100 -rate 0.5 -duration 30s'
	.ci/performance short

performance: ## table and plot of docs/performance.md
	.ci/performance docs

soak: ## shows come and go for SOAKTIME; then the server must be what it was before
	.ci/with-show --no-demo sh -c 'go run ./cmd/showload soak -url $$SHOW_URL -ops $$SHOW_OPS \
		-clip cmd/bookmygig/demo.flv -duration $(SOAKTIME)'

fuzz: ## each fuzz target for FUZZTIME
	@for pkg in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

demo-clip: ## the clip that -demo plays (needs ffmpeg and the DejaVu fonts)
	cmd/bookmygig/demo-clip.sh cmd/bookmygig/demo.flv

screenshots: ## docs/screenshots, of the program as it is now
	.ci/tools
	.ci/with-show sh -c 'go run ./cmd/screenshots -url $$SHOW_URL -gig $$SHOW_GIG -out docs/screenshots'
