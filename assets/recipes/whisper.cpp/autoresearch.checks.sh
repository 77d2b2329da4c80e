#!/bin/sh
# Does a changed whisper.cpp still hear right? Run from the checkout's root. Exit 0 yes, 1 no, one sentence on stderr.
#
# The recording samples/jfk.wav, with flash attention off and on, decoded greedily, must give the known sentence; letters and
# spaces count, stops and capitals do not. From the environment, with defaults: WHISPER_CLI, CHECK_MODEL, CHECK_AUDIO, CHECK_TEXT,
# CHECK_TIMEOUT a step. Tried on made-up output, not on the real thing.
set -u
cli=${WHISPER_CLI:-build/bin/whisper-cli}
model=${CHECK_MODEL:-/usr/local/share/skydeck/whisper.bin}
audio=${CHECK_AUDIO:-samples/jfk.wav}
text=${CHECK_TEXT:-and so my fellow americans ask not what your country can do for you ask what you can do for your country}

fail() {
	echo "autoresearch.checks.sh: $*" >&2
	exit 1
}

out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
cores=$(nproc)
for fa in -fa -nfa; do
	timeout -k 5 "${CHECK_TIMEOUT:-120}" "$cli" -m "$model" -f "$audio" -t "$((cores > 1 ? cores - 1 : 1))" -ng $fa -nt -bs 1 -bo 1 >"$out" 2>/dev/null
	status=$?
	[ "$status" -eq 0 ] || fail "whisper-cli $fa ended with status $status"
	heard=$(tr -c '[:alpha:]' ' ' <"$out" | tr '[:upper:]' '[:lower:]' | tr -s ' ' | sed 's/^ //;s/ $//')
	[ "$heard" = "$text" ] || fail "whisper-cli $fa heard: $(printf '%s' "$heard" | head -c 200)"
	echo "transcript $fa ok"
done
