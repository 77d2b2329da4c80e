#!/bin/sh
# Measure a whisper.cpp checkout: one whisper-bench run, times as METRIC lines. Run from the checkout's root.
#
#   METRIC encode_ms=   the encoder on 30 s of audio             METRIC batch_ms=    a token of batched decoding (5 at a time)
#   METRIC decode_ms=   a token of text generation               METRIC prompt_ms=   a token of a prompt (256 at a time)
#
# From the environment, with defaults: WHISPER_BENCH, WHISPER_MODEL, WHISPER_THREADS, WHISPER_FA (0 or 1), BENCH_TIMEOUT in
# seconds. Exit 0 with the lines, 1 with one sentence on stderr and none.
#
# whisper-bench speaks on stderr, and ends with status 0 after an option that it does not know: each of the four lines must
# stand there once, with the count that the benchmark executes, and its quotient is computed again. Flash attention is off or on by
# version: it is always said, and what the program says of it must be what was asked. One core is left free. No bytes_moved: which
# part of the model a phase reads is not told.
#
# Tried on output made up from the program's documented form, not on the real thing.
set -u
bench=${WHISPER_BENCH:-build/bin/whisper-bench}
model=${WHISPER_MODEL:-/usr/local/share/skydeck/whisper.bin}
fa=${WHISPER_FA:-1}
cores=$(nproc)
threads=${WHISPER_THREADS:-$((cores > 1 ? cores - 1 : 1))}

out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
case $fa in
0) set -- -nfa ;;
1) set -- -fa ;;
*) echo "autoresearch.sh: WHISPER_FA must be 0 or 1, not $fa" >&2; exit 1 ;;
esac
timeout -k 5 "${BENCH_TIMEOUT:-300}" "$bench" -m "$model" -t "$threads" -ng "$@" >"$out" 2>&1
status=$?
if [ "$status" -ne 0 ]; then
	echo "autoresearch.sh: whisper-bench ended with status $status" >&2
	exit 1
fi

python3 - "$out" "$fa" <<'PY'
import math, re, sys

path, fa = sys.argv[1:]
TIMING = re.compile(r"whisper_print_timings: +(\w+) time = +(\d+\.\d+) ms / +(\d+) runs \( *(\d+\.\d+) ms per run\)")
ASKED = (("encode", "encode", 1), ("decode", "decode", 256), ("batchd", "batch", 64 * 5), ("prompt", "prompt", 16 * 256))


def fail(sentence):
    sys.exit("autoresearch.sh: " + sentence)


with open(path, errors="replace") as f:
    text = f.read().splitlines()
said = [m[1] for m in (re.fullmatch(r"whisper_init_with_params_no_state: flash attn += (\d)", line) for line in text) if m]
if said != [fa]:
    fail(f"flash attention is {' and '.join(said) or 'not told'}, {fa} was asked for")
timings = [m.groups() for m in map(TIMING.fullmatch, text) if m]
lines = []
for phase, name, count in ASKED:
    found = [t for t in timings if t[0] == phase]
    if len(found) != 1:
        fail(f"expected one line of the {phase} time, found {len(found)}")
    total, runs, each = float(found[0][1]), int(found[0][2]), float(found[0][3])
    if runs != count:
        fail(f"the {phase} time is of {runs} runs, {count} were asked for")
    if not (math.isfinite(total) and total > 0 and abs(total / runs - each) < 0.011):
        fail(f"the {phase} time says {each} ms per run, {total} ms / {runs} runs says {total / runs:.4f}")
    lines.append(f"METRIC {name}_ms={total / runs:.6f}")
print("\n".join(lines))
PY
