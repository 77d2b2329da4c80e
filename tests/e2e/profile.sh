#!/bin/bash
# Where the time goes: what the driver says of a profile (by perf, by gprof, by neither), and what a session makes of it: bytes moved
# against bandwidth say on which side the target stands, and the first patch of an agent waits for it.
# needs: python3
# parallel
. tests/e2e/lib.sh

tools=$work/tools
mkdir -p "$tools" "$work/place"
driver=$PWD/assets/driver.sh
profile() { (cd "$work/place" && PATH=$tools:$PATH sh "$driver" profile ./bench.sh </dev/null) >"$work/said" 2>&1 || bad "the profile fails: $(cat "$work/said")"; }
fake_perf() { cat >"$tools/perf" && chmod +x "$tools/perf"; }
cat >"$work/place/bench.sh" <<'END'
#!/bin/sh
echo METRIC tps=5
END
chmod +x "$work/place/bench.sh"
: >"$work/wrong"

# perf, with counters of the last cache
fake_perf <<'END'
#!/bin/sh
what=$1
while [ $# -gt 0 ] && [ "$1" != -- ]; do [ "$1" != -o ] || out=$2; shift; done
[ $# -eq 0 ] || shift
case $what in
record)	echo data >"$out"; exec "$@" ;;
report)	printf '    61.50%%  program  [.] dot product\n     3.10%%  libc.so.6     [.] memcpy\n\n# no line\n' ;;
stat)	"$@"; code=$?; echo "1000000,,cache-misses,1,100.00,," >"$out"; exit $code ;;
bench)	echo "      10.000000 GB/sec" ;;
esac
END
profile
says '^PROFILE what=perf$'
says '^PROFILE part 61.50 % program \[.\] dot product$'
says '^PROFILE part 3.10 % libc.so.6 \[.\] memcpy$'
says '^PROFILE moved=[1-9][0-9]*$'
says "^PROFILE bandwidth=$((2 * $(nproc) * 10737418240)) by=perf$"
says '^METRIC tps=5$'

# on a slow machine
sed -i 's:10.000000 GB/sec:640.000000 MB/sec:' "$tools/perf"
profile
says "^PROFILE bandwidth=$((2 * $(nproc) * 671088640)) by=perf$"

# a perf that may not look: gprof for a program that was built for it
fake_perf <<'END'
#!/bin/sh
exit 1
END
cat >"$work/hot.c" <<'END'
volatile double x = 1;
__attribute__((noinline)) void hot(void) { for (int i = 0; i < 60000000; i++) x = x * 1.0000001; }
int main(void) { hot(); return 0; }
END
if gcc -pg -O1 -no-pie -o "$work/place/program" "$work/hot.c" 2>/dev/null; then
	printf '#!/bin/sh\n./program\necho METRIC tps=5\n' >"$work/place/bench.sh"
	profile
	says '^PROFILE what=gprof$'
	says '^PROFILE part [0-9.]* % hot$'
	says '^PROFILE bandwidth=[1-9][0-9]* by=dd$'
fi

# neither: what the harness prints is all there is
rm -f "$work/place/program" "$work/place/gmon.out"
printf '#!/bin/sh\necho METRIC tps=5\n' >"$work/place/bench.sh"
profile
grep -q 'what=' "$work/said" && bad "a profile of nothing: $(cat "$work/said")"

# a benchmark that fails has no profile
printf '#!/bin/sh\nexit 3\n' >"$work/place/bench.sh"
(cd "$work/place" && sh "$driver" profile ./bench.sh </dev/null) >"$work/said" 2>&1 && bad "the profile of a failure succeeds"
grep -q PROFILE "$work/said" && bad "a profile of a failure: $(cat "$work/said")"

# a session: the harness counts what it moves, far more than any machine can, so memory is the limit
echo '{"replies": []}' >"$work/script.json"
scripted_model
target '[agent "m"]' '	kind = chat' "	url = $url" '	model = small' '[session]' '	agent = m'
echo 'echo METRIC bytes_moved=1e13' >>"$T/autoresearch.sh"
git -C "$T" commit -q -a -m 'It counts'
serve
wait_for 'sky events --json | grep -q "\"kind\":\"profiled\""' 'the baseline is profiled'
sky events --json | grep '"kind":"profiled"' >"$work/profiled"
grep -q '"side":"memory"' "$work/profiled" || bad "the side: $(cat "$work/profiled")"
grep -q '"bandwidth":[1-9]' "$work/profiled" || bad "the bandwidth: $(cat "$work/profiled")"
sky stop >/dev/null
serve_ends
