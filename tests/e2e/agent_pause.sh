#!/bin/bash
# A pause holds the agent, too: the turn that runs goes on to where it next uses a tool and waits there, its model is asked nothing more, and
# the turn goes on with the session. What waits when the session ends holds nothing up.
# parallel
# timeout: 120
# needs: python3
. tests/e2e/lib.sh

python3 - >"$work/script.json" <<'END'
import json
call = lambda n: {"name": "search_code", "arguments": {"pattern": "word %d" % n}}
print(json.dumps({"replies": [{"text": "Next.", "latency": 0.2, "calls": [call(n)]} for n in range(500)]}))
END
scripted_model
asked() { wc -l <"$work/requests"; }

target '[agent "x"]' '	kind = api' "	url = $url" '	model = claude-opus-5-5' '[session]' '	agent = x'
serve
wait_for 'sky events --json | grep -q "\"kind\":\"tool_called\""' 'it uses a tool'
exits 0 sky pause
n=$(($(asked) + 1))	# one may be on its way
wait_for 'sky status | grep -q "^agent .*paused: this turn waits where it next uses a tool"' 'the status says that it waits'
sleep 2
[ "$(asked)" -le $n ] || bad "its model was asked $(($(asked) - n)) times more in a session that is paused"
sky events --json | grep -q '"kind":"turn_ended"' && bad "its turn ended"
exits 0 sky resume
wait_for '[ "$(asked)" -gt $((n + 1)) ]' 'the turn goes on'
sky status | grep '^agent' | grep -q paused && bad "it is said to be paused: $(sky status | grep '^agent')"

exits 0 sky pause
wait_for 'sky status | grep -q "^agent .*paused"' 'it waits again'
sleep 1
exits 0 sky stop
serve_ends
sky events --json | grep -q '"kind":"turn_ended".*"status":"cancelled"' || bad "the turn that waited is not closed: $(sky events | tail -n 3)"
journal_is_sound
