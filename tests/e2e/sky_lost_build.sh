#!/bin/bash
# The only VM goes while four arms are built on it: that is one misfortune, not five. Another one comes up, is admitted, builds all anew, and
# the verdicts follow.
# timeout: 300
# parallel
. tests/e2e/sky_lib.sh

vms 1
number 01 "A win" a 20
number 02 "A loss" a -20
number 03 "Another" b 20
: >"$work/hold"	# the builds of what changes a or b wait for it
(cd "$T" && sed -i "1a while grep -qs '^[ab]=[^0]' src/*.c \&\& [ -e $work/hold ]; do sleep 0.1; done" build.sh && git add -A && git commit -q -m 'Builds take a moment')
serve
wait_for '[ "$(sky status --json | grep -o "\"waiting\":[0-9]*")" = "\"waiting\":3" ]' 'all wait'
sky approve p1 p2 p3 >/dev/null || bad "approve: exit $?"
wait_long 150 'has_event "\"kind\":\"run_started\".*\"arm\":\"p[123]\".*\"step\":\"build\""' 'one is being built'
fake fake-lose "$(cluster_of w1)"
wait_long 150 'has_event "\"worker\":\"w1\".*\"state\":\"lost\""' 'it is seen that the VM is gone'
rm "$work/hold"
wait_long 150 '[ "$(state_of p1)" = signing ] && [ "$(state_of p2)" = done ] && [ "$(state_of p3)" = signing ]' 'all have their verdicts'
has_event '"kind":"paused"' && bad "the session paused: $(sky events | grep -e paused -e alert)"
[ "$(sky events --json | grep '"state":"admitting"' | grep -c '"worker":"w1"')" -ge 2 ] || bad "the new VM was not admitted"
sky stop >/dev/null 2>&1 || bad "stop: exit $?"
wait_long 150 '! kill -0 "$engine" 2>/dev/null' 'the engine is gone'
serve_ends || bad "serve: exit $?"
nothing_is_up
journal_is_sound over
