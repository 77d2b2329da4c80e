#!/bin/bash
# The recipes: what init writes of each, and each harness before tools that print recorded outputs (tests/recipes; made-up ones where
# nothing was recorded). What is right gives METRIC lines; anything else one sentence on stderr, no METRIC and a status that is not 0.
# parallel
# timeout: 480
# needs: git python3
set -u
root=$PWD recordings=$PWD/tests/recipes
work=$(mktemp -d "${TMPDIR:-/tmp}/recipes.XXXXXX")
trap 'rm -rf "$work"' EXIT
out=$work/out wrong=$work/wrong failed=0
bad() { echo "FAILED: $*"; head -c 2000 "$out" "$wrong" 2>/dev/null; failed=1; }

# The fake of every tool: prints the file $FAKE_OUT ($FAKE_ERR on stderr), leaves $FAKE_FILE where --x-json FILE or the like asks for it,
# notes its arguments, and ends with $FAKE_STATUS.
mkdir "$work/bin"
cat >"$work/bin/fake" <<'END'
#!/bin/sh
echo "$@" >>"$FAKE_ARGS"
[ -z "${FAKE_SLEEP:-}" ] || exec sleep "$FAKE_SLEEP"
[ -z "${FAKE_OUT:-}" ] || cat "$FAKE_OUT"
[ -z "${FAKE_ERR:-}" ] || cat "$FAKE_ERR" >&2
previous=
for argument; do
	case $previous in
	--output-json | --result-filename | --report_json | --output) [ -z "${FAKE_FILE:-}" ] || cat "$FAKE_FILE" >>"$argument" ;;
	esac
	previous=$argument
done
exit "${FAKE_STATUS:-0}"
END
chmod +x "$work/bin/fake"
fake=$work/bin/fake
export FAKE_ARGS=$work/args

# try SCRIPT [VARIABLE=VALUE...]: runs a recipe's script in an empty folder
try() {
	local script=$root/assets/recipes/$1; shift
	rm -rf "$work/here" "$FAKE_ARGS"; mkdir "$work/here"
	(cd "$work/here" && env "$@" "$script" >"$out" 2>"$wrong" </dev/null)
}
measures() { # LINE... -- SCRIPT [VARIABLE=VALUE...]: exits 0 and prints exactly these METRIC lines
	: >"$work/wanted"
	while [ "$1" != -- ]; do echo "METRIC $1" >>"$work/wanted"; shift; done
	shift
	try "$@" || bad "$*: status $?"
	cmp -s "$work/wanted" "$out" || { diff "$work/wanted" "$out"; bad "$*: other lines"; }
	[ ! -s "$wrong" ] || [ -n "${FAKE_ERR:-}" ] || bad "$*: wrote to stderr"
}
refuses() { # PATTERN SCRIPT [VARIABLE=VALUE...]
	local pattern=$1 said=$wrong; shift
	if try "$@"; then bad "$*: not refused"; fi
	! grep -q METRIC "$out" || bad "$*: METRIC although refused"
	[ "$(grep -c "^${1##*/}" "$said" || true)" = 1 ] || bad "$*: not one sentence"
	grep -q -e "^autoresearch[a-z.]*: .*$pattern" "$said" || bad "$*: does not say: $pattern"
	! grep -q Traceback "$said" || bad "$*: a traceback"
}
asked() { grep -q -e "$1" "$FAKE_ARGS" || { cat "$FAKE_ARGS"; bad "does not ask: $1"; }; }
# edited NAME FILE PYTHON: a copy of a recorded JSON with something changed; d is the document
edited() {
	python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
exec(sys.argv[3])
json.dump(d, open(sys.argv[2], "w"))' "$2" "$work/$1" "$3" || bad "cannot edit $2"
}

# --- llama.cpp: everything of tests/recipes/llama.cpp is real output
llama=$recordings/llama.cpp
row() { refuses "$1" llama.cpp/autoresearch.sh LLAMA_BENCH="$fake" FAKE_OUT="$2" "${@:3}"; }
measures tg_tps=116.8511 tg_sd=99.0185 pp_tps=202.9519 pp_sd=7.1738 bytes_moved=9159659520 -- \
	llama.cpp/autoresearch.sh LLAMA_BENCH="$fake" FAKE_OUT="$llama/tiny-fa1-json.out"
asked '-p 128 -n 32 -r 5 -t [0-9]* -fa 1 -o json'
[ "$(nproc)" = 1 ] || asked "-t $(($(nproc) - 1)) "
measures tg_tps=19.9815 tg_sd=0.9416 pp_tps="$(sed -n 's/.*"avg_ts": \([0-9.]*\).*/\1/p' "$llama/tinyllama-fa1-json.out" | head -n 1 |
	xargs printf %.4f)" pp_sd="$(sed -n 's/.*"stddev_ts": \([0-9.]*\).*/\1/p' "$llama/tinyllama-fa1-json.out" | head -n 1 | xargs printf %.4f)" \
	bytes_moved=32435490816 -- llama.cpp/autoresearch.sh LLAMA_BENCH="$fake" FAKE_OUT="$llama/tinyllama-fa1-json.out" LLAMA_PP=32 LLAMA_TG=16 LLAMA_REPS=3
row 'status 1' "$llama/error-missing-model-json.out" FAKE_STATUS=1
row 'status 124' "$llama/error-killed-json.out" FAKE_STATUS=124 LLAMA_PP=16 LLAMA_TG=512
row 'status 124' "$llama/tiny-fa1-json.out" FAKE_SLEEP=60 BENCH_TIMEOUT=1
row 'no JSON' "$llama/error-killed-json.out" LLAMA_PP=16 LLAMA_TG=512	# even if it had said 0
row 'found 0 among 0' "$llama/error-nothing-asked.out"
row 'nothing was asked' "$llama/error-nothing-asked.out" LLAMA_PP=0 LLAMA_TG=0
row 'no JSON' /dev/null
row 'found 0 among 2' "$llama/tiny-fa1-json.out" LLAMA_TG=64
row 'found 2 among 12' "$llama/grid-json.out" LLAMA_PP=64 LLAMA_TG=16 LLAMA_REPS=2
row 'flash_attn -1' "$llama/one-sample-json.out" LLAMA_PP=64 LLAMA_TG=16 LLAMA_REPS=1	# -fa was on auto
row 'flash_attn 1' "$llama/tiny-fa1-json.out" LLAMA_FA=0
row '5 samples, 3' "$llama/tiny-fa1-json.out" LLAMA_REPS=3
edited no-field "$llama/tiny-fa1-json.out" 'for r in d: r["n_generated"] = r.pop("n_gen")'
row "no field 'n_gen'" "$work/no-field"
edited no-samples "$llama/tiny-fa1-json.out" 'del d[1]["samples_ns"]'
row "no field 'samples_ns'" "$work/no-samples"
edited by-time "$llama/tiny-fa1-json.out" 'd[1]["avg_ts"] = 32e9 / d[1]["avg_ns"]'	# 17.11 instead of 116.85
row 'avg_ts says 17.1' "$work/by-time"
edited nan "$llama/tiny-fa1-json.out" 'd[1]["avg_ts"] = float("nan")'
row 'avg_ts says nan' "$work/nan"
edited infinite "$llama/tiny-fa1-json.out" 'd[1]["samples_ns"] = [0] * 5'
row 'other than numbers above 0' "$work/infinite"
edited words "$llama/tiny-fa1-json.out" 'd[1]["avg_ts"] = "fast"'
row 'other than numbers above 0' "$work/words"
edited object "$llama/tiny-fa1-json.out" 'd = {"rows": d}'
row 'no array of rows' "$work/object"
refuses 'status 127' llama.cpp/autoresearch.sh LLAMA_BENCH="$work/no-such-tool"

# The checks: a reference that is there, an error figure that is a number, operations that were really tested.
mkdir "$work/llama" "$work/reference"
for ubatch in 512 1; do for fa in on off; do : >"$work/reference/ub$ubatch-fa$fa.gguf"; done; done
cat >"$work/llama/llama-results" <<'END'
#!/bin/sh
echo "NMSE=${FAKE_NMSE-1e-9}"
exit "${FAKE_STATUS:-0}"
END
cp "$fake" "$work/llama/test-backend-ops" && chmod +x "$work/llama/llama-results"
check() { refuses "$1" llama.cpp/autoresearch.checks.sh LLAMA_BIN="$work/llama" CHECK_REFERENCE="$work/reference" "${@:2}"; }
try llama.cpp/autoresearch.checks.sh LLAMA_BIN="$work/llama" CHECK_REFERENCE="$work/reference" FAKE_OUT="$llama/ops-test-rms-norm.out" ||
	bad 'the checks pass'
asked 'test -b CPU'
check 'NMSE nan over' FAKE_NMSE=nan FAKE_OUT="$llama/ops-test-rms-norm.out"
check 'NMSE -nan over' FAKE_NMSE=-nan FAKE_OUT="$llama/ops-test-rms-norm.out"
check 'NMSE 8.9e-4 over' FAKE_NMSE=8.9e-4 FAKE_OUT="$llama/ops-test-rms-norm.out"
check 'no error figure' FAKE_NMSE= FAKE_OUT="$llama/ops-test-rms-norm.out"
check 'ran no test' FAKE_OUT="$llama/ops-test-none-matched.out"
check 'ran no test' FAKE_OUT="$llama/ops-test-cpu-skipped.out"
refuses 'no reference' llama.cpp/autoresearch.checks.sh LLAMA_BIN="$work/llama" CHECK_REFERENCE="$work/empty"

# --- generic
bench() { "$1" "$2" generic/autoresearch.sh FAKE_OUT="$work/said" BENCH="$fake" BENCH_LINE='^speed: *\([^ ]*\) op/s' "${@:3}"; }
printf 'warming up\nspeed: 123.5 op/s\n' >"$work/said"
measures ops_per_second=123.5 -- generic/autoresearch.sh FAKE_OUT="$work/said" BENCH="$fake" BENCH_LINE='^speed: *\([^ ]*\) op/s'
bench refuses 'status 3' FAKE_STATUS=3
bench refuses 'within 1 s' FAKE_SLEEP=60 BENCH_TIMEOUT=1
for value in nan inf 0 -1 fast 1,000; do
	printf 'speed: %s op/s\n' $value >"$work/said"
	bench refuses "$value"
done
printf 'speed: 1 op/s\nspeed: 2 op/s\n' >"$work/said"
bench refuses 'found 2'
: >"$work/said"
bench refuses 'found 0'
measures ops_per_second=4 -- generic/autoresearch.sh BENCH='echo 1,5/s t=4' BENCH_LINE='^1,5/s t=\([0-9]*\)$'
refuses 'no basic regular expression' generic/autoresearch.sh BENCH='echo t=4' BENCH_LINE='t=[0-9]*' FAKE_ERR=x
refuses 'put your benchmark here' generic/autoresearch.sh BENCH=
refuses 'put your tests here' generic/autoresearch.checks.sh CHECK=
refuses 'status 3' generic/autoresearch.checks.sh CHECK='exit 3'
try generic/autoresearch.checks.sh CHECK=true || bad 'generic checks'

# --- ggml: recorded output of the real test-backend-ops
ops=$recordings/ggml/ops-perf-sql.out
op() { refuses "$1" ggml/autoresearch.sh GGML_OPS="$fake" FAKE_OUT="$2" "${@:3}"; }
measures op_us=5567.0773 gflops=21.0955 bytes_moved=6852501504 -- ggml/autoresearch.sh GGML_OPS="$fake" FAKE_OUT="$ops"
asked 'perf -b CPU -o MUL_MAT -p type_a=q4_0,.*bs=\\\[1,1\\\],.* --output sql'
op 'status 1' "$ops" FAKE_STATUS=1
op 'status 124' "$ops" FAKE_SLEEP=60 BENCH_TIMEOUT=1
op 'found 0 among 0' /dev/null
op 'found 0 among 1' "$ops" GGML_CASE=type_a=q8_0,
cat "$ops" "$ops" >"$work/twice"
op 'found 2 among 2' "$work/twice"
head -c -20 "$ops" >"$work/cut"
op 'cut short' "$work/cut"
sed "s/'1', '1', ''/'1', '0', 'wrong'/" "$ops" >"$work/failing"
op 'not supported, or failed' "$work/failing"
sed "s/time_us/time_ms/" "$ops" >"$work/renamed"
op "no field 'time_us'" "$work/renamed"
sed "s/'5567.077295'/'55.67077295'/" "$ops" >"$work/quicker"
op 'flops says' "$work/quicker"
sed "s/'5567.077295'/'nan'/" "$ops" >"$work/nan"
op 'time_us is nan' "$work/nan"
mkdir "$work/ggml" && cp "$work/llama/test-backend-ops" "$work/ggml/ops" && printf '#!/bin/sh\necho "${CTEST_SAYS:-}"\nexit ${CTEST_STATUS:-0}\n' >"$work/ggml/ctest" &&
	chmod +x "$work/ggml/ctest"
set -- GGML_OPS="$work/ggml/ops" CTEST="$work/ggml/ctest"
try ggml/autoresearch.checks.sh "$@" FAKE_OUT="$llama/ops-test-rms-norm.out" || bad "ggml's checks pass"
refuses 'ran no test' ggml/autoresearch.checks.sh "$@" FAKE_OUT="$llama/ops-test-none-matched.out"
refuses 'status 1' ggml/autoresearch.checks.sh "$@" FAKE_OUT="$llama/ops-test-rms-norm.out" FAKE_STATUS=1
refuses 'No tests were found' ggml/autoresearch.checks.sh "$@" FAKE_OUT="$llama/ops-test-rms-norm.out" CTEST_STATUS=8 CTEST_SAYS='No tests were found!!!'

# --- whisper.cpp: made up
whisper=$recordings/whisper.cpp/bench.err
heard() { refuses "$1" whisper.cpp/autoresearch.sh WHISPER_BENCH="$fake" FAKE_ERR="$2" "${@:3}"; }
measures encode_ms=1057.340000 decode_ms=6.305000 batch_ms=2.320781 prompt_ms=1.095298 -- \
	whisper.cpp/autoresearch.sh WHISPER_BENCH="$fake" FAKE_ERR="$whisper"
asked ' -ng -fa$'
heard 'flash attention is 1, 0 was' "$whisper" WHISPER_FA=0
asked ' -ng -nfa$'
heard 'must be 0 or 1' "$whisper" WHISPER_FA=auto
heard 'flash attention is not told' "$recordings/whisper.cpp/unknown-option.err"	# which ends with 0
heard 'status 3' "$whisper" FAKE_STATUS=3
heard 'status 124' "$whisper" FAKE_SLEEP=60 BENCH_TIMEOUT=1
sed '/decode time/d' "$whisper" >"$work/said"
heard 'decode time, found 0' "$work/said"
sed '/encode time/p' "$whisper" >"$work/said"
heard 'encode time, found 2' "$work/said"
sed 's/256 runs/128 runs/' "$whisper" >"$work/said"
heard '128 runs, 256' "$work/said"
sed 's/1057.34 ms per/57.34 ms per/' "$whisper" >"$work/said"
heard 'says 57.34' "$work/said"
sed 's/encode time =  1057.34/encode time =      nan/' "$whisper" >"$work/said"
heard 'encode time, found 0' "$work/said"
try whisper.cpp/autoresearch.checks.sh WHISPER_CLI="$fake" FAKE_OUT="$recordings/whisper.cpp/jfk.out" || bad "whisper.cpp's checks pass"
sed 's/ask not/ask/' "$recordings/whisper.cpp/jfk.out" >"$work/said"
refuses 'heard: and so my' whisper.cpp/autoresearch.checks.sh WHISPER_CLI="$fake" FAKE_OUT="$work/said"
refuses 'status 9' whisper.cpp/autoresearch.checks.sh WHISPER_CLI="$fake" FAKE_OUT="$recordings/whisper.cpp/jfk.out" FAKE_STATUS=9

# --- vLLM, SGLang, TensorRT-LLM: made up from the fields that they write
# json RECIPE VARIABLE=... FILE: common to the three; `with` is what names the tool
json() { refuses "$1" "$recipe/autoresearch.sh" "${with[@]}" FAKE_FILE="$2" "${@:3}"; }
json_traps() { # FILE FIELD: FIELD is one of the object's own
	json 'status 137' "$1" FAKE_STATUS=137
	json 'status 124' "$1" FAKE_SLEEP=60 BENCH_TIMEOUT=1
	json 'left no' ''
	head -c -30 "$1" >"$work/cut"
	json 'left no' "$work/cut"
	edited changed "$1" "d['x_$2'] = d.pop('$2')"
	json "no field '$2'" "$work/changed"
	for value in 'float("nan")' -1 '"1"' True; do
		edited changed "$1" "d['$2'] = $value"
		json "$2 is" "$work/changed"
	done
}
recipe=vllm with=(VLLM_BENCH="$fake")
measures total_tps=6220.8001 requests_per_second=16.200000 -- vllm/autoresearch.sh "${with[@]}" FAKE_FILE="$recordings/vllm/result.json"
asked '--input-len 256 --output-len 128 --num-prompts 200 --seed 1 --output-json'
json_traps "$recordings/vllm/result.json" elapsed_time
json "num_requests is 200, 100" "$recordings/vllm/result.json" VLLM_PROMPTS=100
json 'total_num_tokens is 76800, 102400' "$recordings/vllm/result.json" VLLM_OUTPUT=256
edited changed "$recordings/vllm/result.json" 'd["tokens_per_second"] = 25600 / d["elapsed_time"]'	# of output alone
json 'tokens_per_second says' "$work/changed"
recipe=sglang with=(SGLANG_PYTHON="$fake")
measures decode_tps=1428.5714 prefill_tps=22382.5137 total_tps=3827.0836 -- sglang/autoresearch.sh "${with[@]}" FAKE_FILE="$recordings/sglang/one-batch.jsonl"
asked '-m sglang.bench_one_batch .*--batch-size 16 --input-len 256 --output-len 128'
json_traps "$recordings/sglang/one-batch.jsonl" median_decode_latency
json 'batch_size is 16, 8' "$recordings/sglang/one-batch.jsonl" SGLANG_BATCH=8
cat "$recordings/sglang/one-batch.jsonl" "$recordings/sglang/one-batch.jsonl" >"$work/twice"
json 'found 2' "$work/twice"
json 'must be one_batch' "$work/twice" SGLANG_BENCH=serving
with+=(SGLANG_BENCH=offline_throughput)
measures output_tps=819.2000 total_tps=2457.6000 requests_per_second=6.4000 -- sglang/autoresearch.sh "${with[@]}" FAKE_FILE="$recordings/sglang/offline.jsonl"
asked '--random-range-ratio 1.0 --seed 1'
json_traps "$recordings/sglang/offline.jsonl" total_latency
edited changed "$recordings/sglang/offline.jsonl" 'd["total_output_tokens"] = 1500'	# ended early, and "successful"
json 'total_output_tokens is 1500' "$work/changed"
json "no field" "$recordings/sglang/one-batch.jsonl"
recipe=tensorrt-llm with=(TRTLLM_BENCH="$fake")
report=$recordings/tensorrt-llm/report.json
measures output_tps=6250.0000 requests_per_second=48.828125 latency_ms=4096.000 -- tensorrt-llm/autoresearch.sh "${with[@]}" FAKE_FILE="$report"
asked 'throughput --dataset .* --backend pytorch --report_json'
json 'status 137' "$report" FAKE_STATUS=137
json 'left no' ''
head -c 500 "$report" >"$work/cut"
json 'left no' "$work/cut"
json 'num_requests is 200, 100' "$report" TRTLLM_REQUESTS=100
edited changed "$report" 'd["request_info"]["avg_output_length"] = 64.5'
json 'avg_output_length is 64.5' "$work/changed"
edited changed "$report" 'd["performance"]["system_output_throughput_tok_s"] *= 3'	# the rate of all tokens
json 'system_output_throughput_tok_s says' "$work/changed"
edited changed "$report" 'del d["performance"]'
json "no field 'performance'" "$work/changed"
edited changed "$report" 'd["performance"] = None'
json 'another shape' "$work/changed"
edited changed "$report" 'd["performance"]["total_latency_ms"] = float("nan")'
json 'total_latency_ms is nan' "$work/changed"

# Their checks compare answers: token by token up to the first difference.
answers='d = [[[i * 10 + j, -0.5] for j in range(8)] for i in range(4)]'
python3 -c "import json; $answers; print(json.dumps(d))" >"$work/answers"
for recipe in vllm sglang tensorrt-llm; do
	same() { "$1" "${@:3}" $recipe/autoresearch.checks.sh CHECK_REFERENCE="$work/$recipe.json" CHECK_GENERATE="cat $work/$2"; }
	refuses 'no reference' $recipe/autoresearch.checks.sh CHECK_REFERENCE="$work/$recipe.json" CHECK_GENERATE="cat $work/answers"
	(cd "$work" && CHECK_REFERENCE=$work/$recipe.json CHECK_GENERATE="cat $work/answers" "$root/assets/recipes/$recipe/autoresearch.checks.sh" record) ||
		bad "$recipe: record"
	same try answers || bad "$recipe: the same answers"
	edited changed "$work/answers" 'd[0][6] = [99, -0.7]; d[1][2][1] = -0.51'
	same try changed || bad "$recipe: a late difference"
	edited changed "$work/answers" 'for a in d: a[1] = [99, -0.7]'
	same refuses changed 'only 4 of 32'
	edited changed "$work/answers" 'for a in d: a[3][1] = -5.0'
	same refuses changed 'differ by'
	edited changed "$work/answers" 'd[2][3][1] = float("nan")'
	same refuses changed 'not finite'
	edited changed "$work/answers" 'd.pop()'
	same refuses changed 'more or fewer'
	: >"$work/changed"
	same refuses changed 'no answers'
	refuses 'status 5' $recipe/autoresearch.checks.sh CHECK_REFERENCE="$work/$recipe.json" CHECK_GENERATE='exit 5'
done

# --- autoresearch: made up
trained=$recordings/autoresearch/run.out
train() { refuses "$1" autoresearch/autoresearch.sh AUTORESEARCH_TRAIN="$fake" FAKE_OUT="$2" "${@:3}"; }
measures val_bpb=0.997900 training_seconds=300.100000 peak_vram_mb=45060.200000 num_steps=953.000000 -- \
	autoresearch/autoresearch.sh AUTORESEARCH_TRAIN="$fake" FAKE_OUT="$trained"
train 'status 1' "$trained" FAKE_STATUS=1
train 'status 124' "$trained" FAKE_SLEEP=60 BENCH_TIMEOUT=1
head -n 3 "$trained" >"$work/said"
train 'val_bpb: found 0' "$work/said"
sed '/val_bpb/p' "$trained" >"$work/said"
train 'val_bpb: found 2' "$work/said"
for value in nan inf 0.000000 -1 skipped; do
	sed "s/0.997900/$value/" "$trained" >"$work/said"
	train "val_bpb is $value" "$work/said"
done
sed 's/300.1$/400.0/' "$trained" >"$work/said"
train 'took 400' "$work/said"
script=$recordings/autoresearch/train.py
try autoresearch/autoresearch.checks.sh CHECK_TRAIN="$script" || bad "autoresearch's checks pass"
cheat() { sed "$2" "$script" >"$work/train.py"; refuses "$1" autoresearch/autoresearch.checks.sh CHECK_TRAIN="$work/train.py"; }
cheat 'cannot be read' 's/^while.*/while (/'
cheat 'does not take evaluate_bpb' 's/, evaluate_bpb$//'
cheat 'sets TIME_BUDGET anew' 's/^total.*/TIME_BUDGET = 600/'
cheat 'sets evaluate_bpb anew' 's/^total.*/evaluate_bpb = lambda *a: 0.5/'
cheat 'sets evaluate_bpb anew' 's/^total.*/import prepare; prepare.evaluate_bpb = None/'
cheat 'set val_bpb once' 's/^print("---")/val_bpb = 0.5/'
cheat 'set val_bpb once' 's/^val_bpb = .*/val_bpb = 0.5/'
cheat 'set val_bpb once' 's/^\(val_bpb = .*\)$/\1 * 0.9/'

# --- init of each, in a fresh repository
skydeck init --list-recipes >"$out" 2>"$wrong" || bad 'list'
recipes=$(ls assets/recipes)
[ "$(wc -l <"$out")" = "$(echo "$recipes" | wc -l)" ] || bad 'the list has a line a recipe'
for recipe in $recipes; do
	grep -q "^$recipe  *[a-zA-Z]" "$out" || bad "the list has no $recipe"
done
for recipe in $recipes; do
	target=$work/targets/$recipe
	mkdir -p "$target" && git -C "$target" init -q && git -C "$target" commit -q --allow-empty -m first || bad "no repository for $recipe"
	skydeck -C "$target" init --recipe "$recipe" >"$out" 2>"$wrong" || bad "init --recipe $recipe"
	grep -q '^next: ' "$out" || bad "$recipe: does not say what is next"
	! grep -q '^kept' "$out" || bad "$recipe: kept something in a fresh repository"
	[ -x "$target/autoresearch.sh" ] && [ -x "$target/autoresearch.checks.sh" ] || bad "$recipe: the scripts can be executed"
	[ -z "$(git -C "$target" status --short .skydeck)" ] || bad "$recipe: git sees .skydeck"
	for note in "$target"/.skydeck/sources/*.md; do
		[ "$(sed -n '1,6s/^\(Title\|Type\|Id\|Url\|Authors\|Year\): .*/\1/p' "$note" | tr '\n' ' ')" = 'Title Type Id Url Authors Year ' ] ||
			bad "$note: the headers of a note"
	done
	skydeck -C "$target" doctor >"$out" 2>"$wrong"
	grep -q '^ok  *config' "$out" || bad "$recipe: its config does not parse"
	git config -f "$target/.skydeck/config" target.metric >/dev/null || bad "$recipe: no metric"
	git config -f "$target/.skydeck/config" target.direction | grep -qx 'higher\|lower' || bad "$recipe: no direction"
	git config -f "$target/.skydeck/config" --get-all target.protect | grep -qx autoresearch.sh || bad "$recipe: the harness is not protected"
	sh -n "$target/autoresearch.sh" && sh -n "$target/autoresearch.checks.sh" || bad "$recipe: no shell"
	sums=$(cd "$target" && find . -path ./.git -prune -o -type f -exec sha256sum {} + | sort)
	skydeck -C "$target" init --recipe generic >"$out" 2>"$wrong" || bad "$recipe: the second init"
	[ "$(echo "$sums" | comm -23 - <(cd "$target" && find . -path ./.git -prune -o -type f -exec sha256sum {} + | sort))" = "" ] ||
		bad "$recipe: the second init wrote over something"
	! grep -q "^wrote  $target/autoresearch" "$out" || bad "$recipe: the second init wrote a script"
done

# Not over a link, not outside, not a half recipe; unknown names are usage.
target=$work/targets/links
mkdir -p "$target/.skydeck" "$work/outside" && git -C "$target" init -q && ln -s "$work/outside" "$target/.skydeck/sources"
ln -s "$work/outside/config" "$target/.skydeck/config"
skydeck -C "$target" init --recipe llama.cpp >"$out" 2>"$wrong" && bad 'a link for a folder is taken'
grep -q 'sources must be a folder' "$wrong" || bad 'does not say what is in the way'
[ -z "$(ls -A "$work/outside")" ] || bad 'wrote through a link'
for name in nope '' ../recipes llama.cpp/sources llama; do
	skydeck -C "$target" init --recipe "$name" >"$out" 2>"$wrong"
	[ $? = 2 ] && grep -q 'there is no recipe' "$wrong" || bad "init --recipe '$name'"
done
mkdir "$work/targets/auto" && git -C "$work/targets/auto" init -q && mkdir "$work/targets/auto/.auto"
skydeck -C "$work/targets/auto" init >"$out" 2>"$wrong" || bad 'init with .auto'
[ ! -e "$work/targets/auto/autoresearch.sh" ] || bad 'a second harness beside .auto'
exit $failed
