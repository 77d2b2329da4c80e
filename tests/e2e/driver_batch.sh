#!/bin/bash
# Batches as a VM executes them: trees made of commits that git bundles bring, what is kept, what is skipped, and what is left after a
# TERM or a KILL. SHELL_OF_DRIVER names another shell to run the driver in.
# parallel
# timeout: 300
set -u
shopt -s lastpipe
driver=$PWD/assets/driver.sh sh=${SHELL_OF_DRIVER:-sh}
work=$(mktemp -d "${TMPDIR:-/tmp}/batch.XXXXXX")
R=$work/repo H="$work/a home"
batch=

finish() {
	code=$?
	[ -z "$batch" ] || kill -KILL "$batch" 2>/dev/null
	[ ! -e "$work/failed" ] || code=1
	chmod -R u+rwX "$work"
	rm -rf "$work"
	exit $code
}
trap finish EXIT
trap 'exit 130' INT TERM

bad() {
	echo "FAILED: $*"
	[ ! -e "$work/out" ] || sed 's/^/  | /' "$work/out"
	: >"$work/failed"
}

# commit SCRIPT: changes the repository by it; prints the new commit's id
commit() {
	(cd "$R" && eval "$1" && git add -A -f . && git commit -q --allow-empty -m change && git rev-parse HEAD) || bad "cannot commit: $1"
}

# bundle NAME ID...: as git_bundle writes them: commits with their trees and no history
bundle() {
	local name=$1 id
	shift
	mkdir -p "$H/bundles"
	{
		echo '# v2 git bundle'
		for id; do echo "$id refs/skydeck/$id"; done
		echo
		(cd "$R" && git rev-list --objects --no-walk=unsorted "$@" | git pack-objects -q --stdout)
	} >"$H/bundles/$name"
}

# build_of ARM COMMIT [FIELD...], checks_of ARM, measure_of ARM COMMIT: a step's line; run ids count from r1 in each batch
step_line() {
	step=$((step + 1))
	echo "step run=r$step arm=$2 label=a step=$1 round=${round:-0} layout=${layout:-1} padding=0 ${*:3} tree=arms/$2"
}
build_of() { step_line build "$1" "commit=$2" "bundle=bundles/b" "${@:3}"; }
checks_of() { step_line checks "$1"; }
measure_of() { step_line measure "$1" ${2:+commit=$2}; }

words() {	# of every batch; what a test gives stands behind them and wins
	step=0
	printf '%s\n' 'token T' 'experiment e' 'build sh build.sh' 'checks sh checks.sh' 'measure sh measure.sh' 'artifact out' 'harness harness' "$@"
}

run() {	# the batch that stdin holds, in the foreground; leaves $work/out, and what the driver said in $work/said
	cat >"$H/batch"
	(cd "$H" && exec $sh driver.sh batch batch) >"$work/out" 2>&1
	code=$?
	sed 's/.*\(SKYDECK .*\) token=T$/\1/; t; d' "$work/out" | sed 's/seconds=[0-9]*\.[0-9]*[1-9][0-9]*/seconds=S/; s/artifact=[0-9a-f]\{64\}/artifact=H/; /^SKYDECK host/d' >"$work/said"
	[ ! -e "$H/target" ] && [ ! -e "$H/target.is" ] || bad "$1: a tree stands at the place"
}

said() {	# NAME LINE...: all that the driver said of the last batch
	printf 'SKYDECK %s\n' "${@:2}" | diff - "$work/said" >"$work/diff" || bad "$1: $(cat "$work/diff")"
}
heard() { grep -q -- "$2" "$work/out" || bad "$1: the log does not say: $2"; }
is() { [ "$2" = "$3" ] || bad "$1: is $2, not $3"; }

fresh() {
	chmod -R u+rwX "$H" 2>/dev/null
	rm -rf "$H" "$work/out"
	mkdir -p "$H/harness"
	cp "$driver" "$H/driver.sh"
	echo 'echo "METRIC x=$(cat out/program)"' >"$H/harness/measure.sh"
	echo '! grep -q wrong a' >"$H/harness/checks.sh"
}

mkdir "$R" "$work/home" && git init -q "$R" || exit 1
export HOME=$work/home	# whatever the user has configured
git config --global user.name Test
git config --global user.email test@example.org
unset XDG_CONFIG_HOME
git -C "$R" config core.autocrlf false
git -C "$R" config core.hooksPath /dev/null
echo '* -text -ident -filter !working-tree-encoding' >"$R/.git/info/attributes"
base=$(commit 'echo 1 >a; echo gone >b; echo "echo built here; mkdir -p out; cat a >out/program; grep -qv broken a" >build.sh')
faster=$(commit 'echo 2 >a; rm b; mkdir c; echo new >c/d')
equal=$(git -C "$R" checkout -q "$base" && commit 'echo words >e')
broken=$(commit 'echo broken >a')
wrong=$(commit 'echo wrong >a')
git config --global core.autocrlf true	# from here on: the driver must not mind
git config --global core.hooksPath "$work/home/hooks"

# --- what is built, kept, the same ----------------------------------------------------------------------------------------

fresh
bundle b "$base" "$faster" "$equal"
{ words 'needs base'; build_of base "$base"; checks_of base; build_of p1 "$faster"; checks_of p1; measure_of base "$base"; measure_of p1 "$faster"; } | run built
said built 'run=r1 arm=base step=build round=0' 'end run=r1 exit=0 seconds=S artifact=H' \
	'run=r2 arm=base step=checks round=0' 'end run=r2 exit=0 seconds=S' 'run=r3 arm=p1 step=build round=0' \
	'end run=r3 exit=0 seconds=S artifact=H' 'run=r4 arm=p1 step=checks round=0' 'end run=r4 exit=0 seconds=S' \
	'run=r5 arm=base step=measure round=0' 'end run=r5 exit=0 seconds=S' 'run=r6 arm=p1 step=measure round=0' 'end run=r6 exit=0 seconds=S'
heard built '^METRIC x=1'
heard built '^METRIC x=2'
grep -q '^SKYDECK host arch=[^ ]* cpus=[1-9][0-9]* memory_mb=[1-9][0-9]* boot=[0-9a-f-]* token=T$' "$work/out" || bad 'no word of the host'
is 'exit of a batch' $code 0
artifact=$(sed -n 's/.*run=r1 .*artifact=\([0-9a-f]*\).*/\1/p' "$work/out")
[ -e "$H/arms/base/b" ] && [ ! -e "$H/arms/p1/b" ] && [ -e "$H/arms/p1/c/d" ] || bad 'the trees do not hold their commits'

echo dirt >"$H/arms/base/dirt"
{ words; build_of base "$base"; checks_of base; build_of p1 "$faster"; } | run kept
said kept 'run=r1 arm=base step=build round=0' 'end run=r1 exit=0 seconds=0.000000 artifact=H kept=1' \
	'run=r2 arm=base step=checks round=0' 'end run=r2 exit=0 seconds=S' 'run=r3 arm=p1 step=build round=0' \
	'end run=r3 exit=0 seconds=0.000000 artifact=H kept=1'
heard 'a kept artifact' "artifact=$artifact kept=1"

again() {	# NAME WORD...: this build of the baseline is not kept
	local name=$1
	shift
	echo dirt >"$H/arms/base/dirt"
	{ words "$@"; build_of base "$base"; } | run "$name"
	[ "$(sed -n 's/^SKYDECK end run=[^ ]* //p' "$work/said")" = 'exit=0 seconds=S artifact=H' ] || bad "$name: kept"
	[ ! -e "$H/arms/base/dirt" ] || bad "$name: the tree was not made anew"
}
layout=2 again 'another layout'
again 'another command' 'build sh ./build.sh'
again 'other artifacts' 'artifact out/program'
again 'as at first'
echo '# longer' >>"$H/harness/checks.sh"
again 'another harness'
chmod +x "$H/harness/checks.sh"
again 'another right'
mv "$H/arms/base.built" "$H/note"
again 'without a note'
sed 's/boot=.*/boot=other/' "$H/note" >"$H/arms/base.built"
again 'after a boot'

{ words 'needs base'; build_of base "$base"; build_of p2 "$equal" "same=$artifact"; checks_of p2; measure_of base "$base"; measure_of p2 "$equal"; } | run same
said same "run=r1 arm=base step=build round=0" "end run=r1 exit=0 seconds=0.000000 artifact=H kept=1" \
	"run=r2 arm=p2 step=build round=0" "end run=r2 exit=0 seconds=S artifact=H same=1" "skip run=r3 arm=p2 step=checks round=0" \
	"run=r4 arm=base step=measure round=0" "end run=r4 exit=0 seconds=S" "skip run=r5 arm=p2 step=measure round=0"
{ words; build_of p2 "$equal" "same=$artifact"; checks_of p2; } | run 'same and kept'
said 'same and kept' 'run=r1 arm=p2 step=build round=0' 'end run=r1 exit=0 seconds=0.000000 artifact=H same=1 kept=1' 'skip run=r2 arm=p2 step=checks round=0'

# --- what fails -----------------------------------------------------------------------------------------------------------

fresh
bundle b "$base" "$broken" "$wrong"
{ words 'needs base'; build_of base "$base"; build_of p1 "$broken"; build_of p2 "$wrong"; checks_of p1; checks_of p2; measure_of base; measure_of p1; measure_of p2; } | run failures
said failures 'run=r1 arm=base step=build round=0' 'end run=r1 exit=0 seconds=S artifact=H' 'run=r2 arm=p1 step=build round=0' \
	'end run=r2 exit=1 seconds=S' 'run=r3 arm=p2 step=build round=0' 'end run=r3 exit=0 seconds=S artifact=H' \
	'skip run=r4 arm=p1 step=checks round=0' 'run=r5 arm=p2 step=checks round=0' 'end run=r5 exit=1 seconds=S' \
	'run=r6 arm=base step=measure round=0' 'end run=r6 exit=0 seconds=S' 'skip run=r7 arm=p1 step=measure round=0' 'skip run=r8 arm=p2 step=measure round=0'
[ ! -e "$H/arms/p1.built" ] || bad 'a failed build has a note'
{ words; build_of base "$broken"; } | run 'a failed build over a finished one'
{ words; build_of base "$base"; } | run 'and the first one again'
said 'and the first one again' 'run=r1 arm=base step=build round=0' 'end run=r1 exit=0 seconds=S artifact=H'
for how in build checks; do
	fresh
	id=$broken expected=('run=r1 arm=base step=build round=0' 'end run=r1 exit=1 seconds=S' 'skip run=r2 arm=base step=checks round=0')
	[ $how = build ] || id=$wrong expected=('run=r1 arm=base step=build round=0' 'end run=r1 exit=0 seconds=S artifact=H' 'run=r2 arm=base step=checks round=0' 'end run=r2 exit=1 seconds=S')
	bundle b "$base" "$id"
	{ words 'needs base'; build_of base "$id"; checks_of base; build_of p1 "$base"; measure_of p1; } | run "the base's $how"
	said "the base's $how" "${expected[@]}" 'skip run=r3 arm=p1 step=build round=0' 'skip run=r4 arm=p1 step=measure round=0'
done

failed_tree() {	# NAME SENTENCE: the only build of the last batch has failed for that
	said "$1" 'run=r1 arm=base step=build round=0' 'end run=r1 exit=1 seconds=0.000000'
	heard "$1" "$2"
	[ ! -e "$H/arms/base.built" ] || bad "$1: there is a note"
}
fresh
{ words; build_of base "$base"; } | run 'no bundle'
failed_tree 'no bundle' "^driver.sh: the commit $base is not here, and there is no bundle bundles/b$"
fresh
bundle b "$faster"
{ words; build_of base "$base"; } | run 'another bundle'
failed_tree 'another bundle' "^driver.sh: the bundle bundles/b does not bring the commit $base$"
fresh
bundle b "$base"
head -c 300 "$H/bundles/b" >"$H/bundles/short" && mv "$H/bundles/short" "$H/bundles/b"
{ words; build_of base "$base"; } | run 'half a bundle'
failed_tree 'half a bundle' "^driver.sh: the tree of the commit $base cannot be made in arms/base$"
fresh
bundle b "$base"
mkdir "$work/bin"
for program in sh cat cp mv sed sort sha256sum cut find od readlink mktemp date rm mkdir grep tr uname nproc timeout env wc chmod flock; do
	ln -s "$(command -v $program)" "$work/bin/"
done
{ words; build_of base "$base"; } >"$H/batch"
(sh=$(command -v "${sh%% *}") && cd "$H" && PATH=$work/bin exec "$sh" driver.sh batch batch) >"$work/out" 2>&1
heard 'without git' '^driver.sh: git is missing on this VM: install it there (target.setup)$'
heard 'without git' 'SKYDECK end run=r[0-9]* exit=1 seconds=0.000000 token=T'
{ words; build_of base "$base"; measure_of base "$base"; measure_of base "$faster"; } | run 'another commit'
said 'another commit' 'run=r1 arm=base step=build round=0' 'end run=r1 exit=0 seconds=S artifact=H' 'run=r2 arm=base step=measure round=0' \
	'end run=r2 exit=0 seconds=S' 'run=r3 arm=base step=measure round=0'
heard 'another commit' "^driver.sh: step .* no finished build of $faster stands in arms/base$"
is 'exit of a batch that gave up' $code 2

# --- what a crash of the machine leaves -----------------------------------------------------------------------------------

for pack in "$H"/store.git/objects/pack/*.pack; do chmod u+w "$pack" && head -c 40 "$pack" >"$pack.new" && mv "$pack.new" "$pack"; done
rm "$H/arms/base.built"
{ words; build_of base "$base"; } | run 'a broken store'
said 'a broken store' 'run=r1 arm=base step=build round=0' 'end run=r1 exit=0 seconds=S artifact=H'
rm -f "$H/store.git/info/attributes" "$H/store.git/HEAD" "$H/arms/base.built"
{ words; build_of base "$base"; } | run 'half a store'
said 'half a store' 'run=r1 arm=base step=build round=0' 'end run=r1 exit=0 seconds=S artifact=H'
echo broken >"$H/arms/base.index"
rm "$H/arms/base.built"
{ words 'incremental yes'; build_of base "$base"; } | run 'a broken index'
said 'a broken index' 'run=r1 arm=base step=build round=0' 'end run=r1 exit=0 seconds=S artifact=H'

# --- changed trees --------------------------------------------------------------------------------------------------------

fresh
one=$(commit 'rm -rf *; mkdir deep keep; seq 99 >deep/file; echo k >keep/k; echo 1 >a; echo x >becomes; echo y >built.h; echo "mkdir -p out; cp a out/program; echo o >deep/object" >build.sh')
two=$(commit 'rm -r deep becomes built.h; echo 2 >a; mkdir becomes; echo z >becomes/inner; echo "mkdir -p out; cp a out/program" >build.sh; echo now >deep')
bundle b "$one" "$two"
{ words 'incremental yes'; build_of p1 "$one"; } | run incremental
touch -d 2001-01-01 "$H/arms/p1/keep/k" "$H/arms/p1/out/object"
echo dirt >>"$H/arms/p1/a"
{ words 'incremental yes'; build_of p1 "$two"; } | run 'another commit over it'
said 'another commit over it' 'run=r1 arm=p1 step=build round=0' 'end run=r1 exit=0 seconds=S artifact=H'
[ -e "$H/arms/p1/out/object" ] || bad 'what a build left is gone'
is 'a file of the commit' "$(cat "$H/arms/p1/a")" 2
is 'a file in place of a folder with objects' "$(cat "$H/arms/p1/deep")" now
is 'a folder in place of a file' "$(cat "$H/arms/p1/becomes/inner")" z
[ ! -e "$H/arms/p1/built.h" ] || bad 'a removed file is still there'
touch -d 2001-01-01 "$H/arms/p1/keep/k"
rm "$H/harness/checks.sh"
echo 'changed' >"$H/arms/p1/becomes/inner"
three=$(commit 'echo 3 >a')
bundle b "$three"
before=$(stat -c %z "$H/arms/p1/build.sh")
{ words 'incremental 1'; build_of p1 "$three"; } | run 'a small change'
is 'a file that is right' "$(stat -c %z "$H/arms/p1/build.sh")" "$before"
is 'a file that was changed' "$(cat "$H/arms/p1/becomes/inner")" z
[ -e "$H/arms/p1/out/object" ] || bad 'what a build left is gone'
[ ! -e "$H/arms/p1/checks.sh" ] || bad 'a former file of the harness is still there'
{ words; build_of p1 "$two"; } | run 'made anew'
[ ! -e "$H/arms/p1/out/object" ] || bad 'what a build left is still there'
mkdir -p "$H/arms/p1/cache/module" && chmod a-w "$H/arms/p1/cache/module" "$H/arms/p1/cache"
{ words; build_of p1 "$three"; } | run 'read-only folders'
[ ! -e "$H/arms/p1/cache" ] || bad 'a read-only folder is still there'

# --- names, rights, links, attributes -------------------------------------------------------------------------------------

fresh
odd=$(commit 'rm -rf * .git*s; printf "%s\n" "* text eol=crlf ident filter=lfs" "u working-tree-encoding=UTF-16" >.gitattributes; printf "\$Id\$\r\none\n" >crlf; printf "u\n" >u
	mkdir -p -- " a b" "-rf" "new
line" "\\back" "ä*?"; for d in " a b" "-rf" "new
line" "\\back" "ä*?"; do echo "$d" >"./$d/-f
	\"q\" \$x"; done; echo ignored >.gitignore; echo kept >ignored; echo "#!/bin/sh" >run; chmod +x run; ln -s /nowhere dangling; ln -s "-rf" folder; ln -s "$work/outside" bench; : >empty
	printf "mkdir out; cp u out/program" >build.sh')
git -C "$R" update-index --add --cacheinfo "160000,$base,sub" && git -C "$R" commit -q -m sub && odd=$(git -C "$R" rev-parse HEAD)
bundle b "$odd"
mkdir -p "$H/harness/bench/in" "$H/harness/ sp ace
" "$work/outside/in"
echo inside >"$H/harness/bench/in/-x"
echo ignored >"$H/harness/ignored"
ln -s ../run "$H/harness/bench/link"
printf '#!/bin/sh\r\n' >"$H/harness/ sp ace
/run" && chmod +x "$H/harness/ sp ace
/run"
{ words; build_of p1 "$odd"; } | run odd
said odd 'run=r1 arm=p1 step=build round=0' 'end run=r1 exit=0 seconds=S artifact=H'
(cd "$R" && find . -path ./.git -prune -o \( -type f -o -type l \) -print0) | while IFS= read -r -d '' file; do
	case $file in ./bench | ./ignored) continue ;; esac
	if [ -L "$R/$file" ]; then
		is "the link $file" "$(readlink "$H/arms/p1/$file")" "$(readlink "$R/$file")"
	else
		cmp -s "$R/$file" "$H/arms/p1/$file" || bad "$file differs"
		[ ! -x "$R/$file" ] || [ -x "$H/arms/p1/$file" ] || bad "$file has lost its right"
	fi
done
[ -d "$H/arms/p1/sub" ] || bad 'no folder in place of a submodule'
[ ! -L "$H/arms/p1/bench" ] && [ -f "$H/arms/p1/bench/in/-x" ] && [ -z "$(ls "$work/outside/in")" ] || bad 'the harness went through a link'
is "the harness's link" "$(readlink "$H/arms/p1/bench/link")" ../run
is "the harness's file that git ignores" "$(cat "$H/arms/p1/ignored")" ignored
[ -x "$H/arms/p1/ sp ace
/run" ] && cmp -s "$H/harness/ sp ace
/run" "$H/arms/p1/ sp ace
/run" || bad "the harness's program has changed"

# --- TERM and KILL --------------------------------------------------------------------------------------------------------

wait_for() {	# FILE
	for _ in $(seq 1200); do
		[ ! -s "$1" ] || return 0
		sleep 0.05
	done
	bad "no $1 after a minute"
}
gone() {	# NAME PID: not even as a zombie that someone else has yet to reap
	for _ in $(seq 1200); do
		grep -qs '^State:.[^Z]' "/proc/$2/status" || return 0
		sleep 0.05
	done
	bad "$1: process $2 still runs"
	kill -KILL "$2"
}

slow=$(git -C "$R" checkout -qf "$base" && commit 'printf "%s\n" "echo \$\$ >pid" "sleep 300 &" "echo \$! >child" "wait" >slow.sh; echo "mkdir out; cp a out/program; [ ! -e slow ] || sh slow.sh" >build.sh')
slow_build=$(commit ': >slow')
for signal in TERM KILL; do
	for kind in build measure; do
		fresh
		bundle b "$slow" "$slow_build"
		id=$slow
		[ $kind = measure ] || id=$slow_build
		echo 'sh slow.sh' >"$H/harness/measure.sh"
		{ words; build_of p1 "$id"; measure_of p1 "$id"; measure_of p1 "$id"; } >"$H/batch"
		(cd "$H" && exec $sh driver.sh batch batch) >"$work/out" 2>&1 9>&- &
		batch=$!
		wait_for "$H/target/child"
		pids="$(cat "$H/target/pid" "$H/target/child")"
		kill -s $signal $batch
		wait $batch 2>/dev/null
		is "$kind, $signal: exit" $? $((128 + $(kill -l $signal)))
		batch=
		if [ $signal = TERM ]; then
			for pid in $pids; do gone "$kind, $signal" "$pid"; done
			[ ! -e "$H/target" ] && [ ! -e "$H/target.is" ] && [ -e "$H/arms/p1/pid" ] || bad "$kind, $signal: the tree was not put back"
		else
			[ -e "$H/target" ] || bad "$kind, $signal: the tree was put back"
		fi
		[ $kind = measure ] || [ ! -e "$H/arms/p1.built" ] || bad "$kind, $signal: a note of half a build"
		sed -n 's/.*run=\(r[0-9]*\) .*/\1/p' "$work/out" | tail -n 1 | grep -qx "r$((step - 2 + (${#kind} > 5)))" || bad "$kind, $signal: the batch went on"
		: >"$H/harness/slow.sh"
		{ words; build_of p1 "$id"; checks_of p1; } | run "$kind after $signal"
		said "$kind after $signal" 'run=r1 arm=p1 step=build round=0' 'end run=r1 exit=0 seconds=S artifact=H' 'run=r2 arm=p1 step=checks round=0' 'end run=r2 exit=0 seconds=S'
		for pid in $pids; do gone "$kind after $signal" "$pid"; done
	done
done

# Killed at any moment of making a tree: the next batch makes it whole.
many=$(commit 'rm slow; mkdir many; for i in $(seq 400); do echo $i >many/$i; done')
fewer=$(commit 'rm many/[1-3]*; echo 7 >a')
fresh
for try in 1 2 3 4 5 6; do
	bundle b "$many" "$fewer"
	id=$many
	[ $((try % 2)) = 0 ] || id=$fewer
	{ words 'incremental yes'; build_of p1 "$id"; } >"$H/batch"
	(cd "$H" && exec setsid $sh driver.sh batch batch) >"$work/out" 2>&1 &
	batch=$!
	sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
	kill -KILL -- -$batch 2>/dev/null
	wait $batch 2>/dev/null
	batch=
	rm -f "$H/batch"
done
{ words 'incremental yes'; build_of p1 "$fewer"; } | run 'killed often'
grep -q 'end run=r1 exit=0' "$work/said" || bad 'killed often: no build'
is 'killed often: files' "$(ls "$H/arms/p1/many" | wc -l)" "$(git -C "$R" ls-tree "$fewer" many/ | wc -l)"
is 'killed often: content' "$(cat "$H/arms/p1/a")" 7

# Two at once: the second waits for the first.
fresh
bundle b "$slow"
echo 'echo measured; [ -e ../go ] || { echo x >../ready; n=0; while [ ! -e ../go ] && [ $n -lt 2000 ]; do sleep 0.05; n=$((n + 1)); done; }' >"$H/harness/measure.sh"
{ words; build_of p1 "$slow"; measure_of p1 "$slow"; } >"$H/batch"
(cd "$H" && exec $sh driver.sh batch batch) >"$work/first" 2>&1 &
batch=$!
wait_for "$H/ready"
{ words; measure_of p1 "$slow"; } >"$H/batch2"
(cd "$H" && exec $sh driver.sh batch batch2) >"$work/second" 2>&1 &
second=$!
for _ in $(seq 40); do [ -s "$work/second" ] || sleep 0.05; done
[ ! -s "$work/second" ] || bad "the second batch did not wait: $(cat "$work/second")"
: >"$H/go"
wait $batch || bad "the first of two batches: $(cat "$work/first")"
grep -q 'end run=r2 exit=0' "$work/first" || bad "the first of two batches was disturbed: $(cat "$work/first")"
batch=
wait $second || bad "the second of two batches: $(cat "$work/second")"
grep -q '^measured' "$work/second" || bad 'the second batch did not measure'

# --- the environment ------------------------------------------------------------------------------------------------------

fresh
paths=$(commit 'echo "mkdir out; echo PATH=\$PATH; env | grep \"^GIT_[DIW]\" && exit 1; echo HOME=\$HOME; echo >out/program" >build.sh')
bundle b "$paths"
for word in yes no; do
	rm -f "$H/arms/p1.built"
	{ words "ccache $word"; build_of p1 "$paths"; } | run environment
	expected=$PATH
	[ $word = no ] || for folder in /usr/lib/ccache /usr/lib64/ccache; do [ ! -d $folder ] || expected=$folder:$PATH; done
	grep -qxF "PATH=$expected" "$work/out" || bad "ccache $word: not PATH=$expected"
	heard "ccache $word" "^HOME=$HOME$"
done
