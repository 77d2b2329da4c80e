#!/bin/bash
# The only worker is taken down: it is said, and it can be brought back.
# parallel
. tests/e2e/lib.sh

target
number 01 "Win" a 20
serve
wait_for 'sky workers --json | grep -q "\"state\":\"ready\""' 'the worker is admitted'
sky worker down w1 >/dev/null || bad "down: exit $?"
wait_for 'sky workers --json | grep -q "\"state\":\"down\""' 'the worker is down'
wait_for 'sky events --json | grep -q "\"kind\":\"alert\".*no worker is up"' 'a human is told that nothing can be measured'
sky approve p1 >/dev/null || bad "approve: exit $?"
sky worker release w1 >/dev/null || bad "release: exit $?"
wait_for 'sky proposals --json signing | grep -q p1' 'the wave runs on the worker that came back'
sky stop >/dev/null
serve_ends
"$SKYDECK" -C "$T" serve >"$work/shown" 2>&1 &
engine=$!
wait_for 'grep -q "has ended.*serve --new" "$work/shown"' 'serve says that it shows an ended session'
wait_for 'sky stop >/dev/null 2>&1' 'the engine stops'
serve_ends
journal_is_sound over
exit 0
