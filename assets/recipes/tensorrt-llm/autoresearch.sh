#!/bin/sh
# Measure a TensorRT-LLM checkout: trtllm-bench throughput on made-up requests, rates as METRIC lines. Run from the checkout's root.
#
#   METRIC output_tps=   tokens/s of output, all requests together       METRIC requests_per_second=       METRIC latency_ms=   of all
#
# From the environment, with defaults: TRTLLM_MODEL (a local folder), TRTLLM_BENCH (the program), TRTLLM_REQUESTS, TRTLLM_INPUT
# and TRTLLM_OUTPUT (tokens of each), TRTLLM_VOCABULARY (token ids below it are used), TRTLLM_ARGS (more arguments, such as
# --concurrency 64), BENCH_TIMEOUT in seconds. Exit 0 with the lines, 1 with one sentence on stderr and none.
#
# The requests are written here (a line of JSON each: task_id, input_ids, output_tokens), the same in each run. Read is the file
# that --report_json writes: request_info must say the counts that were asked for, and the rates of performance are computed again from
# them and total_latency_ms. The tables on stdout are not read. No bytes_moved: how many steps share a reading of the weights
# is not told.
#
# Tried on a report made up from the fields of tensorrt_llm/bench/dataclasses/reporting.py (2025), not on the real thing.
set -u
bench=${TRTLLM_BENCH:-trtllm-bench}
model=${TRTLLM_MODEL:-/usr/local/share/skydeck/model}
requests=${TRTLLM_REQUESTS:-200} input=${TRTLLM_INPUT:-256} output=${TRTLLM_OUTPUT:-128} vocabulary=${TRTLLM_VOCABULARY:-30000}
export HF_HUB_OFFLINE=1

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
python3 - "$requests" "$input" "$output" "$vocabulary" >"$folder/requests.jsonl" <<'PY' || exit 1
import json, random, sys

requests, n_input, n_output, vocabulary = map(int, sys.argv[1:])
chance = random.Random(1)
for i in range(requests):
    ids = [chance.randrange(1000, vocabulary) for _ in range(n_input)]
    print(json.dumps({"task_id": i, "input_ids": ids, "output_tokens": n_output}))
PY
timeout -k 5 "${BENCH_TIMEOUT:-900}" "$bench" --model "$model" throughput --dataset "$folder/requests.jsonl" --backend pytorch \
	--report_json "$folder/report.json" ${TRTLLM_ARGS:-} >"$folder/said"
status=$?
if [ "$status" -ne 0 ]; then
	echo "autoresearch.sh: trtllm-bench ended with status $status" >&2
	exit 1
fi

python3 - "$folder/report.json" "$requests" "$input" "$output" <<'PY'
import json, math, sys

path, requests, n_input, n_output = sys.argv[1], *map(int, sys.argv[2:5])


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
        report = json.load(f)
except (OSError, ValueError) as e:
    fail(f"trtllm-bench left no JSON: {e}")
try:
    info, performance = report["request_info"], report["performance"]
    for field, asked in (("num_requests", requests), ("avg_input_length", n_input), ("avg_output_length", n_output)):
        if number(info, field) != asked:
            fail(f"{field} is {info[field]}, {asked} was asked for")
    latency = number(performance, "total_latency_ms")
    rate = agree(performance, "system_output_throughput_tok_s", requests * n_output / latency * 1e3)
    asked_rate = agree(performance, "request_throughput_req_s", requests / latency * 1e3)
except KeyError as e:
    fail(f"the report has no field {e}")
except TypeError:
    fail("the report is of another shape")
print(f"METRIC output_tps={rate:.4f}\nMETRIC requests_per_second={asked_rate:.6f}\nMETRIC latency_ms={latency:.3f}")
PY
