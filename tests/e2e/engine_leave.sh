#!/bin/bash
# SIGTERM ends the engine, not the session; a second engine is refused; what cannot run says so and is taken up later.
# timeout: 300
# parallel
. tests/e2e/lib.sh

target
patch 01 "Win" 'echo a=20 >src/a.c; echo slow=0.4 >src/slow.c'	# it is still measured when it is interrupted
"$SKYDECK" -C "$T" run --plain --autonomy auto >"$work/out" 2>&1 &
engine=$!
wait_for 'sky events 2>/dev/null | grep -q "evidence"' "a round"
exits 4 sky serve
says "already runs"
exits 4 sky serve --new
kill -TERM "$engine"
serve_ends || bad "SIGTERM: exit $?"
sky status --json | grep -q '"state":"stopped"' || bad "the session is not open without an engine"
exits 4 sky serve --new
[ -z "$(find "$T/.skydeck" -name engine)" ] || bad "the note of the engine is left"
run_auto || bad "the session is taken up: exit $?"
grep -q 'goes on; proposals: 1, waiting for you: [01] ' "$work/out" || bad "it does not say that it is taken up: $(head -n 3 "$work/out")"
is "Win" landed keep
journal_is_sound over

# the baseline's failures end a run with 1 and a sentence, soon
for how in "mode=crash:cannot be measured" "mode=silent:no METRIC" "mode=nan:not finite" "mode=wrong:does not pass its checks" "mode=broken:does not build" \
	"mode=hang:timed out" "mode=flood:no METRIC"; do
	target '[target]' "	measuretimeout = $([ "${how%%:*}" = mode=hang ] && echo 2 || echo 10)"
	(cd "$T" && echo "${how%%:*}" >src/mode.c && git commit -q -a -m bad)
	number 01 "Win" a 20
	timeout 120 "$SKYDECK" -C "$T" run --plain --autonomy auto >"$work/said" 2>"$work/wrong"
	[ $? = 1 ] || bad "${how%%:*}: not exit 1"
	[ "$(wc -l <"$work/wrong")" = 1 ] || bad "${how%%:*}: not one line: $(cat "$work/wrong")"
	grep -q "${how#*:}.*: mend it, commit, then skydeck run$" "$work/wrong" || bad "${how%%:*}: does not say \"${how#*:}\" and what to do: $(cat "$work/wrong")"
done

# a serving engine pauses instead, and goes on when that was mended: here what it wrote its logs into
target
number 01 "Win" a 20
serve
wait_state p1 waiting
sky pause >/dev/null
sky approve p1 >/dev/null
logs=$(echo "$T"/.skydeck/sessions/*/logs)
rm -rf "$logs"; : >"$logs"		# no folder: no log can be written
sky resume >/dev/null
wait_for 'sky status --json | grep -q "\"state\":\"paused\""' "a session that cannot run pauses"
sky events --json | grep -q '"kind":"paused".*could not be executed' || die "it does not say why it paused"
[ "$(sky events --json | wc -l)" -lt 300 ] || bad "it tried again and again"
rm "$logs"; mkdir "$logs"
sky resume >/dev/null
wait_state p1 signing
# the trees are made anew where somebody removed them
sky stop >/dev/null || bad "stop"
serve_ends
