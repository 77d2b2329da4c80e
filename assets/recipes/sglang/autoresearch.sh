#!/bin/sh
# Measure an SGLang checkout: one batch, rates as METRIC lines. Run from the checkout's root.
#
#   SGLANG_BENCH=one_batch (the default; needs no data set)    METRIC decode_tps= prefill_tps= total_tps=   (decode: median step)
#   SGLANG_BENCH=offline_throughput (set target.metric too)    METRIC output_tps= total_tps= requests_per_second=
#
# From the environment, with defaults: SGLANG_MODEL (a local folder), SGLANG_PYTHON, SGLANG_BATCH (requests), SGLANG_INPUT and
# SGLANG_OUTPUT (tokens of each), SGLANG_DATASET (a file, of offline_throughput), SGLANG_ARGS (more arguments), BENCH_TIMEOUT in
# seconds. Exit 0 with the lines, 1 with one sentence on stderr and none.
#
# Both append a line of JSON to --result-filename, by default to result.jsonl where an older line may stand: the file is
# a fresh one and must hold exactly one line. Its counts must be what was asked, each rate is computed again from its latency.
# successful_requests is the number of requests sent, not of those that went well: the tokens tell. No bytes_moved: it would be
# the GPU's traffic, beside the bandwidth of this machine's main memory.
#
# Tried on output made up from the fields that their source names, not on the real thing.
set -u
bench=${SGLANG_BENCH:-one_batch}
model=${SGLANG_MODEL:-/usr/local/share/skydeck/model}
batch=${SGLANG_BATCH:-16} input=${SGLANG_INPUT:-256} output=${SGLANG_OUTPUT:-128}
export HF_HUB_OFFLINE=1

case $bench in
one_batch) set -- --batch-size "$batch" --input-len "$input" --output-len "$output" --run-name skydeck ;;
offline_throughput)
	set -- --num-prompts "$batch" --dataset-name random --random-input-len "$input" --random-output-len "$output" \
		--random-range-ratio 1.0 --seed 1 ${SGLANG_DATASET:+--dataset-path "$SGLANG_DATASET"}
	;;
*) echo "autoresearch.sh: SGLANG_BENCH must be one_batch or offline_throughput, not $bench" >&2; exit 1 ;;
esac
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
timeout -k 5 "${BENCH_TIMEOUT:-900}" ${SGLANG_PYTHON:-python3} -m "sglang.bench_$bench" --model-path "$model" "$@" \
	--result-filename "$folder/result.jsonl" ${SGLANG_ARGS:-} >"$folder/said"
status=$?
if [ "$status" -ne 0 ]; then
	echo "autoresearch.sh: sglang.bench_$bench ended with status $status" >&2
	exit 1
fi

python3 - "$folder/result.jsonl" "$bench" "$batch" "$input" "$output" <<'PY'
import json, math, sys

path, bench, batch, n_input, n_output = *sys.argv[1:3], *map(int, sys.argv[3:6])


def fail(sentence):
    sys.exit("autoresearch.sh: " + sentence)


def number(row, field):
    value = row[field]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        fail(f"{field} is {value!r}, not a number above 0")
    return value


def agree(row, field, again):
    said = number(row, field)
    if abs(again / said - 1) > 1e-3:
        fail(f"{field} says {said}, computed again it is {again:.4f}")
    return again


def same(row, field, asked):
    if row[field] != asked:
        fail(f"{field} is {row[field]!r}, {asked} was asked for")


def one_batch(row):
    for field, asked in (("batch_size", batch), ("input_len", n_input), ("output_len", n_output)):
        same(row, field, asked)
    return {"decode_tps": agree(row, "median_decode_throughput", batch / number(row, "median_decode_latency")),
            "prefill_tps": agree(row, "prefill_throughput", batch * n_input / number(row, "prefill_latency")),
            "total_tps": agree(row, "overall_throughput", batch * (n_input + n_output) / number(row, "total_latency"))}


def offline_throughput(row):
    for field, asked in (("successful_requests", batch), ("total_output_tokens", batch * n_output)):
        same(row, field, asked)
    seconds, tokens = number(row, "total_latency"), number(row, "total_input_tokens")
    if abs(tokens / (batch * n_input) - 1) > 0.05:  # a random prompt may come back from the tokenizer a little longer
        fail(f"total_input_tokens is {tokens}, {batch * n_input} were asked for")
    return {"output_tps": agree(row, "output_throughput", batch * n_output / seconds),
            "total_tps": agree(row, "total_throughput", (tokens + batch * n_output) / seconds),
            "requests_per_second": agree(row, "request_throughput", batch / seconds)}


try:
    with open(path) as f:
        rows = [json.loads(line) for line in f if line.strip()]
except (OSError, ValueError) as e:
    fail(f"sglang.bench_{bench} left no lines of JSON: {e}")
if len(rows) != 1 or not isinstance(rows[0], dict):
    fail(f"expected one line of results, found {len(rows)}")
try:
    metrics = one_batch(rows[0]) if bench == "one_batch" else offline_throughput(rows[0])
except KeyError as e:
    fail(f"the result has no field {e}")
print("\n".join(f"METRIC {name}={value:.4f}" for name, value in metrics.items()))
PY
