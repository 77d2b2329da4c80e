#!/bin/sh
# Are the operations of a changed ggml still right? Run from the checkout's root. Exit 0 yes, 1 no, one sentence on stderr.
#
# From the environment, with defaults: GGML_OPS (the program), CHECK_OPS (operations, separated by commas), CHECK_CASES (regex
# of their cases; all of MUL_MAT take minutes), CHECK_CTEST (regex of the other tests), CHECK_TIMEOUT a step.
#
# test-backend-ops leaves the CPU out and exits 0 unless it is named with -b; it also exits 0 when no test matches, and so does
# ctest: both must have run something. Tried on recorded output of the real programs; ctest was made up.
set -u
program=${GGML_OPS:-build/bin/test-backend-ops}
ops=${CHECK_OPS:-MUL_MAT,RMS_NORM,SOFT_MAX}
cases=${CHECK_CASES:-'type_a=q4_0,type_b=f32,m=16,|ne=\['}
others=${CHECK_CTEST:-test-quantize-fns|test-mul-mat}
seconds=${CHECK_TIMEOUT:-300}

fail() {
	echo "autoresearch.checks.sh: $*" >&2
	exit 1
}

out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
timeout -k 5 "$seconds" "$program" test -b CPU -o "$ops" -p "$cases" >"$out" 2>&1
status=$?
passed=$(sed -n 's/^ *\([0-9]*\)\/[0-9]* tests passed.*/\1/p' "$out")
[ "$status" -eq 0 ] || fail "test-backend-ops ended with status $status: $(grep -m 1 FAIL "$out")"
[ "${passed:-0}" -gt 0 ] || fail "test-backend-ops ran no test of $ops"
echo "operations $ops passed=$passed"
timeout -k 5 "$seconds" ${CTEST:-ctest} --test-dir build --no-tests=error --output-on-failure -R "$others" >"$out" 2>&1
status=$?
[ "$status" -eq 0 ] || fail "ctest ended with status $status: $(grep -m 1 -i 'fail\|no tests' "$out")"
