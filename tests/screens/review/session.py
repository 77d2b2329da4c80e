#!/usr/bin/env python3
"""Writes session.jsonl, the session that the screens of the review look at, and the diffs that are too long to keep by hand."""
import json
T0 = 14 * 3600
seq = 0
out = open("session.jsonl", "w")
def event(second, kind, **fields):
    global seq
    seq += 1
    t = T0 + second
    stamp = "2026-11-21T%02d:%02d:%02d.000000Z" % (t // 3600, t // 60 % 60, t % 60)
    by = fields.pop("by", "engine")
    json.dump({"seq": seq, "time": stamp, "kind": kind, "by": by, **fields}, out, ensure_ascii=False)
    out.write("\n")
def propose(second, p, rev, title, files, added, removed, sources=[], idea="i1", author="Mira Okafor"):
    event(second, "proposal_submitted", proposal=p, rev=rev, commit="c%s%d" % (p, rev), title=title, sources=sources, idea=idea, agent="patches",
          author=author, baseline="4f2c91e000", files=files, added=added, removed=removed)
event(0, "session_opened", session="2026-11-21-kernels", target="kernels", branch="autoresearch/2026-11-21-kernels", metric="tg_tps", unit="",
      direction="higher", harness="9c1d", runner="local", agent="patches", seed=7)
event(0, "settings", size=4, window=60.0, limit_usd=30.0)
event(1, "source_added", source="s1", type="fork", title="ik_llama.cpp", id="ikawrakow/ik_llama.cpp")
event(1, "source_added", source="s2", type="paper", title="Online normalizer calculation for softmax", id="arXiv:1805.02867")
event(2, "idea_added", idea="i1", title="Conversion is split by rows only; generation has one row, so one thread works", expected="+0.5..3 % tg_tps, pp_tps unchanged", sources=["s1"])
event(2, "idea_added", idea="i2", title="Softmax over a row is a matter of passes; the first four can be one", expected="+1..3 %", sources=["s2"])
propose(10, "p1", 1, "fuse KQ scale, mask and maximum", 2, 24, 31, ["s2"], "i2")
event(20, "approved", proposal="p1", rev=1, by="user kim")
propose(21, "p2", 1, "softmax in one pass", 3, 28, 9, ["s2"], "i2", "Jonas Lindqvist")
propose(22, "p3", 1, "norm and gain fused without a use count", 1, 12, 4)
propose(23, "p4", 1, "explain the rescaling", 1, 3, 0)
for p in ("p2", "p3", "p4"):
    event(30, "approved", proposal=p, rev=1, by="user kim")
event(40, "wave_started", wave=1, baseline="4f2c91e000", proposals=["p1", "p2", "p3", "p4"], seed=11, alpha=0.0025)
event(41, "run_started", run="r1", worker="w1", arm="p3", rev=1, step="checks", round=0, wave=1, layout=1)
event(45, "run_ended", run="r1", status="checks-failed", exit=1, seconds=3.5, reason="exit 1", log={"file": "logs/r1.log", "bytes": 900, "lines": 24})
event(45, "verdict", proposal="p3", rev=1, verdict="checks-failed", pairs=0, workers=["w1"], reason="attention: row 3 differs from the reference by 0.25", run="r1", baseline="4f2c91e000")
for i, (d, e) in enumerate(((0.021, 3.1), (0.019, 40.0), (0.022, 588.0))):
    event(50 + i, "evidence", proposal="p2", worker="w1", round=i + 1, phase=1, ratio=d, value=45.1 + d, base_value=44.1, pairs=i + 1, evidence=e, needed=400.0,
          change_percent=2.1, low=1.5, high=2.6)
event(54, "verdict", proposal="p1", rev=1, verdict="keep", pairs=11, change_percent=7.1, low=6.2, high=8.0, shrunk_percent=6.9, evidence=412.0, needed=400.0, workers=["w1", "w2"], baseline="4f2c91e000")
event(55, "signed", proposal="p1", rev=1, by="user kim")
event(56, "landed", proposal="p1", commit="ab54a98ceb1f0ad2", branch="autoresearch/2026-11-21-kernels")
event(57, "verdict", proposal="p2", rev=1, verdict="keep", pairs=3, change_percent=2.1, low=1.5, high=2.6, shrunk_percent=2.0, evidence=588.0, needed=400.0, workers=["w1", "w2"], baseline="4f2c91e000")
event(58, "verdict", proposal="p4", rev=1, verdict="same", pairs=0, reason="the artefacts are byte for byte the baseline's", baseline="4f2c91e000")
propose(60, "p5", 1, "unroll the q4 dot product by 4", 1, 16, 4)
event(61, "vetoed", proposal="p5", reason="measure the split, not the loop", by="user kim")
event(62, "proposal_conflict", proposal="p6", rev=1, title="smaller tiles for the cache", idea="i2", agent="patches", author="Jonas Lindqvist",
      text="src/attn.c: hunk 1 of 2 does not apply: line 41 of the baseline reads otherwise\n@@ -40,4 +40,4 @@ attend\n \tfor (int i = 0; i < n; i++)\n-\t\ttile = 64;\n+\t\ttile = 32;\n \treturn;")
propose(63, "p7", 1, "bench: measure a context of 1,024 tokens", 1, 2, 2)
event(63, "guard_stopped", proposal="p7", rev=1, reasons=["bench/bench.c is protected: it is part of the harness"])
propose(70, "p8", 1, "adaptive split of from_float", 2, 38, 18, ["s1"])
event(80, "revision_asked", proposal="p8", rev=1, by="user kim", comments=[{"file": "src/quant.c", "line": 98, "text": "what packs the last partial block?"}])
propose(90, "p8", 2, "adaptive split of from_float", 2, 7, 4, ["s1"])
propose(95, "p9", 1, "rows of scores kept whole", 2, 8, 3, ["s2"], "i2", "Jonas Lindqvist")
out.close()
with open("p2-1-0.diff", "w") as f:
    f.write("diff --git a/src/softmax.c b/src/softmax.c\nindex 8364329944ba..b86d91e39251 100644\n--- a/src/softmax.c\n+++ b/src/softmax.c\n")
    for h in range(1, 6):
        at = 40 * h
        f.write("@@ -%d,7 +%d,7 @@ void pass_%d(int n)\n" % (at, at, h))
        f.write("".join("     line %d of the file\n" % (at + i) for i in range(3)))
        f.write("-    scale(n, out, %d);\n+    scale(n, out, %d * factor);\n" % (h, h))
        f.write("".join("     line %d of the file\n" % (at + 4 + i) for i in range(3)))
