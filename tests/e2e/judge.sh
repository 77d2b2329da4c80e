#!/bin/sh
# skydeck judge from outside: verdicts and exit codes on files of tests/judge, both forms of input, and a sentence for bad data.
# parallel
judge="${SKYDECK:-./skydeck} judge"
data=tests/judge
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$work/out wrong=$work/wrong
bad() { echo "FAILED: $*"; cat "$out" "$wrong"; : >"$work/failed"; }	# a file: a variable would be lost at the end of a pipe

# gives CODE EXPECTED ARGUMENT...: exits with CODE and prints what the file EXPECTED holds
gives() {
	code=$1 expected=$data/$2
	shift 2
	$judge "$@" >"$out" 2>"$wrong"
	got=$?
	[ $got = "$code" ] || bad "judge $*: exit $got, wanted $code"
	diff "$expected" "$out" || bad "judge $*: differs from $expected"
	[ ! -s "$wrong" ] || bad "judge $*: wrote to stderr"
}

# refuses CODE PATTERN ARGUMENT...: exits with CODE, prints nothing, and says one line that matches PATTERN
refuses() {
	code=$1 pattern=$2
	shift 2
	$judge "$@" >"$out" 2>"$wrong"
	got=$?
	[ $got = "$code" ] || bad "judge $*: exit $got, wanted $code"
	[ ! -s "$out" ] || bad "judge $*: printed something"
	[ "$(wc -l <"$wrong")" = 1 ] || bad "judge $*: not one line"
	grep -q -e "$pattern" "$wrong" || bad "judge $*: does not say: $pattern"
}

csv() { printf 'worker,round,arm,value\n'; printf "$1"; }

gives 0 win.expected --steps $data/win.json
gives 11 null.expected --steps $data/null.json
gives 11 artefact.expected $data/artefact.json
gives 10 parked.expected $data/parked.json
gives 10 small.expected $data/small.json
gives 0 win-csv.expected --steps --direction higher $data/win.csv
gives 0 win-csv.expected --steps --direction lower $data/times.csv		# the same runs as times, shuffled
gives 0 win-csv.expected --steps --direction higher --alpha 0.0025 - <$data/win.csv
gives 11 loss-csv.expected --alpha 0.05 $data/win.csv --direction lower
echo '{"workers":[]}' | gives 10 nothing.expected -
csv '' | gives 10 nothing.expected --direction lower -

# JSON: every key, null where a value is not defined, one object a line. Values are compared with the vectors by the unit test.
shape() { sed 's/[-+]*[0-9][-+.e0-9]*\([,}]\)/N\1/g'; }
$judge --json --steps $data/null.json | shape >"$out"
cat >"$wrong" <<'END'
{"n":N,"phase":N,"d":N,"scale":N,"evidence":N,"lambda":N,"verdict":null}
{"n":N,"phase":N,"d":N,"scale":N,"evidence":N,"lambda":N,"verdict":null}
{"n":N,"phase":N,"d":N,"scale":N,"evidence":N,"lambda":N,"verdict":"reject"}
{"verdict":"reject","n":N,"n2":N,"evidence":N,"needed":N,"lambda":N,"hl":N,"low":null,"high":null,"coverage":N,"shrunk":N}
END
diff "$wrong" "$out" || bad "shape of --json"
$judge --json --steps $data/win.json >"$out"
[ "$(grep -c '"phase":1,.*"verdict":"switch"}$' "$out")" = 1 ] || bad "one pair of phase 1 switches"
grep -q '^{"verdict":"keep","n":11,"n2":5,.*"needed":400,' "$out" || bad "the object at the end"

refuses 2 'FILE'
refuses 2 'FILE' $data/win.json $data/null.json
refuses 2 'higher' --direction up $data/win.csv
refuses 2 'direction' $data/win.csv
refuses 2 'd > 0' --direction lower $data/win.json
refuses 2 'number' --alpha many $data/win.json
refuses 2 '--frob' --frob $data/win.json
refuses 1 'no-such-file: No such file' no-such-file
refuses 1 'alpha.* 0;' --alpha 0 $data/win.json
refuses 1 'alpha.* 1.01;' --alpha 1.01 $data/win.json
echo '{"alpha":2,"workers":[]}' | refuses 1 'standard input: alpha is 2' -
echo '{"alpha":"x","workers":[]}' | refuses 1 'alpha is no number' -
echo '{"alpha":0.1}' | refuses 1 'workers is missing' -
echo '{"workers":[{"id":"w1"}]}' | refuses 1 'worker w1: pairs is missing' -
echo '{"workers":[{"id":"w1","pairs":[0.1,null]}]}' | refuses 1 'worker w1: pair 2' -
echo '{"workers":[{"id":"w1","pairs":[0.1,1e999]}]}' | refuses 1 '.' -
echo '{"workers":[{"id":"w1","pairs":[],"history":[0.1,-0.1]}]}' | refuses 1 'worker w1: history entry 2' -
echo '{"workers":' | refuses 1 'standard input: not valid JSON' -
: | refuses 1 'empty' -
printf 'worker,round,arm\n' | refuses 1 'line 1: no column value' -
csv 'w1,1,base\n' | refuses 1 'line 2: no value' -
csv 'w1,1,base,1\nw1,1,b,nan\n' | refuses 1 'line 3: worker w1, round 1, arm b: value nan' -
csv 'w1,1,base,0\n' | refuses 1 'line 2: .*value 0' -
csv 'w1,1,base,-5\n' | refuses 1 'line 2: .*value -5' -
csv 'w1,1,base,inf\n' | refuses 1 'line 2: .*value inf' -
csv 'w1,one,base,1\n' | refuses 1 'line 2: round one' -
csv 'w1,1,base,1\nw1,1,b,1\nw1,1,c,1\n' | refuses 1 'line 4: a third arm c' -
csv 'w1,1,base,1\nw1,1,b,1\nw1,1,base,1\n' | refuses 1 'round 1 (line 2) has base twice' -
csv 'w1,1,base,1\nw1,2,base,1\nw1,2,b,1\n' | refuses 1 'worker w1, round 1 (line 2) has base only' -
csv 'w1,1,b,1\nw2,1,base,1\nw1,2,b,1\n' | refuses 1 'worker w1, round 1 (line 2) has no base' -
printf 'a\000b\n' | refuses 1 'NUL' -
[ ! -e "$work/failed" ]
