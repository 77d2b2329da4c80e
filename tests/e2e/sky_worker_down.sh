#!/bin/bash
# A human takes a VM down while it measures: nothing more is given to it, the session goes on with the other, and nobody comes in its place
# until the human wants it back.
# timeout: 240
# parallel
. tests/e2e/sky_lib.sh

vms 2
number 01 "A win" a 20
hold_runs
serve
wait_for '[ "$(state_of p1)" = waiting ]' 'it waits'
sky approve p1 >/dev/null || bad "approve: exit $?"
busy() { for w in w1 w2; do [ "$(worker_state $w)" != busy ] || { echo $w; return; }; done; }
wait_long 150 '[ "$(workers_in "ready\|busy")" = 2 ] && gone=$(busy) && [ -n "$gone" ]' 'both are there and one measures'
sky worker down "$gone" >/dev/null || bad "down: exit $?"
release
wait_long 150 '[ "$(worker_state "$gone")" = down ]' 'it is down'
wait_long 150 '[ "$(state_of p1)" = signing ]' 'the other one measures it to its end'
has_event '"kind":"paused"' && bad "the session paused: $(sky events | grep -e paused -e alert)"
[ "$(up)" = 1 ] || bad "one VM should be up: $(clusters)"
[ -z "$(worker w3)" ] || bad "somebody came in its place: $(sky workers)"
sky worker retry "$gone" >/dev/null || bad "retry: exit $?"
wait_long 150 '[ "$(worker_state "$gone")" = ready ]' 'it is back, and admitted'
sky stop >/dev/null 2>&1 || bad "stop: exit $?"
wait_long 150 '! kill -0 "$engine" 2>/dev/null' 'the engine is gone'
serve_ends || bad "serve: exit $?"
nothing_is_up
journal_is_sound over
