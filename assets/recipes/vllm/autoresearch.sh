#!/bin/sh
# Measure a vLLM checkout: one offline batch of random prompts, rates as METRIC lines. Run from the checkout's root.
#
#   METRIC total_tps=       tokens/s, prompts and output together       METRIC requests_per_second=
#
# From the environment, with defaults: VLLM_MODEL (a local folder), VLLM_BENCH (the command), VLLM_PROMPTS, VLLM_INPUT and
# VLLM_OUTPUT (tokens of each request), VLLM_ARGS (more arguments), BENCH_TIMEOUT in seconds. Exit 0 with the lines, 1 with
# one sentence on stderr and none.
#
# The file that --output-json writes has the fields elapsed_time, num_requests, total_num_tokens, requests_per_second and
# tokens_per_second. The last one counts prompts too: it is not the rate of output. Both rates are computed again, and the counts
# must be what was asked: a batch that ends early is no faster. The text on stdout is not read. No bytes_moved: how many
# steps share a reading of the weights is not told.
#
# Tried on output made up from these fields (vllm/benchmarks/throughput.py, 2025), not on the real thing.
set -u
bench=${VLLM_BENCH:-vllm bench throughput}
model=${VLLM_MODEL:-/usr/local/share/skydeck/model}
prompts=${VLLM_PROMPTS:-200} input=${VLLM_INPUT:-256} output=${VLLM_OUTPUT:-128}
export HF_HUB_OFFLINE=1

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
timeout -k 5 "${BENCH_TIMEOUT:-900}" $bench --model "$model" --dataset-name random --input-len "$input" --output-len "$output" \
	--num-prompts "$prompts" --seed 1 --output-json "$folder/result.json" ${VLLM_ARGS:-} >"$folder/said"
status=$?
if [ "$status" -ne 0 ]; then
	echo "autoresearch.sh: vllm bench throughput ended with status $status" >&2
	exit 1
fi

python3 - "$folder/result.json" "$prompts" "$input" "$output" <<'PY'
import json, math, sys

path, prompts, n_input, n_output = sys.argv[1], *map(int, sys.argv[2:5])


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


try:
    with open(path) as f:
        row = json.load(f)
except (OSError, ValueError) as e:
    fail(f"vllm bench throughput left no JSON: {e}")
if not isinstance(row, dict):
    fail("the result is no object")
try:
    seconds, tokens = number(row, "elapsed_time"), number(row, "total_num_tokens")
    if row["num_requests"] != prompts:
        fail(f"num_requests is {row['num_requests']!r}, {prompts} were asked for")
    asked = prompts * (n_input + n_output)
    if abs(tokens / asked - 1) > 0.05:  # a random prompt may come back from the tokenizer a little longer or shorter
        fail(f"total_num_tokens is {tokens}, {asked} were asked for")
    rate = agree(row, "tokens_per_second", tokens / seconds)
    requests = agree(row, "requests_per_second", prompts / seconds)
except KeyError as e:
    fail(f"the result has no field {e}")
print(f"METRIC total_tps={rate:.4f}\nMETRIC requests_per_second={requests:.6f}")
PY
