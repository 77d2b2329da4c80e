#!/bin/sh
# Train once and print the summary as METRIC lines. Run from the checkout's root.
#
#   METRIC val_bpb=   bits per byte on the validation text, lower is better
#   METRIC peak_vram_mb= training_seconds= num_steps=   where the summary has them
#
# From the environment, with defaults: AUTORESEARCH_TRAIN (the command), AUTORESEARCH_SECONDS (the time that prepare.py allows for
# training), BENCH_TIMEOUT in seconds. Exit 0 with the lines, 1 with one sentence on stderr and none.
#
# The summary is a line a field, "val_bpb:          0.997900". It must hold val_bpb and training_seconds once each; a
# training that took a tenth longer than allowed is refused: it would win by time alone. train.py prints these lines itself and
# may be changed: autoresearch.checks.sh looks at where its val_bpb comes from, and you read each patch.
#
# Tried on output made up from the summary that the project documents, not on the real thing.
set -u
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
timeout -k 5 "${BENCH_TIMEOUT:-900}" sh -c "${AUTORESEARCH_TRAIN:-uv run train.py}" >"$out"
status=$?
if [ "$status" -ne 0 ]; then
	echo "autoresearch.sh: the training ended with status $status" >&2
	exit 1
fi

python3 - "$out" "${AUTORESEARCH_SECONDS:-300}" <<'PY'
import math, re, sys

path, allowed = sys.argv[1], float(sys.argv[2])
FIELDS = ("val_bpb", "training_seconds", "peak_vram_mb", "num_steps")
REQUIRED = FIELDS[:2]


def fail(sentence):
    sys.exit("autoresearch.sh: " + sentence)


said = {}
with open(path, errors="replace") as f:  # the progress ends its lines with a carriage return: that is a line's end here
    for line in f:
        name, colon, value = line.strip().partition(":")
        if colon and name in FIELDS:
            said.setdefault(name, []).append(value.strip())
metrics = {}
for name in FIELDS:
    found = said.get(name, [])
    if len(found) > 1 or (not found and name in REQUIRED):
        fail(f"expected one line {name}: found {len(found)}")
    if not found:
        continue
    if not re.fullmatch(r"\d+(\.\d+)?([eE][-+]?\d{1,2})?", found[0]) or not float(found[0]) > 0:
        fail(f"{name} is {found[0][:40]}, not a number above 0")
    metrics[name] = float(found[0])
if metrics["training_seconds"] > allowed * 1.1:
    fail(f"the training took {metrics['training_seconds']} s, {allowed:.0f} s are allowed")
print("\n".join(f"METRIC {name}={value:.6f}" for name, value in metrics.items()))
PY
