#!/usr/bin/env python3
"""Prints session.jsonl: a session in the middle of its third wave, with a proposal in every state and a verdict of every
kind. The numbers are drawn from a fixed seed; the evidence is the rule's own (decision rule 3.5). Run it again when the
list of events changes:  python3 tests/screens/session.py > tests/screens/session.jsonl"""
import datetime, hashlib, json, math, random

rng = random.Random(20261121)
clock = datetime.datetime(2026, 11, 21, 12, 0, 0)
seq = run_number = 0
THETAS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64]
WEIGHTS = [0.22, 0.22, 0.22, 0.22, 0.06, 0.04, 0.02]


def later(seconds):
    global clock
    clock += datetime.timedelta(seconds=seconds)


def emit(kind, by="engine", **fields):
    global seq
    seq += 1
    event = {"seq": seq, "time": clock.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "kind": kind, "by": by}
    event.update({k: v for k, v in fields.items() if v is not None})
    print(json.dumps(event, ensure_ascii=False))


def median(x):
    x = sorted(x)
    n = len(x)
    return (x[n // 2] + x[(n - 1) // 2]) / 2


def density(d, shift, s):
    spoilt = 0.15 * math.exp(-abs(d) / 0.1) / 0.2
    return 0.85 * math.exp(-(d - shift) ** 2 / (2 * s * s)) / (s * math.sqrt(2 * math.pi)) + spoilt


class Trial:
    def __init__(self):
        self.log, self.d = [0.0] * len(THETAS), []

    def pair(self, d, s=0.012):
        for i, theta in enumerate(THETAS):
            blurred = math.hypot(s, 0.5 * theta)
            better, worse = density(d, theta, blurred), density(d, -theta, blurred)
            self.log[i] += math.log(2 * better / (better + worse))
        self.d.append(d)

    def evidence(self):
        return sum(w * math.exp(v) for w, v in zip(WEIGHTS, self.log))

    def figures(self):
        walsh = [(a + b) / 2 for i, a in enumerate(self.d) for b in self.d[i:]]
        middle = median(walsh)
        spread = 1.4826 * median([abs(v - middle) for v in self.d]) / math.sqrt(len(self.d)) * 2.2
        percent = lambda v: round(100 * math.expm1(v), 3)
        few = len(self.d) < 6
        return {"pairs": len(self.d), "evidence": round(self.evidence(), 4), "change_percent": percent(middle),
                "low": None if few else percent(middle - spread), "high": None if few else percent(middle + spread)}


def needed(wave):
    return 400 if wave == 1 else 200


def commit(i):
    return hashlib.sha1(b"commit %d" % i).hexdigest()


def start(worker, arm, step, rev=1, wave=0, turn=0, layout=1):
    global run_number
    run_number += 1
    emit("run_started", run="r%d" % run_number, worker=worker, arm=arm, rev=rev, step=step, round=turn, wave=wave, layout=layout)
    return "r%d" % run_number


def end(run, status="ok", exit=0, seconds=0.4, metrics=None, reason=None, lines=12):
    emit("run_ended", run=run, status=status, exit=exit, seconds=round(seconds, 3), metrics=metrics, reason=reason,
         log={"file": "logs/%s.log" % run, "bytes": lines * 37, "lines": lines})


def prepare(worker, arm, wave, rev=1, build="ok", checks="ok"):
    run = start(worker, arm, "build", rev, wave)
    later(3.1)
    end(run, build, 0 if build == "ok" else 2, 3.1, lines=48,
        reason=None if build == "ok" else "src/dot.c:41:17: error: implicit declaration of _mm256_dpbusd_epi32")
    if build != "ok":
        return run
    run = start(worker, arm, "checks", rev, wave)
    later(1.2)
    end(run, checks, 0 if checks == "ok" else 1, 1.2, lines=31,
        reason=None if checks == "ok" else "rows 64, cols 96: the norm is read again, largest error 0.31 (tolerance 0.002)")
    return run


def measure(worker, arm, wave, turn, value, rev=1, layout=1, status="ok"):
    run = start(worker, arm, "measure", rev, wave, turn, layout)
    later(0.45)
    end(run, status, 0 if status == "ok" else 139, 0.45 if status != "timeout" else 300,
        {"tg_tps": [round(value, 3)], "pp_tps": [round(value * 9.3 * math.exp(rng.gauss(0, 0.004)), 2)]} if status == "ok" else None,
        None if status == "ok" else "killed by signal 11 (segmentation fault)" if status == "crash" else "no end after 300 s")
    return run


def settle(p, word, wave, reason=None, run=None, rev=1):
    t = p.get("trial")
    figures = t.figures() if t and t.d else {"pairs": 0}
    shrunk = figures["change_percent"] * 0.94 if "change_percent" in figures else None
    emit("verdict", proposal=p["id"], rev=rev, verdict=word, shrunk_percent=shrunk, reason=reason, run=run,
         needed=needed(wave) if t and t.d else None, workers=p.get("workers"), baseline=p.get("baseline"), **figures)


def rounds(wave, worker, arms, count, first, phase, level, layout=1):
    for r in range(first, first + count):
        order = ["base"] + [p["id"] for p in arms]
        rng.shuffle(order)
        emit("round_started", round=r, worker=worker, wave=wave, phase=phase, order=" ".join(order))
        drift = level * math.exp(rng.gauss(0, 0.004))
        values = {"base": drift * math.exp(rng.gauss(0, 0.006))}
        for p in arms:
            slow = -0.09 if p["id"] == "p3" and wave == 2 and r == 5 else 0
            values[p["id"]] = drift * math.exp(p["effect"] + slow + rng.gauss(0, 0.006))
        for arm in order:
            rev = next((p.get("rev", 1) for p in arms if p["id"] == arm), 1)
            measure(worker, arm, wave, r, values[arm], rev, layout)
        for p in arms:
            p.setdefault("trial", Trial()).pair(math.log(values[p["id"]] / values["base"]))
            p.setdefault("workers", [])
            if worker not in p["workers"]:
                p["workers"].append(worker)
            emit("evidence", proposal=p["id"], worker=worker, round=r, phase=phase, ratio=round(p["trial"].d[-1], 6),
                 value=round(values[p["id"]], 3), base_value=round(values["base"], 3), needed=needed(wave), **p["trial"].figures())


def propose(p, rev=1, files=1, added=20, removed=9, by="agent patches"):
    p["rev"] = rev
    emit("proposal_submitted", by, proposal=p["id"], rev=rev, commit=commit(int(p["id"][1:]) * 3 + rev), title=p["title"],
         sources=p["sources"], idea=p["idea"], agent="patches", author="Ada Example <ada@example.org>", files=files, added=added,
         removed=removed, baseline=p.get("on", BASE))


BASE = commit(0)
P = {}
for line in """p1|Sum the dot product in two accumulators|i3|s7|-0.001
p2|Scale, mask and maximise the KQ tile in one pass|i1|s1 s3|0.061
p3|Softmax of a row without a copy|i1|s1 s2|0.024
p4|Fuse RMS norm and gain in the graph|i2|s4|0
p5|Split the conversion by blocks|i4|s6|0.0035
p6|Prefetch the weights of the next row|i3|s8|0.002
p7|Say why the accumulator is rescaled|i1|s2|0
p8|Larger tiles of keys|i1|s3|-0.028
p9|Keep the values in registers|i1|s3|0.031
p10|Dot product with VNNI|i3|s7|0
p11|Shorter benchmark|i5||0
p12|Four keys at once|i1|s3|0
p13|Whole row of scores|i1|s1|0
p14|Fuse norm and gain, checked|i2|s4 s5|0
p15|Vector conversion, 16 values at a time|i4|s6|0
p16|Spin instead of sleeping in the barrier|i6||0
p17|Vectorised gate|i3|s8|0.012
p18|Convert once per step|i4|s6|0""".splitlines():
    i, title, idea, sources, effect = line.split("|")
    P[i] = {"id": i, "title": title, "idea": idea, "sources": sources.split(), "effect": float(effect)}

emit("session_opened", session="2026-11-21-kernels", target="/home/ada/kernels", branch="autoresearch/2026-11-21-kernels",
     metric="tg_tps", unit="tokens/s", direction="higher", harness="9c1d77aa", runner="sky", agent="patches", seed=42)
emit("settings", size=4, window=60, limit_usd=30)
emit("autonomy_set", autonomy="manual")
emit("baseline_set", commit=BASE)
NOTE = "Three passes over the KQ tile take\n38 % of the step; the dot product\nless than thought.\n\nMeasured with perf."
for line in """s1|paper|FlashAttention: Fast and Memory-Efficient Exact Attention|arXiv:2205.14135|https://arxiv.org/abs/2205.14135|Dao, Fu, Ermon, Rudra, Ré|Look for passes over the tile that could be one.
s2|paper|Online normalizer calculation for softmax|arXiv:1805.02867|https://arxiv.org/abs/1805.02867|Milakov, Gimelshein|Maximum and sum in one pass.
s3|fork|ik_llama.cpp|project:ikawrakow/ik_llama.cpp|https://github.com/ikawrakow/ik_llama.cpp|ikawrakow|The CPU kernels of this fork are tiled by what the registers hold.
s4|backend|The CUDA backend of llama.cpp: fused rms norm (#14800)|backend:ggml-cuda|https://github.com/ggml-org/llama.cpp/pull/14800|am17an|RMS_NORM followed by MUL runs as one kernel if nothing else reads the norm.
s5|paper|Blockbuster, Part 1: Block-level AI Operator Fusion|arXiv:2505.07829|https://arxiv.org/abs/2505.07829|Dekel|Sound only where no one else reads the intermediate.
s6|pull-request|Adaptive split of activations for small batches|pull:ikawrakow/ik_llama.cpp#173|https://github.com/ikawrakow/ik_llama.cpp/pull/173|ikawrakow|
s7|fork|llamafile|project:mozilla/llamafile|https://github.com/mozilla-ai/llamafile|Tunney|Outer-product kernels; the number of accumulators is what they tune.
s8|paper|Inference Performance Optimization for Large Language Models on CPUs|arXiv:2407.07304|https://arxiv.org/abs/2407.07304|He, Zhou, Huang, Li|Each thread's share stays in its own cache.
s9|paper|PowerInfer|arXiv:2312.12456|https://arxiv.org/abs/2312.12456|Song, Mi, Xie, Chen|
s10|paper|在CPU上的算子融合|arXiv:2502.17728|https://arxiv.org/abs/2502.17728|Zhang|
s11|issue|Flash attention is slower than the plain path on some CPUs|issue:ggml-org/llama.cpp#8932|https://github.com/ggml-org/llama.cpp/issues/8932||
s12|note|What perf says about the decode step||||NOTE""".splitlines():
    s, kind, title, key, url, authors, note = line.split("|")
    emit("source_added", source=s, type=kind, title=title, id=key or None, url=url or None, authors=authors or None,
         text=NOTE if note == "NOTE" else note or None)
for s, status in {"s5": "read", "s9": "queued", "s10": "reading", "s11": "dismissed", "s12": "read"}.items():
    emit("source_changed", source=s, status=status)
emit("viewer_joined", viewer="v1", role="driver")
for worker, name, zone in ("w1", "x86 us-east-1a", 0), ("w2", "x86 us-east-1b", 0):
    emit("worker_changed", worker=worker, runner="sky", name=name, state="starting", usd_per_hour=0.34)
later(48)
for worker in "w1", "w2":
    emit("worker_changed", worker=worker, state="admitting")
    for r in range(1, 5):
        emit("round_started", round=r, worker=worker, wave=0, phase=0, order="base aa")
        for arm in "base", "aa":
            measure(worker, arm, 0, r, 44.1 * math.exp(rng.gauss(0, 0.006)))
        emit("admission_pair", worker=worker, round=r, ratio=round(rng.gauss(0, 0.009), 6))
    emit("worker_changed", worker=worker, state="ready", noise_percent=0.9 if worker == "w1" else 1.4)
emit("worker_changed", worker="w3", runner="sky", name="x86 us-east-1a", state="starting", usd_per_hour=0.34)
later(40)
emit("worker_changed", worker="w3", state="admitting")
emit("worker_changed", worker="w3", state="quarantined", noise_percent=31, reason="too noisy to be admitted (limit 2.5 %)", usd_per_hour=0)

emit("agent_changed", agent="patches", state="reading")
ideas = [("i1", "Passes over the KQ tile are memory traffic: do in one what three do", "+2..10 % tg_tps", ["s1", "s2", "s3"]),
         ("i2", "RMS norm and the multiplication after it are one pass", "+1..3 %", ["s4", "s5"]),
         ("i3", "The dot product waits for its own sum", "+1 %", ["s7", "s8"]),
         ("i4", "One row leaves all threads but one idle in the conversion", "+0.5..3 %, pp unchanged", ["s6"]),
         ("i5", "The benchmark takes too long", None, []), ("i6", "Threads sleep between short steps", "+1 %", [])]
sized = {"p1": (1, 9, 4), "p2": (1, 31, 44), "p3": (2, 18, 22), "p4": (2, 52, 11), "p5": (2, 41, 18), "p16": (1, 6, 3)}
for n, (i, title, expected, sources) in enumerate(ideas):
    emit("idea_added", "agent patches", idea=i, title=title, expected=expected, sources=sources)
for p in ("p1", "p2", "p3", "p4", "p5"):
    later(4)
    propose(P[p], 1, *sized.get(p, (1, 20, 9)))
    for s in P[p]["sources"]:
        emit("source_changed", source=s, status="used")
later(70)
for p in "p1", "p2", "p3", "p4":
    emit("approved", "user ada", proposal=p, rev=1)

# wave 1
arms = [P[p] for p in ("p1", "p2", "p3", "p4")]
emit("wave_started", wave=1, baseline=BASE, proposals=[p["id"] for p in arms], seed=7, alpha=0.0025)
for p in arms:
    p["baseline"] = BASE
prepare("w1", "base", 1)
for p in arms[:3]:
    prepare("w1", p["id"], 1)
bad = prepare("w1", "p4", 1, checks="failed")
settle(P["p4"], "checks-failed", 1, "rows 64, cols 96: the norm is read again, largest error 0.31 (tolerance 0.002)", bad)
emit("phase_started", wave=1, phase=1, worker="w1", layout=1)
emit("worker_changed", worker="w1", state="busy")
rounds(1, "w1", arms[:3], 4, 1, 1, 44.12)
settle(P["p1"], "reject", 1)
rounds(1, "w1", arms[1:3], 3, 5, 1, 44.12)
emit("phase_started", wave=1, phase=2, worker="w2", layout=2)
emit("scale_learned", worker="w1", magnitudes=[round(abs(rng.gauss(0, 0.008)), 6) for _ in range(14)])
emit("worker_changed", worker="w1", state="ready")
emit("worker_changed", worker="w2", state="busy")
rounds(1, "w2", arms[1:3], 4, 1, 2, 43.4, 2)
settle(P["p2"], "keep", 1)
rounds(1, "w2", arms[2:3], 2, 5, 2, 43.4, 2)
settle(P["p3"], "keep", 1)
emit("scale_learned", worker="w2", magnitudes=[round(abs(rng.gauss(0, 0.011)), 6) for _ in range(10)])
emit("wave_ended", wave=1)
emit("worker_changed", worker="w2", state="ready")
emit("spent", usd=0.02, what="vm w1")
emit("spent", usd=0.02, what="vm w2")
later(30)
emit("signed", "user ada", proposal="p2", rev=1)
later(9)
emit("landed", proposal="p2", commit=commit(90), branch="autoresearch/2026-11-21-kernels")
emit("baseline_set", commit=commit(90))
emit("steered", "user ada", text="p1 says the dot product is not the limit: look at passes over memory instead")
P["p3"]["on"] = commit(90)
propose(P["p3"], 2, 2, 18, 22, "engine")
emit("approved", proposal="p3", rev=2)
for p in "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13":
    later(6)
    if p == "p12":
        emit("proposal_conflict", "agent patches", proposal=p, rev=1, title=P[p]["title"], sources=P[p]["sources"], idea=P[p]["idea"],
             agent="patches", text="src/attention.c: hunk 2 of 3 does not apply at line 141\n-\tfloat kq[TILE];\n+\tfloat kq[4][TILE];")
        continue
    propose(P[p], 1, *sized.get(p, (1, 20, 9)))
    if p == "p11":
        emit("guard_stopped", proposal=p, rev=1, reasons=["bench/bench.c is protected", "the diff touches what measures it"])
emit("vetoed", "user ada", proposal="p13", reason="a whole row does not fit the cache at 8k keys")
for p in "p5", "p6", "p7":
    emit("approved", "user ada", proposal=p, rev=1)

# wave 2
P["p3"].update(trial=Trial(), workers=[], effect=0.021, rev=2)
arms = [P[p] for p in ("p3", "p5", "p6", "p7")]
for p in arms:
    p["baseline"] = commit(90)
emit("wave_started", wave=2, baseline=commit(90), proposals=[p["id"] for p in arms], seed=8, alpha=0.005)
prepare("w1", "base", 2)
for p in arms:
    prepare("w1", p["id"], 2, p["rev"])
settle(P["p7"], "same", 2, "the artefacts are byte for byte the baseline's")
emit("phase_started", wave=2, phase=1, worker="w1", layout=1)
emit("worker_changed", worker="w1", state="busy")
rounds(2, "w1", arms[:3], 9, 1, 1, 46.9)
emit("phase_started", wave=2, phase=2, worker="w2", layout=2)
emit("worker_changed", worker="w1", state="ready")
emit("worker_changed", worker="w2", state="busy")
rounds(2, "w2", arms[:3], 5, 1, 2, 46.2, 2)
measure("w2", "base", 2, 6, 71.2, 1, 2)
emit("round_voided", round=6, worker="w2", wave=2, reason="base: the value 71.2 is not plausible (JUMP_OVER_1.5X)")
settle(P["p3"], "keep", 2, rev=2)
settle(P["p5"], "small", 2)
rounds(2, "w2", arms[2:3], 6, 6, 2, 46.2, 2)
settle(P["p6"], "park", 2)
emit("wave_ended", wave=2)
emit("worker_changed", worker="w2", state="ready")
emit("spent", usd=0.04, what="vm w1")
emit("spent", usd=0.35, what="model tokens")
later(20)
for p in "p14", "p15", "p16", "p17", "p18":
    later(5)
    P[p]["on"] = commit(90)
    propose(P[p], 1, *sized.get(p, (1, 20, 9)))
emit("revision_asked", "user ada", proposal="p14", comments=[{"file": "src/graph.c", "line": 88, "text": "what if the norm is an output?"}])
for p in "p8", "p9", "p10", "p15", "p16":
    emit("approved", "user ada", proposal=p, rev=1)
emit("approved", "user ada", proposal="p17", rev=1)
emit("alert", text="the budget is half spent at this pace in 3 hours")

# wave 3
arms = [P[p] for p in ("p8", "p9", "p10", "p15")]
for p in arms:
    p["baseline"] = commit(90)
emit("wave_started", wave=3, baseline=commit(90), proposals=[p["id"] for p in arms], seed=9, alpha=0.005)
prepare("w1", "base", 3)
for p in arms[:3]:
    prepare("w1", p["id"], 3)
bad = prepare("w1", "p15", 3, build="failed")
settle(P["p15"], "build-failed", 3, "src/dot.c:41:17: error: implicit declaration of _mm256_dpbusd_epi32", bad)
emit("phase_started", wave=3, phase=1, worker="w1", layout=1)
emit("worker_changed", worker="w1", state="busy")
for r in 1, 1:
    emit("round_started", round=r, worker="w1", wave=3, phase=1, order="p10 base p9 p8")
    bad = measure("w1", "p10", 3, r, 0, status="crash")
    emit("round_voided", round=r, worker="w1", wave=3, reason="p10: killed by signal 11 (segmentation fault)")
settle(P["p10"], "crash", 3, "killed by signal 11 (segmentation fault)", bad)
rounds(3, "w1", arms[:2], 5, 2, 1, 46.8)
emit("worker_changed", worker="w1", state="busy", noise_percent=1.1)
start(None, "p17", "build", 1, 3)
later(1.5)
emit("round_started", round=7, worker="w1", wave=3, phase=1, order="p9 base p8")
measure("w1", "p9", 3, 7, 48.1)
start("w1", "base", "measure", 1, 3, 7)
