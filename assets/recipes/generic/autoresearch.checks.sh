#!/bin/sh
# Exit 0 when the result is correct: the tests that a faster but wrong program must fail. Set tests=, or leave it to what is
# found: CTest in build/, else make's check or test. A suite that ran no test is no success.
set -u
tests=${CHECK:-}			# 'make test'

fail() {
	echo "autoresearch.checks.sh: $*" >&2
	exit 1
}

if [ -z "$tests" ] && [ -f build/CTestTestfile.cmake ]; then
	tests='ctest --test-dir build --no-tests=error --output-on-failure'
elif [ -z "$tests" ]; then
	for target in check test; do
		[ -n "$tests" ] || ! grep -qs "^$target:" GNUmakefile makefile Makefile || tests="make $target"
	done
fi
[ -n "$tests" ] || fail "put your tests here: the command into tests="
timeout -k 5 "${CHECK_TIMEOUT:-300}" sh -c "$tests"
status=$?
[ "$status" -eq 0 ] || fail "the tests ended with status $status"
