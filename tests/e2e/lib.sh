# What the tests of the engine share: a target of text files that builds in no time and whose benchmark prints a number that stands in
# them, so that a whole session takes seconds and what wins is certain. Sourced by bash scripts; not executable, so no test itself.
#
# src/*.c are "compiled" into out/program by leaving their // comments out. a and b add to the speed; mode makes the benchmark, the checks
# or the build go wrong. Noise is 0.2 %.
set -u
export SKYDECK=${SKYDECK:-$PWD/skydeck}
work=$(mktemp -d "${TMPDIR:-/tmp}/e2e.XXXXXX")
T=$work/target P=$work/patches
engine= model=

finish() {
	code=$?
	[ -z "$engine" ] || { kill -KILL "$engine" 2>/dev/null; wait "$engine" 2>/dev/null; }
	[ -z "$model" ] || { kill "$model" 2>/dev/null; wait "$model" 2>/dev/null; }
	[ ! -e "$work/failed" ] || code=1
	rm -rf "$work"
	exit $code
}
trap finish EXIT
trap 'exit 130' INT TERM

bad() {
	echo "FAILED: $*"
	: >"$work/failed"
}
die() {
	bad "$@"
	[ ! -e "$work/out" ] || tail -n 40 "$work/out"
	sky events 2>/dev/null | tail -n 15
	exit 1
}
sky() { "$SKYDECK" -C "$T" "$@"; }

# Plays $work/script.json until the test ends: $url is its address, $work/requests what it was asked.
scripted_model() {
	python3 tests/agents/scripted-model "$work/script.json" --log "$work/requests" >"$work/url" 2>"$work/model.err" &
	model=$!
	wait_for '[ -s "$work/url" ]' 'the model answers'
	url=$(head -n 1 "$work/url")
}

# target [LINE...]: a new target in $T; each LINE is added to its config
target() {
	rm -rf "$T" "$P"
	mkdir -p "$T/src" "$T/.skydeck" "$P"
	(
		cd "$T" || exit 1
		git init -q -b main . 2>/dev/null || { git init -q . && git checkout -q -b main; }
		echo .skydeck/ >>.git/info/exclude
		git config user.name Test
		git config user.email test@example.org
		printf '// the first number\na=0\n' >src/a.c
		printf '// the second number\nb=0\n' >src/b.c
		printf 'mode=good\n' >src/mode.c
		printf 'notes\n' >notes.txt
		cat >build.sh <<-'END'
			mkdir -p out && grep -hv '^//' src/*.c >out/program && ! grep -q broken out/program
		END
		cat >autoresearch.sh <<-'END'
			. out/program
			case $mode in
			crash)	kill -SEGV $$ ;;
			fail)	echo "it does not work" >&2; exit 3 ;;
			hang)	sleep 100 ;;
			silent)	exit 0 ;;
			nan)	echo METRIC tps=nan; exit 0 ;;
			flood)	head -c 10000000 /dev/zero | tr '\0' x; exit 0 ;;
			esac
			[ -z "${slow:-}" ] || sleep "$slow"
			awk -v speed=$((100 + a + b)) -v noise=$((RANDOM % 401)) 'BEGIN { printf "METRIC tps=%.4f\n", speed * (0.998 + noise / 1e5) }'
		END
		cat >autoresearch.checks.sh <<-'END'
			. out/program
			if [ "$mode" = wrong ]; then echo "the result is wrong"; exit 1; fi
		END
		git add -A && git commit -q -m 'The target'
	) || die "cannot make the target"
	cat >"$T/.skydeck/config" <<-END
		[target]
			build = sh build.sh
			artifact = out/*
			metric = tps
			measuretimeout = 10
		[session]
			vetowindow = 0
		[agent "patches"]
			kind = patches
			dir = $P
	END
	for line in "$@"; do printf '%s\n' "$line" >>"$T/.skydeck/config"; done
}

# patch NAME TITLE COMMAND: what COMMAND changes in the target becomes $P/NAME.patch
patch() {
	rm -rf "$work/scratch"
	git clone -q "$T" "$work/scratch" || die "cannot clone the target"
	(
		cd "$work/scratch" && git config user.name Author && git config user.email author@example.org && sh -c "$3" && git add -A &&
			git commit -q -m "$2" && git format-patch -1 --stdout >"$work/new.patch"
	) || die "cannot make the patch $1"
	mv "$work/new.patch" "$P/$1.patch"
}
number() { patch "$1" "$2" "echo $3=$4 >src/$3.c"; }	# NAME TITLE VARIABLE VALUE
mode() { patch "$1" "$2" "echo mode=$3 >src/mode.c"; }	# NAME TITLE MODE

# run_auto [OPTION...]: a session under auto from beginning to end; its lines go to $work/out
run_auto() {
	timeout 200 "$SKYDECK" -C "$T" run --plain --autonomy auto "$@" >"$work/out" 2>"$work/wrong"
}

serve() {	# an engine in the background; $engine is its pid
	"$SKYDECK" -C "$T" serve "$@" >>"$work/out" 2>>"$work/wrong" &
	engine=$!
	wait_for 'sky status --json 2>/dev/null | grep -q "\"state\":\"\(running\|paused\|ended\)\""' 'the engine starts'
}
serve_ends() {	# waits for it; its exit code
	local code
	wait "$engine" 2>/dev/null
	code=$?
	engine=
	return $code
}

# A condition is one that stays once it is there, or that the test itself holds: between two looks a slow machine passes through states.
wait_for() {	# CONDITION WHAT
	local until=$((SECONDS + 100))
	while [ $SECONDS -lt $until ]; do
		eval "$1" && return
		sleep 0.1
	done
	die "in vain: $2"
}

field() { sky show "$1" --json 2>/dev/null | sed -n "s/.*\"$2\":\"\{0,1\}\([^\",}]*\).*/\1/p" | head -n 1; }	# ID NAME
# state and verdict stand at the top of the document
state_of() { sky show "$1" --json 2>/dev/null | grep -o '"state":"[a-z]*"' | head -n 1 | cut -d'"' -f4; }
verdict_of() { sky show "$1" --json 2>/dev/null | grep -o '"verdict":"\{0,1\}[a-z-]*' | head -n 1 | sed 's/.*[:"]//'; }
titled() { sky proposals --json | tr '{' '\n' | sed -n "s/.*\"id\":\"\(p[0-9]*\)\".*\"title\":\"$1\".*/\1/p" | head -n 1; }	# the id of the one with that title
is() {	# TITLE STATE VERDICT
	local id s v
	id=$(titled "$1")
	[ -n "$id" ] || { bad "there is no proposal \"$1\""; return; }
	s=$(state_of "$id") v=$(verdict_of "$id")
	[ "$s $v" = "$2 $3" ] || bad "$1 ($id) is $s, $v; it should be $2, $3"
}
wait_state() { wait_for "[ \"\$(state_of $1)\" = $2 ]" "$1 is $2 (it is $(state_of "$1"))"; }
exits() {	# CODE COMMAND...: and what it says on stderr is in $work/wrong
	local code=$1 got
	shift
	"$@" >"$work/said" 2>"$work/wrong"
	got=$?
	[ $got = "$code" ] || bad "$*: exit $got, it should be $code: $(cat "$work/said" "$work/wrong")"
}
says() { grep -q -e "$1" "$work/wrong" "$work/said" || bad "it does not say \"$1\": $(cat "$work/said" "$work/wrong")"; }

# What holds for every journal: seq from 1 without gaps, a run starts and ends once, a round starts again only when it was voided.
journal_is_sound() {
	sky events --json >"$work/events" || die "the events cannot be read"
	awk '
		function text(name) { return match($0, "\"" name "\":(\"[^\"]*\"|-?[0-9]+)") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) : "" }
		{ if (text("seq") != NR) print "seq " text("seq") " on line " NR; kind = text("kind") }
		kind == "\"run_started\"" { if (started[text("run")]++) print "run " text("run") " starts twice" }
		kind == "\"run_started\"" && text("step") == "\"measure\"" {
			key = text("wave") " " text("worker") " " text("round"); arm = key " " text("arm")
			if (seen[arm] && seen[arm] > voided[key]) print "measured twice: " arm
			seen[arm] = NR
		}
		kind == "\"round_voided\"" { voided[text("wave") " " text("worker") " " text("round")] = NR }
		kind == "\"run_ended\"" { if (ended[text("run")]++) print "run " text("run") " ends twice"; if (!started[text("run")]) print "run " text("run") " ends but never started" }
		END { for (run in started) if (!ended[run] && over) print "run " run " never ends" }
	' over="${1:-}" "$work/events" >"$work/unsound"
	[ ! -s "$work/unsound" ] || bad "the journal: $(head -n 5 "$work/unsound")"
}

# The user's own: HEAD, branch, index and working tree, as one text.
users_own() { (cd "$T" && git rev-parse HEAD && git symbolic-ref HEAD && git status --porcelain --ignored=no && git ls-files -s && git diff --stat && cat src/*.c notes.txt); }
