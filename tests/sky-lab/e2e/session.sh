#!/bin/bash
# A session on three VMs under manual autonomy: nothing is launched before the first approval; logs stream while a run goes on; a veto in
# mid-run frees the VMs at once; the winner lands; stop takes every VM down.
# timeout: 2400
. tests/sky-lab/e2e/lib.sh

vms
number 01 "Win" a 20
patch 02 "Drag" "echo slow=60 >src/slow.c"
serve
wait_for '[ "$(sky status --json | grep -o "\"waiting\":[0-9]*")" = "\"waiting\":2" ]' 'both wait for a human'
sleep 3
[ "$(count_workers '[a-z]*')" = 0 ] || bad "there are workers before the first approval: $(sky workers)"
nothing_is_up || bad "VMs before the first approval: $(up)"
! has_event '"kind":"run_started"' || bad "something ran before the first approval"

win=$(titled Win) drag=$(titled Drag)
sky approve "$win" "$drag" >/dev/null || bad "approve: exit $?"
wait_long 30 '[ "$(count_workers "[a-z]*")" = 3 ]' 'three workers are started'
wait_long 240 '[ "$(count_workers "admitting\|ready\|busy")" = 3 ]' 'three VMs are up'
[ "$(up | wc -l)" = 3 ] || bad "SkyPilot has not three of ours: $(up)"
for w in w1 w2 w3; do
	sky workers --json | tr '{' '\n' | grep "\"id\":\"$w\"" | grep -q '"runner":"sky".*"usd_per_hour":0\.0\(5\|4999\)' || bad "$w has not its price: $(sky workers --json)"
	[ -s "$T"/.skydeck/sessions/*/logs/$w.log ] || bad "$w has no log of its own"
done
timeout 300 "$SKYDECK" -C "$T" worker ssh w1 true </dev/null || bad "worker ssh w1: exit $?"

# The log of a run is there while it runs.
running_drag() { sky events --json | awk -v arm="\"arm\":\"$drag\"" '
	function run() { match($0, /"run":"r[0-9]*"/); return substr($0, RSTART + 7, RLENGTH - 8) }
	/"kind":"run_started"/ && /"step":"measure"/ && index($0, arm) { on[run()] = 1 }
	/"kind":"run_ended"/ { delete on[run()] }
	END { for (r in on) { print r; exit } }'; }
streams() { r=$(running_drag); [ -n "$r" ] && sky log "$r" 2>/dev/null | grep -q '^tick'; }
wait_long 120 streams 'the log of a run streams'
[ "$(state_of "$drag")" = running ] || bad "$drag is $(state_of "$drag"), not running"
sky veto "$drag" --reason "too slow to wait for" >/dev/null || bad "veto: exit $?"
wait_for '[ "$(state_of "$drag")" = vetoed ]' 'it is vetoed'
wait_long 45 '[ -z "$(running_drag)" ]' 'the veto ends what runs'
has_event '"kind":"run_ended".*"status":"cancelled"' || bad "the run was not cancelled"

wait_long 150 '[ "$(state_of "$win")" = signing ]' "the winner waits for its signature"
sky sign "$win" >/dev/null || bad "sign: exit $?"
wait_for '[ "$(state_of "$win")" = landed ]' 'the winner lands'
is "Win" landed keep
sky status --json | grep -q '"vm_usd":0\.[0-9]*[1-9]' || bad "the VMs cost nothing: $(sky status --json | grep -o '"spent":{[^}]*}')"
ours >/dev/null
sky stop >/dev/null 2>&1
wait_long 60 '! kill -0 "$engine" 2>/dev/null' 'the engine is gone'
serve_ends
nothing_is_up || bad "after stop these are up: $(up)"
journal_is_sound over
exit 0
