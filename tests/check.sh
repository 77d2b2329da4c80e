#!/bin/bash
# check.sh BUILD [WORD]: runs the tests against BUILD/skydeck, those with WORD in their name. `make check` builds first, then calls it.
#
# A test is a cmocka program (BUILD/tests/unit/*_test: each of its cases counts) or an executable file in tests/fold, tests/screens or
# tests/e2e/*.sh: exit 0 passes, 77 skips (the last line says why), anything else fails. Lines of its own that a script may have:
#     # parallel         an e2e script that minds no other test beside it, as no other kind of test does
#     # timeout: 300     seconds before it is killed (default 120; three times as many with sanitizers); those with the most begin first.
#                        A unit test says so in its first comment
#     # needs: tmux      programs that set-up installs for it
# One more than there are CPUs run at a time, because tests wait more than they work; those that mind come at the end, one by one.
# Each runs in the root of the source with skydeck on PATH (and in $SKYDECK), an empty home with a git identity, and a TMPDIR of its own
# that goes with it. Whatever process is left with that TMPDIR fails the test, and so does a sanitizer's finding in any process.
set -u
build=$PWD/$1 word=${2:-}
case $1 in /*) build=$1 ;; esac
work=$(mktemp -d /tmp/check.XXXXXX)	# short: sockets with a path of over 100 bytes do not exist
slower=1; [ -z "${SAN:-}" ] || slower=3
at_once=$(($(nproc) + 1))

leftovers() {	# the processes whose TMPDIR is, or begins with, $1
	grep -lzs "^TMPDIR=$1" /proc/[0-9]*/environ | sed 's:/proc/\([0-9]*\)/.*:\1:' | grep -vx "$$"
}
cleanup() {
	kill $(jobs -p) 2>/dev/null
	left=$(leftovers "$work/")
	[ -z "$left" ] || kill -KILL $left 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES CC CFLAGS LDFLAGS CDPATH COLUMNS LINES NO_COLOR TMUX XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_RUNTIME_DIR
unset "${!SKYDECK_@}" "${!GIT_@}"
export SAN=${SAN:-} SKYDECK=$build/skydeck PATH=$build:$PATH TZ=UTC LANG=C.UTF-8 LC_ALL=C.UTF-8 TERM=xterm-256color GIT_CONFIG_NOSYSTEM=1
export CMOCKA_MESSAGE_OUTPUT=TAP

# The names of the tests, "kind file" each: unit programs, then scripts.
list() {
	local file
	for file in "$build"/tests/unit/*_test; do
		[ ! -e "tests/unit/${file##*/}.c" ] || echo "unit ${file#"$build"/tests/}"	# a program may outlive its source
	done
	for file in tests/fold/* tests/screens/* tests/e2e/*.sh; do
		[ -f "$file" ] && [ -x "$file" ] || continue
		case $file in tests/e2e/*) grep -q '^# parallel' "$file" || { echo "serial ${file#tests/}"; continue; } ;; esac
		echo "parallel ${file#tests/}"
	done
}

# What cmocka's TAP says, as "passed failed skipped". A case that the plan promised and nothing was heard of has failed; so has a program
# that ends badly with all cases passed (a sanitizer's finding at the end).
count_cases() {
	awk -v code="$2" '
		/^1\.\.[0-9]+$/ { planned += substr($0, 4) }
		/^(not )?ok [0-9]+ # SKIP/ { skipped++; next }
		/^ok [0-9]+/ { passed++ }
		/^not ok [0-9]+/ { failed++ }
		END { unheard = planned - passed - failed - skipped; if (unheard > 0) failed += unheard
			if (code && !failed || !planned) failed++
			print passed + 0, failed + 0, skipped + 0 }' "$1"
}

# Puts before each "kind file" of its input the seconds that the file's first lines ask for, and those with the most first.
with_limits() {
	local kind name file limit
	while read -r kind name; do
		file=tests/$name; [ "$kind" != unit ] || file=$file.c
		limit=$(sed -n '1,12s/.*timeout: \([0-9]\{1,\}\).*/\1/p' "$file" | head -n 1)
		echo "$((${limit:-120} * slower)) $kind $name"
	done | sort -s -k1,1nr
}

run() {	# limit kind name number: leaves $work/NUMBER.done: passed failed skipped seconds note
	local limit=$1 kind=$2 name=$3 dir=$work/$4 out=$work/$4.out start code note= counts left try
	local file=tests/$name; [ "$kind" != unit ] || file=$build/tests/$name
	mkdir -p "$dir/home" "$dir/tmp"
	printf '[user]\n\tname = Test\n\temail = test@example.org\n[init]\n\tdefaultBranch = main\n' >"$dir/home/.gitconfig"
	start=$EPOCHREALTIME
	HOME=$dir/home TMPDIR=$dir/tmp \
		ASAN_OPTIONS=log_path=$dir/sanitizer:exitcode=99:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:handle_abort=1 \
		LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0 UBSAN_OPTIONS=log_path=$dir/sanitizer:halt_on_error=1:print_stacktrace=1 \
		timeout --kill-after=5 "$limit" "$file" >"$out" 2>&1 </dev/null
	code=$?
	[ $code -ne 124 ] && [ $code -ne 137 ] || note="killed after $limit s"
	for try in $(seq 50); do	# one that is just about to end is no leftover; with sanitizers that takes a while
		left=$(leftovers "$dir/")
		[ -n "$left" ] || break
		sleep 0.2
	done
	if [ -n "$left" ]; then
		for pid in $left; do echo "left running: $pid $(tr '\0' ' ' <"/proc/$pid/cmdline")"; done >>"$out" 2>/dev/null
		kill -KILL $left 2>/dev/null
		code=98 note=${note:-it left a process running}
	fi
	if compgen -G "$dir/sanitizer.*" >/dev/null; then
		cat "$dir"/sanitizer.* >>"$out"
		code=99 note='a sanitizer found something'
	fi
	if [ "$kind" = unit ]; then
		counts=$(count_cases "$out" $code)
	else
		case $code in
		0)	counts='1 0 0' ;;
		77)	counts='0 0 1' note=$(tail -n 1 "$out") ;;
		*)	counts='0 1 0' note=${note:-exit $code} ;;
		esac
	fi
	rm -rf "$dir" 2>/dev/null
	echo "$counts $(((${EPOCHREALTIME/[.,]/} - ${start/[.,]/}) / 1000)) $note" >"$out.new" && mv "$out.new" "$work/$4.done"
}

passed=0 failed=0 skipped=0
report() {	# prints what has come in since
	local done number limit kind name p f s time note word cases
	for done in "$work"/*.done; do
		[ -e "$done" ] || continue
		number=${done##*/} number=${number%.done}
		read -r limit kind name <<<"${tests[number]}"
		read -r p f s time note <"$done"
		rm "$done"
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
		word=pass
		if [ "$f" -gt 0 ]; then word=FAIL; elif [ "$p" = 0 ]; then word=skip; fi
		cases=; [ "$kind" != unit ] || cases="$((p + f + s)) cases"
		[ "$kind" != unit ] || [ "$f" = 0 ] || cases="$f of $cases"
		printf '%s  %-44s %14s %7d.%02d s  %s\n' $word "$name" "$cases" $((time / 1000)) $((time % 1000 / 10)) "$note"
		[ $word != FAIL ] || tail -n 200 "$work/$number.out" | sed 's/^/      | /'
	done
}

mapfile -t tests < <(list | grep -F -e "$word" | with_limits)
[ ${#tests[@]} -gt 0 ] || { echo "check: no test has '$word' in its name" >&2; exit 1; }
for is_serial in '' 1; do
	[ -z "$is_serial" ] || at_once=1
	for number in "${!tests[@]}"; do
		read -r limit kind name <<<"${tests[number]}"
		[ "$is_serial" = "$([ "$kind" != serial ] || echo 1)" ] || continue
		while [ "$(jobs -rp | wc -l)" -ge $at_once ]; do wait -n; report; done
		run "$limit" "$kind" "$name" "$number" &
	done
	wait
	report
done
echo "$((passed + failed + skipped)) tests: $passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
