#!/bin/bash
# The engine dies in the middle of a turn: the next one closes that turn as lost, tells again what was told in it, and goes on; what
# the turn had brought is kept and is not proposed twice. And money: a turn's cost is known, and the session's limit ends the turns.
# needs: python3
# timeout: 240
# parallel
. tests/e2e/lib.sh

diff='diff --git a/src/a.c b/src/a.c\n--- a/src/a.c\n+++ b/src/a.c\n@@ -1,2 +1,2 @@\n // the first number\n-a=0\n+a=20\n'
cat >"$work/script.json" <<END
{"replies": [
  {"when": "steers: look at a", "calls": [{"name": "propose_patch", "arguments": {"title": "Look at a", "reasoning": "asked", "diff": "$diff"}}]},
  {"when": "\"proposal\"", "latency": 600, "text": "this is never heard"},
  {"when": "steers: look at a", "keep": true, "calls": [{"name": "propose_patch", "arguments": {"title": "Look at a", "diff": "$diff"}}]}],
 "questions": [{"keep": true, "text": {"decision": "submit", "review": "fine"}}],
 "otherwise": {"text": "nothing more to do", "usage": {"in": 1000000, "out": 0}}}
END
scripted_model

target '[agent "claude"]' '	kind = api' "	url = $url" '	model = claude-opus-5-5' '	keyenv = TEST_KEY' '[session]' '	agent = claude'
export TEST_KEY=k
serve
wait_for 'sky events --json | grep -q "its last turns brought nothing"' 'the agent has nothing more'
before=$(sky events --json | grep -c '"kind":"turn_started"')
exits 0 sky steer "look at a"
wait_for '[ -n "$(titled "Look at a")" ]' 'the proposal'
wait_for 'grep -q "\"reply\": 1," "$work/requests"' 'the model thinks about the answer'
kill -KILL "$engine"
wait "$engine" 2>/dev/null
serve
wait_for 'sky events --json | grep -q "\"kind\":\"turn_ended\".*\"status\":\"lost\""' 'the turn is closed as lost'
wait_for '[ "$(sky events --json | grep -c "\"kind\":\"turn_ended\"")" -ge $((before + 2)) ]' 'the next turn is over'
sky events --json >"$work/events"
[ "$(grep -c '"kind":"proposal_submitted"' "$work/events")" = 1 ] || bad "it was proposed twice"
grep -q '"kind":"tool_called".*"status":"error"' "$work/events" || bad "the same patch was not refused"
python3 - "$work/requests" <<'END' || bad "the steering was not told again"
import json, sys
told = [r for r in map(json.loads, open(sys.argv[1])) if "steers: look at a" in json.dumps(r["body"]["messages"][0])]
assert len(told) >= 3, len(told)	# before the kill: two requests of the turn; after it: another turn's
END
journal_is_sound

# 4 USD for a million tokens: the seventh turn that is begun finds the 30 USD spent
sky status --json | grep -q '"api_usd":[1-9]' || bad "no cost: $(sky status --json | grep -o '"spent":{[^}]*}')"
# words that come while a turn is under way are told in one turn
wait_for 'sky steer "go on" >/dev/null; sleep 0.3; sky events --json | grep -q "the budget is spent"' 'the budget ends the turns'
spent=$(sky status --json | sed -n 's/.*"api_usd":\([0-9]*\).*/\1/p')
[ "$spent" -ge 30 ] && [ "$spent" -le 36 ] || bad "spent $spent USD of 30"
sleep 1
turns=$(sky events --json | grep -c '"kind":"turn_started"')
sky steer "and on" >/dev/null
sleep 2
[ "$(sky events --json | grep -c '"kind":"turn_started"')" = "$turns" ] || bad "a turn began although the budget is spent"
sky stop >/dev/null
serve_ends
[ $? = 5 ] || bad "the engine does not say that the budget is exhausted"
