#!/bin/bash
# The disk is full in the middle of a turn: its model, its patch's review and the source that it reads are let go as a crash would, nothing
# is asked of the model meanwhile, and with space again, and a human's word, the turn is told once more. On a small file system of its own.
# needs: python3
# parallel
# timeout: 240
. tests/e2e/lib.sh

mkdir "$work/small"
[ "$(id -u)" = 0 ] && mount -t tmpfs -o size=6m tmpfs "$work/small" 2>/dev/null || { echo "a small file system cannot be mounted here"; exit 77; }
unmount() { local code=$?; umount -l "$work/small"; return $code; }
trap 'unmount; finish' EXIT
T=$work/small/target
cat >"$work/note.md" <<'END'
Title: A note

Larger numbers make the total larger.
END
cat >"$work/script.json" <<'END'
{"replies": [
  {"when": "steers: begin", "text": "I propose and read.", "calls": [
     {"name": "propose_patch", "arguments": {"title": "Larger",
       "diff": "diff --git a/src/a.c b/src/a.c\n--- a/src/a.c\n+++ b/src/a.c\n@@ -1,2 +1,2 @@\n // the first number\n-a=0\n+a=20\n"}},
     {"name": "read_source", "arguments": {"source": "s1"}}]},
  {"when": "steers: begin", "keep": true, "text": "I was told again."}],
 "questions": [{"when": "# The patch", "hang": true}, {"when": "Larger numbers", "hang": true}, {"keep": true, "hang": true}],
 "otherwise": "nothing more to do"}
END
scripted_model
target '[agent "claude"]' '	kind = api' "	url = $url" '	model = claude-opus-5-5' '	keyenv = TEST_KEY' '[session]' '	agent = claude'
export TEST_KEY=k
serve
wait_for 'sky events --json | grep -q "its last turns brought nothing"' 'the agent has nothing more'
exits 0 sky source add "$work/note.md"
exits 0 sky steer begin
wait_for '[ "$(grep -c "\"list\": \"questions\"" "$work/requests")" = 2 ]' 'a review and a reading are under way'

fill() { head -c 20000000 /dev/zero >>"$work/small/filler" 2>/dev/null; }
fill
for n in $(seq 60); do
	sky steer "words to fill what is left of the journal, $(seq -s ' ' 600)" >"$work/said" 2>"$work/wrong" || break
	fill
done
grep -q 'disk is full' "$work/wrong" || die "no refusal that names the full disk: $(cat "$work/wrong")"
asked=$(wc -l <"$work/requests")
sleep 6
kill -0 "$engine" 2>/dev/null || die "the engine died of a full disk"
[ "$(wc -l <"$work/requests")" = "$asked" ] || bad "the model was asked although nothing can be recorded"
rm "$work/small/filler"
wait_for 'sky status --json | grep -q "\"state\":\"paused\""' 'it pauses once it can say so'
[ "$(wc -l <"$work/requests")" = "$asked" ] || bad "the model was asked in a session that is paused"
exits 0 sky resume
wait_for 'grep -q "I was told again" "$T"/.skydeck/sessions/*/logs/t*.log' 'the turn is told again'
sky events --json >"$work/events"
grep -q '"kind":"turn_ended".*"status":"lost"' "$work/events" || bad "the turn was not closed"
[ "$(grep -c '"title":"Larger".*"kind":"proposal_submitted"\|"kind":"proposal_submitted".*"title":"Larger"' "$work/events")" -le 1 ] || bad "proposed twice"
journal_is_sound
exits 0 sky stop
serve_ends || bad "serve: exit $?"
exit 0
