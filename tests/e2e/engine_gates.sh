#!/bin/bash
# The human's gates: nothing runs without an approval, a guard's stop needs a waiver, changes can be asked for, a veto stands at every
# state, retry and cancel go back where they came from, and a signature is needed before anything is committed.
# timeout: 180
# parallel
. tests/e2e/lib.sh

target '[target]' '	scope = src/*' '	scope = notes.txt' '	maxlines = 20'
number 01 "Win" a 20
patch 02 "Other win" 'echo b=20 >src/b.c; echo slow=0.4 >src/slow.c'	# it runs for a while: it is vetoed meanwhile
patch 03 "Outside" 'echo x >other.txt'
patch 04 "Benchmark" 'echo "echo METRIC tps=1000" >autoresearch.sh'
patch 05 "Long" 'seq 30 | sed "s/^/#/" >>src/b.c'
patch 06 "Binary" 'printf "a\000b" >src/blob.c'
patch 07 "Link" 'ln -s ../../../etc/passwd src/link.c'
patch 08 "Mode" 'chmod +x src/a.c'
patch 09 "Config" 'mkdir -p .skydeck && echo x >.skydeck/x && git add -f .skydeck/x'
before=$(users_own)
serve
wait_for '[ "$(sky proposals --json | grep -o "\"id\"" | wc -l)" = 9 ]' 'nine proposals'
for id in "Outside:outside of target.scope" "Benchmark:belongs to the harness" "Long:more than 20" "Binary:is binary" "Link:leaves the tree" \
	"Mode:changes its mode" "Config:belongs to the harness"; do
	p=$(titled "${id%%:*}")
	wait_state "$p" stopped
	sky show "$p" --json | grep -q "\"guard\":{\"ok\":false,\"reasons\":\[[^]]*${id#*:}" || bad "$p does not say \"${id#*:}\": $(sky show "$p" --json | grep -o '"guard":{[^}]*}')"
	exits 4 sky approve "$p"
	says waive
done
wait_for 'sky workers --json | grep -q "\"state\":\"ready\""' 'the worker is ready'
sky events --json | grep -q '"arm":"p' && bad "something ran before its approval"

# stopped, cancelled and tried again: still stopped
long=$(titled Long)
sky cancel "$long" >/dev/null && sky retry "$long" >/dev/null || bad "cancel and retry of $long"
[ "$(state_of "$long")" = stopped ] || bad "retry went past the guard: $long is $(state_of "$long")"
exits 2 sky waive "$long"
exits 4 sky waive "$long" --reason "seen it" --rev 2
says 'revision 1 now, not 2'
exits 0 sky waive "$long" --reason "seen it" --rev 1
exits 4 sky approve "$long" --rev 2
exits 2 sky approve "$long" p1 --rev 1
exits 2 sky veto "$long" --reason x --rev 1
[ "$(state_of "$long")" = waiting ] || bad "a waived proposal is $(state_of "$long")"
exits 2 sky veto "$long"
exits 0 sky veto "$long" --reason "but no"
[ "$(state_of "$long")" = vetoed ] || bad "vetoed: $(state_of "$long")"
exits 4 sky approve "$long"
exits 4 sky veto "$long" --reason again
exits 4 sky sign p1
exits 1 sky approve p99
exits 4 sky propose --revises "$long" "$P/01.patch"

# changes asked for; the changed file is the next revision
exits 0 sky revise p1 --comment "make it 25"
[ "$(state_of p1)" = revising ] || bad "revising: $(state_of p1)"
number 01 "Win" a 25
wait_state p1 waiting
[ "$(sky show p1 --json | grep -o '"rev":[0-9]*' | head -n 1)" = '"rev":2' ] || bad "no second revision"
sky diff p1 --from 1 | grep -q '^+a=25' || bad "no interdiff"

# pause holds; a veto while it is measured takes it out, the other goes on
sky pause >/dev/null
exits 0 sky approve p1 p2 p2
sleep 2
sky events --json | grep -q '"kind":"wave_started"' && bad "a wave began while paused"
exits 4 sky propose --revises p1 "$P/02.patch"
sky resume >/dev/null
wait_state p2 running
exits 0 sky veto p2 --reason "changed my mind"
wait_state p1 signing
[ "$(state_of p2) $(verdict_of p2)" = "vetoed null" ] || bad "p2 is $(state_of p2), $(verdict_of p2)"
sky events --json | sed '1,/"kind":"vetoed".*"proposal":"p2"/d' | grep -q '"kind":"evidence".*"proposal":"p2"' && bad "p2 was judged after its veto"
exits 4 sky cancel p2
branch=$(sky status --json | sed -n 's/.*"branch":"\([^"]*\)".*/\1/p')
[ "$(cd "$T" && git rev-list --count HEAD.."$branch")" = 0 ] || bad "it was committed without a signature"
exits 4 sky sign p1 --rev 1
exits 0 sky sign p1 --rev 2
wait_state p1 landed
[ "$(cd "$T" && git rev-list --count HEAD.."$branch")" = 1 ] || bad "not on the branch"
(cd "$T" && git log -1 --format=%B "$branch") | grep -q '^Reviewed-by: ' || bad "no reviewer"
exits 4 sky veto p1 --reason late

# a commit is proposed, too; a patch that does not apply is shown with its hunk
(cd "$T" && git checkout -q -b mine && echo b=30 >src/b.c && git commit -q -a -m "By hand" && git checkout -q main)
exits 0 sky propose --commit mine
mine=$(titled "By hand")
[ "$(state_of "$mine")" = waiting ] || bad "a proposed commit is $(state_of "$mine")"
exits 1 sky propose --commit nothing
sed 's/^-b=0/-b=7/' "$P/02.patch" >"$work/conflict.patch"
exits 0 sky propose "$work/conflict.patch"
says conflict
says '^-b=7'
tr -d '\r' <"$P/02.patch" | sed 's/$/\r/' >"$work/crlf.patch"
exits 0 sky propose "$work/crlf.patch"
sed 's:src/b.c:../b.c:g' "$P/02.patch" >"$work/outside.patch"
exits 0 sky propose "$work/outside.patch"
says conflict
sed 's:src/b.c:src/none.c:g' "$P/02.patch" >"$work/none.patch"
exits 0 sky propose "$work/none.patch"
says conflict
exits 1 sky propose "$work"
(cd "$T" && git branch -q -D mine)
[ "$before" = "$(users_own)" ] || bad "the user's tree, index or branch changed"
journal_is_sound
exits 0 sky stop
serve_ends || bad "serve: exit $?"
sky status --json | grep -q '"state":"ended"' || bad "the session has not ended"
exits 3 sky approve "$mine"
