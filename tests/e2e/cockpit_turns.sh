#!/bin/bash
# Turns of an agent in a real engine and cockpit: the transcript of a turn is a log (query, command, pane), the feed leads to it, and sources are
# put in order, noted on, dropped and opened from the reading list. The journal of a session that had turns is written by hand.
# parallel
# timeout: 240
# needs: git
# needs: python3
. tests/e2e/lib.sh

cockpit() {
	cat >"$work/script"
	"$SKYDECK" -C "$T" --script "$work/script" >"$work/said" 2>"$work/wrong" </dev/null
}
passes() { cockpit || { bad "the script failed"; cat "$work/wrong"; }; }

target
serve
sky source add https://example.org/one >/dev/null || bad 'a source is not added'
sky source add https://example.org/two >/dev/null || bad 'a second source is not added'
kill -KILL "$engine"
wait "$engine" 2>/dev/null
engine=
session=$T/.skydeck/sessions/$(ls "$T/.skydeck/sessions" | head -n 1)
mkdir -p "$session/logs"
python3 - "$session" <<'END' || die 'the journal is not written'
import json, sqlite3, sys
folder = sys.argv[1]
db = sqlite3.connect(folder + "/journal.db")
seq, time = db.execute("select max(seq), max(time) from event").fetchone()
def emit(kind, **fields):
    global seq, time
    seq, time = seq + 1, time + 1000000
    stamp = json.loads(db.execute("select body from event order by seq desc limit 1").fetchone()[0])["time"]
    body = dict({"seq": seq, "time": stamp, "kind": kind, "by": "engine"}, **fields)
    db.execute("insert into event values (?,?,?,?)", (seq, time, kind, json.dumps(body)))
emit("stage_set", stage="read", reason="nothing was read yet")
emit("turn_started", turn=1, agent="patches", stage="read", model="test", size=10)
emit("tool_called", by="agent patches", turn=1, agent="patches", tool="read_file", text="src/a.c", status="ok")
emit("turn_ended", turn=1, status="done", seconds=2, calls=1, text="the first turn is over", log={"file": "logs/t1.log", "bytes": 40, "lines": 3})
emit("turn_started", turn=2, agent="patches", stage="read", model="test", size=10)
emit("turn_ended", turn=2, status="refused", seconds=1, calls=0, reason="the model refused", log={"file": "logs/t2.log", "bytes": 0, "lines": 0})
db.commit()
long = "".join("w%04d " % i for i in range(600))
open(folder + "/logs/t1.log", "wb").write(b"told: look at \x1b[2Ja.c\nit said: " + "é".encode() * 300 + b"\n" + long.encode() + b"the end\n")
END
serve

# the command
sky log t1 >"$work/log" || bad 'log t1 fails'
grep -q 'told: look at <1B>\[2Ja.c' "$work/log" || bad "log t1 is not safe: $(head -n 1 "$work/log")"
exits 1 sky log t2
says 'nothing was kept of turn 2: the model refused'

# the queries; a long line of a turn is cut in front
socket=$(sed -n 's/^socket //p' "$T/.skydeck/engine")
python3 - "$socket" <<'END' || bad 'the queries'
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
f = s.makefile("rb")
def call(method, **params):
    s.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n")
    while True:
        answer = json.loads(f.readline())
        if answer.get("id") == 1:
            return answer
def query(name, **args):
    return call("query", name=name, args=args)
call("hello", version=1, role="script", name="x", since=0)
log = query("log", run="t1", **{"from": 0, "count": 10})["result"]
assert log["total"] == 3 and log["lines"][0] == "told: look at <1B>[2Ja.c", log
assert query("find", run="t1", text="the end", **{"from": 0})["result"]["line"] == 2
tail = query("tails", of=["t1", "t2", "t9", "../t1"], lines=3)["result"]["tails"]
assert [t["of"] for t in tail] == ["t1", "t2"] or [t["of"] for t in tail] == ["t1"], tail
assert tail[0]["lines"][-1].endswith("the end") and len(tail[0]["lines"][-1]) == 400, tail[0]["lines"][-1]
one = query("tails", of=["t1"], lines=2)["result"]["tails"][0]["lines"]
assert "<" not in one[0], one[0]
for bad in "t9", "t", "../t1", "t1/../t1":
    assert "error" in query("log", run=bad, **{"from": 0, "count": 1}), bad
END

# the cockpit
passes <<'END'
size 120x34
wait idle
expect "refused: the model refused"
keys 5 z
wait idle
expect "turn 1  read"
expect "refused: the model refused"
expect "read: nothing was read yet"
keys g /
type turn 1
keys <Enter> <Enter>
wait text "the end" 60
keys g
wait text "told: look at <1B>[2Ja.c" 60
expect "turn 1 of patches, read  done"
keys <Right>
wait text "turn 2 of patches" 60
keys q 1
wait idle
expect "example.org/one"
keys J
wait event source_moved 60
keys c
type look here first
keys <Enter>
wait event source_noted 60
keys o
expect "https://example.org/one"
keys x
type is old
keys <Enter>
wait event source_changed 60
wait idle
expect " x "
quit
END
sky events --json | grep -q '"kind":"source_moved".*"position":2' || bad 'it was not moved to the second place'
sky events --json | grep -q '"kind":"source_changed".*"dismissed".*"reason":"is old"' || bad 'it was not dropped with its reason'
