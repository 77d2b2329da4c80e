# make          ./skydeck               make check   unit, fold, screen and end-to-end tests (T=word: only those with it in their name)
# make demo     the cockpit, on the bundled target       make SAN=1   the same, under ASan and UBSan, in build-san
# make lint     the arrows between the folders           make shape   function and file sizes beside the models
# make check-sky  sessions on VMs of a real SkyPilot, which it starts where it can be installed (Debian 12, root)
# make bench    figures beside the tools users know      make install   PREFIX=/usr/local DESTDIR=
# make setup    installs what is missing for all of these (check, demo and bench do so by themselves)
# V=1 shows the commands; B=DIR builds somewhere else.
CC      ?= cc
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
PKGS     = ncursesw termkey libcjson libgit2 sqlite3 libcurl yaml-0.1 expat
WARN     = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wundef -Wpointer-arith -Wvla
SANFLAGS = $(if $(SAN),-fsanitize=address$(,)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
COMPILE  = $(CC) -std=c11 -D_GNU_SOURCE -I. $(WARN) $(CFLAGS) $(SANFLAGS) $(call pkg,--cflags,$(PKGS)) -MMD -MP -c
LINK     = $(CC) -Wl,--as-needed $(LDFLAGS) $(SANFLAGS)
LIBS     = -pthread $(call pkg,--libs,$(PKGS)) -lm
TESTLIBS = -lcmocka $(if $(filter tui_% panes_%,$1),-lvterm)
pkg      = $(shell pkg-config $1 $2 2>/dev/null)
say      = $(if $V,,@echo '  $1'; )
,       := ,

B       := build$(if $(SAN),-san)
SHELVES  = cli engine link runners agents research io judge data base
objs     = $(patsubst %.c,$B/%.o,$(wildcard $1/*.c))
# The link order is the layer order: an archive may only need those to its right.
CORE     = $(SHELVES:%=$B/core_%.a)
LAYERS   = $B/panes.a $B/tui.a $(CORE)
UNITS    = $(foreach t,$(wildcard tests/unit/*_test.c),$(if $(if $T,$(findstring $T,$t),y),$(t:%.c=$B/%)))

all: $(if $(SAN),$B/skydeck,skydeck)
skydeck: $B/skydeck
	@ln -sf $< $@
$B/skydeck: $B/main.o $B/gen/embedded.o $(LAYERS)
	$(call say,link  $@)$(LINK) $^ $(LIBS) -o $@

.SECONDEXPANSION:
$B/core_%.a: $$(call objs,core/$$*)
	@mkdir -p $(@D) && rm -f $@ && $(AR) rcs $@ $^
$B/tui.a $B/panes.a: $B/%.a: $$(call objs,$$*)
	@mkdir -p $(@D) && rm -f $@ && $(AR) rcs $@ $^

# A unit test named SHELF_... links that shelf and those below it, and nothing above.
below    = $(shell echo '$(SHELVES)' | sed 's/.*\b\($1\)\b/\1/')
archives = $(if $(filter panes_%,$1),$(LAYERS),$(if $(filter tui_%,$1),$B/tui.a $(CORE),$(patsubst %,$B/core_%.a,$(call below,$(firstword $(subst _, ,$1))))))
$B/tests/unit/%_test: $B/tests/unit/%_test.o $B/gen/embedded.o $$(call archives,$$*)
	$(call say,link  $@)$(LINK) $^ $(LIBS) $(call TESTLIBS,$*) -o $@

# A program of the bench may use everything below the cockpit.
$B/tests/bench/%: $B/tests/bench/%.o $B/gen/embedded.o $(CORE)
	$(call say,link  $@)$(LINK) $^ $(LIBS) -lvterm -o $@

$B/%.o: %.c | needs
	@mkdir -p $(@D)
	$(call say,cc    $<)$(COMPILE) $< -o $@

# The list of files is made anew each time and kept when it is the same; the object depends on what stands in the files.
$B/gen/embedded.o: $B/gen/embedded.c $(shell sh assets/embed.sh --list) | needs
	$(call say,cc    $<)$(COMPILE) $< -o $@
$B/gen/embedded.c: assets/embed.sh FORCE
	@mkdir -p $(@D) && sh $< > $@.$$$$ && if cmp -s $@.$$$$ $@; then rm $@.$$$$; else mv $@.$$$$ $@; fi

# Says what is missing and what to run. Those who set up on their own call make once more, so that pkg-config is there when it is asked.
needs:
	@CC='$(CC)' tests/setup.sh --look build
setup check check-sky demo bench: export CC := $(CC)
setup:
	@tests/setup.sh check
check:
	@SAN=$(SAN) tests/setup.sh check
	@$(MAKE) $(jobs) --no-print-directory $B/skydeck units
	@SAN=$(SAN) tests/check.sh $B '$T'
check-sky:
	@tests/setup.sh check
	@$(MAKE) $(jobs) --no-print-directory $B/skydeck
	@tests/check-sky.sh $B '$T'
units: $(UNITS) ; @:
demo:
	@tests/setup.sh build
	@$(MAKE) $(jobs) --no-print-directory all
	@$B/skydeck demo
bench:
	@tests/setup.sh check
	@$(MAKE) $(jobs) --no-print-directory $B/skydeck $(patsubst %.c,$B/%,$(wildcard tests/bench/*.c))
	@tests/bench/run.sh $B '$T'
jobs     = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

install: $B/skydeck
	install -Dm755 $< $(DESTDIR)$(PREFIX)/bin/skydeck
	$< help man > $B/gen/skydeck.1
	install -Dm644 $B/gen/skydeck.1 $(DESTDIR)$(PREFIX)/share/man/man1/skydeck.1
lint:
	@tests/layers.sh
shape:
	@tests/shape.sh
clean:
	rm -rf build build-san skydeck
.PHONY: all skydeck needs setup check check-sky units lint shape bench demo install clean FORCE
.SECONDARY:
-include $(shell find $B -name '*.d' 2>/dev/null)
