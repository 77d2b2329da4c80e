#!/bin/sh
# Measure a llama.cpp checkout: one llama-bench run, speeds as METRIC lines. Run from the checkout's root.
#
#   METRIC tg_tps=   tokens/s of text generation, mean over the repetitions    METRIC tg_sd=   its standard deviation
#   METRIC pp_tps=   tokens/s of prompt processing                             METRIC pp_sd=
#   METRIC bytes_moved=   weights read from memory in the run: the model once for each token generated and once for each batch
#                         of a prompt. An estimate: embeddings that are only looked up are in it; caches of keys and values,
#                         activations and warm-up are not
#
# From the environment, with defaults: LLAMA_BENCH, LLAMA_MODEL, LLAMA_PP, LLAMA_TG (0 leaves a phase out), LLAMA_REPS,
# LLAMA_THREADS, LLAMA_FA (0 or 1), BENCH_TIMEOUT in seconds. Exit 0 with the lines, 1 with one sentence on stderr and none.
#
# A row of llama-bench is known by its counts alone: prompt processing has n_prompt > 0 and n_gen = 0, generation the
# reverse. No field names the phase. Rows are therefore matched by both counts against what was asked, and each mean is
# computed a second time from samples_ns: a field that is absent, a row too many or a wrong number ends the run.
# Flash attention is always said: without -fa it is on auto, and a row that does not say what was asked is refused.
# One core is left free: as many threads as cores spin at barriers as soon as anything else computes.
#
# Run on the real thing (llama.cpp 0.5.0-dev), but for bytes_moved and the check of flash_attn: those on recorded output.
set -u
bench=${LLAMA_BENCH:-build/bin/llama-bench}
model=${LLAMA_MODEL:-/usr/local/share/skydeck/model.gguf}
pp=${LLAMA_PP:-128} tg=${LLAMA_TG:-32} reps=${LLAMA_REPS:-5} fa=${LLAMA_FA:-1}
cores=$(nproc)
threads=${LLAMA_THREADS:-$((cores > 1 ? cores - 1 : 1))}

out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
timeout -k 5 "${BENCH_TIMEOUT:-600}" \
	"$bench" -m "$model" -p "$pp" -n "$tg" -r "$reps" -t "$threads" -fa "$fa" -o json >"$out"
status=$?
if [ "$status" -ne 0 ]; then
	echo "autoresearch.sh: llama-bench ended with status $status" >&2
	exit 1
fi

python3 - "$out" "$pp" "$tg" "$reps" "$fa" <<'PY'
import json, math, statistics, sys

path, pp, tg, reps, fa = sys.argv[1], *map(int, sys.argv[2:6])


def fail(sentence):
    sys.exit("autoresearch.sh: " + sentence)


try:
    with open(path) as f:
        rows = json.load(f)
except ValueError as e:
    fail(f"llama-bench's output is no JSON: {e}")
if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
    fail("llama-bench's output is no array of rows")

lines, moved = [], 0
for name, n_prompt, n_gen in (("tg", 0, tg), ("pp", pp, 0)):
    tokens = n_prompt + n_gen
    if tokens == 0:
        continue
    try:
        found = [r for r in rows if (r["n_prompt"], r["n_gen"], r["n_depth"]) == (n_prompt, n_gen, 0)]
        if len(found) != 1:
            fail(f"expected one {name} row of {tokens} tokens, found {len(found)} among {len(rows)} rows")
        row = found[0]
        mean, ns, size, batch = row["avg_ts"], row["samples_ns"], row["model_size"], row["n_ubatch"]
        if row["flash_attn"] != fa:
            fail(f"the {name} row has flash_attn {row['flash_attn']}, -fa {fa} was asked for")
    except KeyError as e:
        fail(f"the {name} row has no field {e}")
    try:
        if len(ns) != reps:
            fail(f"the {name} row has {len(ns)} samples, {reps} were asked for")
        rates = [tokens * 1e9 / t for t in ns]
        again = statistics.fmean(rates)
        sd = statistics.stdev(rates) if reps > 1 else 0.0
        if not (math.isfinite(mean) and mean > 0 and abs(again / mean - 1) < 1e-3):
            fail(f"{name}: avg_ts says {mean} tokens/s, samples_ns say {again:.6f}")
        moved += size * reps * (n_gen or math.ceil(n_prompt / batch))
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        fail(f"the {name} row holds something other than numbers above 0")
    lines += [f"METRIC {name}_tps={mean:.4f}", f"METRIC {name}_sd={sd:.4f}"]

if not lines:
    fail("nothing was asked for: LLAMA_PP and LLAMA_TG are both 0")
if 0 < moved < math.inf:
    lines.append(f"METRIC bytes_moved={moved:.0f}")
print("\n".join(lines))
PY
