#!/bin/bash
# The cockpit in a real terminal: start, sizes, Ctrl-Z and fg, pasted text, a lost engine and one that comes back, a terminal that goes
# away, terminals of other kinds.
# parallel
# timeout: 300
# needs: git
# needs: tmux
. tests/e2e/lib.sh

mux() { tmux -S "$work/tmux" -f /dev/null "$@"; }
screen() { mux capture-pane -p -t "${1:-shell}" 2>/dev/null; }
press() { mux send-keys -t shell "$@"; }
shows() { wait_for "screen | grep -q -e '$1'" "the screen shows $1: $(screen | tail -n 3)"; }
cockpits() { pgrep -f "^$SKYDECK -C $T attach" | tr '\n' ' '; }
done_with_tmux() {
	code=$?
	mux kill-server 2>/dev/null
	(exit $code)
	finish
}
trap done_with_tmux EXIT

target
number 1-fast 'The first number is raised' a 30
number 2-slow 'The first number is lowered' a -5
serve
wait_for '[ "$(sky proposals --json | grep -o "\"state\":\"waiting\"" | wc -l)" = 2 ]' 'two proposals wait'
echo "PS1='ready> '" >"$work/rc"
mux new-session -d -s shell -x 120 -y 34 "bash --rcfile $work/rc -i" || die 'no tmux'
shows 'ready>'

# It starts, and stands on every size, also when sizes come faster than it can draw.
press "$SKYDECK -C $T attach" Enter
shows '1 Reading list'
shows '! 2 wait'
mux resize-window -t shell -x 20 -y 5
wait_for '[ "$(screen | grep -c .)" = 1 ]' 'one line in a tiny terminal'
shows '^skydeck needs 40x12$'
for i in $(seq 40); do mux resize-window -t shell -x $((40 + i * 2)) -y $((12 + i % 20)); done
mux resize-window -t shell -x 40 -y 12
press 3
shows '^─3 Metrics'
mux resize-window -t shell -x 120 -y 34
shows '^─1 Reading list.*─┬─2 Grid'
[ "$(screen | wc -l)" = 34 ] || bad 'not 34 lines'

# While everything waits for the human nothing wakes it but the clock: a minute's turn at most.
wait_for 'screen | grep -q "noise .* %"' 'the worker is admitted'
switches() { grep -h '^voluntary_ctxt' "/proc/$1/status" | tr -dc 0-9; }
read -r pid _ <<<"$(cockpits)"
rests() {
	local before
	before=$(switches "$pid")
	sleep 2
	[ $(($(switches "$pid") - before)) -le 2 ]
}
wait_for rests 'two seconds in which it does not wake'

# Pasted text, and keys that come together, are no word.
press 4
shows '4 Review ─ p1'
shows '+a=30'
sleep 0.6
printf 'a' | mux load-buffer -
mux paste-buffer -p -t shell
shows 'pasted text goes into a line'
sleep 0.6
press -l 'aa'
shows 'press it alone'
! sky events --json | grep -q '"kind":"approved"' || bad 'it was approved'

# Ctrl-Z gives the shell back, fg the cockpit.
press C-z
shows 'Stopped'
press fg Enter
shows '4 Review ─ p1'
wait_for '! screen | grep -q Stopped' 'nothing of the shell shines through'

# A lost engine is told, and the last state stays; when it is back the human's word counts again.
kill -KILL "$engine"
wait "$engine" 2>/dev/null
shows 'the engine is gone'
shows 'stopped'
shows '4 Review ─ p1'
press : 'approve p1' Enter
shows 'no engine runs'
serve
shows 'the engine is there again'
counts() {	# too soon after the screen has changed it does not
	press a
	sleep 0.6
	sky events --json | grep -q '"kind":"approved".*"proposal":"p1"'
}
wait_for counts 'p1 is approved'

# The terminal goes away: the cockpit leaves, the engine stays.
[ -n "$(cockpits)" ] || bad 'there is no cockpit to leave'
mux kill-session -t shell
wait_for '[ -z "$(cockpits)" ]' 'the cockpit leaves with its terminal'
kill -0 "$engine" || bad 'the engine left too'

# Other terminals: an unknown one is taken for a plain one, one that cannot move its cursor is refused, and so is none.
mux new-session -d -s shell -x 80 -y 24 "bash --rcfile $work/rc -i"
shows 'ready>'
press "TERM=nosuch NO_COLOR=1 $SKYDECK -C $T attach" Enter
shows '^─1 Reading list'
press q
shows 'ready>'
press "clear; TERM=dumb $SKYDECK -C $T attach; echo exit \$?" Enter
shows 'TERM=dumb cannot move its cursor'
shows '^exit 1'
press "clear; $SKYDECK -C $T attach </dev/null | cat; echo exit \${PIPESTATUS[0]}" Enter
shows '^exit 1'
sky stop --now >/dev/null || bad 'stop fails'
serve_ends || bad "the engine exits with $?"

# run opens a cockpit, too, and says what came of it when that is gone.
press "clear; $SKYDECK -C $T run; echo exit \$?" Enter
shows '^─1 Reading list'
press q
shows 'goes on: skydeck shows it'
shows '^exit 0'
sky stop --now >/dev/null || bad 'the session of run cannot be stopped'
press "clear; $SKYDECK -C $T run; echo exit \$?" Enter
shows '^─1 Reading list'
sky stop --now >/dev/null || bad 'the next session cannot be stopped'
shows ' ended: stopped by'
shows '^base'
shows '^exit 0'
