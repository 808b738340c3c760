# What a person types; the scripts do the work and set up what they need.
.PHONY: build run bench lint demo test soak clean

# The release programs, static where the broker must be, in build/bin.
build:
	@scripts/build release

# The broker as just built, for example: make run ARGS="profiles"
run: build
	@build/bin/tollgate $(ARGS)

bench: build
	@bench/run
	@bench/server
	@bench/page

lint:
	@scripts/lint

demo:
	@scripts/demo

test:
	@scripts/test

# A million lives of gated runs against their model, 100 kills with the real terraform, then rounds of the end-to-end
# tests until SOAK_SECONDS (default 600) are over.
soak: build
	@scripts/soak model
	@scripts/soak

clean:
	rm -rf build
