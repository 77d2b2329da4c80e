#!/bin/bash
# The engine is killed in mid-wave: what runs on the VMs goes on, doctor says what it costs, the next engine takes the VMs and the runs up
# again and starts none twice. Killed once more, doctor --down ends what is left.
# timeout: 2400
. tests/sky-lab/e2e/lib.sh

vms '	vms = 2'
patch 01 "Win" "echo a=20 >src/a.c"
patch 02 "Other" "echo b=10 >src/b.c"
serve
wait_for '[ "$(sky status --json | grep -o "\"waiting\":[0-9]*")" = "\"waiting\":2" ]' 'both wait for a human'
sky approve p1 p2 >/dev/null || bad "approve: exit $?"
wait_long 240 'has_event "\"kind\":\"evidence\""' 'the wave is measured'
up >"$work/before"
[ "$(wc -l <"$work/before")" = 2 ] || bad "not two VMs: $(cat "$work/before")"
kill -KILL "$engine"
wait "$engine" 2>/dev/null
engine=
timeout 400 "$SKYDECK" -C "$T" doctor >"$work/said" 2>"$work/wrong" && bad "doctor finds nothing: $(cat "$work/said")"
grep '^error  *VMs' "$work/said" | grep -q 'no engine runs.*: sky down -y skydeck-[^ ]* skydeck-[^ ]*$' || bad "doctor does not say what costs money: $(cat "$work/said")"

serve
wait_long 240 '[ "$(state_of p1)" = signing ] && [ "$(state_of p2)" = signing ]' 'the wave goes on to its end'
journal_is_sound
up >"$work/after"
cmp -s "$work/before" "$work/after" || bad "the VMs are others: $(cat "$work/before" "$work/after")"
kill -KILL "$engine"
wait "$engine" 2>/dev/null
engine=
timeout 600 "$SKYDECK" -C "$T" doctor --down >"$work/said" 2>"$work/wrong"
[ "$(grep -c '^ok  *down .* is down$' "$work/said")" = 2 ] || bad "doctor --down: $(cat "$work/said" "$work/wrong")"
nothing_is_up || bad "these are up: $(up)"
exit 0
