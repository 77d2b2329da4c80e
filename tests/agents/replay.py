#!/usr/bin/env python3
"""Stand in for an ACP agent by replaying a recording on stdin and stdout.

  replay.py RECORDING     prints the '<< ' lines, and waits for a line on stdin at each '>> ' line

Ids of answers are rewritten to those that were really asked with. What a client asks besides what was recorded is answered {}; a
request to which the recording lacks the answer gets the id of its session. --cut N: exits after N lines, as an agent that dies.
"""
import argparse
import json
import sys

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("--cut", type=int, metavar="N")
p.add_argument("recording")
opt = p.parse_args()
lines = [(raw[:3], json.loads(raw[3:])) for raw in open(opt.recording, encoding="utf-8") if raw[:3] in (">> ", "<< ")]
answered = {m["id"] for mark, m in lines if mark == "<< " and "method" not in m}
session = next(m["params"]["sessionId"] for _, m in lines if "sessionId" in m.get("params", {}))
asked, printed = {}, 0


def say(message):
    global printed
    sys.stdout.write(json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()
    printed += 1
    if printed == opt.cut:
        sys.exit(1)


def hear(message):
    while True:
        line = sys.stdin.readline()
        if not line:
            sys.exit(1)
        real = json.loads(line)
        if "method" not in real or real["method"] == message.get("method"):
            return real
        if "id" in real:
            say({"jsonrpc": "2.0", "id": real["id"], "result": {}})


for mark, message in lines:
    if mark == ">> ":
        real = hear(message)
        if "method" in message and "id" in message:
            asked[message["id"]] = real["id"]
            if message["id"] not in answered:
                say({"jsonrpc": "2.0", "id": real["id"], "result": {"sessionId": session}})
    else:
        if "method" not in message:
            message["id"] = asked.get(message["id"], message["id"])
        say(message)
