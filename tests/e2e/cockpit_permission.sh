#!/bin/bash
# What a child agent asks leave for is on the screen at once, and answered by a key in the agent's pane: not by one that came with others or
# too soon, and not from another pane; the child hears the human's word. A command answers as well.
# parallel
# timeout: 400
# needs: git
# needs: python3
. tests/e2e/lib.sh
bwrap --unshare-all --ro-bind / / true 2>/dev/null || { echo "bubblewrap cannot work here"; exit 77; }
python=/usr/bin/python3; [ -x $python ] || python=python3

cockpit() {
	cat >"$work/script"
	"$SKYDECK" -C "$T" --script "$work/script" >"$work/said" 2>"$work/wrong" </dev/null
}
passes() { cockpit || { bad "the script failed"; cat "$work/wrong"; }; }
answers() { sky events --json | grep -c '"kind":"permission_answered".*"by":"user.*"status":"'"$1"'"\|"kind":"permission_answered".*"status":"'"$1"'".*"by":"user'; }

target '[agent "fake"]' '	kind = acp' "	command = $python $PWD/tests/agents/fake-acp waits" '[session]' '	agent = fake'
serve
wait_for 'sky events --json | grep -q "\"kind\":\"permission_answered\""' 'policy answers where nobody does'
[ "$(answers allow_once)" = 0 ] || bad 'it was allowed by nobody'

# A question stands for five seconds: on a slow machine the word may come too late, and then it is asked again.
for try in 1 2 3 4 5 6; do
	sky steer "go on $try" >/dev/null
	cockpit <<'END'
size 120x34
wait text "! agent asks (5)" 30
expect "5 agent"
keys a
expect-not "permit"
keys 5
wait text "policy answers in 0:0" 30
expect "fake asks:"
expect "a allow once"
wait idle
keys a
wait text "allow_once by user" 4
quit
END
	[ "$(answers allow_once)" = 0 ] || break
done
[ "$(answers allow_once)" = 1 ] || { bad "the human's word is not in the journal: $(sky events --json | grep permission_)"; cat "$work/wrong"; }
turn=$(sky events --json | sed -n 's/.*"permission_answered".*"permission":"t\([0-9]*\)-.*allow_once.*/\1/p')
wait_for 'sky log "t$turn" 2>/dev/null | grep -q "got selected"' 'the child hears it'

# without a cockpit: the question is in the status, and a command names which one it answers
exits 4 sky permit t99-1
asks() { asked=$(sky status | sed -n "s/^for you *\(t[0-9]*-[0-9]*\) fake asks: rm.*/\1/p"); [ -n "$asked" ]; }
answered() { sky events --json | grep -c '"kind":"permission_answered"'; }
for try in 1 2 3 4 5 6; do
	before=$(answered)
	sky steer "once more $try" >/dev/null
	wait_for 'asks || [ "$(answered)" -gt $before ]' 'the status shows what it asks'
	[ -n "$asked" ] || continue	# nobody looked for five seconds
	exits 4 sky permit "$asked" --always	# it does not offer that
	"$SKYDECK" -C "$T" refuse "$asked" >/dev/null 2>&1 && break
done
[ "$(answers reject_once)" = 1 ] || bad "the human's no is not in the journal: $(sky events --json | grep permission_)"
exits 4 sky refuse "$asked"
says "$asked is answered already: reject_once by user"
