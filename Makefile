# overlapd - `make help` lists the targets.

VERSION := $(shell awk '/define OV_VERSION_(MAJOR|MINOR|PATCH)/{printf "%s%s",s,$$3; s="."}' lib/overlap.h)
SONAME  := liboverlap.so.$(firstword $(subst ., ,$(VERSION)))

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
UNITDIR    ?= $(PREFIX)/lib/systemd/system
SYSCONFDIR ?= $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)
CONFFILE    = $(DESTDIR)$(SYSCONFDIR)/overlapd/overlapd.conf

CC     ?= cc
CFLAGS ?= -O2 -g
STD    := -std=c17 -ffp-contract=off
WARN   := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
          -Wundef -Wvla -Wformat=2 -Wcast-qual -Wwrite-strings
WERROR ?= -Werror

# MODE=release|asan|tsan|cov|fuzz: each has its own tree under build/. Traces need files and lines
# alone (-g1): with more, gcc takes a minute for a kernel under -fsanitize=undefined.
MODE ?= release
HARDEN       := -fstack-protector-strong -fstack-clash-protection
MODE_release := $(HARDEN) -D_FORTIFY_SOURCE=3
MODE_asan    := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
MODE_tsan    := -O1 -g1 -fsanitize=thread
MODE_cov     := -O0 -g1 --coverage -fprofile-update=atomic
MODE_fuzz    := -O1 -g1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
B := build/$(MODE)
LINK = $(CC) $(MODE_$(MODE)) $(CFLAGS) $(LDFLAGS) -Wl,-z,relro,-z,now -pie

DEPS_proto  := jansson libisal libzstd liblz4 spng libtiff-4 libxxhash
DEPS_daemon := libmicrohttpd gnutls libuv inih nettle sqlite3 $(DEPS_proto)
DEPS_tests  := cmocka libcurl zlib $(DEPS_daemon)
DEPS_examples := zlib spng
DEPS_bench  := zlib $(DEPS_proto)
DEPS_decode := libdeflate $(DEPS_bench)
libs         = $(shell pkg-config --libs $(DEPS_$(1))) -lm

lib_src    := $(wildcard lib/*.c lib/kernels/*.c)
proto_src  := $(wildcard proto/*.c proto/format/*.c)
daemon_src := $(wildcard daemon/*.c)
daemon_parts := $(filter-out daemon/main.c,$(daemon_src))
test_src   := $(wildcard tests/unit/*/test_*.c tests/fault/test_*.c tests/api/test_*.c)
fuzz_src   := $(wildcard tests/fuzz/fuzz_*.c)
objects     = $(patsubst %.c,$(B)/%.o,$(1))
programs    = $(patsubst %.c,$(B)/%,$(1))

all: $(B)/liboverlap.a $(B)/$(SONAME) $(B)/overlapd $(B)/examples/phantom ## build the library and the daemon

# -fPIC serves both libraries, and users who link the archive into a shared library of theirs.
$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -I. $(CPPFLAGS_$(firstword $(subst /, ,$*))) $(STD) $(WARN) $(WERROR) -fPIC \
	    -fvisibility=hidden -MMD -MP $(CFLAGS) $(CFLAGS_$(firstword $(subst /, ,$*))) $(MODE_$(MODE)) -c $< -o $@

# The library is pure C; proto and daemon may use what Linux offers.
CPPFLAGS_proto    := -D_GNU_SOURCE
CPPFLAGS_daemon   := -D_GNU_SOURCE
CPPFLAGS_tests    := -D_GNU_SOURCE
CPPFLAGS_examples := -Ilib -D_GNU_SOURCE
CPPFLAGS_bench    := -D_GNU_SOURCE

# A third of the build goes into tests, which run for a moment.
CFLAGS_tests := -O1 -g1

$(B)/liboverlap.a: $(call objects,$(lib_src))
	rm -f $@ && $(AR) rcs $@ $^

$(B)/proto.a: $(call objects,$(proto_src))
	rm -f $@ && $(AR) rcs $@ $^

$(B)/daemon.a: $(call objects,$(daemon_parts))
	rm -f $@ && $(AR) rcs $@ $^

$(B)/$(SONAME): $(call objects,$(lib_src)) lib/overlap.map
	$(CC) -shared $(MODE_$(MODE)) $(CFLAGS) $(LDFLAGS) -Wl,-z,relro,-z,now -Wl,-soname,$(SONAME) \
	    -Wl,--version-script=lib/overlap.map -Wl,--no-undefined $(filter %.o,$^) -lm -o $@

# The link line is the dependency direction: daemon, then proto, then lib.
$(B)/overlapd: $(B)/daemon/main.o $(B)/daemon.a $(B)/proto.a $(B)/liboverlap.a
	$(LINK) $^ $(call libs,daemon) -o $@

$(B)/proto/openapi.o: proto/openapi.yaml

$(B)/bench/decode: $(B)/bench/decode.o $(B)/proto.a $(B)/liboverlap.a
	$(LINK) $^ $(call libs,decode) -o $@

$(B)/bench/%: $(B)/bench/%.o $(B)/proto.a $(B)/liboverlap.a
	$(LINK) $^ $(call libs,bench) -o $@

$(B)/examples/%: $(B)/examples/%.o
	$(LINK) $^ $(call libs,examples) -o $@

$(B)/bench/%: $(B)/bench/%.o $(B)/liboverlap.a
	$(LINK) $^ -lm -o $@

$(B)/tests/unit/lib/%: $(B)/tests/unit/lib/%.o $(B)/liboverlap.a
	$(LINK) $^ $(call libs,tests) -o $@

$(B)/tests/%: $(B)/tests/%.o $(B)/daemon.a $(B)/proto.a $(B)/liboverlap.a
	$(LINK) $(LINK_$(notdir $*)) $^ $(call libs,tests) -o $@

# Every allocation of lib and proto goes through the test's own functions, which fail on request.
LINK_test_allocation := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
LINK_test_allocation_loss := $(LINK_test_allocation)
LINK_test_allocation_lib := $(LINK_test_allocation)

$(B)/tests/fault/failing_%.so: tests/fault/failing_%.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) $(WERROR) $(CFLAGS) -fPIC -shared -D_GNU_SOURCE $< -o $@

test: all $(call programs,$(test_src)) $(B)/tests/fault/failing_malloc.so $(B)/tests/fault/failing_io.so ## run every test; MODE=asan|tsan|cov picks the build
	MODE=$(MODE) tests/run $(B)

# gcc 12's sanitizers make -Wconversion and -Wmaybe-uninitialized warn falsely: no -Werror there.
asan tsan: ## run every test under sanitizers
	$(MAKE) test MODE=$@ WERROR=

cov: ## line coverage of the tests
	$(MAKE) test MODE=cov WERROR=
	tests/coverage build/cov

$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(B)/proto.a $(B)/liboverlap.a
	$(LINK) -fsanitize=fuzzer $^ $(call libs,proto) -o $@

fuzz: ## replay the corpus, then fuzz FUZZ_SECONDS each
	$(MAKE) MODE=fuzz CC=clang WERROR= $(patsubst %.c,build/fuzz/%,$(fuzz_src))
	tests/fuzz/run $(or $(FUZZ_SECONDS),10) $(patsubst %.c,build/fuzz/%,$(fuzz_src))

include daemon/dashboard.mk tests/checks.mk

install: all ## install under $(DESTDIR)$(PREFIX)
	install -Dm755 $(B)/overlapd $(DESTDIR)$(BINDIR)/overlapd
	install -Dm644 -t $(DESTDIR)$(INCLUDEDIR) lib/overlap.h lib/overlap_loss.h lib/overlap_overlay.h
	install -Dm644 $(B)/liboverlap.a $(DESTDIR)$(LIBDIR)/liboverlap.a
	install -Dm755 $(B)/$(SONAME) $(DESTDIR)$(LIBDIR)/$(SONAME).$(VERSION:$(firstword $(subst ., ,$(VERSION))).%=%)
	ln -sf $(SONAME).$(VERSION:$(firstword $(subst ., ,$(VERSION))).%=%) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/liboverlap.so
	test -e $(CONFFILE) || install -Dm644 config/overlapd.conf $(CONFFILE)
	install -Dm644 systemd/overlapd.socket $(DESTDIR)$(UNITDIR)/overlapd.socket
	sed 's|@BINDIR@|$(BINDIR)|;s|@SYSCONFDIR@|$(SYSCONFDIR)|' systemd/overlapd.service.in > $(DESTDIR)$(UNITDIR)/overlapd.service
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig
	sed 's|@PREFIX@|$(PREFIX)|;s|@LIBDIR@|$(LIBDIR)|;s|@INCLUDEDIR@|$(INCLUDEDIR)|;s|@VERSION@|$(VERSION)|' \
	    lib/liboverlap.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/liboverlap.pc

clean: ## remove build/
	rm -rf build

help: ## this list
	@awk -F':.*## ' '/^[a-z][a-z -]*:.*##/{printf "  %-16s %s\n",$$1,$$2}' $(MAKEFILE_LIST)

.PHONY: all test asan tsan cov fuzz install clean help
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
