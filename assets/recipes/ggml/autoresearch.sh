#!/bin/sh
# Measure one operation of a ggml checkout with its test-backend-ops. Run from the checkout's root.
#
#   METRIC op_us=         microseconds of one execution, the mean over n_runs (about a second's worth)
#   METRIC gflops=        what that is in 1e9 operations a second
#   METRIC bytes_moved=   weights, input and result, once for each execution. Where they fit into a cache, less comes from memory
#
# From the environment, with defaults: GGML_OPS (the program), GGML_CASE (the start of the parameters of one MUL_MAT),
# BENCH_TIMEOUT in seconds. Exit 0 with the lines, 1 with one sentence on stderr and none.
#
# Output is read as SQL: the CSV of this mode holds no times. Exactly one row must be that case on the CPU; its flops
# are computed again from m, n, k and the time. The CPU is left out unless it is named, and nothing matched is a success to
# the program. It takes as many threads as it may use CPUs: one of them is left free.
#
# Tried on recorded output of the real program (llama.cpp 0.5.0-dev), and on that output altered; not run in ggml's repository.
set -u
program=${GGML_OPS:-build/bin/test-backend-ops}
case=${GGML_CASE:-'type_a=q4_0,type_b=f32,m=4096,n=1,k=14336,bs=[1,1],nr=[1,1],'}

fail() {
	echo "autoresearch.sh: $*" >&2
	exit 1
}

out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
pattern=$(printf '%s' "$case" | sed 's/[][\\.*^$+?(){}|]/\\&/g')
cpus=$(python3 -c 'import os; cpus = sorted(os.sched_getaffinity(0)); print(",".join(map(str, cpus[1:] or cpus)))') ||
	fail "python3 is needed"
timeout -k 5 "${BENCH_TIMEOUT:-120}" taskset -c "$cpus" "$program" perf -b CPU -o MUL_MAT -p "$pattern" --output sql >"$out"
status=$?
[ "$status" -eq 0 ] || fail "test-backend-ops ended with status $status"

python3 - "$out" "$case" <<'PY'
import math, re, sys

path, case = sys.argv[1:]
INSERT = re.compile(r"INSERT INTO test_backend_ops \(([a-z_, ]*)\) VALUES \((.*)\);")
VALUE = re.compile(r"'((?:[^']|'')*)'(?:, |$)")


def fail(sentence):
    sys.exit("autoresearch.sh: " + sentence)


rows = []
with open(path, errors="replace") as f:
    for line in f:
        if not line.startswith("INSERT"):
            continue
        parts = INSERT.fullmatch(line.rstrip("\n"))
        names = parts[1].split(", ") if parts else []
        values = [v.replace("''", "'") for v in VALUE.findall(parts[2])] if parts else []
        if not parts or len(names) != len(values):
            fail("a row of test-backend-ops is cut short or of another shape")
        rows.append(dict(zip(names, values)))

try:
    found = [r for r in rows if r["test_mode"] == "perf" and r["backend_name"] == "CPU" and r["op_name"] == "MUL_MAT"
             and r["op_params"].startswith(case)]
    if len(found) != 1:
        fail(f"expected one row of {case} found {len(found)} among {len(rows)} rows")
    row = found[0]
    if row["supported"] != "1" or row["passed"] != "1":
        fail("the operation was not supported, or failed")
    time, flops, runs, kilobytes = float(row["time_us"]), float(row["flops"]), int(row["n_runs"]), int(row["memory_kb"])
    sizes = dict(re.findall(r"\b([mnk])=(\d+),", row["op_params"]))
    work = 2 * int(sizes["m"]) * int(sizes["n"]) * int(sizes["k"])
    batches = re.findall(r"\b(?:bs|nr)=\[(\d+),(\d+)\]", row["op_params"])
    for a, b in batches:
        work *= int(a) * int(b)
    if not (math.isfinite(time) and time > 0 and runs > 0):
        fail(f"time_us is {time}, n_runs {runs}")
    again = work / time * 1e6
    if not (math.isfinite(flops) and abs(flops / again - 1) < 1e-3):
        fail(f"flops says {flops}, the time says {again:.0f}")
except KeyError as e:
    fail(f"the row has no field {e}")
except (ValueError, ZeroDivisionError, OverflowError):
    fail("the row holds something other than numbers above 0")

print(f"METRIC op_us={time:.4f}\nMETRIC gflops={again / 1e9:.4f}")
if kilobytes > 0:
    print(f"METRIC bytes_moved={kilobytes * 1024 * runs}")
PY
