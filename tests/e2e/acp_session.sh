#!/bin/bash
# A session with an agent of kind acp: a child in a sandbox, which states an idea and proposes a patch through the tools that it is given,
# asks for a permission, hears of a veto, and dies. It cannot see the target, the engine's socket or any other process.
# needs: python3
# parallel
# timeout: 240
. tests/e2e/lib.sh
bwrap --unshare-all --ro-bind / / true 2>/dev/null || { echo "bubblewrap cannot work here"; exit 77; }
python=/usr/bin/python3; [ -x $python ] || python=python3

target '[agent "fake"]' '	kind = acp' "	command = $python $PWD/tests/agents/fake-acp session" '	keyenv = TEST_KEY' '	env = TARGET_OF_TEST' '[session]' '	agent = fake' '	wave = 2'
export TEST_KEY=sk-very-secret-key SOME_SECRET=not-for-children TARGET_OF_TEST=$T
serve
wait_for '[ "$(titled "A modest number")" = p1 ]' 'the proposal'
wait_state p1 waiting
wait_for 'sky events --json | grep -q "\"kind\":\"permission_answered\".*\"status\":\"reject_once\".*policy\|\"kind\":\"permission_answered\".*policy.*\"status\":\"reject_once\""' 'policy answers the permission'
wait_for 'sky events --json | grep -q "\"kind\":\"turn_ended\".*\"status\":\"done\""' 'the turn ends'
sky log t1 -n 200 >"$work/transcript" || bad "the transcript cannot be read"
grep -q '^tree: .*autoresearch.sh.* src' "$work/transcript" || bad "the tree does not hold the baseline"
grep -q '^reachable: \[\]' "$work/transcript" || bad "it reaches what is not its own"
[ "$(sed -n 's/^processes: //p' "$work/transcript")" -lt 10 ] || bad "it sees other processes"
grep -q '^tools: 11$' "$work/transcript" || bad "it does not have the tools"
grep -q '^its own tool: y$' "$work/transcript" || bad "it may not use the tools it was given"
[ "$(sky events --json | grep -c '"kind":"permission_asked"')" = 1 ] || bad "a human is bothered with the session's own tools"
grep -q '^permission: n$' "$work/transcript" || bad "it was not told no"
sky events --json >"$work/events"
grep -q '"kind":"permission_asked".*rm -rf' "$work/events" || bad "the permission was not shown"
grep -q '"kind":"idea_added".*A larger first number' "$work/events" || bad "no idea"
[ "$(grep -c '^beside the socket: \[.[^,]*\]$' "$work/transcript")" = 1 ] || bad "it sees more than one socket"

exits 0 sky veto p1 --reason "20 is not modest"
wait_for 'sky events --json | grep -q "\"kind\":\"turn_ended\".*I see: vetoed p1: 20 is not modest"' 'it hears of the veto, and why'
wait_for 'sky events --json | grep -q "\"kind\":\"agent_changed\".*\"state\":\"finished\""' 'it has nothing more to say'
turns=$(sky events --json | grep -c '"kind":"turn_ended"')
child=$(pgrep -P "$engine" bwrap | head -n 1)
[ -n "$child" ] || bad "no sandbox runs"
kill -KILL "$child"
wait_for 'sky events --json | grep -q "\"kind\":\"alert\".*agent fake: it was ended by signal 9"' 'the alert'
exits 0 sky steer "go on"
wait_for '[ "$(sky events --json | grep -c "\"kind\":\"turn_ended\".*\"status\":\"done\"")" -gt $turns ]' 'it is started again'
grep -rq 'sk-very-secret-key\|not-for-children' "$T/.skydeck" && bad "a secret stands in the session's files"
[ -d "$(ls -d "$T"/.skydeck/sessions/*/agents/fake/home 2>/dev/null)" ] || bad "it has no home: $(find "$T/.skydeck" -maxdepth 4 -type d)"
journal_is_sound
sky stop >/dev/null
serve_ends
[ -z "$(pgrep -f "$T/.skydeck/.*agents/fake" )" ] || bad "a sandbox is left"
