#!/bin/bash
# What goes wrong between a session and its model: no key, a wrong key that the server repeats, a storm, a refusal, calls that are none,
# a flood, an answer that never comes. Each is a state that can be seen, with its reason; the session goes on, and a word of the human
# brings the agent back.
# needs: python3
# parallel
# timeout: 300
. tests/e2e/lib.sh

key=sesame-72617261-sesame
cat >"$work/script.json" <<END
{"replies": [
  {"status": 401, "body": {"error": {"type": "authentication_error", "message": "invalid x-api-key $key"}}},
  {"status": 529, "headers": {"retry-after": "0"}}, {"status": 529, "headers": {"retry-after": "0"}}, {"status": 529, "headers": {"retry-after": "0"}},
  {"status": 529, "headers": {"retry-after": "0"}}, {"status": 529, "headers": {"retry-after": "0"}}, {"status": 529, "headers": {"retry-after": "0"}},
  {"when": "go on, please", "text": "No.", "refusal": {"category": "frontier_llm", "explanation": "not this"}},
  {"when": "once more", "text": "half of it", "calls": [{"name": "note", "arguments": {"text": "never"}}], "cut": 6},
  {"when": "once more", "calls": [{"name": "rm_rf", "arguments": {}}, {"name": "note", "arguments": "{\"text\": "},
     {"name": "note", "arguments": {"words": "x"}}, {"name": "note", "arguments": {"text": "this one counts"}}]},
  {"when": "a lot", "flood": 100000000},
  {"when": "in circles", "calls": [{"name": "note", "arguments": {"text": "the same"}}]},
  {"when": "kept", "keep": true, "calls": [{"name": "note", "arguments": {"text": "the same"}}]},
  {"when": "3 times in a row", "keep": true, "calls": [{"name": "note", "arguments": {"text": "the same"}}]},
  {"when": "be silent", "hang": true}],
 "otherwise": "nothing more to do"}
END
scripted_model

target '[agent "claude"]' '	kind = api' "	url = $url" '	model = claude-opus-5-5' '	keyenv = BAD_KEY' '[session]' '	agent = claude'
number one 'Faster by 10' a 10

has() { sky events --json | grep -q "$1"; }
ended() { wait_for "has '\"kind\":\"turn_ended\".*\"status\":\"$1\".*$2'" "a turn is $1: $2"; }

# no key
unset BAD_KEY
serve
ended failed 'set BAD_KEY in the environment'
has '"kind":"alert".*no key for 127.0.0.1.*set BAD_KEY in the environment' || bad 'no alert about the key'
exits 0 sky propose "$P/one.patch"
wait_for '[ -n "$(titled "Faster by 10")" ]' 'a human still proposes'
kill "$engine" && serve_ends

# a wrong key, which the server says back
export BAD_KEY=$key
serve
ended failed 'does not take the key.*BAD_KEY'
grep -q '"x-api-key": "'"$key" "$work/requests" || bad 'the key did not reach the server'
wait_for "has 'given up after 6 attempts'" 'the storm ends the turn'
has '"kind":"agent_changed".*attempt 6 of 6' || bad 'nobody could see it wait'
exits 0 sky steer 'go on, please'
ended refused 'frontier_llm'
has '"kind":"alert".*refused' || bad 'no alert about the refusal'

# what a model can say wrong
exits 0 sky steer 'once more'
wait_for "has '\"kind\":\"noted\".*this one counts'" 'the good call among the bad is made'
wait_for "grep -q 'there is no tool rm_rf' $work/requests" 'the model is told'
has '"tool":"note".*never' && bad 'a call of a stream that was cut was made'
for said in 'there is no tool rm_rf: the tools are' 'the arguments of note:' 'words'; do
	grep -q "$said" "$work/requests" || bad "the model was not told: $said"
done
exits 0 sky steer 'tell me a lot'
ended failed 'over 64 MiB in one answer'
exits 0 sky steer 'you turn in circles'
ended limit 'turns in circles'

# a model that says nothing is stopped by the human
exits 0 sky steer 'be silent'
wait_for 'grep -q "be silent" "$work/requests"' 'it is asked'
wait_for 'sky status --json | grep -q "\"state\":\"running\""' 'the session answers meanwhile'
kill "$engine" && serve_ends

! grep -rl "$key" "$T" "$work/out" "$work/wrong" || bad 'the key stands there'
journal_is_sound
