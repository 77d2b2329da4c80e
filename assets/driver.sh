#!/bin/sh
# driver.sh: executes the steps of a session where the worker is; the same file for every runner. It decides nothing.
#
#   sh driver.sh build|checks|measure|profile [COMMAND]     one step in the current folder. Its environment is the caller's; COMMAND
#                                                   (for build default $BUILD_CMD) is a file there, or a line for sh
#   sh driver.sh batch FILE                         many steps, one after another
#
# One line before each step and one after it, on stdout, among the output of the commands (stderr is joined to it):
#
#   SKYDECK run=r12 arm=p3 step=measure round=2 token=T
#   SKYDECK end run=r12 exit=0 seconds=0.512345 [timeout=300] [artifact=HASH] [same=1] [kept=1] token=T
#   SKYDECK skip run=r13 arm=p4 step=measure round=2 token=T             (batch: what it needs has failed, or its build is the same)
#   SKYDECK host arch=x86_64 cpus=16 memory_mb=16000 boot=ID token=T     (batch: before the first step; what is not known is left out)
#
# A command may end without a newline: such a line can begin in the middle of one. T is a secret between driver and caller,
# so that no command can print these lines in its own favour. exit is the shell's: 128+N when signal N killed the command;
# 124 with timeout= when the time was up. artifact is one hash over what a build made (below); absent: nothing to compare.
#
# A single step reads lines from stdin until its end (unless that is a terminal), a batch from FILE, which is removed once it
# was read, since it holds the token. Words of both:
#
#   token T       artifact PATHSPEC (may repeat; * matches / too; :!PATHSPEC leaves out)
#   run ID   arm NAME   padding BYTES                                    of the single step
#   experiment TEXT   description TEXT   build COMMAND   checks COMMAND   measure COMMAND   timeout KIND SECONDS
#   place FOLDER                                    where each tree is put while it executes (default: target), so that every
#                                                   arm is built and run at the same path
#   needs NAME                                      an arm without which nothing makes sense: when its build or its checks fail,
#                                                   all that follows is skipped
#   harness FOLDER                                  what is laid over a tree that is made of a commit (absent: nothing)
#   incremental yes|no (1, 0)                       yes: a tree is changed into another commit, with what builds left in it;
#                                                   no, the default: it is made anew
#   ccache yes|no (1, 0)                            no: builds do not go through ccache, if it is there at all
#   step run=ID arm=NAME label=L step=KIND round=N layout=N padding=BYTES [commit=ID bundle=FILE same=HASH] tree=FOLDER
#                                                   the fields in any order, but tree= last; it goes to the end of the line
#
# A batch's steps are executed in the order given; the caller orders them: builds, checks, rounds. An arm whose build or checks
# fail is skipped from there on, and so is one whose build has the artifact that same= names (its end line says same=1). Paths
# are relative to the folder that the batch is started in. One batch executes in a folder at a time; the next one waits.
#
# commit=, of a build: the tree is made of that commit first, which FILE (a git bundle) brings, unless the driver has it from
# another bundle. The step fails where that does not work, and the log says why. A tree that holds a finished build has a note
# beside it, FOLDER.built; where that stands for the same commit, layout, harness, build command, artifacts and boot of the
# machine, nothing is done: exit=0 seconds=0.000000, the artifact as it was noted, kept=1. commit=, of checks and measured runs:
# the tree must hold a finished build of it, else the batch ends with a sentence and what it had not begun is not done.
#
# TERM, INT and HUP end the command that runs, with all of its process group, and the batch. After a KILL the next batch ends
# what was left running at the place, and puts its tree back; a build that was cut short is made again.
set -uf
token='' run='' arm=${SKYDECK_ARM:-} round=${SKYDECK_ROUND:-0} padding=0 artifacts='' failed=' ' place=target
build='' checks='' measure='' build_limit=1800 checks_limit=300 measure_limit=300
steps='' child='' under='' work='' same='' harness='' incremental=no ccache=yes compilers='' needs='' is_over='' home='' apart=''
newline='
'

die() {
	echo "driver.sh: $*" >&2
	exit 2
}

say() {
	printf 'SKYDECK %s%s\n' "$*" "${token:+ token=$token}"
}

now() {	# nanoseconds
	time=$(date +%s%N 2>/dev/null)
	case $time in
	'' | *[!0-9]*)	# a date without %N
		read -r time _ </proc/uptime
		time=${time%.*}${time#*.}0000000
		;;
	esac
}

read_word() {	# a line of stdin or of the batch's file
	word=${1%% *} rest=${1#* }
	[ "$word" != "$1" ] || rest=''
	case $word in
	'' | '#'*) ;;
	token) token=$rest ;;
	run) run=$rest ;;
	arm) arm=$rest ;;
	padding) padding=$rest ;;
	artifact)
		case $rest in
		:!?* | :^?*) ;;
		:*) die "artifact $rest: of the pathspecs with magic only :! is known" ;;
		esac
		artifacts=$artifacts$rest$newline
		;;
	experiment) export EXPERIMENT_ID="$rest" ;;
	description) export EXPERIMENT_DESC="$rest" ;;
	build) build=$rest ;;
	checks) checks=$rest ;;
	measure) measure=$rest ;;
	place) place=$rest ;;
	needs) needs=$rest ;;
	harness) harness=$rest ;;
	incremental | ccache)
		case $rest in
		yes | 1) rest=yes ;;
		no | 0) rest=no ;;
		*) die "$word $rest: must be yes or no" ;;
		esac
		[ "$word" = ccache ] && ccache=$rest || incremental=$rest
		;;
	timeout)
		case $rest in
		'build '*) build_limit=${rest#* } ;;
		'checks '*) checks_limit=${rest#* } ;;
		'measure '*) measure_limit=${rest#* } ;;
		*) die "timeout $rest: must be build, checks or measure, and seconds" ;;
		esac
		;;
	step) steps=$steps$rest$newline ;;
	*) die "unknown word: $word" ;;
	esac
}

read_words() {
	while IFS= read -r line || [ -n "$line" ]; do
		read_word "$line"
	done
}

# --- what a build made -----------------------------------------------------------------------------------------------
#
# A program is an ELF executable or shared object. It is hashed as objcopy leaves it without symbols, debug data, compiler's
# name and build id: what is loaded, where, with which rights and from which entry point stays in, so that different programs
# never hash equal, and -g, comments and line numbers do not matter. What objcopy would lose makes the file count as it is:
# bytes behind the section table (a payload), no section table, another class or byte order than 64-bit little-endian.
#
# By default all programs of the tree count, provided that the build made one of them (changed since the stamp): a build
# that makes none, as of a script, has nothing to compare, whatever programs lie in its tree.

# sh -c "$hash_files" sh HOW TEMPORARY FILE…: prints a line a file: the path's hash, what it is, and its hash.
# HOW any: every file; programs: only programs; look: the word yes at the first program.
hash_files='
	how=$1 temporary=$2
	shift 2
	for file; do
		[ -L "$file" ] || [ -r "$file" ] || exit 1
		if [ -L "$file" ]; then
			[ "$how" = look ] || printf "%s link %s\n" "$(printf %s "$file" | sha256sum)" "$(readlink "$file" | sha256sum)"
			continue
		fi
		set -- $(od -An -v -tu1 -N64 "$file")
		kind=file
		if [ $# -ge 20 ] && [ "$1 $2 $3 $4" = "127 69 76 70" ]; then
			case "$6 ${17} ${18}" in "1 2 0" | "1 3 0" | "2 0 2" | "2 0 3") kind=program ;; esac
		fi
		if [ $how = look ]; then
			[ $kind = file ] || { echo yes; exit; }
			continue
		fi
		[ $how = any ] || [ $kind = program ] || continue
		sum=
		if [ $kind = program ] && [ "$5 $6" = "2 1" ] && [ $# -eq 64 ] && [ ${47} -eq 0 ] && [ ${48} -eq 0 ]; then
			table=$((${41} + (${42} << 8) + (${43} << 16) + (${44} << 24) + (${45} << 32) + (${46} << 40)))
			end=$((table + (${59} + (${60} << 8)) * (${61} + (${62} << 8))))
			if [ $table -gt 0 ] && [ $end -eq $(($(wc -c <"$file"))) ] &&
				objcopy --strip-all --remove-section=.comment --remove-section=.note.gnu.build-id \
					--remove-section=.gnu_debuglink "$file" "$temporary" 2>/dev/null; then
				sum=$(sha256sum <"$temporary")
			fi
		fi
		[ -n "$sum" ] || { kind=$kind-as-it-is && sum=$(sha256sum <"$file") || exit 1; }
		printf "%s %s %s\n" "$(printf %s "$file" | sha256sum)" $kind "$sum"
	done'

hash_programs() {
	made=$(find . -name .git -prune -o -type f \( -perm -100 -o -name '*.so' -o -name '*.so.*' \) $newer "$work/stamp" \
		-exec sh -c "$hash_files" sh look "$work/stripped" {} + 2>/dev/null)
	[ -n "$made" ] || return 0
	find . -name .git -prune -o -type f \( -perm -100 -o -name '*.so' -o -name '*.so.*' \) \
		-exec sh -c "$hash_files" sh programs "$work/stripped" {} +
	find . -name .git -prune -o -type l $newer "$work/stamp" -exec sh -c "$hash_files" sh any "$work/stripped" {} +
}

hash_named() {	# "$1": the pathspecs, a line each
	IFS=$newline
	wanted='' without=''
	set -- $1
	unset IFS
	for spec; do
		case $spec in
		:[!^]?*) without="$without$newline${spec#??}" ;;
		*) wanted="$wanted$newline${spec#./}" ;;
		esac
	done
	set -- . -name .git -prune -o \( -type f -o -type l \) \(
	IFS=$newline
	for spec in $wanted; do
		spec=${spec%/}
		set -- "$@" -path "./$spec" -o -path "./$spec/*" -o
	done
	[ -n "$wanted" ] || set -- "$@" -name '*' -o
	set -- "$@" -name '' \)
	for spec in $without; do
		spec=${spec%/}
		set -- "$@" ! -path "./$spec" ! -path "./$spec/*"
	done
	unset IFS
	find "$@" -exec sh -c "$hash_files" sh any "$work/stripped" {} +
}

make_stamp() {	# returns when a file made from now on has a later time than the stamp
	: >"$work/stamp"
	newer=-cnewer	# the time of a file that was copied or installed with an old date, too
	find "$work/stamp" -cnewer "$work/stamp" >/dev/null 2>&1 || newer=-newer
	until [ -n "$(find "$work/later" $newer "$work/stamp" 2>/dev/null)" ]; do
		rm -f "$work/later"
		: >"$work/later"
	done
}

artifact_of() {	# sets artifact; the tree is the current folder
	artifact=''
	command -v sha256sum >/dev/null && command -v od >/dev/null || return 0
	if [ -n "$artifacts" ]; then hash_named "$artifacts"; else hash_programs; fi >"$work/list" || return 0
	[ ! -s "$work/list" ] || artifact=$(LC_ALL=C sort "$work/list" | sha256sum | cut -c1-64)
}

# --- one step --------------------------------------------------------------------------------------------------------

# Executes COMMAND: a file of the tree with its arguments behind it, or a line for sh. Never returns.
execute() {
	command=$1 file=$1 arguments=''
	[ -n "$limit" ] && set -- $apart timeout -k 5 "$limit" $under || set -- $under
	[ -f "$file" ] || { file=${command%% *}; arguments=${command#"$file"}; }
	if [ ! -f "$file" ]; then
		[ -n "$arguments" ] || command -v "$file" >/dev/null || { echo "$file not found"; exit 127; }
		exec "$@" sh -c "$command"
	fi
	case $file in */*) ;; *) file=./$file ;; esac
	shell=''
	[ -x "$file" ] || { shell=sh; ! command -v bash >/dev/null || shell=bash; }
	[ -n "$arguments" ] || exec "$@" $shell "$file"
	exec "$@" sh -c "$shell \"\$0\"$arguments" "$file"
}

# --- where the time goes -----------------------------------------------------------------------------------------------
#
# The command is run as for a measured run, while perf looks on where it can; a program that was built with -pg leaves gmon.out
# for gprof. What was seen is said in lines of these forms, behind the command's own output:
#
#   PROFILE what=perf|gprof         PROFILE part 23.86 % libc.so.6 [.] memcpy          the largest parts first
#   PROFILE moved=BYTES             a second, to and from memory, by the counters of the last cache; not on every machine
#   PROFILE bandwidth=BYTES by=perf|dd       a second, that all CPUs of the step together can copy

profile() {	# COMMAND
	rm -f gmon.out
	! command -v perf >/dev/null || ! perf record -q -o "$work/try" -- true >/dev/null 2>&1 ||
		under="perf record -q -F 299 -o $work/perf.data --"
	(execute "$1") || return
	if [ -n "$under" ] && [ -s "$work/perf.data" ]; then
		echo "PROFILE what=perf"
		perf report -i "$work/perf.data" --stdio -q --no-children --percent-limit 1 -F overhead,dso,symbol 2>/dev/null |
			sed -n 's/  */ /g; s/^ *\([0-9.]*\)% \(.*[^ ]\) *$/PROFILE part \1 % \2/p' | head -n 30
	elif [ -s gmon.out ]; then
		profile_by_gprof
	fi
	under=''
	count_memory "$1"
	measure_bandwidth
}

profile_by_gprof() {
	command -v gprof >/dev/null && command -v nm >/dev/null || return 0
	find . -type f -perm -100 -size +7k | while IFS= read -r program; do
		nm "$program" 2>/dev/null | grep -q ' _*mcount' || continue
		echo "PROFILE what=gprof"
		gprof -b -p "$program" gmon.out 2>/dev/null |
			awk '$1 + 0 > 0 { printf "PROFILE part %s %% %s\n", $1, $NF }' | head -n 30
		break
	done
}

count_memory() {	# COMMAND, once more: misses of the last cache are lines of 64 bytes
	command -v perf >/dev/null && perf stat -x, -o "$work/try" -e cache-misses -- true >/dev/null 2>&1 || return 0
	! grep -q 'not ' "$work/try" || return 0
	under="perf stat -x, -o $work/counts -e cache-misses --"
	now
	begun=$time
	(execute "$1") >/dev/null 2>&1
	now
	under=''
	awk -F, -v ns=$((time - begun)) '$3 ~ /cache-misses/ && $1 > 0 && ns > 0 { printf "PROFILE moved=%.0f\n", $1 * 64 / ns * 1e9 }' "$work/counts"
}

measure_bandwidth() {
	cpus=$(nproc 2>/dev/null || echo 1) i=0
	if command -v perf >/dev/null && perf bench mem memcpy -f default -s 64MB -l 2 >/dev/null 2>&1; then
		while [ $i -lt "$cpus" ]; do
			perf bench mem memcpy -f default -s 128MB -l 8 >"$work/bandwidth.$i" 2>&1 &
			i=$((i + 1))
		done
		wait
		# each byte that is copied is read and written; perf names the unit that suits
		set +f
		awk 'BEGIN { unit["KB/sec"] = 1024; unit["MB/sec"] = 1048576; unit["GB/sec"] = 1073741824 }
			$2 in unit { sum += $1 * unit[$2] } END { if (sum > 0) printf "PROFILE bandwidth=%.0f by=perf\n", 2 * sum }' "$work"/bandwidth.*
		set -f
		return
	fi
	now
	begun=$time
	dd if=/dev/zero of=/dev/null bs=64M count=16 2>/dev/null || return 0
	now
	[ $((time - begun)) -le 0 ] || echo "PROFILE bandwidth=$((1073741824 * 1000 / ((time - begun) / 1000000 + 1))) by=dd"
}

end_group() {	# whatever a step left running in its group
	[ -z "$child" ] || kill -s KILL -- "-$child" 2>/dev/null
	child=''
}

end_child() {	# and the step itself: what has been stopped cannot make a group of its own, and fork, between two of these
	[ -n "$child" ] || return 0
	kill -s STOP "$child" 2>/dev/null
	kill -s KILL -- "-$child" 2>/dev/null
	kill -s KILL "$child" 2>/dev/null
	child=''
}

say_begin() {
	say "run=$run arm=$arm step=$kind round=$round"
}

say_end() {	# of a build with an artifact: also whether that is the one it is compared with
	extra="$extra${artifact:+ artifact=$artifact}"
	[ -z "$same" ] || [ "$same" != "$artifact" ] || extra="$extra same=1"
	say "end run=$run exit=$code seconds=$(printf '%d.%06d' $((elapsed / 1000000)) $((elapsed % 1000000)))$extra$1"
}

# run_step KIND COMMAND LIMIT: in the current folder; LIMIT empty: the caller watches the time. Sets code and artifact.
run_step() {
	kind=$1 command=$2 limit=$3
	[ "$kind" != build ] || make_stamp
	SKYDECK_PADDING=$(printf "%${padding}s" '')
	export SKYDECK_PADDING
	now
	started=$time
	if [ -z "$command" ]; then
		echo "no command to $kind: skipped"
		code=0
	elif [ -n "$limit" ]; then
		(
			[ "$kind" != build ] || PATH=$compilers$PATH
			execute "$command"
		) </dev/null 8>&- &
		child=$!
		wait "$child"
		code=$?
	elif [ "$kind" = profile ]; then
		(profile "$command") </dev/null
		code=$?
	else
		(execute "$command") </dev/null
		code=$?
	fi
	now
	end_group
	elapsed=$(((time - started) / 1000))
	[ $elapsed -ge 0 ] || elapsed=0
	extra='' artifact=''
	if [ "${limit:-0}" -gt 0 ] && [ $elapsed -ge "${limit}000000" ]; then
		case $code in 124 | 137) code=124 extra=" timeout=$limit" ;; esac
	fi
	[ "$kind" != build ] || [ $code -ne 0 ] || artifact_of
}

# --- trees made of commits -------------------------------------------------------------------------------------------
#
# A store beside the trees (store.git) has the commits that bundles brought, without the history behind them. So only
# plumbing that never asks for it is used: `git bundle unbundle` checks the header's prerequisites (there are none) and indexes
# the pack, read-tree and write-tree look no further than trees. Each tree has an index of its own beside it (FOLDER.index), by
# which the next commit finds what to write and what to remove; it has another name while files are written, and a tree
# without one is made anew. The harness is part of what is written: a tree object over the commit's. The functions below need
# set_git, and so a shell of their own.

set_git() {	# nothing of the user's, the system's or the repository's wishes reaches git
	unset HOME XDG_CONFIG_HOME GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR \
		GIT_NAMESPACE GIT_CONFIG GIT_CONFIG_COUNT GIT_CONFIG_PARAMETERS GIT_CONFIG_SYSTEM GIT_TEMPLATE_DIR GIT_DEFAULT_HASH GIT_DIR
	export LC_ALL=C GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_ATTR_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0
	store=$home/store.git
	if [ ! -f "$store/info/attributes" ]; then
		rm -rf "$store"
		git init -q --bare --template= "$store" && mkdir -p "$store/info" &&
			echo '* -text -ident -filter !working-tree-encoding' >"$store/info/attributes.new" &&
			mv "$store/info/attributes.new" "$store/info/attributes" || return 1
	fi
	export GIT_DIR="$store"
}

write_harness() {	# as a tree object; prints its id
	[ -n "$harness" ] && [ -d "$home/$harness" ] || { echo none; return; }
	export GIT_INDEX_FILE="$work/harness" GIT_WORK_TREE="$home/$harness"
	rm -f "$work/harness"	# what it knows of may have been in another store
	(cd "$home/$harness" && git add -A -f . && git write-tree)
}

# Sets note to the line that says of a tree that this build stands there. Empty: cannot be said.
name_build() {
	[ -n "$tools" ] || tools=$(
		exec 2>/dev/null
		set_git && laid=$(write_harness) && with=$(printf '%s\n' "$build" "$artifacts" | git hash-object --stdin) &&
			printf 'harness=%s with=%s\n' "$laid" "$with"
	) || tools=''
	note=${tools:+commit=$commit layout=$layout $tools boot=$boot}
}

bring_commit() {
	! git cat-file -e "$commit^{tree}" 2>/dev/null || return 0
	[ -f "$home/$bundle" ] || { echo "driver.sh: the commit $commit is not here, and there is no bundle ${bundle:-of it}"; return 2; }
	find "$store/objects" -name 'tmp_*' -exec rm -f {} +
	git bundle unbundle "$home/$bundle" >/dev/null || return 1
	git cat-file -e "$commit^{tree}" 2>/dev/null || { echo "driver.sh: the bundle $bundle does not bring the commit $commit"; return 1; }
}

remove_tree() {
	rm -f "$tree.index" "$tree.index.new" "$tree.index.new.lock"
	rm -rf "$tree" 2>/dev/null || {	# folders that nobody may write to, as caches of modules are
		chmod -R u+rwX "$tree"
		rm -rf "$tree"
	}
}

fill_tree() {
	bring_commit || return
	laid=$(write_harness) || return 1
	export GIT_INDEX_FILE="$work/index"
	rm -f "$work/index"
	git read-tree "$commit" || return 1
	[ "$laid" = none ] || git ls-tree -r -z "$laid" | git update-index -z --index-info || return 1
	whole=$(git write-tree) || return 1
	[ $incremental = yes ] && [ -f "$tree.index" ] && [ -d "$tree" ] || remove_tree || return 1
	mkdir -p "$tree" || return 1
	rm -f "$tree.index.new" "$tree.index.new.lock"
	[ ! -f "$tree.index" ] || mv "$tree.index" "$tree.index.new" || return 1
	GIT_INDEX_FILE="$home/$tree.index.new" git --work-tree="$home/$tree" read-tree --reset -u "$whole" || return 1
	mv "$tree.index.new" "$tree.index"
}

make_tree() {	# in a shell of its own, in the batch's folder
	command -v git >/dev/null || { echo "driver.sh: git is missing on this VM: install it there (target.setup)"; return 1; }
	was_there=''
	[ ! -d store.git ] || was_there=yes
	set_git || return 1
	fill_tree && return 0
	if [ $? -eq 1 ] && [ -n "$was_there" ]; then	# what a crash has left may be broken
		echo "driver.sh: once more, with a new store and a new folder"
		rm -rf "$store"
		unset GIT_DIR
		remove_tree && set_git && fill_tree && return 0
	fi
	echo "driver.sh: the tree of the commit $commit cannot be made in $tree"
	return 1
}

is_kept() {	# sets artifact
	artifact=''
	[ -n "$note" ] && [ -d "$tree" ] && [ -f "$tree.built" ] || return 1
	{
		IFS= read -r line && IFS= read -r artifact
	} <"$tree.built"
	[ "$line" = "$note" ]
}

# --- a batch ---------------------------------------------------------------------------------------------------------

say_host() {
	arch=$(uname -m)
	cpus=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null)
	memory=$(sed -n 's/^MemTotal: *\([0-9]*\) kB.*/\1/p' /proc/meminfo 2>/dev/null)
	boot=''
	[ ! -r /proc/sys/kernel/random/boot_id ] || read -r boot </proc/sys/kernel/random/boot_id
	say "host${arch:+ arch=$arch}${cpus:+ cpus=$cpus}${memory:+ memory_mb=$((memory / 1024))}${boot:+ boot=$boot}"
}

end_strays() {	# steps of a batch that was killed: they work at the place, and have a step's environment
	there=$(cd "$place" 2>/dev/null && pwd -P) || return 0
	set +f
	set -- /proc/[0-9]*
	set -f
	for process; do
		case $(readlink "$process/cwd" 2>/dev/null) in "$there" | "$there"/*) ;; *) continue ;; esac
		tr '\0' '\n' 2>/dev/null <"$process/environ" | grep -q '^SKYDECK_ARM=' || continue
		fields=$(cat "$process/stat" 2>/dev/null)
		set -- ${fields##*) }
		[ $# -lt 3 ] || kill -s KILL -- "-$3" 2>/dev/null
	done
}

put_back() {	# the tree that stands at the place, from this batch or one that was killed
	cd "$home" || exit 1
	[ -f "$place.is" ] || return 0
	was=''
	IFS= read -r was <"$place.is"
	if [ -z "$was" ]; then	# the machine went down before the name was on its disk
		rm -rf "$place"
	elif [ -d "$place" ] && [ ! -e "$was" ]; then
		mv "$place" "$was" || die "cannot move $place back to $was"
	fi
	rm -f "$place.is"
}

put_in_place() {
	[ -d "$tree" ] || die "step $1: there is no folder $tree"
	if [ "$tree" != "$place" ]; then
		[ ! -e "$place" ] || die "$home/$place is in the way: trees are put there while they execute"
		printf '%s\n' "$tree" >"$place.is"
		mv "$tree" "$place" || die "cannot move $tree to $place"
	fi
	cd "$place" || exit 1
}

read_step() {	# a step's line
	run='' arm='' label='' kind='' round=0 layout=0 padding=0 commit='' bundle='' same='' tree=''
	left=$1
	while [ -n "$left" ]; do
		case $left in tree=*) tree=${left#tree=} left='' ; continue ;; esac
		field=${left%% *}
		case $left in *' '*) left=${left#* } ;; *) left='' ;; esac
		case $field in
		run=*) run=${field#*=} ;;
		arm=*) arm=${field#*=} ;;
		label=*) label=${field#*=} ;;
		step=*) kind=${field#*=} ;;
		round=*) round=${field#*=} ;;
		layout=*) layout=${field#*=} ;;
		padding=*) padding=${field#*=} ;;
		commit=*) commit=${field#*=} ;;
		bundle=*) bundle=${field#*=} ;;
		same=*) same=${field#*=} ;;
		esac
	done
	case $kind in
	build) command=$build limit=$build_limit ;;
	checks) command=$checks limit=$checks_limit ;;
	measure) command=$measure limit=$measure_limit ;;
	*) die "step $1: step= must be build, checks or measure" ;;
	esac
	case $commit in *[!0-9a-f]*) die "step $1: commit= must be a whole hexadecimal id" ;; esac
}

# The step of the line that was read: its tree, its command, its note. Sets code, elapsed, artifact, extra and kept.
do_step() {
	code=0 elapsed=0 artifact='' extra='' kept='' note=''
	if [ "$kind" = build ] && [ -n "$commit" ]; then
		name_build
		is_kept && kept=' kept=1' && return 0
		artifact=''
		rm -f "$tree.built"
		(make_tree) </dev/null &
		child=$!
		wait "$child" || code=1
		child=''
		[ $code -eq 0 ] || return 0
		[ -n "$note" ] || name_build	# the store was broken before
	elif [ -n "$commit" ]; then
		grep -qs "^commit=$commit " "$tree.built" || die "step $1: no finished build of $commit stands in $tree"
	fi
	put_in_place "$1"
	run_step "$kind" "$command" "$limit"
	put_back
	[ $code -eq 0 ] && [ -n "$note" ] || return 0
	printf '%s\n' "$note" "$artifact" >"$tree.built.new" && mv "$tree.built.new" "$tree.built"
}

batch_step() {	# a step's line
	read_step "$1"
	case $is_over$failed in yes* | *" $arm "*)
		say "skip run=$run arm=$arm step=$kind round=$round"
		return 0
		;;
	esac
	export SKYDECK_ARM="$label" SKYDECK_ROUND="$round" SKYDECK_LAYOUT="$layout"
	say_begin
	do_step "$1"
	say_end "$kept"
	if [ $code -ne 0 ] && [ "$kind" != measure ]; then
		failed="$failed$arm "
		[ "$arm" != "$needs" ] || is_over=yes
	elif [ -n "$same" ] && [ "$same" = "$artifact" ]; then
		failed="$failed$arm "
	fi
}

lock() {	# until the batch ends; its git commands hold it too, its steps do not
	command -v flock >/dev/null && exec 8>>.driver.lock || return 0
	flock 8 &
	child=$!
	wait "$child"
	child=''
}

run_batch() {
	home=$PWD tools=''
	exec 2>&1
	command -v timeout >/dev/null || die "timeout is missing: install coreutils"
	[ -f "$1" ] || die "there is no batch $1"
	read_words <"$1"
	rm -f "$1"
	trap end_child EXIT
	lock
	work=$home/.driver.work	# always this one, so that a batch that was killed leaves nothing for ever
	rm -rf "$work"
	mkdir "$work" || die "cannot make a folder in $home"
	trap 'end_child; put_back; rm -rf "$work"' EXIT
	[ ! -f "$place.is" ] || end_strays
	put_back
	export BUILD_CMD="$build" BENCH_TIMEOUT="$measure_limit" CHECK_TIMEOUT="$checks_limit"
	export EXPERIMENT_ID="${EXPERIMENT_ID:-}" EXPERIMENT_DESC="${EXPERIMENT_DESC:-}"
	if [ $ccache = yes ]; then
		for folder in /usr/lib/ccache /usr/lib64/ccache; do
			[ ! -d $folder ] || compilers=$folder:
		done
	fi
	! command -v setsid >/dev/null || apart=setsid	# not every timeout makes a process group of its own
	say_host
	while [ -n "$steps" ]; do
		line=${steps%%"$newline"*} steps=${steps#*"$newline"}
		batch_step "$line"
	done
}

trap 'exit 143' TERM
trap 'exit 130' INT
trap 'exit 129' HUP

case ${1:-} in
build | checks | measure | profile)
	work=$(mktemp -d "${TMPDIR:-/tmp}/skydeck.XXXXXX") || die "cannot make a folder in ${TMPDIR:-/tmp}"
	trap 'rm -rf "$work"' EXIT
	[ -t 0 ] || read_words
	exec 2>&1
	command=${2:-}
	[ "$1" != build ] || command=${2:-${BUILD_CMD:-}}
	kind=$1
	say_begin
	run_step "$kind" "$command" ''
	say_end ''
	exit $code
	;;
batch)
	[ $# -eq 2 ] || die "batch needs a file"
	run_batch "$2"
	;;
*)
	die "usage: driver.sh build|checks|measure|profile [COMMAND] | batch FILE"
	;;
esac
