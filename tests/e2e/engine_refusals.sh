#!/bin/bash
# What an engine cannot start on gets one clear line, and nothing is changed.
# parallel
. tests/e2e/lib.sh

one_line() { [ "$(wc -l <"$work/wrong")" = 1 ] || bad "not one line: $(cat "$work/wrong")"; }
mkdir "$work/plain"
T=$work/plain exits 1 sky run --plain
says 'git init'; one_line
T=$work/empty; mkdir "$T"; git -C "$T" init -q
exits 1 sky run --plain
says commit; one_line
exits 1 sky serve --detach
says commit
printf '#!/bin/sh\n' >"$T/file" && git -C "$T" add file && git -C "$T" -c user.name=T -c user.email=t@example.org commit -q -m first
exits 1 sky run --plain
says 'autoresearch.sh'
[ -z "$(git -C "$T" status --short)" ] || bad "what did not start left behind: $(git -C "$T" status --short)"
T=$work/target

target
(cd "$T" && git rm -q autoresearch.sh && git commit -q -m none)
exits 1 sky run --plain
says 'autoresearch.sh'; one_line
[ ! -e "$T/.skydeck/current" ] || bad "a session was made"

target '[target]' '	frobnicate = 1'
exits 1 sky run --plain
says "config:1[0-9]: .*frobnicate"; says allowed; one_line
target '[session]' '	wave = 9'
exits 1 sky run --plain
says 'session.wave.*1 to 4'; one_line
target '[target' '	x'
exits 1 sky run --plain
says config; one_line
target
exits 1 sky run --plain --agent nobody
says 'no agent "nobody"'; one_line
exits 2 sky run --plain --autonomy fast
exits 2 sky run --plain --runner cloud

# uncommitted changes are named, and are not part of it; an untracked harness is
(cd "$T" && git rm -q --cached autoresearch.sh && git commit -q -m untracked && echo a=50 >src/a.c)
number 01 "Win" b 20
before=$(users_own)
run_auto || bad "run on a dirty tree: exit $?"
grep -q 'uncommitted changes.*src/a.c' "$work/wrong" || bad "the dirty file is not named: $(cat "$work/wrong")"
is "Win" landed keep
sky results --json | grep -q '"baseline_mean":\(99\|100\)[.,]' || bad "the dirty file was measured: $(sky results --json | grep -o '"baseline_mean":[0-9.]*')"
[ "$before" = "$(users_own)" ] || bad "the user's tree changed"

# no metric is named in the config: the first that is printed decides
target
sed -i '/metric = /d' "$T/.skydeck/config"
number 01 "Win" a 20
run_auto || bad "run without target.metric: exit $?: $(cat "$work/wrong")"
is "Win" landed keep

# a journal that a newer version wrote is left alone; so is one that was damaged
cp "$T"/.skydeck/sessions/*/journal.db "$work/journal.db"
journal=$(echo "$T"/.skydeck/sessions/*/journal.db)
LC_ALL=C sed -i 's/format1/format7/' "$journal"
if ! cmp -s "$journal" "$work/journal.db"; then
	sum=$(cksum <"$journal")
	exits 1 sky run --plain
	says 'newer'; one_line
	[ "$sum" = "$(cksum <"$journal")" ] || bad "the newer journal was touched"
fi
echo garbage >"$journal"
exits 1 sky run --plain
says 'journal'; one_line
[ "$(cat "$journal")" = garbage ] || bad "the damaged journal was touched"
