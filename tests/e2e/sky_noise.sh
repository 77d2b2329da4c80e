#!/bin/bash
# A VM whose benchmark is noisy does not pass admission: another one takes its place and it is taken down; where no replacement is allowed
# it is tried again instead.
# timeout: 400
# parallel
. tests/e2e/sky_lib.sh

# noisy WORKER...: what those VMs measure differs by up to 60 %, unless the file `quiet` is there
noisy() {
	benchmark <<-END
		. out/program
		noise=401
		case "\$HOME:" in $(printf '*-%s/home:*|' "$@" | sed 's/|$//')) [ -e $work/quiet ] || noise=60001 ;; esac
		awk -v speed=\$((100 + a + b)) -v noise=\$(((RANDOM * 32768 + RANDOM) % noise)) 'BEGIN { printf "METRIC tps=%.4f\n", speed * (0.998 + noise / 1e5) }'
	END
}

vms 2 '	replacements = 1'
noisy w2
number 01 "A win" a 20
serve
wait_for '[ "$(state_of "$(titled "A win")")" = waiting ]' 'it waits for a human'
sky approve p1 >/dev/null || bad "approve: exit $?"
wait_long 150 'has_event "\"kind\":\"worker_changed\".*\"worker\":\"w2\".*\"state\":\"quarantined\""' 'the noisy VM is put under quarantine'
sky events --json | grep '"worker":"w2".*"state":"quarantined"' | head -n 1 | grep -q 'w3 takes its place' || bad "it is not said who takes its place: $(worker w2)"
sky events --json | grep '"worker":"w2".*"state":"quarantined"' | head -n 1 | grep -q '"noise_percent":[1-9]' || bad "its noise is not said: $(worker w2)"
wait_long 150 '[ "$(worker_state w2)" = down ]' 'the noisy VM is taken down'
clusters | grep -q 'w2$' && bad "SkyPilot still has the noisy VM: $(clusters)"
wait_long 150 '[ "$(workers_in "ready\|busy")" = 2 ]' 'two VMs are admitted'
case $(worker_state w3) in ready | busy) ;; *) bad "w3 is $(worker_state w3)" ;; esac
wait_long 150 '[ "$(state_of p1)" = signing ]' 'the win is kept'
has_event '"kind":"evidence".*"worker":"w2"' && bad "the noisy VM gave evidence"
[ "$(called 'launch .*-w2 ')" = 1 ] || bad "the noisy VM was launched $(called 'launch .*-w2 ') times"
sky stop >/dev/null 2>&1
wait_long 150 '! kill -0 "$engine" 2>/dev/null' 'the engine is gone'
serve_ends || bad "serve: exit $?"
nothing_is_up
journal_is_sound over

# With no replacement it has to do.
before=$(called down)
vms 1 '	replacements = 0'
noisy w1
number 01 "A win" a 20
serve
wait_for '[ "$(state_of "$(titled "A win")")" = waiting ]' 'it waits for a human'
sky approve p1 >/dev/null || bad "approve: exit $?"
wait_long 150 'has_event "\"worker\":\"w1\",.*\"state\":\"quarantined\".*it is tried again"' 'it is tried again'
: >"$work/quiet"
wait_long 150 '[ "$(state_of p1)" = signing ]' 'once it is quiet, it measures'
[ "$(sky workers --json | grep -o '"id":"w[0-9]*"' | wc -l)" = 1 ] || bad "there is another worker: $(sky workers)"
[ "$(called down)" = "$before" ] || bad "something was taken down: $(grep ^down "$FAKE_SKY/calls")"
sky stop >/dev/null 2>&1
wait_long 150 '! kill -0 "$engine" 2>/dev/null' 'the engine is gone'
serve_ends || bad "serve: exit $?"
nothing_is_up
journal_is_sound over
