#!/bin/bash
# What scripts rely on, with a target of another kind: no build, lower is better, several samples a run, a hostile log, and patches
# written by hand. Here stand promises that were once broken.
# parallel
# needs: git
. tests/e2e/lib.sh

exits 2 "$SKYDECK" -C
exits 2 "$SKYDECK" --color
says 'takes a value'

target
cat >"$T/autoresearch.sh" <<'END'
for i in 1 2 3; do
	awk -v cost="$(cat cost)" -v noise=$((RANDOM % 401)) 'BEGIN { printf "METRIC cost=%.4f\n", cost * (0.998 + noise / 1e5) }'
done
printf 'red \033[31mtext\033[m, a title \033]0;x\007, bidi \342\200\256, latin \351, nul \000, end\n'
END
printf 'exit 0\n' >"$T/autoresearch.checks.sh"
echo 100 >"$T/cost"
(cd "$T" && git add -A && git commit -q -m 'Costs') || die 'commit'
printf '[target]\n\tmetric = cost\n\tdirection = lower\n' >"$T/.skydeck/config"
change() { printf -- '--- a/cost\n+++ b/cost\n@@ -1 +1 @@\n-100\n+%s\n' "$1" >"$work/$1.diff"; }
change 95
change 94

serve
# A revision without words of its own keeps the title.
exits 0 sky propose --title 'Cheaper by hand' "$work/95.diff"
exits 0 sky revise p1 --comment 'more of it'
exits 0 sky propose --revises p1 "$work/94.diff"
[ "$(field p1 rev)" = 2 ] || bad 'p1 has a second revision'
[ "$(field p1 title)" = 'Cheaper by hand' ] || bad "the title of p1 is now $(field p1 title)"
long=$(printf '%0999d' 7)
exits 0 sky propose --title "$long" "$work/95.diff"
[ "$(field p2 title | wc -c)" -lt 400 ] || bad 'a title has no end'

exits 0 sky approve p1
wait_state p1 signing
[ "$(sky show p1 --json | grep -o '"verdict":"keep"')" ] || bad 'less cost is kept'

# A run's log is UTF-8 without escapes, also in a pipe.
run=$(sky events --json | sed -n 's/.*"kind":"run_started".*"run":"\(r[0-9]*\)".*"step":"measure".*/\1/p' | head -n 1)
for options in '' '-n 9' '-f'; do
	exits 0 sky log "$run" $options
	says '^red text, a title .*x.*, bidi .*, latin .*, nul .*, end$'
	! LC_ALL=C grep -q '[^ -~	]' <(tr -d '\n' <"$work/said") || bad "log $options prints bytes as they came"
done

# The fields that an event promises.
journal_is_sound
grep '"kind":"run_ended"' "$work/events" | grep -v '"log":{"file":"logs/r[0-9]*.log","bytes":[0-9]*,"lines":[0-9]*}' && bad 'run_ended without its log'
grep '"kind":"worker_changed"' "$work/events" | grep -v '"runner":"local"' && bad 'worker_changed without its runner'

# A metric that is not there is named, whatever else was printed.
exits 0 sky stop
serve_ends
printf 'echo METRIC other=1; echo METRIC bad=abc\n' >"$T/autoresearch.sh"
serve --new
wait_for 'sky log | grep -q "no METRIC cost found.*it printed other"' 'the missing metric is named'
exits 0 sky stop --now
serve_ends
exit 0
