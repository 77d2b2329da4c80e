#!/bin/bash
# skydeck mcp: a client lists the tools without an engine, uses them when one is there, goes on over its restart; the socket for tools
# takes tools and nothing else, whatever a peer tries.
# needs: python3
# parallel
# timeout: 300
. tests/e2e/lib.sh

target
number 01 "Win" a 20
export TARGET=$T WORK=$work PYTHONPATH=$PWD/tests/agents RECORDINGS=$PWD/tests/agents
unset SKYDECK_SOCK

step() {	# WHAT, python on stdin
	timeout 250 python3 - >"$work/said" 2>&1 || die "$1: $(cat "$work/said")"
}

step "without an engine" <<'PYTHON'
import os
from mcp_client import Client, replay
command = [os.environ["SKYDECK"], "-C", os.environ["TARGET"], "mcp"]
names = "read_file list_files search_code read_source search_literature add_source propose_idea propose_patch read_results read_log note"
c = Client(command)
assert c.hello["result"]["protocolVersion"] == "2025-11-25" and c.hello["result"]["serverInfo"]["name"] == "skydeck"
listed = c.ask("tools/list")["result"]["tools"]
assert [t["name"] for t in listed] == names.split()
assert all(t["inputSchema"]["additionalProperties"] is False and t["annotations"]["destructiveHint"] is False for t in listed)
assert c.ask("tools/list") ["result"]["tools"] == listed
assert "skydeck serve" in c.call("note", text="x")
assert c.ask("tools/call", {"name": "approve", "arguments": {}})["error"]["code"] == -32602
assert c.ask("server/discover")["error"]["code"] == -32601
assert "needs text" in c.call("note")
assert c.ask("ping")["result"] == {}
assert c.close() == (0, b"")
for version in "2025-06-18", "2025-03-26", "2024-11-05":
    assert Client(command, version=version).hello["result"]["protocolVersion"] == version
assert Client(command, version="2026-07-28").hello["result"]["protocolVersion"] == "2025-11-25"
for name in "claude_2.1.329", "codex_0.166":
    pairs = replay(os.environ["RECORDINGS"] + "/mcp_%s.txt" % name, command)
    assert len(pairs) >= 3
    for recorded, real in pairs:
        assert recorded["id"] == real["id"] and ("error" in recorded) == ("error" in real), (recorded, real)
        if "protocolVersion" in recorded.get("result", {}):
            assert recorded["result"]["protocolVersion"] == real["result"]["protocolVersion"]
elsewhere = Client([os.environ["SKYDECK"], "-C", os.environ["WORK"], "mcp"])	# no target there
assert "skydeck serve" in elsewhere.call("read_results")
PYTHON

serve
wait_for 'sky events --json | grep -q "\"run_ended\".*\"run\":\"r1\""' 'a run has ended'
wait_for '[ -n "$(titled Win)" ]' 'the patch is there'
sky source add arXiv:2205.14135 >/dev/null || bad "a source cannot be added"
sky source add "$T/notes.txt" >/dev/null || bad "a note cannot be added"

step "with an engine" <<'PYTHON'
import json, os, subprocess
from mcp_client import Client
target = os.environ["TARGET"]
c = Client([os.environ["SKYDECK"], "-C", target, "mcp"])

def idea(**more):
    return c.call("propose_idea", **{**dict(title="One pass over the row", expected="+3 %", reasoning="fewer bytes", side="memory", sources=[]), **more})

assert c.call("note", text="the  cache\nis small") == {"kept": True}
assert c.call("note", text=" ") == "the note is empty"
assert idea(sources=["s1", "s2", "s1"])["idea"] == "i2"		# the patch's own is i1
again = idea(title="one PASS over the row")
assert again["idea"] == "i2" and again["was_known"]
assert "no source \"s77\"" in idea(title="Another", sources=["s77"]) and "s1 to s" in idea(title="Another", sources=["s77"])
results = c.call("read_results")
assert results["metric"]["name"] == "tps" and "\np1 Win\n" in results["words"]["text"] and results["words"]["untrusted"] and results["proposals"][0]["state"] == "waiting"
assert results["notes"]["untrusted"] and "the  cache is small" in results["notes"]["text"]
one = c.call("read_results", proposal="p1")
assert one["state"] == "waiting" and one["result"]["id"] == "p1" and one["runs"] == []
assert "p1 to p1" in c.call("read_results", proposal="p9")
log = c.call("read_log", run="r1")
assert log["run"] == "r1" and log["total_lines"] == log.get("lines", 0)
listed = c.call("list_files", path="src")
assert listed["count"] == 3 and listed["entries"]["untrusted"]
assert [line.split()[:2] for line in listed["entries"]["text"].splitlines()[1:-1]] == [["file", "a.c"], ["file", "b.c"], ["file", "mode.c"]], listed
assert "// the first number\na=0\n" in c.call("read_file", path="src/a.c")["content"]["text"]
for outside in "../../etc/passwd", "/etc/passwd", ".skydeck/config", ".git/config", "src/../../x":
    assert isinstance(c.call("read_file", path=outside), str), outside
assert "src/b.c:2: b=0" in c.call("search_code", pattern="^b=")["matches"]["text"]
about = c.call("read_source", source="s2")["about"]
assert about["untrusted"] and "\ntitle: notes.txt\n" in about["text"]
assert "is no source" in c.call("add_source", source=target + "/notes.txt", reason="it is there")
assert isinstance(c.call("search_literature", query="anything", where="folder"), dict)
assert c.call("read_log", run="../../lock").startswith("there is no log of")
assert c.call("read_log", run="p1") == "p1 has not run yet"
assert "from is from 1" in c.call("read_log", run="r1", **{"from": 0})
open(target + "/src/a.c", "w").write("// the first number\na=5\n")
diff = subprocess.run(["git", "-C", target, "diff"], stdout=subprocess.PIPE, check=True).stdout.decode()
subprocess.run(["git", "-C", target, "checkout", "-q", "src/a.c"], check=True)
patch = c.call("propose_patch", title="Raise a", reasoning="more", review="It is small.", diff=diff, idea="i2")
assert patch["proposal"] == "p2" and patch["state"] == "waiting", patch
assert "p2" in c.call("propose_patch", title="Raise a again", reasoning="more", diff=diff)
for i in range(18):
    assert c.call("note", text="note %d" % i) == {"kept": True}
assert "enough" in c.call("note", text="one more")
# cancelled: not answered, and what follows is
c.send({"jsonrpc": "2.0", "id": "late", "method": "tools/call", "params": {"name": "read_results", "arguments": {}}})
c.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "late"}})
assert c.ask("ping")["result"] == {}
assert c.close() == (0, b"")
# all that was asked before the end of input is answered, and in the name that is given
out = subprocess.run([os.environ["SKYDECK"], "-C", target, "mcp", "--agent", "some \x1b[31mone"], stdout=subprocess.PIPE, check=True, input=b"".join(
    json.dumps({"jsonrpc": "2.0", "id": i, "method": "tools/call", "params": {"name": "read_results", "arguments": {"limit": i + 1}}}).encode() + b"\n" for i in range(10))).stdout
assert len(out.splitlines()) == 10 and all(json.loads(line)["result"]["isError"] is False for line in out.splitlines())
PYTHON
sky events --json >"$work/events"
grep -q '"kind":"noted","by":"agent test-client","text":"the  cache is small"' "$work/events" || bad "the note: $(grep noted "$work/events" | head -n 1)"
grep -q '"kind":"idea_added","by":"agent test-client","idea":"i2".*"side":"memory"' "$work/events" || bad "the idea: $(grep idea_added "$work/events")"
grep -q '"kind":"tool_called","by":"agent test-client",.*"tool":"read_log","text":"run r1","status":"ok"' "$work/events" || bad "no call in the journal"
grep -q '"tool":"read_results","text":"proposal p9","status":"error"' "$work/events" || bad "no error in the journal"
grep -q '"tool":"propose_patch","text":"title Raise a, .*status":"ok"' "$work/events" || bad "no proposal in the journal: $(grep propose_patch "$work/events")"
grep -q '"by":"agent some-.1B..31mone"' "$work/events" || bad "the given name: $(grep -o '"by":"agent [^"]*"' "$work/events" | sort | uniq -c)"
[ "$(grep -c '"kind":"idea_added"' "$work/events")" = 2 ] || bad "an idea stands twice"

sky show p2 | grep -q '^It is small.' && sky show p2 | grep -q '^idea  *i2 One pass' || bad "the review or the idea is not shown: $(sky show p2)"
sky show p2 --json | grep -q '"own_review":"It is small."' || bad "the review is not in show --json"

# the socket for tools
socket=$(sed -n 's/^socket //p' "$T/.skydeck/engine")
export TOOLS=${socket%.sock}.tools.sock
[ "$(stat -c %a "$TOOLS")" = 600 ] || bad "mode $(stat -c %a "$TOOLS") of $TOOLS"
step "a hostile peer" <<'PYTHON'
import json, os, socket

def peer():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(os.environ["TOOLS"])
    return s, s.makefile("rb")

def ask(s, f, method, params, id=7):
    s.sendall((json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}) + "\n").encode())
    return json.loads(f.readline())

def hello(s, f, **more):
    return ask(s, f, "hello", {"version": 1, "role": "tools", "name": "bad", **more})

s, f = peer()
assert ask(s, f, "command", {"name": "tool", "args": {"name": "note", "args": {"text": "x"}}})["error"]
for role in "driver", "observer", "script", "", None:
    assert "tools" in hello(s, f, role=role)["error"]["message"]
assert hello(s, f, version=99)["error"]
assert hello(s, f)["result"] == {"version": 1}
assert hello(s, f)["error"] and hello(s, f, role="driver")["error"]
for name in "approve", "sign", "waive", "autonomy", "stop", "propose", "source_add", "permit", "worker", "":
    assert ask(s, f, "command", {"name": name, "args": {"proposal": "p1", "reason": "x", "autonomy": "auto"}})["error"]["data"]["exit"] == 4
for name in "log", "settings", "diff", "status":
    assert ask(s, f, "query", {"name": name, "args": {"run": "r1"}})["error"]["data"]["exit"] == 4
assert ask(s, f, "event", {})["error"] and ask(s, f, "tail", {})["error"]
for args in None, 7, [], {}, {"name": 7}, {"name": "note", "args": 7}, {"name": "note", "args": [1]}:
    assert ask(s, f, "command", {"name": "tool", "args": args})["error"]
for name in "approve", "tool", "", "../note", "mcp__skydeck__approve", "\u202e\x1b[2J":
    answer = ask(s, f, "command", {"name": "tool", "args": {"name": name}})["result"]
    assert answer["is_error"] and "there is no tool" in answer["answer"]["error"], answer
s.sendall(b'{"jsonrpc":"2.0","method":"command","params":{"name":"approve","args":{"proposal":"p1"}}}\n')	# no id: nothing
s.sendall(b'{"jsonrpc":"2.0","method":"cancel","params":{"id":4711}}\n{"jsonrpc":"2.0","method":"cancel"}\n')
s.sendall(b'\xff\xfe{"a":\n"\\u0000"\n[1,2]\n{}\n')
for i in range(4):
    assert json.loads(f.readline())["error"]
# a line of 64 MB: cut off, and the engine goes on
t, g = peer()
try:
    for i in range(64):
        t.sendall(b"x" * (1 << 20))
except OSError:
    pass
# a flood: all are answered, few leave a trace
sent = 2000
for i in range(0, sent, 10):
    for k in range(10):
        s.sendall((json.dumps({"jsonrpc": "2.0", "id": i + k, "method": "command", "params": {"name": "tool", "args": {"name": "read_results", "args": {"limit": 1}}}}) + "\n").encode())
    last = [json.loads(f.readline()) for k in range(10)]
assert "too many calls" in last[-1]["result"]["answer"]["error"], last[-1]
# who asks and does not read is cut off
t, g = peer()
assert hello(t, g)["result"]
t.settimeout(20)
try:
    for i in range(200000):
        t.sendall(b'{"jsonrpc":"2.0","id":1,"method":"query","params":{"name":"' + b"x" * 1000 + b'"}}\n')
    raise AssertionError("it is never cut off")
except (ConnectionError, socket.timeout):
    pass
# many connections: no more than so many are heard, and they hinder nobody else
crowd = [peer() for i in range(40)]
PYTHON
[ "$(state_of p1)" = waiting ] || bad "p1 is $(state_of p1)"
sky events --json >"$work/events"
calls=$(grep -c '"by":"agent bad"' "$work/events")
[ "$calls" -lt 400 ] || bad "a flood left $calls events"
grep -q '"kind":"\(approved\|signed\|session_ended\|autonomy_set\)"' <(grep -v '"by":"engine"' "$work/events" | grep -v autonomy_set) && bad "something was decided: $(grep approved "$work/events")"
exits 0 sky approve p1
sky veto p1 --reason "only a try" >/dev/null

# killed and started again while a client is there
mkfifo "$work/go"
timeout 250 python3 - >"$work/client" 2>&1 <<'PYTHON' &
import os, time
from mcp_client import Client
c = Client([os.environ["SKYDECK"], "-C", os.environ["TARGET"], "mcp"], name="stayer")
def wait():
    open(os.environ["WORK"] + "/go").read()
def tries(test):
    for i in range(300):
        answer = c.call("read_results", limit=i % 100 + 1)
        if test(answer):
            return
        time.sleep(0.1)
    raise AssertionError(answer)
tries(lambda a: isinstance(a, dict))
open(os.environ["WORK"] + "/served", "w").close()
wait()
assert "skydeck serve" in c.call("note", text="nobody hears it")
open(os.environ["WORK"] + "/heard", "w").close()
wait()
tries(lambda a: isinstance(a, dict))
human = [p for p in c.call("read_results")["proposals"] if p["id"] == "p1"][0]
assert human["state"] == "vetoed" and human["human"]["reason"] == "only a try", human
assert c.close() == (0, b"")
PYTHON
client=$!
wait_for '[ -e "$work/served" ]' 'the client is served'
kill -KILL "$engine"
wait "$engine" 2>/dev/null
engine=
echo >"$work/go"
wait_for '[ -e "$work/heard" ]' 'the client hears that no engine runs'
serve
echo >"$work/go"
wait "$client" || bad "over a restart: $(cat "$work/client")"
kill -TERM "$engine"
serve_ends
[ ! -e "$TOOLS" ] || bad "the socket for tools is still there"
journal_is_sound
