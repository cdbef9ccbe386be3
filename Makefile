# SPDX-License-Identifier: GPL-2.0-or-later
# The front door; meson does the building. `make help` lists the targets.
BUILD  ?= build
PREFIX ?= /usr/local
JOBS   ?= $(shell nproc)

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j $(JOBS) --quiet

$(BUILD)/build.ninja: tools/packages.txt
	@tools/install-packages
	@test -f $@ && touch $@ || meson setup --prefix $(PREFIX) $(BUILD) >/dev/null

deps:
	@tools/install-packages
demo: all
	@bench/demo $(BUILD)
check: all
	@tests/check $(BUILD)
check-full: all
	@tests/check --full $(BUILD)
bench: all
	@bench/run --build $(BUILD)
install: all
	@meson configure $(BUILD) --prefix $(PREFIX) && meson install -C $(BUILD) --quiet
uninstall:
	@ninja -C $(BUILD) --quiet uninstall
clean:
	rm -rf $(BUILD)
help:
	@echo 'make            build into $(BUILD)/'
	@echo 'make demo       compute pi with amd64 dc: natively, under wherry, under qemu-x86_64'
	@echo 'make check      build and run the tests; check-full adds the long ones'
	@echo 'make bench      measure against native and qemu-x86_64'
	@echo 'make install PREFIX=/usr/local, make uninstall, make clean'
.PHONY: all deps demo check check-full bench install uninstall clean help
