#!/bin/sh
# Runs the benchmark once and prints METRIC name=value lines; exit 0 means that they count. What it needs is built before
# (target.build). Half a second is a good length: skydeck runs it many times, beside the unchanged code.
#
# Two settings: the command, and a basic regular expression (sed) whose group is the number in the one line that holds it.
# Refused, with one sentence on stderr and no METRIC: a command that fails or takes too long, no such line, two, no finite
# number above 0. A benchmark that prints METRIC lines by itself needs none of this: exec it.
set -u
bench=${BENCH:-}			# 'build/bench --quick'
line=${BENCH_LINE:-}			# '^speed: *\([^ ]*\) op/s'
metric=${BENCH_METRIC:-ops_per_second}	# as target.metric says

fail() {
	echo "autoresearch.sh: $*" >&2
	exit 1
}

[ -n "$bench" ] || fail "put your benchmark here: the command into bench=, the line that holds its number into line="
[ -n "$line" ] || fail "say in line= which line of the benchmark holds its number"
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
timeout -k 5 "${BENCH_TIMEOUT:-60}" sh -c "$bench" >"$out"
status=$?
[ "$status" -ne 124 ] || fail "the benchmark did not end within ${BENCH_TIMEOUT:-60} s"
[ "$status" -eq 0 ] || fail "the benchmark ended with status $status"

d=$(printf '\001')	# ends the parts of sed's command: your expression may hold any letter
values=$(sed -n "s$d$line$d\\
METRIC \\1\\
$d;s/.*\\n\\(METRIC [^\\n]*\\)\\n.*/\\1/p" "$out" 2>/dev/null) || fail "line= is no basic regular expression with a group: $line"
count=$(printf '%s' "$values" | grep -c '^METRIC ')
[ "$count" -eq 1 ] || fail "expected one line that matches $line, found $count"
value=${values#METRIC }
printf '%s\n' "$value" | grep -Eqx '([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,2})?' || fail "the benchmark's number is none: $value"
awk -v v="$value" 'BEGIN { exit !(v + 0 > 0) }' || fail "the benchmark's number must be above 0: $value"
echo "METRIC $metric=$value"
