#!/bin/bash
# A session on three VMs under manual autonomy from beginning to end: nothing is launched before the first approval, waves run side by side,
# each verdict is what it would be on this machine, what it costs is said, and stop takes every VM down.
# timeout: 400
# parallel
. tests/e2e/sky_lib.sh

vms 3
number 01 "A win" a 20
number 02 "A loss" a -20
patch 03 "Other words" 'echo "// other words" >>src/a.c'
mode 04 "Does not build" broken
mode 05 "Is wrong" wrong
mode 06 "Crashes" crash
before=$(users_own)
echo 36 >"$FAKE_SKY/price"
serve
wait_for '[ "$(sky status --json | grep -o "\"waiting\":[0-9]*")" = "\"waiting\":6" ]' 'all wait for a human'
[ "$(workers_in '[a-z]*')" = 0 ] || bad "there are workers before the first approval: $(sky workers)"
[ "$(called launch)" = "$(called 'launch .*--dryrun')" ] || bad "a VM was launched before the first approval: $(cat "$FAKE_SKY/calls")"

sky approve "$(titled "A win")" "$(titled "A loss")" "$(titled "Other words")" "$(titled "Is wrong")" >/dev/null || bad "approve: exit $?"
wait_long 150 '[ "$(workers_in "admitting\|ready\|busy")" = 3 ]' 'three VMs are up'
[ "$(up)" = 3 ] || bad "three VMs should be up: $(clusters)"
sky approve "$(titled "Does not build")" "$(titled "Crashes")" >/dev/null || bad "approve: exit $?"
for w in w1 w2 w3; do
	worker $w | grep -q '"runner":"sky".*"usd_per_hour":36' || bad "$w has not its price: $(worker $w)"
	[ -s "$T"/.skydeck/sessions/*/logs/$w.log ] || bad "$w has no log of its own"
done
wait_long 150 '[ "$(state_of "$(titled "A win")")" = signing ]' 'the win waits for its signature'
for title in "A loss" "Other words" "Is wrong" "Does not build" "Crashes"; do
	wait_long 150 '[ "$(state_of "$(titled "'"$title"'")")" = done ]' "$title is done"
done
is "A loss" done reject
is "Other words" done same
is "Does not build" done build-failed
is "Is wrong" done checks-failed
is "Crashes" done crash
sky status --json | grep -q '"vm_usd":0\.[0-9]*[1-9]\|"vm_usd":[1-9]' || bad "the VMs cost nothing: $(sky status --json)"
[ "$(sky status --json | grep -o '"usd_per_hour":36' | wc -l)" = 3 ] || bad "the price is not said: $(sky status --json)"

# Waves were measured side by side: one began before another had ended.
awk '/"kind":"wave_started"/ { open++; if (open > most) most = open } /"kind":"wave_ended"/ { open-- } END { exit most < 2 }' <(sky events --json) ||
	bad "never were two waves under way at once"
sky sign "$(titled "A win")" >/dev/null || bad "sign: exit $?"
wait_long 150 '[ "$(state_of "$(titled "A win")")" = landed ]' 'the win lands'
is "A win" landed keep
[ "$before" = "$(users_own)" ] || bad "the user's tree, index or branch changed"

sky stop >/dev/null 2>&1 || bad "stop: exit $?"
wait_long 150 '! kill -0 "$engine" 2>/dev/null' 'the engine is gone'
serve_ends || bad "serve: exit $?"
nothing_is_up
for name in $(ls "$FAKE_SKY/ended" | grep -v list); do
	[ "$(launches "${name%.*}")" = 1 ] || bad "${name%.*} was launched $(launches "${name%.*}") times"
done
journal_is_sound over
