#!/bin/bash
# A job that somebody else cancels (`sky cancel`) in mid-run: it is said that it was not us, its round does not count, and what it held is
# measured again on the same VM.
# timeout: 240
# parallel
. tests/e2e/sky_lib.sh

vms 1
hold_runs
number 01 "A win" a 20
serve
wait_for '[ "$(state_of p1)" = waiting ]' 'it waits for a human'
sky approve p1 >/dev/null || bad "approve: exit $?"
measured() { sky events --json 2>/dev/null | grep '"kind":"run_started".*"arm":"p1".*"step":"measure"' | sed -n 's/.*"run":"\(r[0-9]*\)".*/\1/p' | tail -n 1; }
wait_long 150 'run=$(measured) && [ -n "$run" ]' 'it is measured'
vm=$(cluster_of w1)
for job in "$FAKE_SKY/clusters/$vm/jobs"/*; do fake cancel -y "$vm" "${job##*/}" >/dev/null; done
wait_long 150 'has_event "\"kind\":\"run_ended\".*\"run\":\"$run\".*\"reason\":\"its job was cancelled elsewhere"' 'it is said that it was somebody else'
wait_long 150 'has_event "\"kind\":\"round_voided\""' 'its round is voided'
release
wait_long 150 '[ "$(state_of p1)" = signing ]' 'it is measured again'
is "A win" signing keep
[ "$(launches "$vm")" = 1 ] || bad "a VM that stands was launched again: $(cat "$FAKE_SKY/calls")"
sky stop >/dev/null 2>&1
wait_long 150 '! kill -0 "$engine" 2>/dev/null' 'the engine is gone'
serve_ends || bad "serve: exit $?"
nothing_is_up
journal_is_sound over
