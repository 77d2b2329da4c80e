#!/bin/bash
# Winners land one after the other, each measured on what landed before; a branch that somebody else moved is left alone; a veto counts
# until the branch has moved, and an engine that dies in that very moment is found out by the next.
# timeout: 300
# parallel
. tests/e2e/lib.sh

target
number 01 "Twenty" a 20
number 02 "Ten" b 10
run_auto || die "run: exit $?"
is "Twenty" landed keep
is "Ten" landed keep
rev() { sky show "$1" --json | grep -o '"rev":[0-9]*' | head -n 1 | cut -d: -f2; }
ten=$(titled Ten) twenty=$(titled Twenty)
case "$(rev "$ten") $(rev "$twenty")" in	# the one with more evidence lands first
"2 1") again=$ten low=7.5 high=9 ;;		# 130 against 120
"1 2") again=$twenty low=17.5 high=19 ;;	# 130 against 110
*) die "one of the two winners should be measured again, as its second revision" ;;
esac
change=$(sky results --json | tr '{' '\n' | grep "\"id\":\"$again\"" | grep -o '"change_percent":[0-9.]*' | cut -d: -f2)
awk -v c="$change" -v low=$low -v high=$high 'BEGIN { exit !(c > low && c < high) }' || bad "$again is $change %, not between $low and $high"
branch=$(sky status --json | sed -n 's/.*"branch":"\([^"]*\)".*/\1/p')
[ "$(cd "$T" && git rev-list --count HEAD.."$branch")" = 2 ] || bad "two commits should be on the branch"
[ "$(cd "$T" && git show "$branch:src/a.c" "$branch:src/b.c" | tr '\n' ' ')" = "a=20 b=10 " ] || bad "both changes should be on the branch"
journal_is_sound over

# by hand: the branch moves under a signature; put back, it is signed again
target
number 01 "Twenty" a 20
serve
wait_state p1 waiting
sky approve p1 >/dev/null || bad "approve"
wait_state p1 signing
branch=$(sky status --json | sed -n 's/.*"branch":"\([^"]*\)".*/\1/p')
(cd "$T" && git rev-parse "$branch" >"$work/head" && git commit-tree -p "$branch" -m other "$branch^{tree}" >"$work/other" && git update-ref "refs/heads/$branch" "$(cat "$work/other")")
sky sign p1 >/dev/null || bad "sign"
wait_for 'sky events | grep -q "landing_failed.*the branch moved"' "a moved branch is refused"
[ "$(state_of p1)" = signing ] || bad "p1 is $(state_of p1) after a refused landing"
[ "$(cd "$T" && git rev-parse "$branch")" = "$(cat "$work/other")" ] || bad "somebody else's commit was overwritten"
(cd "$T" && git update-ref "refs/heads/$branch" "$(cat "$work/head")")

# a veto while it is built once more
sed -i 's/^mkdir/sleep 1; mkdir/' "$T/build.sh"	# not the harness, but not in the commit either: nothing changes for the engine
sky sign p1 >/dev/null || bad "sign again"
sky veto p1 --reason "not after all" >/dev/null
case $(state_of p1) in
vetoed)	[ "$(cd "$T" && git rev-parse "$branch")" = "$(cat "$work/head")" ] || bad "vetoed, but on the branch" ;;
landed)	[ "$(cd "$T" && git rev-parse "$branch")" != "$(cat "$work/head")" ] || bad "landed, but not on the branch" ;;
*)	bad "after sign and veto p1 is $(state_of p1)" ;;
esac
(cd "$T" && git checkout -q build.sh)
sky stop >/dev/null || bad "stop"
serve_ends

# dies between the branch and the journal: the journal is put back to before `landed`, as if that had not been written
target
number 01 "Twenty" a 20
number 02 "Ten" b 10
number 03 "At the same place" a 15
serve
wait_state p3 waiting
sky approve p1 p2 p3 >/dev/null
wait_state p1 signing
wait_state p3 signing
wait_state p2 signing
sky pause >/dev/null
sky sign p1 >/dev/null || bad "sign while paused"
cp "$T"/.skydeck/sessions/*/journal.db* "$work/"
[ "$(state_of p1)" = signing ] || bad "it landed while paused"
sky resume >/dev/null
wait_state p1 landed
kill -KILL "$engine"
serve_ends
branch=$(sky status --json | sed -n 's/.*"branch":"\([^"]*\)".*/\1/p')
landed=$(cd "$T" && git rev-parse "$branch")
session=$(echo "$T"/.skydeck/sessions/*)
rm "$session"/journal.db*
cp "$work"/journal.db* "$session/"
serve
wait_state p1 landed	# what is on the branch
sky resume >/dev/null
[ "$(sky show p1 --json | grep -o '"landed":"[0-9a-f]*"')" = "\"landed\":\"$landed\"" ] || bad "it landed as another commit"
[ "$(cd "$T" && git rev-list --count HEAD.."$branch")" = 1 ] || bad "it landed twice"
wait_for '[ "$(state_of p2)" = signing ] && sky show p2 --json | grep -q "\"rev\":2"' "p2 is measured again on what landed"
wait_state p3 conflict
sky show p3 | grep -q '^=======' || bad "p3 does not show where it conflicts"
journal_is_sound
sky stop >/dev/null || bad "stop"
serve_ends
