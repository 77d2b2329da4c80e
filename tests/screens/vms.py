#!/usr/bin/env python3
"""vms.py COUNT: prints a session on that many VMs, each in another state; one that went down, and one that replaced it, when there
are more than eight. `for n in 1 3 4 16 64; do python3 tests/screens/vms.py $n > tests/screens/grid/vms$n.jsonl; done` makes them anew."""
import datetime, json, math, random, sys

count = int(sys.argv[1])
rng = random.Random(count)
seq = run_number = 0
now = 0
LONG = "skydeck-2026-11-21-a-session-with-a-very-long-name-w"
HOSTILE = "SkyPilot said: ␛]0;pwned␇ gpj.exe␀ 在启动期间 quota 'CPUS' exceeded (limit 24.0) in region us-east-1; ask for another or a larger one, or choose other resources for this session"


def emit(kind, **fields):
    global seq
    seq += 1
    time = datetime.datetime(2026, 11, 21, 12, 0, 0) + datetime.timedelta(seconds=now)
    event = {"seq": seq, "time": time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "kind": kind, "by": "engine"}
    event.update({k: v for k, v in fields.items() if v is not None})
    print(json.dumps(event, ensure_ascii=False))


def worker(i, state, **fields):
    emit("worker_changed", worker="w%d" % i, state=state, **fields)


def start(i, arm, step, wave, turn):
    global run_number
    run_number += 1
    emit("run_started", run="r%d" % run_number, worker="w%d" % i, arm=arm, rev=1, step=step, round=turn, wave=wave, layout=1)
    return "r%d" % run_number


def end(run, seconds, value=None):
    emit("run_ended", run=run, status="ok", exit=0, seconds=seconds, metrics={"tg_tps": value} if value else None,
         log={"file": "logs/%s.log" % run, "bytes": 900, "lines": 30})


emit("session_opened", session="2026-11-21-kernels", target="/home/ada/kernels", branch="autoresearch/2026-11-21-kernels", metric="tg_tps",
     unit="tokens/s", direction="higher", harness="9c1d77aa", runner="sky", agent="patches", seed=42)
emit("settings", size=4, window=60, limit_usd=30, hours=8)
emit("baseline_set", commit="4f2c91e")
for p in range(1, count + 1):
    emit("proposal_submitted", proposal="p%d" % p, rev=1, commit="c%d" % p, title="Idea %d" % p, sources=[], agent="patches", author="Ada",
         baseline="4f2c91e", files=1, added=9, removed=3)
    emit("approved", proposal="p%d" % p, rev=1)
# What VM i is at: the first ones in this order, so that four VMs already show four things.
KINDS = ["busy", "admitting", "quarantined", "starting", "busy", "stale", "lost", "building", "set-up", "ready"]
kind = {i: KINDS[i - 1] if i <= len(KINDS) else rng.choice(["busy", "busy", "busy", "building", "ready"]) for i in range(1, count + 1)}
if count == 1:
    kind[1] = "busy"
for i in range(1, count + 1):
    worker(i, "starting", runner="sky", name=LONG + str(i) if i == 4 else "sky-kernels-w%d" % i, status="INIT",
           arch="aarch64" if i % 8 == 2 else "x86_64", place="us-east-1%s" % "abcdef"[i % 6], usd_per_hour=0.272 if i % 8 == 2 else 0.34)
now += 64
for i in range(1, count + 1):
    if kind[i] in ("starting", "lost"):
        continue
    worker(i, "starting", status="UP")
    if kind[i] == "set-up":
        continue
    now += 1
    worker(i, "admitting")
    for r in range(4 if count > 16 else 1, 3 if kind[i] == "admitting" and count <= 16 else 5):
        emit("admission_pair", worker="w%d" % i, round=r, ratio=round(rng.gauss(0, 0.009), 6))
    if kind[i] == "admitting":
        start(i, "aa", "measure", 0, 3)
        continue
    worker(i, "ready", noise_percent=round(abs(rng.gauss(1, 0.5)) + 0.3, 2))
now += 30
wave = 0
for i in range(1, count + 1):
    if kind[i] not in ("busy", "stale", "building", "quarantined"):
        continue
    wave += 1
    emit("wave_started", wave=wave, baseline="4f2c91e", proposals=["p%d" % i], seed=7, alpha=0.0025)
    worker(i, "busy")
    run = start(i, "p%d" % i, "build", wave, 0)
    if kind[i] == "building":
        continue
    now += 9
    end(run, 9.1)
    emit("phase_started", wave=wave, phase=1, worker="w%d" % i, layout=1)
    for r in range(3 if count > 16 else 1, 4):
        emit("round_started", round=r, worker="w%d" % i, wave=wave, phase=1, order="base p%d" % i)
        for arm in "base", "p%d" % i:
            run = start(i, arm, "measure", wave, r)
            now += 1
            if r == 3 and arm != "base" and kind[i] != "quarantined":
                continue
            end(run, 11, round(44 * math.exp(rng.gauss(0, 0.006)), 3))
    emit("scale_learned", worker="w%d" % i, magnitudes=[round(abs(rng.gauss(0, 0.01)), 6) for _ in range(4 if count > 16 else 16)])
    if kind[i] == "stale":
        worker(i, "busy", status="UP", age=170)
    if kind[i] == "quarantined":
        emit("scale_learned", worker="w%d" % i, magnitudes=[0.21, 0.004, 0.33, 0.28])
        worker(i, "quarantined", noise_percent=31, reason="noise 31 % over 4 pairs (limit 8 %); w5 replaces it", remedy="replace down", usd=0.17)
for i in range(1, count + 1):
    if kind[i] == "lost":
        worker(i, "lost", status="INIT", reason=HOSTILE, remedy="retry down", usd=0)
if count > 8:
    worker(8, "down", reason="the wave needed it no more", usd=0.09)
