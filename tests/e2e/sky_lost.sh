#!/bin/bash
# VMs that do not come up, vanish in the middle of a wave, and what a human may do with one: nothing is counted twice, and the wave goes on.
# timeout: 400
# parallel
. tests/e2e/sky_lib.sh

# A launch that fails is tried again; one that fails each time is lost, with what helps.
vms 2 '	retries = 1' '	replacements = 3'
hold_runs
number 01 "A win" a 20
number 02 "A loss" b -20
stopped='RuntimeError: the node did not answer'
printf '%s\n' "$stopped" "$stopped" >"$FAKE_SKY/trouble/launch"	# one each, which uses up their retries
serve
wait_for '[ "$(sky status --json | grep -o "\"waiting\":[0-9]*")" = "\"waiting\":2" ]' 'both wait for a human'
sky approve p1 p2 >/dev/null || bad "approve: exit $?"
wait_long 150 'has_event "\"kind\":\"worker_changed\".*\"state\":\"starting\".*\"reason\":\"launch 2 of 2: .*node did not answer"' 'the launch is tried again, and it is said why'
wait_long 150 '[ "$(workers_in "ready\|busy")" = 2 ]' 'both VMs are admitted'

# One vanishes while it measures.
measures() { sky workers --json 2>/dev/null | tr '{' '\n' | sed -n 's/.*"id":"\(w[0-9]*\)".*"state":"busy".*"round":[0-9].*/\1/p' | head -n 1; }
wait_long 150 'lost=$(measures) && [ -n "$lost" ]' 'a wave is measured'
fake fake-lose "$(cluster_of "$lost")"
wait_long 150 'has_event "\"kind\":\"worker_changed\".*\"worker\":\"$lost\".*the VM is gone"' 'it is seen that the VM is gone'
wait_long 150 'has_event "\"kind\":\"round_voided\".*\"worker\":\"$lost\""' 'its round is voided'
release
# its retry has been used: another VM takes its place
wait_long 150 '[ "$(worker_state w3)" = ready ] || [ "$(worker_state w3)" = busy ]' 'another one takes its place'
wait_long 150 '[ "$(state_of p1)" = signing ] && [ "$(state_of p2)" = done ]' 'both get their verdicts'
[ "$(verdict_of p1)" = keep ] || bad "the win is $(verdict_of p1)"
[ "$(worker_state "$lost")" = lost ] || bad "$lost is $(worker_state "$lost"), not lost"
worker "$lost" | grep -q '"remedy":"retry' || bad "no remedy is named: $(worker "$lost")"
exits 1 sky worker retry "$lost"
says 'there are 2 VMs already'

# What a human may do. The one that was left is a, the new one w3.
[ "$lost" = w1 ] && a=w2 || a=w1
exits 0 sky worker quarantine $a
wait_for '[ "$(worker_state $a)" = quarantined ]' 'it is taken out'
[ "$(up)" = 2 ] || bad "a VM that a human took out was taken down"
exits 0 sky worker release $a
wait_long 150 '[ "$(worker_state $a)" = ready ]' 'it is admitted anew'
exits 0 sky worker replace $a
wait_long 150 '[ "$(worker_state $a)" = down ] && [ "$(worker_state w4)" = ready ]' 'w4 has its place'
exits 4 sky worker replace $a
exits 0 sky worker down w4
wait_long 150 '[ "$(worker_state w4)" = down ]' 'w4 is taken down'
[ "$(up)" = 1 ] || bad "one VM should be up: $(clusters)"
exits 0 sky worker retry w4
wait_long 150 '[ "$(worker_state w4)" = ready ]' 'w4 is brought back'
exits 0 sky worker down w4
wait_long 150 '[ "$(worker_state w4)" = down ]' 'w4 is taken down again'
sleep 6		# a poll
[ "$(up)" = 1 ] || bad "the place that a human emptied was filled: $(clusters)"
[ "$(workers_in '[a-z]*')" = 4 ] || bad "there is another worker: $(sky workers)"

# Lost for good, within the limits: the other one goes on.
printf '%s\n' "$stopped" "$stopped" >"$FAKE_SKY/trouble/launch"
exits 0 sky worker retry w4
wait_long 150 '[ "$(worker_state w4)" = lost ]' 'it is lost after as many launches as are allowed'
worker w4 | grep -q '"reason":"[^"]*node did not answer' || bad "it is not said why: $(worker w4)"
worker w4 | grep -q '"remedy":"retry' || bad "no remedy is named: $(worker w4)"
[ "$(worker_state w3)" = ready ] || bad "w3 is $(worker_state w3)"

sky stop >/dev/null 2>&1
wait_long 150 '! kill -0 "$engine" 2>/dev/null' 'the engine is gone'
serve_ends || bad "serve: exit $?"
nothing_is_up
journal_is_sound over
