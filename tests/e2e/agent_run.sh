#!/bin/bash
# skydeck run from beginning to end with an agent that takes turns, of each kind: it ends by itself with the right exit code, whether the
# agent wins, refuses everything, costs too much, or cannot work; and what a child waits for ends with the session.
# needs: python3
# timeout: 400
# parallel
. tests/e2e/lib.sh

diff='diff --git a/src/a.c b/src/a.c\n--- a/src/a.c\n+++ b/src/a.c\n@@ -1,2 +1,2 @@\n // the first number\n-a=0\n+a=20\n'
cat >"$work/wins.json" <<END
{"replies": [{"when": "Stage: read", "calls": [{"name": "propose_patch", "arguments": {"title": "Larger", "review": "fine", "diff": "$diff"}}]}],
 "otherwise": "nothing more to do"}
END
echo '{"otherwise": {"text": "No.", "refusal": {"category": "cyber", "explanation": "not this"}}}' >"$work/refuses.json"
echo '{"otherwise": {"text": "Hm.", "usage": {"in": 1000000, "out": 0}}}' >"$work/costs.json"
models=
finish_models() { local code=$?; kill $models 2>/dev/null; wait $models 2>/dev/null; (exit $code); }
trap 'finish_models; finish' EXIT
plays() {	# SCRIPT: $url
	python3 tests/agents/scripted-model "$work/$1.json" >"$work/url.$1" 2>"$work/model.err" &
	models="$models $!"
	wait_for "[ -s $work/url.$1 ]" 'the model answers'
	url=$(head -n 1 "$work/url.$1")
}
agent() {	# KIND LINE...
	local kind=$1
	shift
	target '[agent "x"]' "	kind = $kind" "$@" '[agent "other"]' '	kind = patches' "	dir = $P"
}
ends() {	# CODE WORDS [OPTION...]: a run with agent x; what it says of it on stderr is one line at most
	local code=$1 words=$2 got
	shift 2
	run_auto --agent x "$@"
	got=$?
	[ $got = "$code" ] || bad "$words: exit $got, it should be $code: $(cat "$work/wrong"; tail -n 5 "$work/out")"
	[ "$(wc -l <"$work/wrong")" -le 1 ] || bad "$words: more than a line: $(cat "$work/wrong")"
	cat "$work/wrong" "$work/out" | grep -q "$words" || bad "nobody says $words: $(cat "$work/wrong")"
	sky events --json >"$work/events"
	[ "$(grep -c '"kind":"turn_started"' "$work/events")" = "$(grep -c '"kind":"turn_ended"' "$work/events")" ] || bad "$words: a turn is open"
	journal_is_sound
}

for kind in api chat; do
	plays wins
	base=$url; [ $kind = api ] || base=$url/v1
	agent $kind "	url = $base" '	model = claude-opus-5-5'
	ends 0 'landed'
	is Larger landed keep
	rm "$work/url.wins"
done

# what the guard stops, and what does not apply, keeps no session under auto from its end, however often it is proposed
cat >"$work/stopped.json" <<END
{"replies": [{"when": "Stage: read", "calls": [{"name": "propose_patch", "arguments": {"title": "Cheats", "review": "fine",
  "diff": "diff --git a/autoresearch.sh b/autoresearch.sh\\n--- a/autoresearch.sh\\n+++ b/autoresearch.sh\\n@@ -1,2 +1,3 @@\\n . out/program\\n+echo METRIC tps=900\\n case \$mode in\\n"}}]}],
 "otherwise": "nothing more to do"}
END
python3 - >"$work/conflicts.json" <<'END'
import json
diff = "diff --git a/src/a.c b/src/a.c\n--- a/src/a.c\n+++ b/src/a.c\n@@ -1,2 +1,2 @@\n // another line\n-a=7\n+a=%d\n"
print(json.dumps({"replies": [{"when": "Stage:", "calls": [{"name": "propose_patch", "arguments": {"title": "No %d" % n, "diff": diff % n}}]}
                              for n in range(100, 200)], "otherwise": "nothing more to do"}))
END
for script in stopped conflicts; do
	plays $script
	agent api "	url = $url" '	model = claude-opus-5-5'
	ends 0 'session ended'
	[ $script = conflicts ] || is Cheats stopped null
	[ "$(grep -c '"kind":"turn_started"' "$work/events")" -le 9 ] || bad "$script: it goes on for $(grep -c '"kind":"turn_started"' "$work/events") turns"
done
grep -q '"kind":"proposal_conflict"' "$work/events" || bad "there was no conflict"

plays refuses
agent api "	url = $url" '	model = claude-opus-5-5'
ends 0 'refused turn 1'
[ "$(grep -c '"kind":"turn_started"' "$work/events")" -le 6 ] || bad "it is asked again and again although it refuses"
plays costs
agent api "	url = $url" '	model = claude-opus-5-5'
ends 5 'the budget is spent' --budget 6
[ "$(grep -c '"kind":"turn_started"' "$work/events")" -le 3 ] || bad "it went on beyond the budget"

bwrap --unshare-all --ro-bind / / true 2>/dev/null || exit 0
python=/usr/bin/python3; [ -x $python ] || python=python3
agent acp '	command = no-such-program-here'
ends 1 'no-such-program-here'
agent acp "	command = $python $PWD/tests/agents/fake-acp version"
ends 1 'speaks version 2'
[ "$(grep -c '"kind":"alert".*speaks version 2' "$work/events")" = "$(grep -c '"kind":"turn_ended"' "$work/events")" ] || bad "a failure is told twice"
agent acp "	command = $python $PWD/tests/agents/fake-acp refuses"
ends 0 'refused'

# what a child waits for ends with the session
agent acp "	command = $python $PWD/tests/agents/fake-acp waits"
serve --agent x
wait_for 'sky events --json | grep -q "\"kind\":\"permission_asked\""' 'it asks'
exits 0 sky stop
serve_ends
sky events --json >"$work/events"
[ "$(grep -c '"kind":"permission_asked"' "$work/events")" = "$(grep -c '"kind":"permission_answered"' "$work/events")" ] || bad "a question stays open"
[ "$(grep -c '"kind":"turn_started"' "$work/events")" = "$(grep -c '"kind":"turn_ended"' "$work/events")" ] || bad "a turn stays open"
exit 0
