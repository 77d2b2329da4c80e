#!/bin/bash
# The commands from outside, on a small target: what they print, where, and what they exit with, with and without an engine.
# parallel
# timeout: 300
# needs: git
set -u
work=$(mktemp -d)
out=$work/out wrong=$work/wrong target=$work/target
trap 'skydeck -C "$target" stop --now >/dev/null 2>&1; rm -rf "$work"' EXIT
failed=0
bad() { echo "FAILED: $*"; cat "$out" "$wrong"; failed=1; }

# gives CODE ARGUMENT...: exits with CODE, says nothing on stderr;  fails CODE PATTERN ARGUMENT...: one line on stderr that matches
gives() {
	local code=$1 got; shift
	skydeck -C "$target" "$@" >"$out" 2>"$wrong" </dev/null
	got=$?
	[ $got = "$code" ] || bad "skydeck $*: exit $got, wanted $code"
	[ ! -s "$wrong" ] || bad "skydeck $*: wrote to stderr"
}
fails() {
	local code=$1 pattern=$2 got; shift 2
	skydeck -C "$target" "$@" >"$out" 2>"$wrong" </dev/null
	got=$?
	[ $got = "$code" ] || bad "skydeck $*: exit $got, wanted $code"
	[ ! -s "$out" ] || bad "skydeck $*: printed something"
	[ "$(wc -l <"$wrong")" = 1 ] || bad "skydeck $*: not one line"
	grep -q -e "^skydeck: .*$pattern" "$wrong" || bad "skydeck $*: does not say: $pattern"
}
says() { grep -q -e "$1" "$out" || bad "does not print: $1"; }
silent_on() { ! grep -q -e "$1" "$out" || bad "prints: $1"; }
# until_says PATTERN COMMAND...: asks until the output matches
until_says() {
	local pattern=$1 until=$((SECONDS + 100)); shift
	while [ $SECONDS -lt $until ]; do
		skydeck -C "$target" "$@" >"$out" 2>"$wrong" </dev/null
		grep -q -e "$pattern" "$out" && return
		sleep 0.1
	done
	bad "skydeck $* never prints: $pattern"
}

# Before there is anything.
mkdir "$target"
fails 1 'not in a git repository' status
fails 1 'cannot open the folder /no/such: No such file' -C /no/such status
fails 2 'no command frobnicate' frobnicate
fails 2 'no option --frob' status --frob
fails 2 'argument is missing' approve
fails 2 'too many: x' status x
fails 2 '--reason TEXT' veto p1
fails 2 'manual, wave or auto' autonomy sometimes
fails 2 'manual, wave or auto' run --autonomy sometimes
fails 2 'number from 0, not -1' run --budget -1
fails 2 'whole number' run --experiments 1.5
fails 2 'local or sky' run --runner moon
fails 2 'PATCHFILE' propose
fails 2 'there is no state asleep' proposals asleep
gives 0 version
says '^skydeck [0-9]'
gives 0 help
for command in init demo run attach serve status proposals show diff approve veto waive revise sign cancel retry propose steer sources source workers \
	worker permit refuse autonomy pause resume stop log events results judge mcp doctor version help; do
	says "^  $command  "
	skydeck help $command | grep -q "^skydeck $command" || bad "help $command"
done
page=$(skydeck help man)
for command in $(skydeck help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
	echo "$page" | grep -q "^.fB.&$command.fR " || bad "the manual page lacks $command"
	for option in $(skydeck help $command | head -n 1 | grep -o -e ' *\[*--[a-z-]*' | tr -d ' ['); do
		skydeck help $command | grep -q "^    \(-., \)\?$option\( \|$\)" || bad "help $command does not say what $option means"
	done
done
for code in $(skydeck help | sed -n 's/^Exit: //p' | grep -o '[0-9]*'); do
	echo "$page" | grep -qx "\.B $code" || bad "the manual page lacks exit code $code"
done
echo "$page" | grep -q 'fB.&session.autonomy.fR .&= manual' || bad 'the manual page lacks the settings'
if command -v mandoc >/dev/null; then
	echo "$page" | mandoc -T lint -W warning >"$out" || bad 'the manual page is not clean'
fi
gives 0 status --help
says '^skydeck status \[--json\]'
gives 0 help config
says '^session.autonomy  *manual  *manual|wave|auto'

# A target.
git -C "$target" init -q
fails 1 'commit' serve
gives 0 init
says "wrote  $target/.skydeck/config"
says "wrote  $target/autoresearch.sh"
[ -x "$target/autoresearch.sh" ] && [ -x "$target/autoresearch.checks.sh" ] || bad 'the scripts can be executed'
echo mine >"$target/autoresearch.sh"
gives 0 init
says "kept   $target/autoresearch.sh"
[ "$(cat "$target/autoresearch.sh")" = mine ] || bad 'init wrote over a file'
gives 0 init --list-recipes
says '^generic  '
fails 2 'no recipe' init --recipe nope
[ -z "$(git -C "$target" status --short .skydeck)" ] || bad 'git sees .skydeck'
cat >"$target/autoresearch.sh" <<'END'
#!/bin/bash
awk -v v="$(cat speed)" -v r=$RANDOM 'BEGIN { printf "METRIC speed=%.6f\nMETRIC memory=7\n", v * (1 + r / 32768 / 500) }'
END
printf '#!/bin/sh\n! grep -q broken speed\n' >"$target/autoresearch.checks.sh"
printf '[target]\n\tmetric = speed\n\tprotect = autoresearch*\n' >"$target/.skydeck/config"
printf '100\n' >"$target/speed"
seq 20 >"$target/text"
git -C "$target" add . && git -C "$target" commit -qm 'first' || bad 'git commit'

# Without a session, without an engine.
fails 1 'no session' status
fails 1 'no session' results --json
fails 1 'no session' events
fails 3 'no engine runs' approve p1
fails 3 'no engine runs' stop
fails 3 'no engine runs' attach
fails 1 'terminal'
gives 0 doctor
says 'ok  *repository'
grep -q '.skydeck is part' "$out" && bad 'the own .skydeck is taken for the repository'"'"'s'
(cd "$target" && git add -f .skydeck/config && git commit -q -m brought) || bad 'cannot commit .skydeck'
gives 0 doctor
says 'warning  *config .*\.skydeck is part of this repository'
(cd "$target" && git reset -q --soft HEAD~ && git rm -q -r --cached .skydeck) || bad 'cannot take .skydeck out'
gives 0 doctor --json
says '"what":"sandbox","state":"'
printf '[session]\n\twaves = 3\n' >>"$target/.skydeck/config"
fails 1 'config:5: .*session.waves.*allowed' serve
fails 1 'config:5: .*session.waves.*allowed' serve --detach
skydeck -C "$target" doctor >"$out" 2>"$wrong" && bad 'doctor finds the wrong key'
says 'error  *config .*session.waves'
sed -i '4,5d' "$target/.skydeck/config"

# Agents that cannot propose as they are configured.
cp "$target/.skydeck/config" "$work/config"
cat >>"$target/.skydeck/config" <<'END'
[agent "model"]
	kind = chat
	url = http://127.0.0.1:9/v1
	model = some-model
[agent "program"]
	kind = acp
	command = sh -c true
	keyenv = NO_SUCH_KEY
END
skydeck -C "$target" doctor >"$out" 2>"$wrong" && bad 'doctor finds the missing key'
says 'warning  *agent .*none is chosen.*session'
says 'ok  *agent .*model: some-model'
says 'error  *agent .*program: the variable NO_SUCH_KEY.*export'
grep -q 'past the budget' "$out" && bad 'doctor speaks of VMs where there are none'
printf '[session]\n\trunner = sky\n' >>"$target/.skydeck/config"
skydeck -C "$target" doctor >"$out" 2>"$wrong"
says 'warning  *agent .*program: .*past the budget.*kind api'
printf '[session]\n\tagent = nobody\n\treader = model\n' >>"$target/.skydeck/config"
skydeck -C "$target" doctor >"$out" 2>"$wrong" && bad 'doctor finds the wrong name'
says 'error  *agent .*session.agent is "nobody"'
grep -q 'none is chosen\|session.reader' "$out" && bad 'doctor complains of names that are right'
mv "$work/config" "$target/.skydeck/config"

# An engine; patches by hand.
patch() {	# NAME FILE OLD NEW
	printf 'Subject: [PATCH] %s\n\nbody of %s\n\ndiff --git a/%s b/%s\n--- a/%s\n+++ b/%s\n@@ -1 +1 @@\n-%s\n+%s\n' "$1" "$1" "$2" "$2" "$2" "$2" "$3" "$4" >"$work/$1.patch"
}
patch faster speed 100 108
patch worse speed 100 90
patch cheats autoresearch.checks.sh '#!/bin/sh' '#!/bin/true'
patch broken speed 100 'broken'
patch stale speed 55 56
gives 0 serve --detach
fails 4 'already runs' serve
gives 0 status --json
says '"state":"running"'
says '"seq":'
fails 1 'no-such.patch: No such file' propose no-such.patch
gives 0 propose --title 'a title of mine' --source arXiv:2205.14135 "$work/faster.patch"
says '^p1 waiting'
skydeck -C "$target" propose - <"$work/worse.patch" >"$out" 2>"$wrong"
says '^p2 waiting'
gives 0 propose --json "$work/cheats.patch"
says '{"proposal":"p3","state":"stopped"}'
gives 0 propose "$work/stale.patch"
says '^p4 conflict'
fails 1 'no-such-revision' propose --commit no-such-revision
gives 0 proposals
says '^p1  *waiting  .* a title of mine'
gives 0 proposals --json stopped
says '^\[{"id":"p3",.*"state":"stopped",.*"guard":{"ok":false,"reasons":\["autoresearch.checks.sh belongs to the harness'
silent_on '"p1"'
gives 0 show p1
says 'body of faster'
says 'arXiv:2205.14135'
gives 0 show p1 --json
says '^{"id":"p1","rev":1,"title":"a title of mine","state":"waiting","verdict":null,.*"review":{"decision":null,'
fails 1 'no proposal p9' show p9
fails 1 'no revision 7: it has 1 to 1' show p1 --rev 7
gives 0 diff p1
git -C "$target" apply --check "$out" || bad 'diff is a patch that applies'
gives 0 diff p4
says 'p4 does not apply: speed'
fails 4 'guard' approve p3
fails 4 'guard' approve p1 p3
gives 0 proposals waiting
says '^p1 '	# all or none
gives 0 waive p3 --reason 'on purpose'
gives 0 veto p3 --reason 'changed my mind'
fails 4 'vetoed' approve p3
gives 0 show p3 --json
says '"guard":{"ok":false,.*"waived":true}.*"review":{"decision":"vetoed","by":"user [^"]*","reason":"changed my mind"'
gives 0 revise p2 --comment $'why slower?\nand by how much?'
gives 0 propose --revises p2 "$work/broken.patch"
says '^p2 waiting'
gives 0 diff p2 --from 1
says '^-90'
says '^+broken'
gives 0 diff p2 --rev 1
says '^+90'
gives 0 cancel p4
gives 0 steer use fewer 'tiles, please'
says 'nobody reads it yet'
gives 0 log -n 1
says 'steered by user .*: use fewer tiles, please'
[ "$(wc -l <"$out")" = 1 ] || bad 'log -n 1 is one line'
gives 0 source add arXiv:2205.14135 --note tiles
gives 0 source add "$target/text"
fails 1 'no file or folder' source add nowhere
gives 0 sources --json
says '^\[{"id":"s1","type":"paper",.*"yield":{"proposals":1,"kept":0,'
gives 0 source drop s2
gives 0 sources
says '^s2 .*dismissed'
gives 0 pause
gives 0 status
says 'paused'
gives 0 resume
gives 0 autonomy wave
gives 0 autonomy manual

# Measured, signed, landed.
until_says '"state":"ready"' workers --json
gives 0 workers
says '^ID  KIND   NAME .*STATE'
silent_on 'USD'
silent_on 'STATUS'
fails 4 'w1 is a slot of this machine' worker ssh w1
fails 2 'retry, replace or ssh' worker reboot w1
gives 0 approve p1 p2
until_says '^p2  *checks-failed' results
gives 0 log p2
until_says '^p1  *keep .*signing' results
gives 0 status --json
says '"best":{"change_percent":[78]\.'
says '"needs_human":\["p1"\]'
gives 0 results --json
says '{"id":"p1",.*"verdict":"keep",.*"paired":true,"secondary":{"memory":7},'
gives 0 results --tsv
[ "$(head -n 1 "$out" | cut -f 1-3)" = "$(printf 'id\tstate\tverdict')" ] || bad 'header of --tsv'
run=$(skydeck -C "$target" events --json | sed -n 's/.*"kind":"run_started".*"run":"\(r[0-9]*\)".*"step":"measure".*/\1/p' | head -n 1)
gives 0 log "$run"
says '^METRIC speed='
gives 0 log -n 1 "$run"
says '^METRIC memory=7$'
fails 1 'no run r9999' log r9999
gives 0 sign p1
until_says '"state":"landed"' show p1 --json
branch=$(skydeck -C "$target" status --json | sed 's/.*"branch":"\([^"]*\)".*/\1/')
[ "$(git -C "$target" show "$branch:speed")" = 108 ] || bad 'the winner is on the branch'
[ "$(cat "$target/speed")" = 100 ] && [ -z "$(git -C "$target" status --short)" ] || bad 'the working tree is as it was'

# stop leaves nothing behind; what reads reads the journal.
pid=$(sed -n 's/^pid //p' "$target/.skydeck/engine")
gives 0 stop
says '^stopped'
ps -o stat= -p "$pid" | grep -qv Z && bad 'the engine is still there'
fails 3 'no engine runs' steer hello
gives 0 status --json
says '"state":"ended"'
says '"viewers":0'
gives 0 events --json
[ "$(sed 's/^{"seq":\([0-9]*\),.*/\1/' "$out")" = "$(seq "$(wc -l <"$out")")" ] || bad 'seq is 1, 2, 3, …'
last=$(wc -l <"$out")
gives 0 events
[ "$(wc -l <"$out")" = "$last" ] || bad 'an event is a line, whatever its text holds'
gives 0 events --since $((last - 2))
[ "$(wc -l <"$out")" = 2 ] || bad '--since gives what is after it'
says 'session_ended'
gives 0 events -f	# of a session that has ended: to its end
gives 0 log -f
says 'ended: stopped by'
skydeck -C "$target" results >/dev/full 2>"$wrong" && bad 'a full disk is an error'
grep -q 'cannot write the output: No space left' "$wrong" || bad 'a full disk is named'

# Nobody proposes: it says so.
gives 0 run --plain --hours 0.0001
says 'no agent is configured, so only you propose: skydeck propose'

# An engine that is killed leaves its session open.
gives 0 serve --detach --new
kill -9 "$(sed -n 's/^pid //p' "$target/.skydeck/engine")"
until_says '"state":"stopped"' status --json
gives 0 doctor
says 'warning  *engine .*ended without closing'

# A whole session as lines, joined where it was; a folder of patches proposes.
mkdir "$target/.skydeck/patches"
patch fine speed 100 104
cp "$work/fine.patch" "$work/stale.patch" "$target/.skydeck/patches"
printf '[session]\n\tvetowindow = 0\n[agent "ideas"]\n\tkind = patches\n\tdir = .skydeck/patches\n' >>"$target/.skydeck/config"
gives 0 run --plain --autonomy auto
says '  session .* goes on; proposals: 0, waiting for you: 0 (skydeck status)'
silent_on 'no agent is configured'
says '  agent ideas chosen: it proposes from now on'	# the session began without one
says '^[0-9:]*  p[12] *proposed  fine'
says '^[0-9:]*  session .* ended: every proposal is decided'
says '^ID .*VERDICT .*CHANGE'
says '^p[12]  *keep .*landed  *fine$'
says '^1 of 2 proposals landed on autoresearch/'
gives 0 proposals --json
says '"title":"fine",.*"agent":"ideas"'
gives 0 status --json
says '"state":"ended"'
exit $failed
