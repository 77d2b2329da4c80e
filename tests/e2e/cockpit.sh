#!/bin/bash
# The cockpit by script, against a real engine: the human's word by keys and what the journal says of it, what may not spend it, sizes,
# observers, the palette, and what a failed script says.
# parallel
# timeout: 240
# needs: git
. tests/e2e/lib.sh

# cockpit [ARGUMENT...]: runs the script on stdin; its messages are in $work/wrong
cockpit() {
	cat >"$work/script"
	"$SKYDECK" -C "$T" --script "$work/script" "$@" >"$work/said" 2>"$work/wrong" </dev/null
}
passes() { cockpit "$@" || { bad "the script failed"; cat "$work/wrong"; }; }
journal() { sky events --json | grep -q -e "$1" || bad "the journal has no $1"; }
silent() { ! sky events --json | grep -q -e "$1" || bad "the journal has $1"; }

target
number 1-fast 'The first number is raised' a 30
number 2-slow 'The first number is lowered' a -5
number 3-odd 'The second number is odd' b 1
patch 4-harness 'The benchmark is easier' 'echo echo METRIC tps=900 >autoresearch.sh'
number 5-later 'The second number is raised' b 20
serve
wait_for '[ "$(sky proposals --json | grep -o "\"state\":\"\(waiting\|stopped\)\"" | wc -l)" = 5 ]' 'five proposals wait'

# What comes right after the focus, or where the review is not, is no word.
passes <<'END'
size 120x34
wait text "! p5"
wait idle
expect "! 5 wait"
expect "4 review"
keys a
expect-not "approved"
keys 4 a
expect "look, then press it again"
keys a
expect "press it again"
quit
END
silent '"kind":"approved"'

# By keys: approve, veto with its reason, a comment on a line and a request for changes, past the guard with a reason.
passes <<'END'
size 120x40
keys 4
wait idle
expect "a approve"
expect-not "S sign"
expect "p1"
keys a
wait event approved
wait text "4 Review ─ p2"
keys v
type it is slower
keys <Enter>
wait event vetoed
wait text "4 Review ─ p3"
wait idle
keys z j j c
type why odd?
keys <Enter>
expect "why odd?"
expect "not sent"
keys r
wait event revision_asked
wait idle
keys : 
type veto p5 --rea
keys <Tab>
type "not now"
expect "veto ID --reason TEXT"
keys <Enter>
wait event vetoed
wait text "p5: vetoed"
wait idle
expect "4 Review ─ p4"
keys a
expect "was stopped by the guard"
wait idle
keys W
type it may
keys <Enter>
wait event guard_waived
quit
END
journal '"by":"user [^"]*","kind":"approved","proposal":"p1"\|"kind":"approved".*"proposal":"p1"'
journal '"kind":"vetoed".*"it is slower"'
journal '"kind":"vetoed".*"not now"'
journal '"kind":"revision_asked".*why odd?'
journal '"kind":"guard_waived".*"proposal":"p4"'

# A winner is signed by a key, after it was looked at; what is over is refused with a sentence.
passes <<'END'
size 120x40
wait text "to sign" 100
keys 4 K K K K K g
wait text "4 Review ─ p1"
wait idle
expect "S sign"
keys a
expect "signs it"
wait idle
keys S
wait event landed 100
wait idle
quit
END
journal '"kind":"signed".*"proposal":"p1"'
is 'The first number is raised' landed keep

# Every size is whole: so many lines, none wider; help, search, themes and the panes that open over the others.
cd "$work" || exit 1
passes <<'END'
size 200x50
wait idle
save 200x50
size 80x24
expect "─1 Reading list"
expect "─5 Agent"
save 80x24
size 40x12
keys 3
expect "─3 Metrics"
expect "base"
save 40x12
save --styled styled
size 20x5
expect "skydeck needs 40x12"
save 20x5
size 120x34
keys ?
expect "keys of: metrics"
expect "Esc back"
keys <Esc> E
expect "─ Events"
type /lowered
keys <Enter>
expect-not "no match"
type /nowhere at all
keys <Enter>
expect "no match for `nowhere at all` here"
keys <Esc> q T
expect "theme light"
keys <Enter>
expect "─ Evidence"
keys q
expect-not "─ Evidence"
quit
END
for size in 200x50 80x24 40x12 20x5; do
	[ "$(wc -l <"$size")" = "${size#*x}" ] || bad "$size has $(wc -l <"$size") lines"
	[ "$(wc -L <"$size")" -le "${size%x*}" ] || bad "$size is $(wc -L <"$size") wide"
done
grep -q '{heading:' styled || bad 'no style is named'
cd - >/dev/null || exit 1

# Observers see everything and command nothing.
passes attach --observe <<'END'
size 120x34
wait text "observer"
keys 4
wait idle
expect-not "v veto"
keys v
expect "veto: observers cannot command; attach without --observe"
keys P
expect "pause: observers cannot command; attach without --observe"
type :approve p3
keys <Enter>
expect "observers cannot command: attach without --observe"
quit
END
silent '"kind":"paused"'

# ASCII only, and with no terminal at all.
env -u TERM "$SKYDECK" -C "$T" --script /dev/stdin attach --ascii >"$work/said" 2>"$work/wrong" <<-END || bad "no terminal: $(cat "$work/wrong")"
	wait idle
	save $work/ascii
END
! LC_ALL=C grep -q '[^ -~]' "$work/ascii" || bad 'something is not ASCII'
grep -q -e '-1 Reading list -' "$work/ascii" || bad 'no title in ASCII'

# A script that fails says where, with the screen; bad instructions are named.
cockpit <<<'expect "never there"' && bad 'a wrong expectation passes'
grep -q 'script:1: expect.*is not on the screen' "$work/wrong" || bad "it does not say where: $(tail -n 1 "$work/wrong")"
grep -q '1 Reading list' "$work/wrong" || bad 'the screen is not shown'
for line in 'frob' 'wait for it' 'size big' 'keys <Nokey>' 'expect-not "Reading"' 'wait text "never" 0.1' 'wait event nonsense 0.1'; do
	cockpit <<<"$line" && bad "the script passes: $line"
	tail -n 1 "$work/wrong" | grep -q '^skydeck: .*script:1: ' || bad "$line: $(tail -n 1 "$work/wrong")"
done
exits 2 env SKYDECK_TIME=noon "$SKYDECK" -C "$T" --script /dev/null
says 'SKYDECK_TIME is'

journal_is_sound
sky stop --now >/dev/null || bad 'stop fails'
serve_ends
