#!/bin/bash
# A human who says anything at any moment: words fall at random while proposals are built, measured and landed. Each one is obeyed or
# refused, a veto stands, and the session still ends by itself.
# timeout: 300
# parallel
. tests/e2e/lib.sh
RANDOM=${SEED:=$RANDOM}
echo "SEED=$SEED"

target
(cd "$T" && sed -i 's/^	*mkdir/sleep 0.1; mkdir/' build.sh && echo 'slow=0.02' >>src/mode.c && git commit -q -a -m 'it takes a while')
for n in 1 2 3 4 5 6 7 8; do patch "0$n" "Number $n" "echo a=$((n * 4)) >src/x$n.c"; done	# none conflicts, the last file of all counts
"$SKYDECK" -C "$T" run --plain --autonomy auto >"$work/out" 2>"$work/run" &
engine=$!
wait_for 'sky status --json 2>/dev/null | grep -q "\"state\":\"running\""' 'the engine starts'
: >"$work/vetoed"
for _ in $(seq 40); do
	p=p$((RANDOM % 8 + 1))
	case $((RANDOM % 12)) in
	0)	sky veto $p --reason "at random" >/dev/null 2>&1 && echo $p >>"$work/vetoed" ;;
	1)	sky cancel $p ;;
	2)	sky revise $p --comment "at random" ;;
	3 | 4)	sky retry $p ;;
	5 | 6)	sky approve $p ;;
	7)	sky sign $p ;;
	8)	sky pause && sleep 0.1 && sky resume ;;
	9)	sky worker quarantine w1; sleep 0.05; sky worker release w1 ;;
	10)	sky autonomy manual && sleep 0.1 && sky autonomy auto ;;
	11)	n=${p#p}; sky propose --revises $p "$P/0$n.patch" ;;
	esac >/dev/null 2>&1
	sleep "0.$((RANDOM % 2))$((RANDOM % 10))"
	kill -0 "$engine" 2>/dev/null || break
done
sky worker release w1 >/dev/null 2>&1
sky autonomy auto >/dev/null 2>&1
sky resume >/dev/null 2>&1
wait_for '! kill -0 "$engine" 2>/dev/null' 'the session ends'
serve_ends || bad "run: exit $?: $(cat "$work/run")"
sky status --json | grep -q '"state":"ended"' || bad "the session has not ended"
for p in $(cat "$work/vetoed"); do
	[ "$(state_of "$p")" = vetoed ] || bad "$p was vetoed and is $(state_of "$p")"
done
journal_is_sound over
branch=$(sky status --json | sed -n 's/.*"branch":"\([^"]*\)".*/\1/p')
landed=$(sky status --json | grep -o '"landed":[0-9]*' | cut -d: -f2)
[ "$(cd "$T" && git rev-list --count HEAD.."$branch")" = "$landed" ] || bad "$landed landed, but $(cd "$T" && git rev-list --count HEAD.."$branch") commits are on the branch"
! sky status --json | grep -q '"\(queued\|running\)":[1-9]' || bad "something is still running in an ended session"
[ ! -e "$work/failed" ] || tail -n 60 "$work/out"
