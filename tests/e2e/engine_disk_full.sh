#!/bin/bash
# A full disk: what cannot be written is refused with the reason and is not shown as done; the session pauses, and goes on when there is
# space again. On a small file system of its own.
# parallel
. tests/e2e/lib.sh

mkdir "$work/small"
[ "$(id -u)" = 0 ] && mount -t tmpfs -o size=6m tmpfs "$work/small" 2>/dev/null || { echo "a small file system cannot be mounted here"; exit 77; }
trap 'umount -l "$work/small"; finish' EXIT
T=$work/small/target
target
number 01 "Win" a 20
patch 02 "Loss" 'echo a=-20 >src/a.c; echo slow=0.2 >src/slow.c'	# it runs for a while: the disk gets full meanwhile
serve
wait_state p2 waiting
wait_for 'sky workers --json | grep -q "\"state\":\"ready\""' 'the worker is ready'
before=$(users_own)
fill() { head -c 20000000 /dev/zero >>"$work/small/filler" 2>/dev/null; }
fill
for n in $(seq 60); do		# the journal has some room left in its own file
	sky steer "words to fill what is left of the journal, $(seq -s ' ' 600)" >"$work/said" 2>"$work/wrong" || break
	said=$n
	fill
done
[ "$(sky events --json | grep -c '"kind":"steered"')" = "${said:-0}" ] || bad "of ${said:-0} messages that were taken not all are on disk"
grep -q 'disk is full' "$work/wrong" || die "no refusal that names the full disk: $(cat "$work/wrong")"
fill
exits 1 sky approve p1
says 'nothing can be decided now.*disk is full'
[ "$(state_of p1)" = waiting ] || bad "p1 is $(state_of p1) though that was refused"
count=$(sky events --json | wc -l)
sleep 6		# it tries again meanwhile
kill -0 "$engine" 2>/dev/null || die "the engine died of a full disk"
[ "$(sky events --json | wc -l)" = "$count" ] || bad "events came from somewhere"
rm "$work/small/filler"
wait_for 'sky status --json | grep -q "\"state\":\"paused\""' 'it pauses once it can say so'
sky events --json | grep -q '"kind":"paused".*disk is full' || bad "it does not say why it paused"
exits 0 sky approve p1 p2
exits 0 sky resume
wait_state p1 signing
wait_state p2 done
journal_is_sound

# full while it measures: every commit of the journal may fail
sky retry p2 >/dev/null || bad retry
wait_state p2 running
fill
wait_for 'sky approve p9 2>&1 | grep -q "nothing can be decided" || [ "$(state_of p2)" = done ] || sky status --json | grep -q paused' 'it notices'
rm "$work/small/filler"
wait_for 'sky status --json | grep -q "\"state\":\"paused\"" && sky resume >/dev/null; [ "$(state_of p2)" = done ]' 'p2 is measured all the same'
journal_is_sound
[ "$before" = "$(users_own)" ] || bad "the user's tree changed"
exits 0 sky sign p1
wait_state p1 landed
exits 0 sky stop
serve_ends || bad "serve: exit $?"
