#!/bin/bash
# check-sky.sh BUILD [WORD]: sessions on real VMs: runs tests/sky-lab/e2e/*.sh, those with WORD in their name, one after another against a
# real SkyPilot (tests/sky-lab). `make check-sky` builds first, then calls it. A lab that is up is used and left up; else it is started, and
# stopped at the end. Where it cannot be installed this says "skipped" and exits 0, or 1 with SKYDECK_NEED_LAB=1.
#
# A script passes, skips and fails as in tests/check.sh, may have its `# timeout:` (default 240) and `# needs:`, and takes down what it
# launched, by name. It has the user's own HOME, where SkyPilot and ssh keep what they need, but none of his settings.
set -u
build=$PWD/$1 word=${2:-}
case $1 in /*) build=$1 ;; esac
lab=$PWD/tests/sky-lab
work=$(mktemp -d /tmp/check.XXXXXX)	# short: sockets with a path of over 100 bytes do not exist
started= need_lab=${SKYDECK_NEED_LAB:-}

leftovers() {	# the processes whose TMPDIR is, or begins with, $1
	grep -lzs "^TMPDIR=$1" /proc/[0-9]*/environ | sed 's:/proc/\([0-9]*\)/.*:\1:' | grep -vx "$$"
}
cleanup() {
	kill $(jobs -p) 2>/dev/null && wait 2>/dev/null	# a script that is ended takes its VMs down first
	left=$(leftovers "$work/")
	[ -z "$left" ] || kill -KILL $left 2>/dev/null
	[ -z "$started" ] || "$lab/down"
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES CC CFLAGS LDFLAGS CDPATH COLUMNS LINES NO_COLOR TMUX "${!SKYDECK_@}" "${!GIT_@}" "${!SKYPILOT_@}"
export SKYDECK=$build/skydeck PATH=$build:$PATH TZ=UTC LANG=C.UTF-8 LC_ALL=C.UTF-8 TERM=xterm-256color GIT_CONFIG_NOSYSTEM=1 XDG_CONFIG_HOME=$work/config

mapfile -t tests < <(find tests/sky-lab/e2e -name '*.sh' -perm -u+x | grep -F -e "$word" | sort)
[ ${#tests[@]} -gt 0 ] || { echo "check-sky: no test has '$word' in its name" >&2; exit 1; }
"$lab/check" >"$work/why"
state=$?
if [ $state != 0 ]; then
	echo "starting the lab: $(cat "$work/why")"
	[ $state = 2 ] || started=1	# what ran before is left running; what comes up in part is stopped
	"$lab/up" >"$work/up" 2>&1
	case $? in
	0)	;;
	3)	echo "skipped: $(tail -n 1 "$work/up" | sed 's/^up: //')"
		started=
		echo "${#tests[@]} tests: 0 passed, 0 failed, ${#tests[@]} skipped"
		[ "$need_lab" != 1 ]
		exit ;;
	*)	tail -n 20 "$work/up"
		exit 1 ;;
	esac
fi
. "$lab/env"

passed=0 failed=0 skipped=0
for file in "${tests[@]}"; do
	name=${file#tests/sky-lab/} word=pass note=
	limit=$(sed -n 's/^# timeout: \([0-9]*\).*/\1/p' "$file")
	dir=$work/$((passed + failed + skipped + 1))
	mkdir -p "$dir"
	start=$EPOCHREALTIME
	TMPDIR=$dir timeout --kill-after=600 "${limit:-240}" "$file" >"$work/out" 2>&1 </dev/null &
	wait $!	# not in the foreground: an interrupt is to reach this script at once
	code=$?
	case $code in
	0)	passed=$((passed + 1)) ;;
	77)	skipped=$((skipped + 1)) word=skip note=$(tail -n 1 "$work/out") ;;
	124 | 137)	failed=$((failed + 1)) word=FAIL note="killed after ${limit:-240} s" ;;
	*)	failed=$((failed + 1)) word=FAIL note="exit $code" ;;
	esac
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		left=$(leftovers "$dir")
		[ -n "$left" ] || break
		sleep 0.3
	done
	if [ -n "$left" ]; then
		for pid in $left; do echo "left running: $pid $(tr '\0' ' ' <"/proc/$pid/cmdline")"; done >>"$work/out" 2>/dev/null
		kill -KILL $left 2>/dev/null
		[ $word = FAIL ] || { failed=$((failed + 1)); [ $word = pass ] && passed=$((passed - 1)) || skipped=$((skipped - 1)); }
		word=FAIL note='it left a process running'
	fi
	time=$(((${EPOCHREALTIME/[.,]/} - ${start/[.,]/}) / 1000))
	printf '%s  %-59s %7d.%02d s  %s\n' $word "$name" $((time / 1000)) $((time % 1000 / 10)) "$note"
	[ $word != FAIL ] || tail -n 200 "$work/out" | sed 's/^/      | /'
done
echo "$((passed + failed + skipped)) tests: $passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
