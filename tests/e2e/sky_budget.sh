#!/bin/bash
# Money is a hard stop: at the budget's end everything is taken down and run says so with its exit code; maxhourly lets only so many VMs start.
# timeout: 240
# parallel
. tests/e2e/sky_lib.sh

# 1440 USD an hour are 40 cents a second; forty cents are soon spent.
vms 1 '[session]' '	budget = 4'
slow_runs 1
number 01 "A win" a 20
echo 1440 >"$FAKE_SKY/price"
run_auto
[ $? = 5 ] || bad "run: exit $?, it should be 5: $(tail -n 5 "$work/out" "$work/wrong")"
grep -q 'the budget is spent: \$[4-9]\.[0-9]* of \$4' "$work/out" || bad "no line says so: $(tail -n 5 "$work/out")"
has_event '"kind":"alert".*the budget is spent' || bad "no alert says so"
sky status --json | grep -q '"ended_reason":"the budget is spent' || bad "it did not end for that: $(sky status --json)"
[ "$(called launch)" -ge 2 ] || bad "no VM was launched: $(cat "$FAKE_SKY/calls")"
nothing_is_up
journal_is_sound over
sky status --json | grep -q '"vm_usd":\([4-9]\|[1-9][0-9]\)' || bad "what was spent is not said: $(sky status --json)"

# Three at 10 USD an hour, and 25 allowed.
vms 3 '	maxhourly = 25'
number 01 "A win" a 20
echo 10 >"$FAKE_SKY/price"
: >"$FAKE_SKY/calls"
serve
wait_for '[ "$(state_of p1)" = waiting ]' 'it waits for a human'
sky approve p1 >/dev/null || bad "approve: exit $?"
wait_long 150 '[ "$(workers_in "ready\|busy")" = 2 ]' 'two VMs are admitted'
has_event 'with one more VM they would cost 30.00 USD an hour, and runner.sky.maxhourly allows 25.00' || bad "it is not said why there is no third: $(sky workers)"
wait_long 150 '[ "$(state_of p1)" = signing ]' 'the win is kept'
[ "$(up)" = 2 ] || bad "two VMs should be up: $(clusters)"
[ "$(called 'launch .*-w[0-9]')" = 2 ] || bad "a third VM was launched: $(cat "$FAKE_SKY/calls")"
sky stop >/dev/null 2>&1
wait_long 150 '! kill -0 "$engine" 2>/dev/null' 'the engine is gone'
serve_ends || bad "serve: exit $?"
nothing_is_up
journal_is_sound over
