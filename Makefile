# Everything is built under build/$(VARIANT): release, asan (AddressSanitizer and UBSan), fuzz
# (the same for libFuzzer, by clang) or valgrind.
VARIANT ?= release
OUT     := build/$(VARIANT)
CC      ?= cc

# One line per file, or with V=1 the commands themselves.
ifdef V
SAY := @:
else
SAY := @echo
Q   := @
endif

SERVICES := $(shell sed -n 's/^\([a-z-]*\) .*/\1/p' tools/services)
LIBS     := libmicrohttpd libpq libcjson libcurl uuid libidn2 cjose libcrypto libssl libseccomp

CPPFLAGS := -I. -I$(OUT) -D_GNU_SOURCE $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
            -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Wundef
# Checked by tools/check-hardening.
MACHINE   := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
HARDENING := -fstack-protector-strong -fstack-clash-protection
ifeq ($(MACHINE),x86_64)
HARDENING += -fcf-protection=branch
else ifeq ($(MACHINE),aarch64)
HARDENING += -mbranch-protection=standard
endif
CFLAGS   := -std=gnu11 -g -ffile-prefix-map=$(CURDIR)=. -fPIE -fno-omit-frame-pointer $(HARDENING) $(WARNINGS)
LDFLAGS  := -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed
LDLIBS   := $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lunistring -lz -lm -lpthread

ifeq ($(VARIANT),release)
CFLAGS   += -O2
CPPFLAGS += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
# Of gcc 12 and later; only here: the other builds are to find what is read before it is set.
CFLAGS   += $(shell $(CC) -ftrivial-auto-var-init=zero -E -x c /dev/null >/dev/null 2>&1 && echo -ftrivial-auto-var-init=zero)
else ifeq ($(VARIANT),asan)
CFLAGS   += -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
CPPFLAGS += -DWITHOUT_SANDBOX
LDFLAGS  += -fsanitize=address,undefined
else ifeq ($(VARIANT),fuzz)
CC       := clang
CFLAGS   += -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
            -Wno-missing-field-initializers # which clang reports where some fields are named, and GCC does not
CPPFLAGS += -DWITHOUT_SANDBOX
LDFLAGS  += -fsanitize=fuzzer,address,undefined
else ifeq ($(VARIANT),valgrind)
CFLAGS   += -O1
CPPFLAGS += -DWITHOUT_SANDBOX -DWITH_VALGRIND -DFIBER_UCONTEXT=1 # so that the portable switch is tested too
else
$(error VARIANT is release, asan, fuzz or valgrind)
endif

COMMON_OBJECTS := $(patsubst %,$(OUT)/%.o,$(basename $(wildcard common/*/*.[cS] directory/*.c privacy/*.c)) common/pg/schema.sql) \
                  $(OUT)/pages.o
UNIT_SUPPORT   := $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/unit/support/*.c))
UNIT_TESTS     := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(wildcard tests/unit/test_*.c))

# Beside x.c, x.sql has its statements.
SQL_FILES      := $(foreach f,$(wildcard $(addsuffix /*.sql,$(SERVICES)) common/*/*.sql directory/*.sql privacy/*.sql),\
                  $(if $(wildcard $(f:.sql=.c)),$(f)))
VERSION_HEADER := $(OUT)/common/table/version.h
MADE_HEADERS   := $(addprefix $(OUT)/,$(addsuffix .h,$(SQL_FILES))) $(VERSION_HEADER)

C_FILES        := $(shell git ls-files '*.c' '*.h' 2>/dev/null)
CHECKS         := hardening headers rooms readmes paths length banned comments shell sql schemas openapi settings version kubernetes

.PHONY: all build unit api fuzz test test-faults test-valgrind test-image test-compose test-ha test-upgrade test-deb test-images bench \
        format format-check tidy check generate man completion dist deb images clean \
        up down logs env psql token demo clean-data
all: build

.SECONDARY: $(UNIT_SUPPORT)

build: $(foreach s,$(SERVICES),$(OUT)/bin/$(s))

$(OUT)/libcommon.a: $(COMMON_OBJECTS)
	@rm -f $@
	@ar qcs $@ $^

# Its constants are made before anything is compiled; what includes them is found by -MMD afterwards.
$(OUT)/%.sql.h: %.sql tools/sql
	@mkdir -p $(@D)
	$(SAY) '  sql $<'
	$(Q)tools/sql $< >$@.new && mv $@.new $@

$(VERSION_HEADER): VERSION
	@mkdir -p $(@D)
	$(Q)printf '/* Made from VERSION. */\n#define VERSION "%s"\n' "$$(cat $<)" >$@

$(OUT)/%.o: %.c Makefile | $(MADE_HEADERS)
	@mkdir -p $(@D)
	$(SAY) '  cc $<'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/%.o: %.S Makefile
	@mkdir -p $(@D)
	$(SAY) '  cc $<'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

define service_rules
$(OUT)/bin/$(1): $(patsubst %.c,$(OUT)/%.o,$(wildcard $(1)/*.c)) $(OUT)/$(1)/schema.sql.o $(OUT)/libcommon.a
	@mkdir -p $$(@D)
	$(SAY) '  ld $$@'
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $$@ $$^ $(LDLIBS)
endef
$(foreach s,$(SERVICES),$(eval $(call service_rules,$(s))))

# A schema is part of its daemon, as the terminated string `user_progress_schema_sql`: one file, or those of a folder
# in the order of their names.
.SECONDEXPANSION:
$(OUT)/%/schema.sql.o: $$(sort $$(wildcard $$*/schema.sql $$*/schema/*.sql))
	@mkdir -p $(@D)
	$(Q){ printf '.section .rodata\n.global %s\n%s:\n' $(addsuffix _schema_sql,$(subst -,_,$(notdir $* $*))); \
		printf '.incbin "%s"\n' $^; \
		printf '.byte 0\n.section .note.GNU-stack,"",%%progbits\n'; } | $(CC) -x assembler -c -o $@ -

# The pages of /docs, /redoc and /dashboard are part of the daemons too, compressed; all variants share them.
PAGES := build/pages

$(PAGES)/pages.S: tools/pages $(wildcard pages/* pages/dashboard/*)
	$(SAY) '  pages'
	$(Q)tools/pages $(PAGES)

$(OUT)/pages.o: $(PAGES)/pages.S
	@mkdir -p $(@D)
	$(Q)$(CC) -c -o $@ $<

$(OUT)/unit/%: tests/unit/%.c $(UNIT_SUPPORT) $(OUT)/libcommon.a | $(MADE_HEADERS)
	@mkdir -p $(@D)
	$(SAY) '  cc $<'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -MMD -MP -o $@ $< $(UNIT_SUPPORT) $(OUT)/libcommon.a -lcmocka $(LDLIBS)

# The C units, one program per test file, or those of T alone (T=lane: test_lane.c); RUNNER runs them.
unit: $(if $(T),$(patsubst %,$(OUT)/unit/test_%,$(T)),$(UNIT_TESTS))
	@for t in $^; do echo "== $$t"; $(RUNNER) $$t || exit 1; done

# Everything, in the build of VARIANT, on a database of its own: see tools/test.
test:
	@MAKE='$(MAKE)' tools/test $(VARIANT)

# The tests of tests/api whose file or name has K in it (K=users), on a PostgreSQL that they start themselves.
api: build
	@PYTHONDONTWRITEBYTECODE=1 VARIANT=$(VARIANT) $(or $(PYTHON),/usr/bin/python3) -m pytest -q -p no:cacheprovider \
		$(or $(wildcard tests/api/test_$(K).py tests/api/$(K)),tests/api -k '$(K)') $(PYTEST_ARGS)

# The tests that stop and promote servers: failover, replicas, PgBouncer, the proxy.
test-faults:
	@MAKE='$(MAKE)' tools/test-faults $(VARIANT)

test-valgrind:
	@MAKE='$(MAKE)' tools/test valgrind

# The same tests as `test` and `test-faults` in the image that is shipped: CONTAINER is docker or the like.
test-image:
	@CONTAINER='$(or $(CONTAINER),docker)' tools/test-image

# The containers: COMPOSE is the command, "docker compose" or one that understands the same.
test-compose:
	@tools/test-compose

# The containers with a cluster that loses its leader ROUNDS times: see tools/test-ha.
test-ha:
	@tools/test-ha

# Dumps and volumes of PostgreSQL, restored in the version of docker-compose.yml; CONTAINER is docker or what
# understands the same arguments. Skipped where it runs no container.
test-upgrade: build
	@PYTHONDONTWRITEBYTECODE=1 VARIANT=$(VARIANT) timeout 240 $(or $(PYTHON),/usr/bin/python3) -m pytest -q -rs \
		-p no:cacheprovider tests/upgrade $(PYTEST_ARGS)

# The tarball of a release, and this Debian's packages of it or of the TARBALL that is given: see tools/dist, tools/deb.
dist:
	@MAKE='$(MAKE)' tools/dist

deb:
	@MAKE='$(MAKE)' tools/deb $(TARBALL)

# The images of a release, of the tarball of the commit or of the TARBALL that is given: see tools/images.
images:
	@MAKE='$(MAKE)' CONTAINER='$(or $(CONTAINER),docker)' tools/images $(TARBALL)

test-images:
	@MAKE='$(MAKE)' CONTAINER='$(or $(CONTAINER),podman)' tools/test-images

# The packages, built again, installed, upgraded under load and removed in a container: CONTAINER is podman or the like.
test-deb:
	@CONTAINER='$(or $(CONTAINER),podman)' tools/test-deb

# How fast the services are, compared with PostgreSQL alone: see bench/run.
bench:
	@MAKE='$(MAKE)' bench/run

format:
	clang-format -i $(C_FILES)

format-check:
	clang-format --dry-run -Werror $(C_FILES)

# One process per core; what to look for is in .clang-tidy. The analyzer, which takes nine tenths of the time, is for what
# is shipped: the sanitizers see every path of a test.
tidy: $(MADE_HEADERS)
	@mkdir -p $(OUT)
	@printf '%s\n' $(foreach f,$(filter %.c,$(C_FILES)),$(if $(filter tests/%,$f),--checks=-clang-analyzer-*,--checks=) $f) | \
		xargs -P $$(nproc) -n 2 sh -c 'clang-tidy --quiet "$$1" "$$2" -- $(CPPFLAGS) -std=gnu11' - 2>$(OUT)/tidy.log || \
		{ grep -v 'generated' $(OUT)/tidy.log; exit 1; }

# Rules that the compiler cannot check: each tools/check-… says in its first lines what it checks.
check: build
	@for c in $(CHECKS); do echo "check-$$c"; tools/check-$$c || exit 1; done

# Renews what is made from the daemons' own tables and committed: the OpenAPI documents, the table of settings.
generate: build
	@for s in $(SERVICES); do tools/openapi $$s >$$s/openapi.json || exit 1; done
	@tools/settings readme >$(OUT)/README.md && cp $(OUT)/README.md README.md

# Manual pages, in build/man, and completion for bash, from the daemons' own settings.
man: build
	@mkdir -p build/man
	@for s in $(SERVICES); do tools/settings man $$s >build/man/$$s.8 || exit 1; done
	@echo build/man/*.8

completion: build
	@tools/settings completion >build/virtual-labs.bash && echo build/virtual-labs.bash

# The services on this machine: see tools/stack.
up down logs env clean-data:
	@MAKE='$(MAKE)' tools/stack $@

psql:
	@tools/stack psql $(DB)

# A term of a course, for the running services: see tools/demo. Without a stack, those on the usual ports (containers);
# with a STACK_DIR never, because they are not the ones that were meant.
demo:
	@set -a; env=$$(tools/stack env) || [ -z "$$STACK_DIR" ] || exit 1; eval "$$env"; tools/demo $(DEMO_ARGS)

# A bearer token that the running services accept, for the user SUB, with the scopes SCOPE ('privacy admin').
token:
	@tools/stack token "$$SUB" "$$SCOPE"

# Every fuzz target, or those of T alone (T=json: fuzz_json.c), for SECONDS or, with RUNS, that many runs; one per core
# at a time. A finding is kept as build/fuzz/crash-….
SECONDS      ?= 30
FUZZ_TARGETS := $(addprefix $(OUT)/fuzz/,$(if $(T),$(addprefix fuzz_,$(T)),\
                $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))))
FUZZ_SUPPORT := $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/fuzz/support/*.c))

.SECONDARY: $(FUZZ_SUPPORT)

# A service whose names are hidden, except that of its table, since they would clash with those of another service.
define hidden_service_rules
$(OUT)/fuzz/$(1).o: $(patsubst %.c,$(OUT)/%.o,$(filter-out $(1)/main.c,$(wildcard $(1)/*.c))) $(OUT)/$(1)/schema.sql.o
	@mkdir -p $$(@D)
	$(Q)ld -r -o $$@ $$^ && objcopy --keep-global-symbol=$(subst -,_,$(1))_api $$@
endef
$(foreach s,$(SERVICES),$(eval $(call hidden_service_rules,$(s))))

$(OUT)/fuzz/libfuzz.a: $(FUZZ_SUPPORT) $(foreach s,$(SERVICES),$(OUT)/fuzz/$(s).o)
	@rm -f $@
	@ar qcs $@ $^

# These put functions of their own in the place of others'.
$(OUT)/fuzz/fuzz_lookup: LDFLAGS += -Wl,--wrap=client_start,--wrap=client_run

# A file of a service, whose names are hidden otherwise.
$(OUT)/fuzz/fuzz_entry: $(OUT)/user-progress/entry.o

$(OUT)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(OUT)/fuzz/libfuzz.a $(OUT)/libcommon.a | $(MADE_HEADERS)
	@mkdir -p $(@D)
	$(SAY) '  cc $<'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -MMD -MP -o $@ $(filter %.c %.o,$^) $(filter %.a,$^) $(LDLIBS)

ifeq ($(VARIANT),fuzz)
fuzz: $(FUZZ_TARGETS)
	@tests/fuzz/seeds $(OUT)/fuzz/seeds
	@printf '%s\n' $^ | xargs -P $$(nproc) -I{} tests/fuzz/run {} $(SECONDS) $(RUNS)
else
fuzz:
	@$(MAKE) VARIANT=fuzz SECONDS=$(SECONDS) fuzz
endif

clean:
	rm -rf build

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
