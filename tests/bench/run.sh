#!/bin/bash
# run.sh BUILD [WORD]: the figures of BUILD/skydeck, beside the tools users know where they are installed (`make bench` builds first);
# with WORD only those sections with it in their name.
# It judges nothing but its own targets, and exits 0 also when one is missed: a busy machine proves little. Everything happens in
# a folder that is thrown away, with a home of its own; commits are as fast as the disk of $TMPDIR.
set -u
build=$1
case $build in /*) ;; *) build=$PWD/$build ;; esac
here=$PWD/tests/bench bench=$build/tests/bench skydeck=$build/skydeck
work=$(mktemp -d "${TMPDIR:-/tmp}/bench.XXXXXX")
target=$work/target engine= speaker=

stop_engine() {
	[ -n "$engine" ] || return 0
	kill "$engine" 2>/dev/null
	wait "$engine" 2>/dev/null
	engine=
}
cleanup() {
	stop_engine
	[ -z "$speaker" ] || kill "$speaker" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
die() { echo "bench: $*" >&2; exit 1; }

unset COLUMNS LINES NO_COLOR TMUX XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_RUNTIME_DIR "${!SKYDECK_@}" "${!GIT_@}"
# libvterm 0.1 does not know REP, which xterm is said to have and tmux is not.
export HOME=$work/home TMPDIR=$work TZ=UTC LC_ALL=C.UTF-8 TERM=tmux-256color GIT_CONFIG_NOSYSTEM=1
mkdir -p "$HOME"
git config --global user.name Bench && git config --global user.email bench@example.org

# --- printing ------------------------------------------------------------------------------------------------------------------

over=0
short() { awk -v v="$1" 'BEGIN { printf (v + 0 >= 1000 ? "%.0f" : "%.3g"), v }'; }
quantile() { sort -g "$1" | awk -v q="$2" '{ v[NR] = $1 } END { i = int(q * NR); if (i < q * NR) i++; if (i < 1) i = 1; print v[i] }'; }	# FILE Q: nearest rank
head_line() { printf '\n%-50s %9s %9s %9s  %-16s\n' "$1" "${2:-min}" "${3:-median}" "${4:-max}" target; }
# figure WHAT UNIT LIMIT FILE [LOW MIDDLE HIGH JUDGED]: quantiles of FILE's numbers; LIMIT is "<= 50", ">= 100" or "-"; JUDGED is
# the quantile that is held against it. What stands in $beside is printed at the end.
figure() {
	local limit=$3 low middle high judged word=
	[ -s "$4" ] || die "no figure for: $1"
	low=$(quantile "$4" "${5:-0}") middle=$(quantile "$4" "${6:-0.5}") high=$(quantile "$4" "${7:-1}") judged=$(quantile "$4" "${8:-0.5}")
	if [ "$limit" = - ]; then
		limit=
	elif awk -v v="$judged" -v l="${limit#* }" -v o="${limit% *}" 'BEGIN { exit !(o == "<=" ? v <= l : v >= l) }'; then
		word=ok limit="$limit $2"
	else
		word=OVER over=$((over + 1)) limit="$limit $2"
		[ "${3%% *}" = '<=' ] || word=UNDER
	fi
	printf '%-50s %9s %9s %9s  %-16s %-5s %s\n' "$1, $2" "$(short "$low")" "$(short "$middle")" "$(short "$high")" "$limit" "$word" "$beside"
	beside=
}
beside=
# against NAME OURS THEIRS [Q]: adds to $beside how many times the tool's figure ours is; THEIRS is no file where it is not installed.
against() {
	local ours theirs q=${4:-0.5}
	if [ ! -s "$3" ]; then
		beside="$beside${beside:+, }$1 is not installed"
		return
	fi
	ours=$(quantile "$2" "$q") theirs=$(quantile "$3" "$q")
	beside="$beside${beside:+, }$(awk -v a="$ours" -v b="$theirs" -v n="$1" 'BEGIN { if (b > 0) printf "%.2g x %s (%.4g)", a / b, n, b; else printf "%s %.4g", n, b }')"
}
has() { command -v "$1" >/dev/null; }

# --- the session ---------------------------------------------------------------------------------------------------------------

start_engine() {	# returns when it listens; the milliseconds go to the file $1
	local start=${EPOCHREALTIME/./} word
	rm -f "$work/ready"
	mkfifo "$work/ready"
	"$skydeck" -C "$target" serve --ready 3 3>"$work/ready" 2>>"$work/engine.log" &
	engine=$!
	read -r word <"$work/ready"
	[ "$word" = ready ] || die "the engine does not start: $word $(tail -n 2 "$work/engine.log")"
	awk -v us=$((${EPOCHREALTIME/./} - start)) 'BEGIN { print us / 1000 }' >>"${1:-/dev/null}"
}
wait_for() {	# SECONDS COMMAND…
	local until=$((SECONDS + $1)); shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -le $until ] || die "this never came true: $*"
		sleep 0.1
	done
}
is_ready() { "$skydeck" -C "$target" workers --json | grep -q '"state":"ready"'; }
builds_stream() { [ "$(find "$sessions" -name '*.log' -newer "$work/approved" -size +30k | wc -l)" -ge 2 ]; }
waiting() { "$skydeck" -C "$target" proposals waiting | awk '/Streams/ { print $1 }'; }
propose() {	# NUMBER: of the patch
	local before
	before=$(waiting | wc -l)
	"$skydeck" -C "$target" propose --title "Streams $1" "$work/$1.patch" >/dev/null || die 'propose failed'
	wait_for 10 eval "[ \$(waiting | wc -l) -gt $before ]"
}
story() { "$bench/engine" "$journal" "$1" "$base" "$patch"; }	# the session goes on until it has $1 events

make_target() {
	mkdir "$target"
	git -C "$target" init -q -b main
	for i in $(seq 1000); do	# a history to page through
		printf 'commit refs/heads/main\ncommitter Bench <bench@example.org> %d +0000\ndata <<E\nKernel %d: one pass instead of two\nE\nM 100644 inline notes\ndata <<E\n%d\nE\n\n' \
			$((1700000000 + i * 3600)) $i $i
	done | git -C "$target" fast-import --quiet
	git -C "$target" reset -q --hard main
	mkdir "$target/.skydeck"
	cp "$here"/target/* "$target"/ && mv "$target/config" "$target/.skydeck/config"
	git -C "$target" add autoresearch.sh build.sh lines.c seconds
	git -C "$target" commit -q -m 'A target that is there to be looked at'
	base=$(git -C "$target" rev-parse HEAD)
	for i in 1 2; do
		echo "9$i" >"$target/seconds"
		git -C "$target" diff >"$work/$i.patch"
		git -C "$target" commit -q -a -m "A build that streams" && patch=$(git -C "$target" rev-parse HEAD)
		git -C "$target" reset -q --hard "$base"
	done
}

begin_session() {
	start_engine
	wait_for 120 is_ready
	stop_engine
	sessions=$target/.skydeck/sessions
	journal=$(echo "$sessions"/*/journal.db)
	story 600 >/dev/null
	start_engine
	wait_for 120 is_ready
}

# --- what is measured ----------------------------------------------------------------------------------------------------------

# What is on the screen when a first picture is complete.
cockpit=("skydeck  " "1 Reading list" "2 Grid" "3 Metrics" "4 Review" "5 Agent" -- "$skydeck" -C "$target" attach)
tig=('[main]' 'A target that is' -- tig -C "$target")
htop=('PID' 'F10' -- htop)

paint() {	# NAME SIZE TIMES WANTED… -- PROGRAM…
	local name=$1 size=$2 times=$3; shift 3
	"$bench/terminal" paint "$size" "$times" "$@" >"$work/paint.$name.$size" || die "$name shows no first picture"
}
measure_paint() {
	local size tool
	head_line 'first paint'
	for size in 120x40 200x50; do
		paint skydeck $size 11 "${cockpit[@]}"
		! has tig || paint tig $size 9 "${tig[@]}"
		! has htop || paint htop $size 9 "${htop[@]}"
		for tool in tig htop; do against $tool "$work/paint.skydeck.$size" "$work/paint.$tool.$size"; done
		figure "cockpit, $size" ms '<= 50' "$work/paint.skydeck.$size"
	done
}

value_of() { sed -n "s/^$2 //p" "$1"; }	# FILE NAME: from what `terminal idle` printed
idle_figure() {	# WHAT NAME UNIT LIMIT TOOL…
	local what=$1 name=$2 unit=$3 limit=$4 tool; shift 4
	for tool in skydeck engine "$@"; do
		[ ! -e "$work/idle.$tool" ] || value_of "$work/idle.$tool" "$name" >"$work/$name.$tool"
	done
	for tool in "$@"; do against $tool "$work/$name.skydeck" "$work/$name.$tool"; done
	figure "$what" "$unit" "$limit" "$work/$name.skydeck"
}
# Not while the clock in the title bar comes to its full minute.
away_from_full_minute() {
	local opened at
	opened=$(date -d "$("$skydeck" -C "$target" events --json | sed -n '1s/.*"time":"\([^"]*\)".*/\1/p')" +%s)
	at=$((($(date +%s) - opened) % 60))
	[ $at -gt 1 ] && [ $at -lt 45 ] || sleep $(((62 - at) % 60))
}
measure_idle() {
	local jobs=()
	head_line 'idle for 10 s, 120x40, and private memory'
	away_from_full_minute
	"$bench/terminal" idle 120x40 10 "${cockpit[@]}" >"$work/idle.skydeck" & jobs+=($!)
	{ sleep 2; "$bench/terminal" watch 10 $engine; } >"$work/idle.engine" & jobs+=($!)
	! has tig || { "$bench/terminal" idle 120x40 10 "${tig[@]}" >"$work/idle.tig" & jobs+=($!); }
	! has htop || { "$bench/terminal" idle 120x40 10 "${htop[@]}" >"$work/idle.htop" & jobs+=($!); }
	wait "${jobs[@]}"
	idle_figure 'cockpit writes' bytes bytes '<= 0' tig htop
	idle_figure 'cockpit wakes up (and its guard)' wakeups times '<= 0' tig htop
	idle_figure 'cockpit computes' cpu ms '<= 50' tig htop
	figure 'engine wakes up' times - "$work/wakeups.engine"
	figure 'engine computes' ms '<= 50' "$work/cpu.engine"
	idle_figure 'cockpit holds (and its guard)' memory MB '<= 15' tig htop
	figure 'engine holds' MB - "$work/memory.engine"
}

keys() {	# NAME TIMES SETUP A B WANTED… -- PROGRAM…
	local name=$1 times=$2; shift 2
	"$bench/terminal" keys 120x40 "$times" "$@" >"$work/keys.$name" || die "$name does not answer keys"
	cut -d' ' -f1 "$work/keys.$name" >"$work/keys.$name.ms"
	cut -d' ' -f2 "$work/keys.$name" >"$work/keys.$name.bytes"
}
key_figures() {	# WHAT NAME
	against tig "$work/keys.$2.ms" "$work/keys.tig.ms" 0.99
	figure "$1" ms '<= 5' "$work/keys.$2.ms" 0.5 0.99 1 0.99
	against tig "$work/keys.$2.bytes" "$work/keys.tig.bytes"
	figure "  its frame" bytes '<= 1024' "$work/keys.$2.bytes" 0.5 0.99 1 0.5
}
measure_keys() {
	local streams proposal
	touch "$work/approved"
	propose 1
	propose 2
	streams=$(waiting)
	"$skydeck" -C "$target" approve $streams >/dev/null || die 'approve failed'
	wait_for 20 builds_stream
	head_line 'key to bytes, two builds printing 1,000 lines/s each' p50 p99 max
	! has tig || keys tig 150 '' j k "${tig[@]}"
	keys metrics 200 3 j k "${cockpit[@]}"
	keys grid 200 2 j k "${cockpit[@]}"
	keys log 200 $'2j\r' / $'\177' "${cockpit[@]}"	# Backspace leaves an empty prompt
	for proposal in $streams; do "$skydeck" -C "$target" cancel "$proposal" >/dev/null || die 'cancel failed'; done
	wait_for 120 is_ready
	key_figures 'cockpit, up and down in the metric table' metrics
	key_figures 'cockpit, up and down in the grid' grid
	key_figures 'cockpit, search prompt over a log that follows' log
}

# What the cockpit makes of many logs; an engine's stand-in tells of them.
measure_stream() {
	local size setup where
	git init -q "$work/vms" && git -C "$work/vms" commit -q --allow-empty -m 'A target' && mkdir "$work/vms/.skydeck"
	mkfifo "$work/streams"
	"$bench/stream" "$work/vms" 16 100 >"$work/streams" 2>>"$work/engine.log" & local stand_in=$!
	read -r _ <"$work/streams"
	head_line '16 VMs that print 100 lines/s each, for 10 s'
	for size in 120x34 200x50; do
		for setup in '' 2z; do
			where="${setup:+grid alone, }$size"
			"$bench/terminal" stream $size 10 "$setup" '2 Grid' -- "$skydeck" -C "$work/vms" attach >"$work/stream" || die 'nothing streams'
			awk '$1 == "cpu" { print $2 / 100 }' "$work/stream" >"$work/stream.cpu"
			awk '$1 == "bytes" { print $2 / 10000 }' "$work/stream" >"$work/stream.bytes"
			figure "cockpit computes, $where" '% of a core' '<= 3' "$work/stream.cpu"
			figure "cockpit writes, $where" kB/s '<= 5' "$work/stream.bytes"
		done
	done
	"$bench/terminal" age 120x34 5 2z '2 Grid' -- "$skydeck" -C "$work/vms" attach | awk '/later/ { print $2 }' >"$work/stream.age"
	figure 'a line, from the VM to the screen' ms '<= 250' "$work/stream.age" 0.5 0.9 0.99 0.99
	kill $stand_in
	wait $stand_in 2>/dev/null
}

measure_long_session() {
	local i start
	head_line 'a session of 100,000 events'
	stop_engine
	story 100000 >"$work/emit.long"
	for i in 1 2 3; do
		start=${EPOCHREALTIME/./}
		"$skydeck" -C "$target" status >/dev/null || die 'status failed'
		echo $((${EPOCHREALTIME/./} - start)) | awk '{ print $1 / 1000 }' >>"$work/status"
	done
	for i in 1 2 3; do
		start_engine "$work/restart"
		[ $i = 3 ] || stop_engine
	done
	figure 'restart: engine listens after' ms '<= 1000' "$work/restart"
	figure 'skydeck status' ms '<= 1000' "$work/status"
	paint skydeck-long 120x40 5 "${cockpit[@]}"
	figure 'cockpit, first paint' ms '<= 50' "$work/paint.skydeck-long.120x40"
	propose 1	# the last of all events; before them never more than one waits
	propose 2
	paint skydeck-all 120x40 3 '! 2 wait' "${cockpit[@]}"
	figure 'cockpit, all events folded and shown' ms - "$work/paint.skydeck-all.120x40"
	"$bench/terminal" idle 120x40 1 '! 2 wait' "${cockpit[@]}" | sed -n 's/^memory //p' >"$work/memory.long"
	figure 'cockpit holds (and its guard)' MB '<= 15' "$work/memory.long"
	"$bench/terminal" watch 0 $engine | sed -n 's/^memory //p' >"$work/memory.long-engine"
	figure 'engine holds' MB - "$work/memory.long-engine"
	stop_engine
}

measure_emit() {
	local i
	head_line 'facts and logs'
	for i in 1 2 3; do
		"$bench/engine" "$work/fresh$i.db" 20000 "$base" "$patch" >>"$work/emit" || die 'emit failed'
	done
	figure 'emit in bursts, a commit for 500' events/s '>= 20000' "$work/emit"
	[ ! -e "$work/emit.long" ] || figure 'emit, as a session grows to 100,000 events' events/s '>= 20000' "$work/emit.long"
}

measure_logs() {
	local i start
	"$bench/logs" "$work/log" >"$work/logs" || die 'logs failed'
	for name in write index screen; do value_of "$work/logs" $name >"$work/logs.$name"; done
	for i in 1 2 3 4 5; do
		start=${EPOCHREALTIME/./}
		wc -l <"$work/log" >/dev/null
		awk -v us=$((${EPOCHREALTIME/./} - start)) 'BEGIN { print 128 / us * 1e6 }' >>"$work/logs.wc"
	done
	figure 'log, written and counted' MB/s '>= 100' "$work/logs.write"
	against 'wc -l' "$work/logs.index" "$work/logs.wc"
	figure 'log, indexed' MB/s '>= 100' "$work/logs.index"
	figure 'log, 50 lines anywhere' µs - "$work/logs.screen"
}

measure_model() {
	local i
	head_line "a model's stream, 200 tokens/s"
	for i in 1 2 3 4 5; do
		"$bench/speaker" 200 2 >"$work/model" || die 'speaker failed'
		sed -n 's/^age //p' "$work/model" | head -n 1 | awk '{ print $1 / 1000 }' >>"$work/model.first"
		sed -n 's/^age //p' "$work/model" | awk '{ print $1 / 1000 }' >>"$work/model.age"
		sed -n 's/^cpu //p' "$work/model" >>"$work/model.cpu"
	done
	figure 'first token, from its arrival to the listener' ms '<= 50' "$work/model.first"
	figure 'a token, likewise' ms - "$work/model.age" 0.01 0.5 0.99
	figure 'engine hears it, of a core' % '<= 1' "$work/model.cpu"
}

has_finished() { [ "$("$skydeck" -C "$target" events | grep -c state=finished)" -ge "$1" ]; }	# three turns bring nothing, and it waits
# The same in a whole session: the engine keeps what it hears, and a cockpit shows it.
measure_talk() {
	local target=$work/talk url terminal
	stop_engine
	head_line 'a model that speaks 200 tokens/s, in a session'
	"$bench/speaker" serve 200 1 1 1 1 1 1 1 1 1 12 >"$work/talk.url" & speaker=$!
	wait_for 10 test -s "$work/talk.url"
	url=$(head -n 1 "$work/talk.url")
	git clone -q "$work/target" "$target" && mkdir "$target/.skydeck"
	cp "$here/target/config" "$target/.skydeck/config"
	printf '[session]\n\tagent = model\n[agent "model"]\n\tkind = api\n\tmodel = claude-opus-5-5\n\tkeyenv = BENCH_KEY\n\turl = %s\n' "$url" >>"$target/.skydeck/config"
	BENCH_KEY=none start_engine
	wait_for 120 has_finished 1
	"$bench/terminal" age 120x40 20 5z 'skydeck  ' -- "$skydeck" -C "$target" attach >"$work/spoken" & terminal=$!
	for i in 2 3; do
		sleep 3
		"$skydeck" -C "$target" steer 'Go on' >/dev/null
		wait_for 60 has_finished $i
	done
	wait $terminal
	awk '/first/ { print $2 }' "$work/spoken" >"$work/talk.first"
	awk '/later/ { print $2 }' "$work/spoken" >"$work/talk.later"
	figure 'first token, from its arrival to the screen' ms '<= 50' "$work/talk.first"
	figure 'a token, likewise' ms - "$work/talk.later" 0.01 0.5 0.99
	"$skydeck" -C "$target" steer 'A long answer' >/dev/null
	sleep 1
	"$bench/terminal" watch 9 $engine >"$work/talk.engine" &
	"$bench/terminal" stream 120x40 7 5z 'skydeck  ' -- "$skydeck" -C "$target" attach >"$work/talk.cockpit"
	wait $!
	value_of "$work/talk.engine" cpu | awk '{ print $1 / 90 }' >"$work/talk.engine.cpu"
	value_of "$work/talk.cockpit" cpu | awk '{ print $1 / 70 }' >"$work/talk.cockpit.cpu"
	figure 'engine, with transcript, journal and a viewer' '% of a core' '<= 1' "$work/talk.engine.cpu"
	figure 'cockpit, the agent alone' '% of a core' '<= 1' "$work/talk.cockpit.cpu"
	stop_engine
	kill $speaker
	wait $speaker 2>/dev/null
	speaker=
}

measure_brief() {
	head_line 'what an agent is told, 2 MB'
	"$bench/brief" >"$work/brief" || die 'brief failed'
	value_of "$work/brief" ms >"$work/brief.ms"
	figure 'assembled from the model' ms '<= 20' "$work/brief.ms"
}

measure_search() {
	local theirs=$work/theirs.git place commit limit='<= 2000'
	head_line 'a search over the files of 1 GB'
	git init -q --bare "$theirs" && "$bench/search" write "${SKYDECK_BENCH_MB:-1024}" | git --git-dir="$theirs" -c core.compression=1 fast-import --quiet --done --depth=0 || die 'no repository'
	place=$("$bench/search" copy "file://$theirs#main" "$work/cache") || die 'copy failed'
	commit=${place##* } place=${place% *}
	for kind in copied plain; do	# as a source is kept, and a bare clone as git makes it
		[ $kind = copied ] || place=$theirs limit=-	# every object must be inflated: sources are never kept like that
		"$bench/search" time "$place" "$commit" >"$work/search" || die 'search failed'
		for name in plain regex first cancelled; do value_of "$work/search" $name >"$work/search.$name"; done
		figure "words that nothing has, $kind" ms "$limit" "$work/search.plain"
		figure "an expression that nothing has, $kind" ms "$limit" "$work/search.regex"
		figure "first line of one that some have, $kind" ms - "$work/search.first"
		figure "cancelled, $kind" ms - "$work/search.cancelled"
	done
	rm -rf "$theirs" "$work/cache"
}

began=$SECONDS
make_target
begin_session
for section in paint idle keys stream long_session emit logs model talk brief search; do
	case $section in *"${2:-}"*) measure_$section ;; esac
done
printf '\n%s of the targets missed; %s s, %s CPUs, load %s; ratios are ours to theirs\n' "$over" $((SECONDS - began)) "$(nproc)" "$(cut -d' ' -f1 /proc/loadavg)"
