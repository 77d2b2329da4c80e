#!/bin/bash
# One VM of two is noisy: it is found out, quarantined, replaced by a new one and taken down, and what is kept was measured on quiet ones.
# timeout: 2400
. tests/sky-lab/e2e/lib.sh

vms '	vms = 2'
(cd "$T" && echo noisy=w2 >src/noisy.c && git add -A && git commit -q -m 'The second VM is noisy') || die "cannot make the target"
number 01 "Win" a 20
serve
wait_for '[ "$(state_of p1)" = waiting ]' 'it waits'
sky approve p1 >/dev/null || bad "approve: exit $?"
wait_long 240 'has_event "\"worker\":\"w2\".*\"state\":\"quarantined\""' 'the noisy VM is quarantined'
wait_long 60 'has_event "\"worker\":\"w3\""' 'another takes its place'
wait_long 240 'sky workers --json | tr "{" "\n" | grep "\"id\":\"w2\"" | grep -q "\"state\":\"down\""' 'the noisy one is down'
w2=$(sky workers --json | tr '{' '\n' | sed -n 's/.*"id":"w2".*"name":"\([^"]*\)".*/\1/p')
up | grep -q "^$w2 " && bad "SkyPilot still has $w2"
wait_long 240 '[ "$(state_of p1)" = signing ]' 'the win is confirmed'
sky results --json | grep -q '"workers":\[[^]]*"w2"' && bad "the noisy VM counted"
ours >/dev/null
sky stop >/dev/null 2>&1
wait_long 60 '! kill -0 "$engine" 2>/dev/null' 'the engine is gone'
serve_ends
nothing_is_up || bad "after stop these are up: $(up)"
journal_is_sound over
exit 0
