# SPDX-License-Identifier: GPL-2.0-or-later
# The front door; meson does the building. `make help` lists the targets.
# HOST=aarch64 or ppc64le builds for that processor and tests under its qemu; on a machine of that kind it is the plain build.
HOST   ?=
CROSS  := $(filter-out $(shell uname -m),$(HOST))
BUILD  ?= build$(CROSS:%=-%)
PREFIX ?= /usr/local
JOBS   ?= $(shell nproc)
CHECK   = tests/check $(if $(CROSS),--runner "qemu-$(CROSS) -L $(CURDIR)/$(BUILD)/run")

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j $(JOBS) --quiet

ifeq ($(CROSS),)
$(BUILD)/build.ninja: tools/packages.txt
	@tools/install-packages
	@if test -f $@; then meson setup --reconfigure $(BUILD) >/dev/null; else meson setup --prefix $(PREFIX) $(BUILD) >/dev/null; fi
else
$(BUILD)/build.ninja: tools/packages.txt tools/packages-cross.txt tools/cross-sysroot tools/cross/$(CROSS).ini
	@tools/install-packages && tools/install-packages tools/packages-cross.txt
	@tools/cross-sysroot $(CROSS) $(BUILD)/sysroot
	@printf '[constants]\nsysroot = %s\n' "'$(CURDIR)/$(BUILD)/sysroot'" >$(BUILD)/sysroot.ini
	@rm -rf $(BUILD)/meson-private $(BUILD)/meson-info && meson setup --prefix $(PREFIX) --cross-file $(BUILD)/sysroot.ini --cross-file tools/cross/$(CROSS).ini $(BUILD) >/dev/null
endif

deps:
	@tools/install-packages
	@$(if $(CROSS),tools/install-packages tools/packages-cross.txt)
demo: all
	@$(if $(CROSS),bench/demo-host $(CROSS) $(BUILD),bench/demo $(BUILD))
check: all
	@$(CHECK) $(BUILD)
check-full: all
	@$(CHECK) --full $(BUILD)
check-sanitize: all
	@tests/sanitize --full $(BUILD)
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
	@echo 'make check-sanitize'
	@echo '                build with the sanitizers and run the tests under them (part of check-full)'
	@echo 'make bench      measure against native and qemu-x86_64'
	@echo 'make HOST=aarch64, make HOST=ppc64le'
	@echo '                cross-build into build-HOST/ against a Debian tree there; make check HOST=... tests it under qemu'
	@echo '                and make demo HOST=... counts host instructions for pi: native dc, wherry, qemu-x86_64, Box64'
	@echo 'make install PREFIX=/usr/local, make uninstall, make clean'
.PHONY: all deps demo check check-full check-sanitize bench install uninstall clean help
