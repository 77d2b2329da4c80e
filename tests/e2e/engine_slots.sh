#!/bin/bash
# Two slots: phase 2 is measured on the other one, both are admitted, and what runs side by side is told apart.
# parallel
. tests/e2e/lib.sh

[ "$(nproc)" -ge 2 ] || { echo "this machine has one CPU"; exit 77; }
target '[runner "local"]' '	slots = 2' "	cpus = $(taskset -cp $$ 2>/dev/null | sed 's/.*: *//' | grep . || echo 0-1)"
number 01 "Win" a 20
number 02 "Loss" a -20
number 03 "Other win" b 10
run_auto || die "run: exit $?"
is "Win" landed keep
is "Loss" done reject
is "Other win" landed keep
journal_is_sound over
sky results --json | tr '{' '\n' | grep '"title":"Win"' | grep -q '"workers":\["w[12]","w[12]"\]' || bad "one worker measured both phases"
sky events --json | grep -q 'NOT_POSITIVE\|not above 0' && bad "values were lost"
for w in w1 w2; do
	[ "$(sky events --json | grep -c "\"kind\":\"admission_pair\".*\"worker\":\"$w\"")" -ge 4 ] || bad "$w was not admitted"
done
