# Makefile - one for both sides. On the host it brings the sources, makes the tool root and starts
# itself again inside it (tools/enter); there, with the checkout at /src, it builds.
#
#   make [GOAL] [V=1 shows commands] [O=build] [CFLAGS= adds to the house flags] [JOBS=n]

O ?= build
V ?=
JOBS ?= $(shell nproc)
Q := $(if $(filter-out 0,$(V)),,@)
.DEFAULT_GOAL := all
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

define HELP
make                      the bootable image: build/boot/{vmlinux,bzImage,system.img,cmdline}
make run                  boots it in QEMU, prints the URL of JupyterLab
     NOTEBOOK=FILE        runs one notebook or script of the shared folder instead, ends with its status
     WORK=DIR MEM=2G CPUS=2 PORT=8888 FORWARD="8080 5353/udp" NET=user|none DATA=FILE|none JUPYTER_TOKEN=... NB_UID=.. NB_GID=..
     SHARE=9p|virtiofs|none MACHINE=q35|microvm ACCEL=auto|kvm|tcg CONSOLE=log|shell APPEND=...
make test                 everything that proves it: check, system and VM stories
make check                lint and unit tests
make unit | lint | vm     one part of it; TESTS="FILE..." picks test files
make fuzz                 each parser of foreign bytes, FUZZ_SECONDS=60 each
make storm                frames, DNS messages and ports by the million, COUNT=400000 SEED=1
make bench-NAME           tests/bench/NAME: figures against peers, for example bench-boot
make kernel-check         the hardening score of the kernel and the reason of every miss
make reproduce            builds all twice, differently, and compares every byte
make relock               renews the locks from today's archives
make toolroot | fetch     only the tool root, only the downloads
make clean                deletes build/ and the data disk in it; the cache, ~/.cache/cuvette (CUVETTE_CACHE), may go too
endef

ifeq ($(CUVETTE_INSIDE),)
# ---------------------------------------------------------------- host side

# A folder outside the checkout is seen below /mnt inside.
outside = $(filter /%,$(1))
ENTER_OPTS := $(if $(call outside,$(O)),--bind $(O):/mnt/out)
OUT := $(if $(call outside,$(O)),/mnt/out,$(O))
# Each variable of the command line as one word of the shell, whatever it holds.
quote = '$(subst ','\'',$(1))'
GIVEN := $(foreach v,$(.VARIABLES),$(if $(findstring command,$(origin $(v))),$(v)))
INNER := $(foreach v,$(filter-out O,$(GIVEN)),$(v)=$(call quote,$($(v)))) O=$(OUT)
MAKE_INSIDE = make --no-print-directory -j$(JOBS) $(INNER)
enter = $(Q)tools/enter $(ENTER_OPTS) $(1) $(MAKE_INSIDE) $(2)
# What makes files: one at a time in each O. What takes long and only looks at them is no part of it.
build = $(Q)tools/enter $(ENTER_OPTS) $(1) tools/alone $(OUT) $(MAKE_INSIDE) $(2)

RUN_VARS := O WORK MEM CPUS PORT FORWARD NET DATA DATA_SIZE SHARE MACHINE ACCEL CONSOLE APPEND CORRUPTION
RUN_ENV = $(foreach v,$(RUN_VARS),$(if $($(v)),$(v)=$(call quote,$($(v)))))

.PHONY: all programs run test check unit lint vm fuzz storm kernel-check reproduce relock toolroot fetch fetch-code clean help
.NOTPARALLEL:

all: fetch
	$(call build,,all)

help:
	$(info $(HELP))
	@:

toolroot:
	$(Q)tools/toolroot >/dev/null

# What a build needs from outside; everything after it is offline.
fetch-code: toolroot
	$(Q)grep -v '^linux-source' tools/deps/LOCK | tools/fetch -
fetch: toolroot
	$(Q)tools/fetch tools/deps/LOCK $(wildcard rootfs/images/*/debian.lock)
	$(Q)for f in rootfs/images/*/fetch; do [ ! -x "$$f" ] || tools/enter --net "$$f"; done

run: all
	$(Q)exec env $(RUN_ENV) qemu/run $(if $(NOTEBOOK),--batch $(call quote,$(NOTEBOOK)))

lint: toolroot
	$(call enter,,$@)
unit: toolroot
	$(call build,,$@)
check programs: fetch-code
	$(call build,,$@)
# Built in the one tool root, tested in the larger one.
test vm: fetch
	$(call build,,all programs unit-tests)
	$(if $(filter test,$@),$(if $(TESTS),,$(call build,--set test,storm-programs)))
	$(call enter,--set test,$@)
fuzz storm: fetch-code
	$(call build,--set test,$@-programs)
	$(call enter,--set test,$@)
kernel-check: fetch
	$(call build,,kernel-check)
bench-%: fetch
	$(call build,,all)
	$(Q)tools/fetch $(wildcard tests/bench/*.lock)
	$(call enter,--set test,$@)

reproduce: fetch
	$(Q)tools/reproduce

relock: toolroot
	$(Q)tools/relock
	$(Q)for f in rootfs/images/*/relock; do [ ! -x "$$f" ] || { "$$f" debs && tools/enter --net "$$f" wheels; }; done

# The data disk is locked by the machine that runs with it.
clean:
	$(Q)[ ! -e $(O)/run/data.img ] || flock -n $(O)/run/data.img true || \
		{ echo "make: a machine runs with $(O)/run/data.img: stop it first" >&2; exit 1; }
	tools/alone $(O) rm -rf $(O)

else
# ---------------------------------------------------------------- inside the tool root

SHELL := /bin/sh
export TZ := UTC
export LC_ALL := C.UTF-8
say = @printf '  %-7s %s\n' $(1) $(2)
ifneq ($(filter-out 0,$(V)),)
say = @:
endif

B := $(O)
SYSROOT := $(B)/sysroot
.PHONY: all programs unit-tests run test check unit lint vm fuzz fuzz-programs storm storm-programs kernel-check help FORCE
.DELETE_ON_ERROR:
all: $(B)/boot/system.img $(B)/boot/vmlinux

# A file that changes only when its text does: what a rule depends on besides files.
define text_file
$(1): FORCE
	@mkdir -p $$(@D); printf '%s\n' '$(2)' | cmp -s - $$@ || printf '%s\n' '$(2)' >$$@
endef
$(eval $(call text_file,$(B)/.toolroot,$(CUVETTE_TOOLROOT)))
# Times say which file is newer, not that one has gone or that an older one came: names and contents of FILES do.
inputs = $(call text_file,$(B)/.inputs-$(1),$(shell sha256sum /dev/null $(sort $(2)) | sha256sum))

# ---- libraries

DEPS_INPUTS := $(wildcard tools/deps/*) tools/musl-gcc
$(eval $(call inputs,deps,$(DEPS_INPUTS)))
$(B)/.sysroot: $(DEPS_INPUTS) $(B)/.inputs-deps $(B)/.toolroot
	$(Q)tools/deps/build $(SYSROOT)
	@touch $@

# ---- our C: one archive per folder; house flags apart from CFLAGS, which adds to them

WARN := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wwrite-strings \
	-Wvla -Wundef -Wpointer-arith -Wformat=2 -Wno-format-nonliteral -Wimplicit-fallthrough
HOUSE := -std=gnu11 -D_GNU_SOURCE -Iruntime -I. $(WARN) $(if $(CI),-Werror)
# What is shipped (SECURITY 4): static PIE on musl, traps instead of undefined indexing.
HARDEN := -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection -fno-plt \
	-ftrivial-auto-var-init=zero -fstrict-flex-arrays=3 -fsanitize=bounds -fsanitize-trap=bounds \
	-fno-delete-null-pointer-checks -fno-strict-overflow
SHIP_CC := $(SYSROOT)/bin/musl-gcc
SHIP_FLAGS := -O2 -g -ffunction-sections -fdata-sections -ffile-prefix-map=$(CURDIR)=. $(HARDEN)
SHIP_LINK := -static-pie -Wl,--gc-sections -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--build-id=none \
	-Wl,-z,pack-relative-relocs
LIBS := -lyyjson -lyaml -lseccomp
UNIT_CC := gcc
UNIT_FLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all \
	-D_FORTIFY_SOURCE=2
comma := ,
FUZZ_CC := clang-19
# The warning is of libseccomp's macros, where gcc says nothing.
FUZZ_FLAGS := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	-Wno-missing-field-initializers
# The same targets at the code's own speed: no eye on the coverage.
STORM_CC := $(FUZZ_CC)
STORM_FLAGS := $(subst -O1,-O2,$(subst fuzzer-no-link$(comma),,$(FUZZ_FLAGS)))
$(eval $(call text_file,$(B)/.flags,$(HOUSE) $(CFLAGS) $(SHIP_FLAGS) $(UNIT_FLAGS) $(FUZZ_FLAGS) $(STORM_FLAGS)))

MAINS := $(basename $(notdir $(wildcard runtime/prog/*.c)))
INIT_MAINS := $(foreach m,pid1 svd svctl,$(wildcard init/$(m).c))
FOLDERS := $(filter-out runtime/prog,$(patsubst %/,%,$(sort $(dir $(wildcard runtime/*/*.c)))))
name_of = $(subst /,-,$(patsubst runtime/%,%,$(1)))
SOURCES_init := $(filter-out $(INIT_MAINS),$(wildcard init/*.c))
$(foreach f,$(FOLDERS),$(eval SOURCES_$(call name_of,$(f)) := $(wildcard $(f)/*.c)))
ARCHIVES := $(foreach f,$(FOLDERS),$(call name_of,$(f))) $(if $(SOURCES_init),init)

# lwIP is compiled from its sources with each kind's own flags; only gate's lwip_* see its headers.
LWIP := def ip ip4_addr ip6_addr memp pbuf tcp tcp_in tcp_out
LWIP_FLAGS := -isystem $(SYSROOT)/lwip/include -idirafter runtime/gate

# Its heap has a bound (lwip_heap.c), and mem_free is a name of ours.
LWIP_HEAP := -Dmem_malloc=lwip_heap_get -Dmem_calloc=lwip_heap_get_zeroed -Dmem_trim=lwip_heap_trim -Dmem_free=lwip_heap_drop

# A kind of build: objects under $(B)/KIND/obj, archives under $(B)/KIND/lib.
define kind
$(B)/$(1)/obj/%.o: %.c $(B)/.flags $(B)/.toolroot $(3)
	$$(call say,CC,'$$<$(if $(filter-out ship,$(1)), ($(1)))')
	@mkdir -p $$(@D)
	$$(Q)$$($(2)_CC) $$(HOUSE) $$($(2)_FLAGS) $$(CFLAGS) -MMD -MP -c -o $$@ $$<
$(foreach a,$(ARCHIVES),
$(B)/$(1)/lib/$(a).a: $(patsubst %.c,$(B)/$(1)/obj/%.o,$(SOURCES_$(a)))
	@mkdir -p $$(@D); rm -f $$@
	$$(Q)gcc-ar Drcs $$@ $$^
)
$(patsubst %.c,$(B)/$(1)/obj/%.o,$(wildcard runtime/gate/lwip_*.c)): private HOUSE += $(LWIP_FLAGS)
$(patsubst %.c,$(B)/$(1)/obj/%.o,$(wildcard runtime/gate/lwip_*.c)): $(B)/.sysroot
$(LWIP:%=$(B)/$(1)/lwip/%.o): $(B)/$(1)/lwip/%.o: $(B)/.sysroot $(B)/.flags $(wildcard runtime/gate/lwip*.h runtime/gate/arch/*.h)
	@mkdir -p $$(@D)
	$$(Q)$$($(2)_CC) -std=gnu11 -D_GNU_SOURCE -Iruntime $$(LWIP_FLAGS) $$(LWIP_HEAP) $$($(2)_FLAGS) -w -c -o $$@ $(SYSROOT)/lwip/core/$$*.c
$(B)/$(1)/lib/lwip.a: $(LWIP:%=$(B)/$(1)/lwip/%.o)
	@mkdir -p $$(@D); rm -f $$@
	$$(Q)gcc-ar Drcs $$@ $$^
-include $(patsubst %.c,$(B)/$(1)/obj/%.d,$(foreach a,$(ARCHIVES),$(SOURCES_$(a))))
endef
$(eval $(call kind,ship,SHIP,$(B)/.sysroot))
$(eval $(call kind,unit,UNIT))
$(eval $(call kind,fuzz,FUZZ))
$(eval $(call kind,storm,STORM))
archives = -Wl,--start-group $(filter %.a,$(1)) -Wl,--end-group
# What FOLDER may link, of one kind of build: init sees lib alone, the others everything but init.
links_init := lib init
links_of = $(patsubst %,$(B)/$(1)/lib/%.a,$(or $(links_$(2)),$(filter-out init,$(ARCHIVES)) lwip))

# ---- programs: NAME.full keeps the symbols, bin/NAME is what is shipped; NAME.order: what lies together in it

PROGRAMS := $(MAINS) $(patsubst init/%.c,%,$(patsubst init/pid1.c,init/init.c,$(INIT_MAINS)))
define program
$(B)/ship/$(1).full: $(B)/ship/obj/$(2).o $(call links_of,ship,$(3)) $(wildcard $(2).order)
	$$(call say,LD,'$(1)')
	$$(Q)$$(SHIP_CC) $$(SHIP_FLAGS) $$(SHIP_LINK) $(patsubst %,-Xlinker --section-ordering-file=%,$(wildcard $(2).order)) -o $$@ $$< $$(call archives,$$^) $$(LIBS)
-include $(B)/ship/obj/$(2).d
endef
$(foreach m,$(MAINS),$(eval $(call program,$(m),runtime/prog/$(m),prog)))
$(foreach m,$(INIT_MAINS:.c=),$(eval $(call program,$(patsubst pid1,init,$(notdir $(m))),$(m),init)))
$(B)/bin/%: $(B)/ship/%.full
	@mkdir -p $(@D)
	$(Q)strip --strip-all --remove-section=.comment -o $@ $<
$(B)/bin/busybox $(B)/bin/mkfs.erofs: $(B)/bin/%: $(B)/.sysroot
	@mkdir -p $(@D)
	$(Q)cp $(SYSROOT)/bin/$* $@
programs: $(PROGRAMS:%=$(B)/bin/%)
.PRECIOUS: $(B)/ship/%.full $(B)/ship/obj/%.o $(B)/unit/obj/%.o $(B)/fuzz/obj/%.o

# ---- kernel, lab image, system image: each by its owner's script, the first two kept in the cache

# Of the downloads only the hash tells them apart; the link says what kind of file it is.
kernel_source = $(CUVETTE_CACHE)/dl/$(shell awk '$$1 ~ /^linux-source-/ { print $$3 }' tools/deps/LOCK)
KERNEL_INPUTS := $(sort $(filter-out %.misses %.expected %.md kernel-config/check,$(shell find kernel-config -type f)))
$(eval $(call inputs,kernel,$(KERNEL_INPUTS)))
$(B)/boot/vmlinux: $(KERNEL_INPUTS) $(B)/.inputs-kernel tools/deps/LOCK $(B)/.toolroot
	$(call need_part,kernel-config/build)
	$(call say,KERNEL,'$(B)/boot')
	@ln -sf $(kernel_source) /tmp/linux-source.deb
	$(Q)tools/cached kernel $(B)/boot $(kernel_source) $(KERNEL_INPUTS) -- kernel-config/build /tmp/linux-source.deb
	@touch $@

LAB_INPUTS := $(shell find rootfs/images/lab -type f ! -name README.md ! -path '*/examples/*' 2>/dev/null)
$(eval $(call inputs,lab,$(LAB_INPUTS)))
$(B)/images/lab/image.json: $(LAB_INPUTS) $(B)/.inputs-lab $(B)/.toolroot
	$(call need_part,rootfs/images/lab/build)
	$(call say,IMAGE,'$(B)/images/lab')
	$(Q)rootfs/images/lab/build $(B)/images/lab
	@touch $@

SYSTEM_INPUTS := $(shell find rootfs -type f ! -name README.md ! -path 'rootfs/images/*' 2>/dev/null)
SYSTEM_PROGRAMS := $(patsubst bin:%,%,$(shell awk '{ print $$4 }' rootfs/manifest 2>/dev/null | grep '^bin:'))
# Docker's default seccomp profile, compiled: boxd and box load it as it is.
$(B)/seccomp.made: $(B)/bin/boxfilter
	$(call say,SECCOMP,$(B)/seccomp)
	$(Q)rm -rf $(B)/seccomp && mkdir -p $(B)/seccomp && $< $(B)/seccomp && touch $@
$(eval $(call inputs,system,$(SYSTEM_INPUTS)))
$(B)/boot/system.img: $(SYSTEM_INPUTS) $(B)/.inputs-system $(SYSTEM_PROGRAMS:%=$(B)/bin/%) $(B)/seccomp.made $(B)/images/lab/image.json tools/deps/EPOCH
	$(call need_part,rootfs/build)
	$(call say,SYSTEM,'$@')
	$(Q)rootfs/build $(B)
	@touch $@
need_part = @[ -x $(1) ] || { echo "$(1) is missing: this checkout is not whole" >&2; exit 1; }
$(B)/bin/%:
	@echo "nothing makes the program $*: rootfs/manifest asks for it, runtime/prog/$*.c does not exist" >&2; exit 1

kernel-check: $(B)/boot/vmlinux
	$(Q)kernel-config/check $(B)/boot/.config $(wildcard $(B)/boot/cmdline)

# ---- tests

UNIT_TESTS := $(patsubst tests/unit/%.c,$(B)/unit/bin/%,$(wildcard tests/unit/test_*.c tests/unit/*/test_*.c))
UNIT_LIBS := -lcmocka -lyyjson -lyaml -lseccomp -lm
$(B)/unit/bin/init/%: $(B)/unit/obj/tests/unit/init/%.o $(call links_of,unit,init)
	$(call say,LD,'tests/unit/init/$*')
	@mkdir -p $(@D)
	$(Q)$(UNIT_CC) $(UNIT_FLAGS) -o $@ $< $(call archives,$^) $(UNIT_LIBS)
$(B)/unit/bin/%: $(B)/unit/obj/tests/unit/%.o $(call links_of,unit)
	$(call say,LD,'tests/unit/$*')
	@mkdir -p $(@D)
	$(Q)$(UNIT_CC) $(UNIT_FLAGS) -o $@ $< $(call archives,$^) $(UNIT_LIBS)
-include $(UNIT_TESTS:$(B)/unit/bin/%=$(B)/unit/obj/tests/unit/%.d)

SYSTEM_TESTS := $(wildcard tests/system/*.sh)
VM_TESTS := $(wildcard tests/vm/*.sh)
VM_STORIES := $(filter-out tests/vm/lib%.sh tests/system/lib.sh,$(SYSTEM_TESTS) $(VM_TESTS) $(wildcard tests/api/*.sh))
RUN_TESTS := $(Q)O=$(B) tests/run
lint:
	$(RUN_TESTS) tests/lint/run
unit-tests: $(UNIT_TESTS)
unit: $(UNIT_TESTS)
	$(RUN_TESTS) $(or $(TESTS),$(UNIT_TESTS))
check: $(UNIT_TESTS) $(if $(PROGRAMS),programs)
	$(RUN_TESTS) tests/lint/run $(UNIT_TESTS)
vm: all programs
	$(RUN_TESTS) $(or $(TESTS),$(VM_STORIES))
test: all programs $(UNIT_TESTS) $(if $(TESTS),,storm-programs)
	$(RUN_TESTS) $(or $(TESTS),tests/lint/run $(UNIT_TESTS) tests/fuzz/storm $(VM_STORIES))

# ---- fuzzing: seeds in tests/fuzz/corpus/NAME; what is found stays in $(B)/fuzz

FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
$(B)/fuzz/bin/%: $(B)/fuzz/obj/tests/fuzz/%.o $(call links_of,fuzz)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $< $(call archives,$^) -lyyjson -lyaml -lseccomp
fuzz-programs: $(FUZZERS:%=$(B)/fuzz/bin/%)
fuzz: fuzz-programs
	$(Q)FUZZ_SECONDS=$(FUZZ_SECONDS) O=$(B) tests/fuzz/run $(FUZZERS)

# The same targets without libFuzzer, as fast as the code is (tests/fuzz/storm.c): COUNT inputs from SEED on.
STORMS := $(patsubst %,$(B)/storm/bin/fuzz_%,gate dns_query dns_reply policy port_map)
links_storm := gate oci wire lib lwip
$(STORMS): $(B)/storm/bin/%: $(B)/storm/obj/tests/fuzz/%.o $(patsubst %.c,$(B)/storm/obj/%.o,$(wildcard tests/fuzz/storm*.c)) $(call links_of,storm,storm)
	$(call say,LD,'$* (storm)')
	@mkdir -p $(@D)
	$(Q)$(STORM_CC) $(STORM_FLAGS) -o $@ $(filter %.o,$^) $(call archives,$^) -lyyjson -lyaml -lseccomp
-include $(wildcard $(B)/storm/obj/tests/fuzz/*.d)
storm-programs: $(STORMS)
storm: storm-programs
	$(Q)COUNT=$(COUNT) SEED=$(SEED) O=$(B) tests/fuzz/storm $(TESTS)

# ---- figures against peers

bench-%: all
	$(Q)[ -x tests/bench/$* ] || { echo "there is no tests/bench/$*; there are: $$(ls tests/bench)" >&2; exit 1; }
	$(Q)BUILD=$(B) tests/bench/$*

FORCE:
endif
