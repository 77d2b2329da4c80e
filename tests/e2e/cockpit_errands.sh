#!/bin/bash
# Programs that get the terminal from the cockpit and give it back: a pager and ssh, under a shell with job control; a log that is saved
# to a file.
# parallel
# timeout: 240
# needs: git
# needs: tmux
. tests/e2e/lib.sh

mux() { tmux -S "$work/tmux" -f /dev/null "$@"; }
screen() { mux capture-pane -p -t shell 2>/dev/null; }
press() { mux send-keys -t shell "$@"; }
shows() { wait_for "screen | grep -q -e '$1'" "the screen shows $1: $(screen | tail -n 5)"; }
done_with_tmux() {
	code=$?
	mux kill-server 2>/dev/null
	(exit $code)
	finish
}
trap done_with_tmux EXIT

# The pager keeps what it gets, and waits for Enter.
mkdir "$work/bin"
cat >"$work/bin/page" <<'END'
#!/bin/sh
echo >>"$0.times"
cat >"$0.got"
echo "the pager has it: $(grep -c "" "$0.times")"
read -r line </dev/tty
END
chmod +x "$work/bin/page"

target
serve
wait_for 'sky workers | grep -q ready' 'the worker is admitted'
echo "PS1='ready> '; PAGER='$work/bin/page'; export PAGER" >"$work/rc"
mux new-session -d -s shell -x 120 -y 34 "bash --rcfile $work/rc -i" || die 'no tmux'
shows 'ready>'
press "$SKYDECK -C $T attach" Enter
shows '2 Grid'

# From the grid: the log of what ran last. Ctrl-Z in it would leave nobody at the terminal; Ctrl-C is its own.
press 2
sleep 0.3
press '|'
shows 'the pager has it: 1'
press C-z
sleep 0.5
press x Enter
shows '2 Grid'
wait_for '! screen | grep -q "the pager has it"' 'nothing of the pager shines through'
press '|'
shows 'the pager has it: 2'
press C-c
shows '2 Grid'
run=$(sky events --json | grep '"kind":"run_started"' | tail -n 1 | sed 's/.*"run":"\(r[0-9]*\)".*/\1/')
sky log "$run" >"$work/log"
cmp -s "$work/log" "$work/bin/page.got" || bad "the pager got another log than $run's: $(head -n 3 "$work/bin/page.got")"
press s
shows 'w1 is this machine'

# The log pane saves to a file, and writes nothing over.
press Enter
shows "Log ─.*$run"
press s
shows "save the log of $run to:"
press C-u
press -l "$work/saved.log"
press Enter
shows "saved to $work/saved.log"
cmp -s "$work/log" "$work/saved.log" || bad 'another log was saved'
press s
press C-u
press -l "$work/saved.log"
press Enter
shows 'there is a file of that name already'

# After all that the keys are the cockpit's, and the shell's after it.
press q
wait_for '! screen | grep -q "Log ─"' 'the log is closed'
press q
shows 'ready> *$'
press 'echo still here' Enter
shows '^still here'
sky stop --now >/dev/null || bad 'stop fails'
serve_ends || bad "the engine exits with $?"
