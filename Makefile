# SPDX-License-Identifier: MIT
# Everything is built under $(BUILD). V=1 shows the commands; make help lists the targets.

ROOMS	:= base bridge balance engine reactor state message http conn service task async worker guest acceptor helper parent	# in order: no room includes a later one
BUILD	?= build
PREFIX	?= /usr/local
LISTEN	?= 127.0.0.1:8080
FUZZ_TIME ?= 600

VERSION	:= $(shell sed -n 's/^.define BROOD_VERSION "\(.*\)"/\1/p' src/brood.h)
SONAME	:= libbrood.so.0
Q	:= $(if $(V),,@)
say	= @mkdir -p $(@D); $(if $(V),,printf '  %-5s %s\n' $(1) $@)

# Shared state on Redis is built in where there is hiredis.
REDIS	:= $(if $(WITHOUT_REDIS),,$(shell tools/deps has redis))

# The pool itself; the program around it; what is loaded into it; what tests it.
OBJ	:= $(patsubst src/%.c,$(BUILD)/obj/%.o,$(filter-out %.bpf.c $(if $(REDIS),,src/state/redis_%.c),$(wildcard src/*.c $(ROOMS:%=src/%/*.c))))
CLI_OBJ	:= $(patsubst src/%.c,$(BUILD)/obj/%.o,$(wildcard src/cli/*.c src/doctor/*.c))
PROGRAMS := $(shell grep -l '^int main' src/examples/*.c)	# the other examples are handlers
EXAMPLES := $(PROGRAMS:src/%.c=$(BUILD)/%) \
	    $(patsubst src/%.c,$(BUILD)/%.so,$(filter-out $(PROGRAMS),$(wildcard src/examples/*.c)))
FUZZERS	:= $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
TESTS	:= $(patsubst %.c,$(BUILD)/%,$(wildcard tests/*/*.c))
SIMULATION := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/simulation/*.c))
WORLD	:= $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/simulation/world/*.c))	# what stands in for the kernel
CALLS	:= $(shell sed -n 's/^CALL.[^,]*, \([a-z0-9_]*\),.*/\1/p' tests/simulation/world/*.c)
NULLS	:= $(patsubst %.c,$(BUILD)/%,$(wildcard bench/null_*.c))
UNMETERED := $(patsubst src/%.c,%,$(shell grep -l 'base/metrics\.h' src/*/*.c))	# what is compiled again without metrics
BENCHES	:= $(patsubst bench/%/,$(BUILD)/bench/%,$(sort $(dir $(wildcard bench/*/*.c))))	# a program a folder
HOME_OF	= $(DESTDIR)$(PREFIX)

OPT	?= -O3
WARN	:= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
	   -Wvla -Wformat=2 -Wno-unused-parameter
HARDEN	:= -fstack-protector-strong $(if $(SANITIZE),,$(if $(filter -O0,$(OPT)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2))
SANITIZING := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
PINNED	:= $(if $(filter 12 12.% 14.0.6,$(shell $(CC) -dumpversion)),-Werror)	# Debian 12's gcc and clang
# The hot path runs through small functions of many files: seen whole it costs a sixth less. gcc only, and
# with ordinary code beside it, so that the tests link as usual.
LTO	:= $(if $(SANITIZE),,$(if $(findstring Free Software,$(shell $(CC) --version)),-flto=auto -ffat-lto-objects))
CFLAGS	?= $(OPT) -g
ALL_CFLAGS := $(CFLAGS) -std=gnu17 $(WARN) $(if $(WERROR)$(CI),$(PINNED)) -fPIC $(LTO) -fno-semantic-interposition \
	      -fvisibility=hidden $(HARDEN) $(SANITIZING)
ALL_CPPFLAGS := -D_GNU_SOURCE -Isrc $(CPPFLAGS)
ALL_LDFLAGS := $(SANITIZING) -Wl,-z,relro,-z,now $(LDFLAGS)
COMPILE	= $(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP
# The program of balance `least` is built in where there is what compiles it, and needs nothing when it runs.
LEAST	:= $(if $(WITHOUT_LEAST),,$(shell PATH=$$PATH:/usr/sbin tools/deps has least))
BPFTOOL	:= $(shell PATH=$$PATH:/usr/sbin command -v bpftool)
STAMP	:= $(LEAST) $(REDIS:%=redis) $(CC) $(VERSION) $(ALL_CPPFLAGS) $(filter-out -Werror,$(ALL_CFLAGS)) $(ALL_LDFLAGS)
# Each file was checked by itself; across files the compiler sees ghosts.
LTO_LINK = $(if $(LTO),$(ALL_CFLAGS) -Wno-maybe-uninitialized -Wno-uninitialized)
LIBS	:= -luring -ljansson $(if $(REDIS),-lhiredis) -ldl
CLI_LIBS := -linih -lncursesw -ltinfo	# of the program alone
LINK_BROOD = $(Q)$(CC) $(LTO_LINK) $(ALL_LDFLAGS) -pie -Wl,--export-dynamic -o $@ $^ $(LIBS) $(CLI_LIBS)
LIB_SO	:= $(BUILD)/libbrood.so.$(VERSION)

all: $(BUILD)/brood $(BUILD)/libbrood.a $(LIB_SO) $(EXAMPLES) $(BUILD)/edges	## build all of it (the default)

$(BUILD)/brood: $(OBJ) $(CLI_OBJ)
	$(call say,LINK)
	$(LINK_BROOD)

$(LIB_SO): $(OBJ)
	$(call say,LINK)
	$(Q)$(CC) $(LTO_LINK) $(ALL_LDFLAGS) -shared -Wl,-soname,$(SONAME) -o $@ $^ $(LIBS)
	$(Q)ln -sf $(@F) $(BUILD)/$(SONAME) && ln -sf $(SONAME) $(BUILD)/libbrood.so

# One member, with nothing visible but what brood.h declares.
$(BUILD)/libbrood.a: $(OBJ)
	$(call say,AR)
	$(Q)$(CC) $(LTO_LINK) $(if $(LTO),-flinker-output=nolto-rel) -r -nostdlib -o $(BUILD)/libbrood.o $^
	$(Q)objcopy --localize-hidden $(BUILD)/libbrood.o
	$(Q)rm -f $@ && ar rcs $@ $(BUILD)/libbrood.o

# For the tests: everything visible, member by member, so that a test may bring its own instead.
$(BUILD)/libbrood_internal.a: $(OBJ) $(filter-out %/main.o,$(CLI_OBJ))
	$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags
	$(call say,CC)
	$(COMPILE) -c -o $@ $<

$(BUILD)/obj/cli/version.o: ALL_CPPFLAGS += -DBUILD_FLAGS='"$(OPT)$(SANITIZE:%= -fsanitize=%)"' \
	-DBUILD_LIBURING='"$(shell pkg-config --modversion liburing 2>/dev/null)"'

ifneq ($(LEAST),)
$(BUILD)/obj/balance/least.o: ALL_CPPFLAGS += -DBUILD_LEAST -isystem $(BUILD)/bpf
$(BUILD)/obj/balance/least.o: $(BUILD)/bpf/least.skel.h
endif

ifneq ($(REDIS),)
$(BUILD)/obj/state/redis.o $(BUILD)/tests/fuzz/redis $(BUILD)/fuzzers/redis: private ALL_CPPFLAGS += -DBUILD_REDIS
endif

$(BUILD)/bpf/%.skel.h: src/balance/%.bpf.c src/balance/%_table.h $(BUILD)/flags
	$(call say,BPF)
	$(Q)clang -O2 -g -target bpf -mcpu=v3 -Wall -Isrc -idirafter /usr/include/$(shell uname -m)-linux-gnu -c -o $(@:.skel.h=.o) $<
	$(Q)$(BPFTOOL) gen skeleton -L $(@:.skel.h=.o) name $*_bpf >$@

# The page of the admin address is built in, byte by byte.
PAGE	:= $(patsubst src/service/page/%,$(BUILD)/page/%.inc,$(wildcard src/service/page/*))

$(BUILD)/page/%.inc: src/service/page/%
	$(call say,PAGE)
	$(Q)od -An -v -td1 $< | sed 's/\(-\{0,1\}[0-9]\{1,\}\)/\1,/g' >$@

$(BUILD)/obj/service/page.o: ALL_CPPFLAGS += -isystem $(BUILD)/page
$(BUILD)/obj/service/page.o: $(PAGE)

$(BUILD)/examples/%.so: src/examples/%.c $(BUILD)/flags
	$(call say,CC)
	$(COMPILE) $(ALL_LDFLAGS) -shared -o $@ $<

$(BUILD)/examples/%: src/examples/%.c $(BUILD)/libbrood.a
	$(call say,CC)
	$(COMPILE) $(ALL_LDFLAGS) -o $@ $< $(BUILD)/libbrood.a $(LIBS)

$(BUILD)/tests/%: tests/%.c $(BUILD)/libbrood_internal.a
	$(call say,TEST)
	$(COMPILE) -Itests $(ALL_LDFLAGS) $(if $(LTO),-fno-lto) -Wl,--export-dynamic -o $@ $< \
		$(BUILD)/libbrood_internal.a -Wl,--as-needed -lcmocka $(LIBS) $(CLI_LIBS)

# A fuzzer as a test: its corpus, once.
$(FUZZERS:%=$(BUILD)/tests/fuzz/%): $(BUILD)/tests/fuzz/%: tests/fuzz/%.c $(BUILD)/tests/fuzz/replay/replay.o $(BUILD)/libbrood_internal.a
	$(call say,TEST)
	$(COMPILE) -Itests $(ALL_LDFLAGS) $(if $(LTO),-fno-lto) -o $@ $< $(BUILD)/tests/fuzz/replay/replay.o \
		$(BUILD)/libbrood_internal.a $(LIBS) $(CLI_LIBS)

$(BUILD)/tests/fuzz/replay/%.o: tests/fuzz/replay/%.c $(BUILD)/flags
	$(call say,CC)
	$(COMPILE) $(if $(LTO),-fno-lto) -c -o $@ $<

$(BUILD)/tests/simulation/%.o: tests/simulation/%.c $(BUILD)/flags
	$(call say,CC)
	$(COMPILE) -Itests/simulation $(if $(LTO),-fno-lto) -c -o $@ $<

# How it is linked is kept, for mutants.
$(SIMULATION): %: %.o $(WORLD) $(BUILD)/libbrood_internal.a
	$(call say,TEST)
	$(Q)echo '$(ALL_CPPFLAGS) $(ALL_CFLAGS) $(if $(LTO),-fno-lto) $(ALL_LDFLAGS) $(CALLS:%=-Wl,--wrap=%)' >$(@D)/how
	$(Q)echo '$(LIBS)' >$(@D)/libraries
	$(Q)$(CC) @$(@D)/how -o $@ $^ $(LIBS)

$(BUILD)/fuzzers/%: tests/fuzz/%.c $(BUILD)/libbrood_internal.a
	$(call say,FUZZ)
	$(COMPILE) -Itests -fsanitize=fuzzer $(ALL_LDFLAGS) -o $@ $< \
		$(BUILD)/libbrood_internal.a $(LIBS) $(CLI_LIBS)

$(BUILD)/bench/null_%: bench/null_%.c bench/null.h
	$(call say,CC)
	$(Q)$(CC) $(OPT) -g $(WARN) -o $@ $< -luring

# The program without metrics, for bench/metrics.py; linked in the same order, because the layout has its price too.
$(BUILD)/bench/unmetered/%.o: src/%.c $(BUILD)/flags
	$(call say,CC)
	$(COMPILE) -DWITHOUT_METRICS -c -o $@ $<

$(BUILD)/bench/without_metrics: $(foreach o,$(OBJ:$(BUILD)/obj/%.o=%),$(BUILD)/$(if $(filter $o,$(UNMETERED)),bench/unmetered,obj)/$o.o) $(CLI_OBJ)
	$(call say,LINK)
	$(LINK_BROOD)

.SECONDEXPANSION:
$(BENCHES): $(BUILD)/bench/%: $$(wildcard bench/$$*/*.[ch]) $(BUILD)/libbrood.a
	$(call say,CC)
	$(Q)$(CC) $(OPT) -g -std=gnu17 -D_GNU_SOURCE -Isrc $(WARN) $(if $(WERROR)$(CI),$(PINNED)) -o $@ $(filter %.c %.a,$^) $(LIBS) -lm

# Changes when the flags do, and everything with it; -Werror alone rebuilds nothing.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(STAMP)' | cmp -s - $@ || echo '$(STAMP)' >$@

$(BUILD)/edges: tools/edges $(wildcard src/*.[ch] src/*/*.[ch]) | $(BUILD)/flags
	$(call say,EDGES)
	$(Q)tools/edges && touch $@

run:	## install what is missing, build, serve a welcome page on http://127.0.0.1:8080
	@tools/deps build
	@$(MAKE) --no-print-directory all
	@exec $(BUILD)/brood serve --listen $(LISTEN) src/examples/welcome

test:	## install what is missing, build with warnings as errors, run every test (ONLY=part of a name)
	@tools/deps test
	@$(MAKE) --no-print-directory WERROR=1 all tests
	@tests/run --build $(BUILD) $(if $(ONLY),-k '$(ONLY)')

tests: all $(TESTS) $(BENCHES)

san:	## the same with AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory BUILD=build/san SANITIZE=address,undefined OPT=-O1 test

simulate:	## live SEEDS=100000 simulated worlds, or one that failed: SEED=1234 prints what happens in it
	@tools/deps test
	@$(MAKE) --no-print-directory $(BUILD)/tests/simulation/seeds_hold_every_invariant
	@$(if $(SEED),,SEEDS=$(or $(SEEDS),100000)) $(if $(SEED),SEED=$(SEED)) $(BUILD)/tests/simulation/seeds_hold_every_invariant

# USER is taken from the command line alone: the environment has one always.
chaos:	## everything that can happen to a pool, mixed under load: SEED=N SECONDS=60 MODEL=.. ENGINE=.. USER=root|nobody
	@tools/deps test
	@$(MAKE) --no-print-directory WERROR=1 all $(BUILD)/tests/tools/checker
	@BUILD=$(BUILD) PYTHONDONTWRITEBYTECODE=1 tests/chaos/any_mix_loses_only_what_it_may.py --seconds $(or $(SECONDS),60) \
		--seed $(or $(SEED),$$(date +%s)) $(if $(MODEL),--model $(MODEL)) $(if $(ENGINE),--engine $(ENGINE)) \
		$(if $(filter command,$(firstword $(origin USER))),--user $(USER))

fuzz:	## fuzz every parser for FUZZ_TIME=600 seconds each (-j2: two at a time)
	@tools/deps fuzz
	@$(MAKE) --no-print-directory BUILD=build/fuzz CC=clang SANITIZE=fuzzer-no-link,address,undefined $(FUZZERS:%=fuzz-%)

fuzz-%: $(BUILD)/fuzzers/%
	@mkdir -p $(BUILD)/$* tests/fuzz/corpus/$*
	$< -max_total_time=$(FUZZ_TIME) -timeout=10 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix=$(BUILD)/$*- $(BUILD)/$* tests/fuzz/corpus/$*

bench-quick:	## compare with the null servers, nginx and Node, in under 3 minutes
	@tools/deps bench
	@$(MAKE) --no-print-directory all $(NULLS)
	@bench/quick.py --brood $(BUILD)/brood

bench:	## compare the accept models and their peers, measure all else, in about half an hour (resumable); writes bench/RESULTS.md
	@tools/deps bench
	@$(MAKE) --no-print-directory all $(NULLS) $(BENCHES) $(BUILD)/bench/without_metrics $(BUILD)/tests/tools/checker
	@bench/full.py --brood $(BUILD)/brood --build $(BUILD)/bench --handler $(BUILD)/examples/demo.so
	@bench/report.py --build $(BUILD)/bench

lint: $(PAGE)	## clang-tidy, cppcheck, and which room includes which
	@tools/deps lint
	@tools/edges
	$(Q)clang-tidy --quiet --config-file=tools/clang-tidy.yml $(filter-out %.bpf.c,$(wildcard src/*.c src/*/*.c)) -- $(ALL_CPPFLAGS) -isystem $(BUILD)/page -std=gnu17
	$(Q)cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppressions-list=tools/cppcheck.txt -isrc/balance/least.bpf.c -Isrc src

install: all	## to PREFIX=/usr/local, under DESTDIR
	install -d $(HOME_OF)/bin $(HOME_OF)/include $(HOME_OF)/lib/pkgconfig $(HOME_OF)/share/man/man1 $(HOME_OF)/share/man/man3 \
		$(HOME_OF)/share/doc/brood $(HOME_OF)/share/bash-completion/completions $(HOME_OF)/share/zsh/site-functions
	install -m 755 $(BUILD)/brood $(HOME_OF)/bin/
	install -m 644 src/brood.h $(HOME_OF)/include/
	install -m 644 $(BUILD)/libbrood.a $(LIB_SO) $(HOME_OF)/lib/
	ln -sf libbrood.so.$(VERSION) $(HOME_OF)/lib/$(SONAME) && ln -sf $(SONAME) $(HOME_OF)/lib/libbrood.so
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|; s|@REDIS@|$(if $(REDIS),-lhiredis)|' tools/brood.pc.in >$(HOME_OF)/lib/pkgconfig/brood.pc
	install -m 644 tools/brood.ini tools/systemd/brood.service $(HOME_OF)/share/doc/brood/
	install -m 644 tools/container/seccomp.json tools/container/compose.yaml tools/container/kubernetes/brood.yaml \
		$(HOME_OF)/share/doc/brood/
	install -m 644 tools/completion/brood.bash $(HOME_OF)/share/bash-completion/completions/brood
	install -m 644 tools/completion/_brood $(HOME_OF)/share/zsh/site-functions/
	for n in 1 3; do install -m 644 tools/man/*.$$n $(HOME_OF)/share/man/man$$n/; done

clean:	## remove build/
	rm -rf build

help:	## show this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1	\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all run test tests san simulate chaos fuzz bench bench-quick lint install clean help FORCE
-include $(shell find $(BUILD) -name '*.d' -not -path '$(BUILD)/san/*' -not -path '$(BUILD)/fuzz/*' 2>/dev/null)
