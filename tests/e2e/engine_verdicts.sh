#!/bin/bash
# A session under auto from beginning to end with one patch for each thing that can come of one; and what is the user's stays as it was.
# timeout: 180
# parallel
. tests/e2e/lib.sh

target '[target]' '	measuretimeout = 5'
number 01 "A win" a 20
number 02 "A loss" a -20
patch 03 "Other words" 'echo "// other words" >>src/a.c'
patch 04 "Other notes" 'echo "more" >>notes.txt'
mode 05 "Does not build" broken
mode 06 "Crashes" crash
mode 07 "Is wrong" wrong
mode 08 "Hangs" hang
mode 09 "Prints nothing" silent
mode 10 "Prints NaN" nan
mode 11 "Prints 10 MB without a newline" flood
mode 12 "Fails" fail
patch 13 "Implausible" 'echo b=900 >src/b.c; echo slow=0.3 >src/slow.c'	# ten times as fast, in a run that takes longer
sed 's/^-a=0/-a=7/' "$P/01.patch" >"$P/14.patch"
patch 15 "Edits the benchmark" 'echo "echo METRIC tps=1000" >autoresearch.sh'
before=$(users_own)
run_auto || die "run: exit $?"

is "A win" landed keep
is "A loss" done reject
is "Other words" done same
is "Does not build" done build-failed
is "Crashes" done crash
is "Is wrong" done checks-failed
is "Hangs" done timeout
is "Prints nothing" done crash
is "Prints NaN" done crash
is "Prints 10 MB without a newline" done crash
is "Fails" done crash
is "Implausible" done suspect
is "Edits the benchmark" stopped null
[ "$(state_of p14)" = conflict ] || bad "p14 is $(state_of p14), not conflict"
sky show p14 | grep -q '^.*-a=7' || bad "the hunk that failed is not shown"
# the same artefact, but of a change to what is not compiled: it was measured, and nothing was seen
notes=$(titled "Other notes")
case $(verdict_of "$notes") in reject | park | small) ;; *) bad "Other notes: $(verdict_of "$notes")" ;; esac
sky events --json | grep -q "\"kind\":\"run_started\".*\"arm\":\"$(titled "Other words")\".*\"step\":\"measure\"" && bad "same was measured"
sky events --json | grep -q "\"kind\":\"run_started\".*\"arm\":\"$(titled "Edits the benchmark")\"" && bad "what the guard stopped was run"
[ "$before" = "$(users_own)" ] || bad "the user's tree, index or branch changed"
journal_is_sound over

branch=$(sky status --json | sed -n 's/.*"branch":"\([^"]*\)".*/\1/p')
(cd "$T" && git log -1 --format=%B "$branch") >"$work/message"
for trailer in 'Skydeck-Proposal: p[0-9]* rev [0-9]' 'Skydeck-Change: tps +[12][0-9.]* % \[' 'Skydeck-Evidence: [0-9.]* of 400, [0-9]* pairs' 'Skydeck-Workers: w1' \
	'Skydeck-Session: ' 'Reviewed-by: '; do
	grep -q "^$trailer" "$work/message" || bad "no trailer $trailer: $(cat "$work/message")"
done
[ "$(cd "$T" && git rev-list --count HEAD.."$branch")" = 1 ] || bad "one commit should be on $branch"
[ "$(cd "$T" && git show "$branch:src/a.c")" = "a=20" ] || bad "what landed is not the patch"
# a log of 10 MB without a newline is one line, and bounded where it is read
run=$(sky show "$(titled "Prints 10 MB without a newline")" --json | grep -o '"run":"r[0-9]*"' | head -n 1 | cut -d'"' -f4)
[ -z "$run" ] || [ "$(sky log "$run" -n 5 | wc -c)" -lt 11000000 ] || bad "the log of $run is not bounded"
# another session begins where the user's branch stands, beside the ended one
run_auto --experiments 1 || die "second run: exit $?"
sky status --json | grep -q '"session":"[^"]*-2"' || bad "the second session has no name of its own"
[ "$(sky events --json | grep -c '"kind":"verdict"')" = 1 ] || bad "one experiment was asked for"
[ "$(sky status --json | grep -o '"landed":[0-9]*')" = '"landed":1' ] || bad "the winner of the last experiment did not land"
