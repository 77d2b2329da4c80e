#!/bin/bash
# A benchmark that becomes twice as fast is believed when its run became shorter too, although not all of a run is the benchmark. What is not
# believed in two rounds running would be suspect, not landed; one round may be lost to a machine that stood still.
. tests/e2e/lib.sh

target
(cd "$T" && echo slow=0.4 >src/slow.c && git add -A && git commit -q -m 'A run takes time') || die "cannot make the target"
patch 01 "Honest" 'echo b=100 >src/b.c; echo slow=0.24 >src/slow.c'
run_auto || die "run: exit $?"
is "Honest" landed keep
journal_is_sound over
exit 0
