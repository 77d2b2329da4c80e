#!/bin/bash
# The reading list with services that answer, refuse, and are gone: sources get the titles that the services know, a second session asks
# nobody, and without a network the cache answers.
# parallel
# needs: python3
# timeout: 120
. tests/e2e/lib.sh
export XDG_CACHE_HOME=$work/cache TEST_KEY=sesame-7261

python3 tests/research/services.py "$work/asked" >"$work/port" &
services=$!
leave() {
	code=$?
	kill $services 2>/dev/null
	wait $services 2>/dev/null
	(exit $code)
	finish
}
trap leave EXIT
wait_for '[ -s "$work/port" ]' 'the services'
url=http://127.0.0.1:$(cut -d' ' -f2 "$work/port")

target '[source "arxiv"]' '	kind = arxiv' "	url = $url/ok" '[source "github"]' '	kind = github' "	url = $url/ok" '	keyenv = TEST_KEY' \
	'[source "openalex"]' '	kind = openalex' "	url = $url/500"
serve
sky source add arXiv:2205.14135v1 || die "an arXiv id is not taken"
sky source add https://github.com/ggml-org/llama.cpp/pull/19139 || die "a pull request is not taken"
sky source add doi:10.1145/3600006.3613165 || die "a DOI is not taken"
titled_source() { sky sources --json | grep -q "\"title\":\"$1"; }
wait_for 'titled_source "FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness"' 'the title from arXiv'
wait_for 'titled_source "ggml: merge gate+up weights"' 'the title from GitHub'
sky sources --json | grep -q '"id":"arXiv:2205.14135"\|"url":"https://arxiv.org/abs/2205.14135"' || bad "the paper's address is another"
wait_for 'sky events | grep -q "OpenAlex has a problem of its own"' 'what OpenAlex says'
sky events --json >"$work/events"
grep -q sesame "$work/events" && bad "the key is in the journal"
grep -rq sesame "$XDG_CACHE_HOME" && bad "the key is in the cache"
grep -q '"Authorization": "Bearer sesame-7261"' "$work/asked" || bad "GitHub was asked without the key"
[ "$(grep -c 'Authorization' "$work/asked")" = "$(grep -c '/repos/' "$work/asked")" ] || bad "somebody else was sent the key"
asked=$(wc -l <"$work/asked")

# another session, and nobody there
sky stop --now >/dev/null 2>&1
kill $engine 2>/dev/null
serve_ends
kill $services
wait $services 2>/dev/null
serve --new
wait_for 'sky status --json 2>/dev/null | grep -q "\"state\":\"running\""' 'the new session'
sky source add arXiv:2205.14135 || die "an arXiv id is not taken"
wait_for 'titled_source "FlashAttention"' 'the title from the cache'
[ "$(wc -l <"$work/asked")" = "$asked" ] || bad "somebody was asked again"
exit 0
