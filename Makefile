# The few commands people type; how things are built is in meson.build.
BUILD ?= build
PREFIX ?= /usr/local

all:
	@tools/deps --check build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) --prefix=$(PREFIX) -Dtests=false
	@ninja -C $(BUILD)

# Installs the Debian packages that are missing, as root or through sudo.
deps:
	@tools/deps

# A certificate from a real ACME server in a real web server, on this machine, in under a minute.
quickstart:
	@tools/deps build quickstart
	@$(MAKE) --no-print-directory all
	@tools/quickstart $(BUILD)/everleaf

# All tests. ONLY="unit e2e" runs some of the suites, see tests/run --list.
check:
	@tools/deps build quickstart test
	@tests/run $(ONLY)

# The fuzz targets for longer, MINUTES each; 200 certificates by two nodes that are killed, paused and restarted; a million held.
MINUTES ?= 10
soak:
	@tools/deps build test
	@EVERLEAF_TEST_NODES_CERTIFICATES=200 tests/run --tests under_fire e2e-asan-pgsql
	@EVERLEAF_TEST_HELD=1000000 tests/run --tests large e2e
	@EVERLEAF_TEST_TRACES=50 tests/run --tests limits e2e
	@tests/run --fuzz-seconds $$(($(MINUTES) * 60)) fuzz

# Side by side with other clients; prints a table.
bench: all
	@bench/run

# A Debian package in build-deb, looked over by lintian; and it in a fresh chroot (as root), built for SUITE.
deb:
	@tools/deps build deb
	@tools/deb

SUITE ?=
check-package:
	@tools/deps build deb chroot
	@tests/package $(SUITE)

install: all
	@meson install -C $(BUILD)

clean:
	rm -rf build build-*

.PHONY: all deps quickstart check soak bench deb check-package install clean
