#!/bin/bash
# Sessions with the real claude-agent-acp and codex-acp, confined, against model servers that play a script: they start, find the tools,
# propose a patch (claude), ask for a permission and are answered by policy (codex), and nothing of theirs sees a key that is not theirs.
# Their packages take over a minute and a gigabyte, so this is for those who ask: ACP_REAL=1 installs them for the run, and
# ACP_REAL=/a/folder keeps them there.
# needs: python3
# timeout: 900
[ -n "${ACP_REAL:-}" ] || { echo "set ACP_REAL=1 for a run with the real agents (npm installs a gigabyte)"; exit 77; }
. tests/e2e/lib.sh
bwrap --unshare-all --ro-bind / / true 2>/dev/null || { echo "bubblewrap cannot work here"; exit 77; }
. tests/e2e/real_lib.sh
install "$ACP_REAL" "claude-agent-acp codex-acp" @agentclientprotocol/claude-agent-acp@0.100.0 @agentclientprotocol/codex-acp@2.6.0
export SOME_SECRET=not-for-children

cat >"$work/script.json" <<'END'
{"replies": [
  {"when": "Stage:", "text": "I state an idea.", "calls": [{"name": "mcp__skydeck__propose_idea", "arguments": {"title": "A larger first number",
     "expected": "+20 %", "reasoning": "more is more", "side": "compute", "sources": []}}]},
  {"when": "\"idea\"", "text": "And a patch.", "calls": [{"name": "mcp__skydeck__propose_patch", "arguments": {"title": "A modest number", "idea": "i1",
     "reasoning": "20 is enough", "review": "Looks right.",
     "diff": "diff --git a/src/a.c b/src/a.c\n--- a/src/a.c\n+++ b/src/a.c\n@@ -1,2 +1,2 @@\n // the first number\n-a=0\n+a=20\n"}}]}],
 "otherwise": "nothing more"}
END
start_server python3 tests/agents/scripted-model "$work/script.json" --log "$work/requests"
export ANTHROPIC_API_KEY=sk-claude-secret-key ANTHROPIC_BASE_URL=$url CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1
target '[agent "claude"]' '	kind = acp' "	command = $bin/node $bin/claude-agent-acp" '	keyenv = ANTHROPIC_API_KEY' '	env = ANTHROPIC_BASE_URL' \
	'	env = CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC' '[session]' '	agent = claude'
serve
wait_for '[ "$(titled "A modest number")" = p1 ]' 'claude proposes'
wait_for 'sky events --json | grep -q "\"kind\":\"turn_ended\".*\"status\":\"done\""' 'the turn of claude ends'
sky events --json >"$work/events"
grep -q '"kind":"spent"' "$work/events" || bad "nothing is said of what it cost"
grep -q '"kind":"permission_asked"' "$work/events" && bad "it asks a human for the tools that it was given"
wait_state p1 waiting
ends sk-claude-secret-key

start_server python3 tests/agents/fake-chat-api --port 0
export FAKE_KEY=sk-codex-secret-key NO_BROWSER=1 MODEL_PROVIDER=fake
export CODEX_CONFIG="{\"model\":\"gpt-fake\",\"model_provider\":\"fake\",\"model_providers\":{\"fake\":{\"name\":\"fake\",\"base_url\":\"$url/v1\",\"wire_api\":\"responses\",\"env_key\":\"FAKE_KEY\"}}}"
target '[agent "codex"]' '	kind = acp' "	command = $bin/node $bin/codex-acp" '	keyenv = FAKE_KEY' '	env = NO_BROWSER' '	env = MODEL_PROVIDER' '	env = CODEX_CONFIG' \
	'[session]' '	agent = codex'
serve
wait_for 'sky events --json | grep -q "\"kind\":\"permission_answered\""' 'codex asks for a permission'
wait_for 'sky events --json | grep -q "\"kind\":\"turn_ended\""' 'the turn of codex ends'
sky events --json >"$work/events"
grep -q '"kind":"permission_asked".*echo hi > x.txt' "$work/events" || bad "the permission was not shown"
ends sk-codex-secret-key
