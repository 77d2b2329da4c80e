#!/bin/bash
# A veto in mid-run cancels the job on the VM at once; the others of the wave go on and get their verdicts.
# timeout: 240
# parallel
. tests/e2e/sky_lib.sh

vms 1
number 01 "A win" a 20
patch 02 "Drags" 'echo slow=60 >src/slow.c'
serve
wait_for '[ "$(sky status --json | grep -o "\"waiting\":[0-9]*")" = "\"waiting\":2" ]' 'both wait for a human'
win=$(titled "A win") drags=$(titled "Drags")
sky approve "$win" "$drags" >/dev/null || bad "approve: exit $?"
measured() { sky events --json 2>/dev/null | awk -v arm="\"arm\":\"$drags\"" '
	function run() { match($0, /"run":"r[0-9]*"/); return substr($0, RSTART + 7, RLENGTH - 8) }
	/"kind":"run_started"/ && /"step":"measure"/ && index($0, arm) { on[run()] = 1 }
	/"kind":"run_ended"/ { delete on[run()] }
	END { for (r in on) print r }'; }
wait_long 150 'run=$(measured | head -n 1) && [ -n "$run" ]' 'the one that drags is measured'
[ "$(called cancel)" = 0 ] || bad "something was cancelled before the veto: $(grep ^cancel "$FAKE_SKY/calls")"
sky veto "$drags" --reason "it takes too long" >/dev/null || bad "veto: exit $?"
[ "$(state_of "$drags")" = vetoed ] || bad "$drags is $(state_of "$drags"), not vetoed"
# It would have gone on for a minute a run.
wait_long 150 '[ -z "$(measured)" ]' 'the veto ends what runs'
[ "$(called cancel)" -ge 1 ] || bad "the job was not cancelled: $(cat "$FAKE_SKY/calls")"
has_event "\"kind\":\"run_ended\".*\"run\":\"$run\".*\"status\":\"cancelled\"" || bad "$run was not cancelled"

wait_long 150 '[ "$(state_of "$win")" = signing ]' 'the other one is measured to its end'
[ "$(verdict_of "$win")" = keep ] || bad "the win is $(verdict_of "$win")"
has_event "\"kind\":\"verdict\".*\"proposal\":\"$drags\"" && bad "what was vetoed got a verdict"
[ "$(worker_state w1)" != quarantined ] || bad "the veto was held against the VM: $(worker w1)"
has_event '"kind":"alert"' && bad "an alert: $(sky events --json | grep '"kind":"alert"')"
sky stop >/dev/null 2>&1 || bad "stop: exit $?"
wait_long 150 '! kill -0 "$engine" 2>/dev/null' 'the engine is gone'
serve_ends || bad "serve: exit $?"
nothing_is_up
journal_is_sound over
