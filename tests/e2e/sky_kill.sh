#!/bin/bash
# The engine is killed again and again: while VMs come up, are tried, measure, and go down. What it held is taken up each time, no VM is
# launched twice and no run starts twice, and the session ends with the same verdicts. What is left running is known to doctor.
# parallel
# timeout: 400
. tests/e2e/sky_lib.sh
RANDOM=${SEED:=$$}
echo "SEED=$SEED"

vms 2
slow_runs 0.02
number 01 "A win" a 20
number 02 "A loss" a -20
patch 03 "Other words" 'echo "// other words" >>src/a.c'
mode 04 "Is wrong" wrong
before=$(users_own)
kills=0
relaunch() {	# the engine, killed after a moment
	sleep "$(awk -v r=$RANDOM 'BEGIN { print 0.02 + r / 32768 * 1.5 }')"
	kill -KILL "$engine" 2>/dev/null && kills=$((kills + 1))
	wait "$engine" 2>/dev/null
	"$SKYDECK" -C "$T" serve >>"$work/out" 2>>"$work/wrong" &
	engine=$!
}
"$SKYDECK" -C "$T" serve >>"$work/out" 2>>"$work/wrong" &
engine=$!
wait_for '[ "$(sky status --json 2>/dev/null | grep -o "\"waiting\":[0-9]*")" = "\"waiting\":4" ]' 'all wait for a human'
sky approve p1 p2 p3 p4 >/dev/null || bad "approve: exit $?"
win=$(titled "A win") loss=$(titled "A loss") wrong=$(titled "Is wrong")
until [ $kills -ge 12 ]; do relaunch; done
wait_long 150 '[ "$(state_of $win)" = signing ]' 'the win waits for its signature'
wait_long 150 '[ "$(state_of $loss)" = done ] && [ "$(state_of $wrong)" = done ]' 'the others are done'
sky sign "$win" >/dev/null || bad "sign: exit $?"
relaunch
wait_long 150 '[ "$(state_of $win)" = landed ]' 'the win lands'
is "A win" landed keep
is "A loss" done reject
case $(verdict_of "$(titled "Other words")") in same | reject | park | small) ;; *) bad "Other words: $(verdict_of "$(titled "Other words")")" ;; esac	# same needs the word of a build that a kill may have cost
is "Is wrong" done checks-failed
[ "$before" = "$(users_own)" ] || bad "the user's tree, index or branch changed"
[ "$(up)" = 2 ] || bad "two VMs should be up: $(clusters)"
launched=$(called 'launch .*-w[0-9]')
for name in $(clusters); do	# a launch may be asked for again while it is under way; what it makes is one VM
	[ "$(cut -d' ' -f1 "$FAKE_SKY/ended/list" 2>/dev/null | grep -cx "$name")" = 0 ] || bad "$name was taken down in between: $(grep "$name" "$FAKE_SKY/calls")"
done

# Adopted: no further launch, whatever is killed now that all are up.
for _ in 1 2 3; do relaunch; done
wait_long 150 '[ "$(workers_in "ready\|busy")" = 2 ]' 'both are ready again'
[ "$(called 'launch .*-w[0-9]')" = "$launched" ] || bad "a VM that stands was launched again: $(grep '^launch' "$FAKE_SKY/calls")"

# Killed for good: doctor lists what runs, and takes it down.
kill -KILL "$engine"
wait "$engine" 2>/dev/null
engine=
exits 1 sky doctor
says '-w1 is UP.*-w2 is UP.*no engine runs'
exits 1 sky doctor --json
grep -q '"state":"error","text":"[^"]*-w1 is UP[^"]*","remedy":"sky down -y [^"]*-w1' "$work/said" || bad "doctor --json names no remedy: $(cat "$work/said")"
exits 0 sky doctor --down
nothing_is_up
sky doctor >"$work/said" 2>&1
grep -q "none of this target's is up" "$work/said" || bad "doctor still lists some: $(cat "$work/said")"

# The next engine finds them gone; while it takes them down it is killed, too.
number 05 "Another win" b 20
"$SKYDECK" -C "$T" serve >>"$work/out" 2>>"$work/wrong" &
engine=$!
wait_for '[ "$(state_of p5)" = waiting ]' 'the new one waits for a human'
sky approve p5 >/dev/null || bad "approve: exit $?"
wait_long 150 '[ "$(up)" -ge 1 ] && [ "$(workers_in "admitting\|ready\|busy")" -ge 1 ]' 'VMs come up again'
sky stop >/dev/null 2>&1 &
stop=$!
sleep "0.$((RANDOM % 10))"
kill -KILL "$engine"
wait "$engine" $stop 2>/dev/null
engine=
if [ -n "$(clusters)$(noted)" ]; then	# it depends on the moment: the next engine ends what this one began
	timeout 250 "$SKYDECK" -C "$T" serve >>"$work/out" 2>>"$work/wrong" &
	engine=$!
	wait_long 100 'sky stop >/dev/null 2>&1 || sky status --json | grep -q "\"state\":\"ended\""' 'the session ends, if it has not'
	wait_long 150 '[ -z "$(clusters)$(noted)" ]' 'its VMs are taken down'
	kill "$engine" 2>/dev/null
	wait "$engine" 2>/dev/null
	engine=
fi
nothing_is_up
journal_is_sound
