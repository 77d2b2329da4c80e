#!/bin/bash
# Single mode: SkyPilot's published experiment.yaml runs unchanged, once for each proposal. Its words become verdicts, its values are shown
# as unpaired, and nothing is ever kept for them.
# timeout: 240
# parallel
. tests/e2e/sky_lib.sh

# The shape and the words of the published template; a build, a benchmark and checks in one job that always exits with 0.
experiment_task() {
	cat >"$T/experiment.yaml" <<-'END'
		name: experiment
		resources:
		  cpus: 1
		workdir: .
		envs:
		  EXPERIMENT_ID: baseline
		  EXPERIMENT_DESC: baseline
		  BUILD_CMD: "sh build.sh"
		  BENCH_TIMEOUT: 300
		  CHECK_TIMEOUT: 300
		run: |
		  echo "EXPERIMENT: ${EXPERIMENT_ID}"
		  echo "DESC: ${EXPERIMENT_DESC}"
		  crash() {
		    echo "EXPERIMENT_STATUS: crash"
		    echo "EXPERIMENT_ERROR: $1"
		    exit 0
		  }
		  eval "$BUILD_CMD" 2>&1 | tail -30
		  [ "${PIPESTATUS[0]}" -eq 0 ] || crash "build failed"
		  [ -f autoresearch.sh ] || crash "autoresearch.sh not found"
		  timeout "$BENCH_TIMEOUT" bash autoresearch.sh >bench.log 2>&1
		  code=$?
		  [ $code -ne 124 ] || crash "benchmark timed out after ${BENCH_TIMEOUT}s"
		  [ $code -eq 0 ] || crash "benchmark failed (exit $code)"
		  grep '^METRIC ' bench.log || crash "no METRIC lines found in benchmark output"
		  status=done
		  if [ -f autoresearch.checks.sh ]; then
		    timeout "$CHECK_TIMEOUT" bash autoresearch.checks.sh
		    code=$?
		    if [ $code -eq 0 ]; then
		      echo "CHECKS_STATUS: passed"
		    else
		      echo "CHECKS_STATUS: failed (exit $code)"
		      status=checks_failed
		    fi
		  else
		    echo "CHECKS_STATUS: skipped (no autoresearch.checks.sh)"
		  fi
		  echo "EXPERIMENT_ID: ${EXPERIMENT_ID}"
		  echo "EXPERIMENT_DESC: ${EXPERIMENT_DESC}"
		  grep '^METRIC ' bench.log
		  echo "EXPERIMENT_STATUS: $status"
	END
	(cd "$T" && git add -A && git commit -q -m 'The experiment as a task') || die "cannot commit the task"
}

vms 2 '	task = experiment.yaml'
sed -i 's/measuretimeout = .*/measuretimeout = 5/' "$T/.skydeck/config"
experiment_task
number 01 "A win" a 20
mode 02 "Does not build" broken
mode 03 "Is wrong" wrong
mode 04 "Crashes" crash
mode 05 "Hangs" hang
mode 06 "Prints nothing" silent
before=$(users_own)
run_auto || die "run: exit $?"
is "A win" done null
is "Does not build" done build-failed
is "Is wrong" done checks-failed
is "Crashes" done crash
is "Hangs" done timeout
is "Prints nothing" done crash
result() { sky results --json | tr '{' '\n' | grep "\"id\":\"$(titled "$1")\""; }
result "A win" | grep -q '"paired":false' || bad "it is not marked as unpaired: $(sky results --json)"
result "A win" | grep -q '"pairs":0' || bad "it has pairs: $(result "A win")"
result "A win" | grep -q '"mean":1[12][0-9]' || bad "its value is not shown: $(result "A win")"
has_event '"kind":"evidence"' && bad "there is evidence"
has_event '"verdict":"keep"' && bad "something was kept"
has_event '"kind":"landed"' && bad "something landed"
[ "$before" = "$(users_own)" ] || bad "the user's tree, index or branch changed"
grep -q '^launch .*--env EXPERIMENT_ID=p[0-9]*-rev1 --env EXPERIMENT_DESC=' "$FAKE_SKY/calls" || bad "the task is not told which experiment it is: $(cat "$FAKE_SKY/calls")"
grep -q '^exec ' "$FAKE_SKY/calls" || bad "each run launched a VM of its own: $(cat "$FAKE_SKY/calls")"
run=$(sky show "$(titled "Is wrong")" --json | grep -o '"run":"r[0-9]*"' | head -n 1 | cut -d'"' -f4)
sky log "$run" | grep -q '^CHECKS_STATUS: failed' || bad "the log of $run is not what the task printed: $(sky log "$run")"
nothing_is_up
journal_is_sound over
