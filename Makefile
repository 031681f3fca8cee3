# Strongroom. The targets people use:
#
#   make demo      build, make a token under target/demo, use it from a C program
#   make test      install what the tests need (Debian packages), then run every test
#   make install   PREFIX=/usr/local DESTDIR=
#   make uninstall
#   make check     formatting, lints, documentation
#   make bench     compare with the other modules of this machine

CARGO ?= cargo
CC ?= cc
INSTALL ?= install
PYTHON ?= /usr/bin/python3

PREFIX ?= /usr/local
DESTDIR ?=
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
# Where p11-kit looks for modules: below /usr it is told by the installation, elsewhere by the administrator's directory.
P11_KIT_MODULES ?= $(if $(filter /usr,$(PREFIX)),$(DATADIR)/p11-kit/modules,$(if $(filter /usr/local,$(PREFIX)),/etc/pkcs11/modules,$(DATADIR)/p11-kit/modules))

# Where install takes the module and the programs from.
PRODUCTS ?= $(or $(CARGO_TARGET_DIR),target)/release
MODULE = libstrongroom.so
MODULE_ABI = libstrongroom.so.0
PROGRAMS = strongroom key_mgmt_util cloudhsm_mgmt_util cloudhsm-cli
MAN_PAGES = man1/strongroom.1 man1/key_mgmt_util.1 man1/cloudhsm_mgmt_util.1 man1/cloudhsm-cli.1 \
	man5/strongroom.toml.5 man7/libstrongroom.7
HEADERS = pkcs11.h strongroom.h
# The signed manifest that the programs compare the installation with, the certificate of its key, and the pinned key.
# Where they are follows from the place of the programs alone (tools/src/attestation.rs). `ATTEST=no` makes none, for a
# package whose files change after this or whose programs do not run here: then `strongroom attest make` is for the target.
ATTEST ?= yes
ROOT = $(patsubst %/bin,%,$(BINDIR))
ATTEST_MANIFEST = $(ROOT)/share/strongroom/manifest
ATTEST_CERTIFICATE = $(ROOT)/share/strongroom/attest.crt
ATTEST_KEY = $(or $(patsubst %/usr,%/etc/strongroom/attest-usr.pub,$(filter %/usr,$(ROOT))),$(patsubst \
	%/usr/local,%/etc/strongroom/attest-usr-local.pub,$(filter %/usr/local,$(ROOT))),$(ROOT)/etc/strongroom/attest.pub)
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

TEST_PACKAGES = opensc gnutls-bin p11-kit p11-kit-modules softhsm2 libnss3 libnss3-tools valgrind \
	python3-venv python3-dev pkg-config gcc g++ openssl binutils man-db \
	libengine-pkcs11-openssl nginx-light curl openjdk-17-jdk-headless openssh-client openssh-server \
	knot knot-dnssecutils knot-dnsutils ldnsutils bind9-utils sqlite3
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

SOFTHSM ?= /usr/lib/softhsm/libsofthsm2.so
NSS ?= $(firstword $(wildcard /usr/lib/*-linux-gnu/libsoftokn3.so /usr/lib/*-linux-gnu/nss/libsoftokn3.so))
BENCH_ARGS ?= --against $(SOFTHSM) $(if $(NSS),--against $(NSS))

.PHONY: all demo test test-deps check bench fuzz install uninstall clean

# A build tree that others can write to attests to nothing, and is built all the same.
all:
	$(CARGO) build --release --workspace
	if [ "$(ATTEST)" = yes ]; then \
		$(PRODUCTS)/strongroom attest make >/dev/null || $(PRODUCTS)/strongroom attest check || true; fi

# A missing product is built; a present one is installed as it is, so that `sudo make install` needs no compiler.
$(PRODUCTS)/$(MODULE) $(addprefix $(PRODUCTS)/,$(PROGRAMS)):
	$(CARGO) build --release --workspace

demo:
	@echo "== Building the module (release)"
	@$(CARGO) build --release --workspace
	@mkdir -p target/demo
	@echo "== Compiling examples/demo.c"
	@$(CC) -std=c99 -Wall -Wextra -Iinclude -o target/demo/demo examples/demo.c -ldl
	@printf 'Dear reader,\n\nthis letter was in a strongroom.\n' > target/demo/letter.txt
	@echo "== Running target/demo/demo, a program that knows only the path of the module"
	@env -u STRONGROOM_CONF STRONGROOM_DIR="$(CURDIR)/target/demo/tokens" \
		target/demo/demo $(PRODUCTS)/$(MODULE) target/demo/letter.txt
	@echo
	@echo "== Now yours (pkcs11-tool is in Debian's package opensc):"
	@echo
	@echo '  export STRONGROOM_DIR="$$PWD/target/demo/tokens"'
	@echo '  alias p11="pkcs11-tool --module $(PRODUCTS)/$(MODULE)"'
	@echo '  p11 --list-slots'
	@echo '  p11 --token-label demo --login --pin 1234-user --list-objects'
	@echo '  p11 --token-label demo --login --pin 1234-user --keygen --key-type AES:32 --private --sensitive --label mine --id 07'
	@echo '  p11 --token-label demo --login --pin 1234-user --encrypt --mechanism AES-CBC-PAD --id 07 \'
	@echo '      --iv 000102030405060708090a0b0c0d0e0f -i README.md -o target/demo/README.sealed'

# What the build wrote reaches the disk first: a store that waits for gigabytes of it before each commit is not what
# the tests of several processes are about.
test: test-deps
	$(CARGO) build --workspace
	$(CARGO) test --workspace --no-run
	sync
	$(CARGO) test --workspace --no-fail-fast

test-deps: target/python/.ready target/node/.ready
	@missing=; \
	for package in $(TEST_PACKAGES); do \
		dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then $(MAKE) --no-print-directory apt-install PACKAGES="$$missing"; fi

# Some packages bring servers: they are installed and not started.
.PHONY: apt-install
apt-install:
	$(SUDO) apt-get update -qq
	$(SUDO) env DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $(PACKAGES)

target/python/.ready: tests/clients/requirements.txt
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		$(MAKE) --no-print-directory apt-install PACKAGES="python3-venv python3-dev g++"
	$(PYTHON) -m venv target/python
	target/python/bin/pip install --quiet --disable-pip-version-check -r tests/clients/requirements.txt
	@touch $@

# npm may come with another Node.js than Debian's; then that is used.
target/node/.ready: tests/clients/programs/package.json
	@command -v npm >/dev/null || $(MAKE) --no-print-directory apt-install PACKAGES="nodejs npm libnode-dev"
	mkdir -p target/node && cp $< target/node/
	cd target/node && npm install --no-audit --no-fund --loglevel=error
	@touch $@

check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

bench:
	$(CARGO) build --release --workspace
	$(CARGO) run --release -p strongroom-bench -- $(BENCH_ARGS)

# Needs cargo-fuzz (cargo install cargo-fuzz --locked); one minute for each target.
fuzz:
	cd fuzz && for target in config object_record token_store template calls; do \
		mkdir -p corpus/$$target && RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run $$target corpus/$$target seeds/$$target -- \
			-max_total_time=60 -max_len=2048 -len_control=0 || exit 1; done

install: $(PRODUCTS)/$(MODULE) $(addprefix $(PRODUCTS)/,$(PROGRAMS))
	$(INSTALL) -d $(DESTDIR)$(LIBDIR)/pkcs11 $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(BINDIR) \
		$(DESTDIR)$(INCLUDEDIR)/strongroom $(DESTDIR)$(P11_KIT_MODULES)
	$(INSTALL) -m 755 $(PRODUCTS)/$(MODULE) $(DESTDIR)$(LIBDIR)/$(MODULE_ABI)
	ln -sf $(MODULE_ABI) $(DESTDIR)$(LIBDIR)/$(MODULE)
	ln -sf ../$(MODULE_ABI) $(DESTDIR)$(LIBDIR)/pkcs11/$(MODULE)
	for program in $(PROGRAMS); do \
		$(INSTALL) -m 755 $(PRODUCTS)/$$program $(DESTDIR)$(BINDIR)/$$program || exit 1; done
	for header in $(HEADERS); do \
		$(INSTALL) -m 644 include/strongroom/$$header $(DESTDIR)$(INCLUDEDIR)/strongroom/$$header || exit 1; done
	for page in $(MAN_PAGES); do \
		$(INSTALL) -D -m 644 packaging/man/$${page##*/} $(DESTDIR)$(MANDIR)/$$page || exit 1; done
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' packaging/strongroom.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/strongroom.pc
	chmod 644 $(DESTDIR)$(LIBDIR)/pkgconfig/strongroom.pc
	sed 's|^module: .*|module: $(LIBDIR)/pkcs11/$(MODULE)|' packaging/strongroom.module \
		> $(DESTDIR)$(P11_KIT_MODULES)/strongroom.module
	chmod 644 $(DESTDIR)$(P11_KIT_MODULES)/strongroom.module
	if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then ldconfig; fi
	if [ "$(ATTEST)" = yes ]; then $(DESTDIR)$(BINDIR)/strongroom attest make; fi

uninstall:
	rm -f $(DESTDIR)$(LIBDIR)/$(MODULE_ABI) $(DESTDIR)$(LIBDIR)/$(MODULE) $(DESTDIR)$(LIBDIR)/pkcs11/$(MODULE)
	rm -f $(addprefix $(DESTDIR)$(BINDIR)/,$(PROGRAMS)) $(addprefix $(DESTDIR)$(MANDIR)/,$(MAN_PAGES))
	rm -f $(addprefix $(DESTDIR)$(INCLUDEDIR)/strongroom/,$(HEADERS))
	rm -f $(DESTDIR)$(LIBDIR)/pkgconfig/strongroom.pc $(DESTDIR)$(P11_KIT_MODULES)/strongroom.module
	rm -f $(DESTDIR)$(ATTEST_MANIFEST) $(DESTDIR)$(ATTEST_CERTIFICATE) $(DESTDIR)$(ATTEST_KEY)
	-rmdir $(DESTDIR)$(INCLUDEDIR)/strongroom $(DESTDIR)$(dir $(ATTEST_MANIFEST)) 2>/dev/null

clean:
	$(CARGO) clean
