#!/bin/bash
# The real Claude Code and Codex use `skydeck mcp` of a running engine, against model servers that play a script: each finds the tools,
# states an idea and proposes a patch for it, which then waits for the human under the client's name. Their packages take a gigabyte, so
# this is for those who ask: MCP_REAL=1 installs them for the run, and MCP_REAL=/a/folder keeps them there.
# needs: python3
# timeout: 900
[ -n "${MCP_REAL:-}" ] || { echo "set MCP_REAL=1 for a run with the real clients (npm installs a gigabyte)"; exit 77; }
. tests/e2e/lib.sh
. tests/e2e/real_lib.sh
install "$MCP_REAL" "claude codex" @anthropic-ai/claude-code@2.1.329 @openai/codex@0.169.0

diff='diff --git a/src/a.c b/src/a.c\n--- a/src/a.c\n+++ b/src/a.c\n@@ -1,2 +1,2 @@\n // the first number\n-a=0\n+a=20\n'
idea='{"title":"A larger first number","expected":"+20 %","reasoning":"more is more","side":"compute","sources":[]}'
proposal='{"title":"A modest number","idea":"i1","reasoning":"20 is enough","review":"Looks right.","diff":"'$diff'"}'

client() {	# COMMAND...: in the target, with nothing of this environment but its own key; what it says goes to $work/client
	mkdir -p "$work/home"
	(cd "$T" && timeout 120 env -i PATH="$bin:$PATH" HOME="$work/home" TMPDIR="$TMPDIR" LANG=C.UTF-8 "$@") </dev/null >"$work/client" 2>&1 ||
		die "the client failed: $(tail -n 5 "$work/client")"
}
proposed() {	# AUTHOR SECRET: what it did stands where the human looks
	sky proposals --json >"$work/said" || bad "the proposals cannot be listed"
	: >"$work/wrong"
	says "\"title\":\"A modest number\".*\"agent\":\"$1\""
	[ "$(titled "A modest number")" = p1 ] || die "$1 proposed nothing: $(tail -n 5 "$work/client")"
	wait_state p1 waiting
	sky events --json | grep '"kind":"proposal_submitted"' | grep -q "\"by\":\"agent $1\"" || bad "the proposal is not $1's"
	sky show p1 | grep -q 'Looks right' || bad "the review is not kept with the proposal"
	sky events --json | grep '"kind":"idea_added"' | grep -q "\"by\":\"agent $1\".*A larger first number" || bad "the idea is not $1's"
	sky diff p1 | grep -q '^+a=20' || bad "the patch is not what it sent"
	[ "$(cat "$T/src/a.c")" = "$(printf '// the first number\na=0')" ] || bad "the user's tree was touched"
	sky mcp </dev/null || bad "skydeck mcp does not end with its input"
	ends "$2"
}

start_server python3 tests/agents/fake-messages-api --port 0 --log "$work/requests" --tool-json "mcp__skydeck__propose_idea=$idea"
target
serve
config='{"mcpServers":{"skydeck":{"type":"stdio","command":"'$SKYDECK'","args":["mcp"],"env":{}}}}'
claude() {	# PROMPT
	client ANTHROPIC_API_KEY=sk-claude-secret-key ANTHROPIC_BASE_URL="$url" CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 "$bin/claude" -p "$1" \
		--output-format stream-json --verbose --setting-sources "" --strict-mcp-config --mcp-config "$config" --model claude-sonnet-5 \
		--allowedTools "mcp__skydeck__propose_idea,mcp__skydeck__propose_patch"
}
claude "State an idea."
grep -q '"name":"skydeck","status":"connected"' "$work/client" || bad "claude is not connected: $(head -n 1 "$work/client")"
for tool in read_file search_code read_source propose_patch read_results; do
	grep -q "mcp__skydeck__$tool" "$work/client" || bad "claude does not see $tool"
done
finish_server
start_server python3 tests/agents/fake-messages-api --port 0 --log "$work/requests" --tool-json "mcp__skydeck__propose_patch=$proposal"
claude "Propose a patch."
proposed claude-code sk-claude-secret-key

start_server python3 tests/agents/fake-chat-api --port 0 --call "mcp__skydeck/propose_idea=$idea" --call "mcp__skydeck/propose_patch=$proposal"
target
serve
client FAKE_KEY=sk-codex-secret-key "$bin/codex" exec --json -C "$T" -s read-only --skip-git-repo-check -m gpt-fake -c 'model_provider="fake"' \
	-c "model_providers.fake={name=\"fake\",base_url=\"$url\",wire_api=\"responses\",env_key=\"FAKE_KEY\"}" \
	-c "mcp_servers.skydeck={command=\"$SKYDECK\",args=[\"-C\",\"$T\",\"mcp\"]}" "Propose a patch."
grep -q '"type":"mcp_tool_call".*"propose_patch".*"status":"completed"' "$work/client" || bad "codex: the call did not end well: $(tail -n 5 "$work/client")"
proposed codex-mcp-client sk-codex-secret-key
