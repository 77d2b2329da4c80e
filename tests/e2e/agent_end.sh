#!/bin/bash
# How things end between a session and its agent: a patch that its own review sent back leaves a number out, which no restart gives to
# another twice; a session that is stopped in the middle of a turn, of a source's way here and of a review closes them; and a run whose
# agent cannot work ends by itself and says so.
# needs: python3
# timeout: 300
# parallel
. tests/e2e/lib.sh

diff() { printf 'diff --git a/src/a.c b/src/a.c\\n--- a/src/a.c\\n+++ b/src/a.c\\n@@ -1,2 +1,2 @@\\n // the first number\\n-a=0\\n+a=%s\\n' "$1"; }
cat >"$work/script.json" <<END
{"replies": [
  {"when": "steers: begin", "calls": [{"name": "propose_patch", "arguments": {"title": "Sent back", "diff": "$(diff 20)"}}]},
  {"when": "wants it fixed first", "calls": [{"name": "propose_patch", "arguments": {"title": "Fixed", "diff": "$(diff 21)"}}]},
  {"when": "steers: another", "calls": [{"name": "read_source", "arguments": {"source": "s1"}}]},
  {"when": "steers: review it", "calls": [{"name": "propose_patch", "arguments": {"title": "Never reviewed", "diff": "$(diff 22)"}}]}],
 "questions": [{"when": "+a=20", "text": {"decision": "fix", "review": "it is wrong for 7"}}, {"when": "+a=22", "hang": true},
               {"keep": true, "text": {"decision": "submit", "review": "fine"}}],
 "otherwise": "nothing more to do"}
END
python3 tests/agents/scripted-model "$work/script.json" --log "$work/requests" >"$work/url" 2>"$work/model.err" &
model=$!
# a service that takes the question and never answers
python3 -c 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(16); print(s.getsockname()[1], flush=True); kept = []
while True:
    kept.append(s.accept()); print("asked", flush=True)' >"$work/silent" &
silent=$!
finish_model() { local code=$?; kill "$model" "$silent" 2>/dev/null; wait "$model" "$silent" 2>/dev/null; (exit $code); }
trap 'finish_model; finish' EXIT
wait_for '[ -s "$work/url" ] && [ -s "$work/silent" ]' 'the model answers'
configure() {
	target '[agent "claude"]' '	kind = api' "	url = $(head -n 1 "$work/url")" '	model = claude-opus-5-5' '	keyenv = TEST_KEY' '[session]' '	agent = claude' \
		'[source "arxiv"]' '	kind = arxiv' "	url = http://127.0.0.1:$(head -n 1 "$work/silent")"
}
has() { sky events --json | grep -q "$1"; }
rests() { wait_for 'has "its last turns brought nothing"' 'the agent has nothing more'; }
export TEST_KEY=k

# numbers
configure
serve
rests
exits 0 sky steer begin
wait_for '[ -n "$(titled Fixed)" ]' 'the patch that was fixed'
[ "$(titled Fixed)" = p2 ] || bad "it is not p2: nothing was left out"
kill -KILL "$engine"
wait "$engine" 2>/dev/null
commit=$(git -C "$T" for-each-ref --format='%(objectname)' 'refs/skydeck/*/p2/1')
serve
number one 'By the human' b 10
exits 0 sky propose "$P/one.patch"
[ "$(titled 'By the human')" = p3 ] || bad "it is not p3: $(sky proposals)"
[ "$(git -C "$T" for-each-ref --format='%(objectname)' 'refs/skydeck/*/p2/1')" = "$commit" ] || bad "p2 is another commit now"

# stopped in the middle of a turn whose tool waits for a source, that never comes
exits 0 sky source add arXiv:2205.14135
exits 0 sky steer another
wait_for 'has status.:.reading' 'the source is being read'
wait_for 'grep -q asked "$work/silent"' 'the service is asked'
exits 0 sky stop
serve_ends
closed() {
	sky events --json >"$work/events"
	[ "$(grep -c '"kind":"turn_started"' "$work/events")" = "$(grep -c '"kind":"turn_ended"' "$work/events")" ] || bad "$1: a turn was left open"
	grep -q '"kind":"turn_ended".*"status":"cancelled".*the session ended' "$work/events" || bad "$1: it is not said why the turn ended"
	grep '"kind":"agent_changed"' "$work/events" | tail -n 1 | grep -q '"state":"finished"' || bad "$1: the agent is not shown as finished"
	grep -q '"kind":"proposal_submitted".*Never reviewed' "$work/events" && bad "$1: something was submitted after the end"
	journal_is_sound
}
closed 'a source'

# stopped in the middle of a review
configure
serve --new
rests
exits 0 sky steer 'review it'
wait_for 'grep -q "+a=22.*\"list\": \"questions\"" "$work/requests"' 'the review is asked for'
exits 0 sky stop
serve_ends
closed 'a review'

# a run whose agent has no key
configure
unset TEST_KEY
run_auto
code=$?
[ $code = 1 ] || bad "a run whose agent failed exits $code: $(cat "$work/wrong")"
grep -q 'TEST_KEY' "$work/wrong" || bad "it does not say why: $(cat "$work/wrong")"
[ "$(wc -l <"$work/wrong")" = 1 ] || bad "it says more than a line: $(cat "$work/wrong")"
