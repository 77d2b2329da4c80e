#!/bin/bash
# kill -9 of the engine at random moments of a session: nothing starts twice, no decision is lost, and the session ends as it would have.
# timeout: 300
# parallel
. tests/e2e/lib.sh
RANDOM=${SEED:=$RANDOM}
echo "SEED=$SEED"

one_session() {
	target
	rm -f "$work/earlier"
	(cd "$T" && echo 'slow=0.02' >>src/mode.c && git commit -q -a -m slower)
	number 01 "Win" a 20
	number 02 "Loss" a -20
	patch 03 "Same" 'echo "// words" >>src/a.c'
	mode 04 "Crash" crash
	number 05 "Other win" b 15
	for _ in $(seq 80); do
		"$SKYDECK" -C "$T" run --plain --autonomy auto >>"$work/out" 2>&1 &
		engine=$!
		sleep "0.$((RANDOM % 9))$((RANDOM % 10))"
		if [ $kills -lt 16 ] && kill -KILL "$engine" 2>/dev/null; then
			kills=$((kills + 1))
			serve_ends
			if sky status --json >"$work/status" 2>/dev/null; then
				journal_is_sound
				grep -q '"state":"ended"' "$work/status" && break
				[ $((kills % 5)) != 0 ] || cp "$work/events" "$work/earlier"
			fi
		else
			serve_ends || die "the last run: exit $?"
			break
		fi
		[ ! -e "$work/failed" ] || die "after $kills kills"
	done
	sky status --json | grep -q '"state":"ended"' || die "the session has not ended after $kills kills"
	journal_is_sound over
	if [ -e "$work/earlier" ]; then
		head -n "$(wc -l <"$work/earlier")" "$work/events" | cmp -s - "$work/earlier" || bad "what was on disk changed"
	fi
	is "Win" landed keep
	is "Loss" done reject
	is "Same" done same
	is "Other win" landed keep
	[ "$(sky proposals --json | grep -o '"id"' | wc -l)" = 5 ] || bad "a patch was proposed twice, or not at all"
	branch=$(sky status --json | sed -n 's/.*"branch":"\([^"]*\)".*/\1/p')
	[ "$(cd "$T" && git rev-list --count HEAD.."$branch")" = 2 ] || bad "two commits should be on the branch"
}

kills=0
while [ $kills -lt 15 ]; do one_session; done

# a word that was answered is on disk, whatever happens the next instant
target
number 01 "Win" a 20
number 02 "Loss" a -20
serve
wait_state p2 waiting
for word in "pause:paused" "revise p2 --comment again:revising" "veto p2 --reason no:vetoed" "approve p1:approved" "cancel p1:cancelled" "retry p1:approved"; do
	sky ${word%:*} >/dev/null || bad "${word%:*}"
	kill -KILL "$engine"
	serve_ends
	serve
	p=$(echo "$word" | grep -o 'p[12]')
	if [ -n "$p" ]; then
		[ "$(state_of "$p")" = "${word#*:}" ] || bad "after ${word%:*} and a kill $p is $(state_of "$p")"
	fi
	sky status --json | grep -q '"state":"paused"' || bad "the pause was lost"
done
sky resume >/dev/null
wait_state p1 signing
journal_is_sound
sky stop >/dev/null || bad "stop"
serve_ends

# a sandbox that a killed engine left behind is ended by the next engine, and nothing else that names the session is
bwrap --unshare-pid --die-with-parent --ro-bind / / --dev /dev --bind "$T/.skydeck/sessions/" "$T/.skydeck/sessions/" sleep 300 &
stray=$!
tail -f "$T/.skydeck/sessions/"*/journal.db >/dev/null 2>&1 &
reader=$!
wait_for 'grep -q bwrap "/proc/$stray/cmdline"' 'the stray sandbox is there'
serve
wait_for '! kill -0 "$stray" 2>/dev/null' 'the stray sandbox is ended'
kill -0 "$reader" 2>/dev/null || bad "a process of the user was killed"
kill "$reader" "$stray" 2>/dev/null
wait_for 'sky stop >/dev/null 2>&1' 'the engine stops'
serve_ends
exit 0
