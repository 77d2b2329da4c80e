#!/bin/bash
# What can be wrong with SkyPilot itself: run ends by itself with exit 1 and a line that names what helps; no crash, no VM forgotten.
# timeout: 400
# parallel
. tests/e2e/sky_lib.sh

# ends TEXT [WHAT]: a session that cannot run says TEXT
ends() {
	local code
	timeout 150 "$SKYDECK" -C "$T" run --plain --autonomy auto >"$work/out" 2>"$work/wrong" </dev/null
	code=$?
	[ $code = 1 ] || bad "${2:-$1}: run: exit $code, it should be 1: $(tail -n 5 "$work/out" "$work/wrong")"
	grep -q -e "$1" "$work/out" "$work/wrong" || bad "${2:-$1}: no line says so: $(tail -n 5 "$work/out" "$work/wrong")"
	nothing_is_up
	rm -f "$FAKE_SKY"/trouble/*
}

# Where VMs are asked for before their price is known, what a launch may have left is waited for: half a minute, beside all others.
(
	work=$work/beside
	T=$work/target P=$work/patches FAKE_SKY=$work/vms
	mkdir -p "$FAKE_SKY/trouble"
	vms 2 '	retries = 0'
	number 01 "A win" a 20
	echo 'sky.exceptions.NoCloudAccessError: No infra to use. Enable infra: sky check, or pass an infra that is enabled' >"$FAKE_SKY/trouble/dryrun"
	ends 'sky check says how' 'no cloud'
	[ ! -e "$work/failed" ]
) &
beside=$!

vms 2 '	retries = 0' '	maxhourly = 9'
number 01 "A win" a 20

(PATH=$(echo "$PATH" | tr : '\n' | while read -r d; do [ -x "$d/sky" ] || echo "$d"; done | paste -sd:); ends 'install SkyPilot' 'no sky in PATH')
[ ! -e "$work/failed" ] || exit 1

echo 'sky.exceptions.ResourcesUnavailableError: Catalog does not contain any instances satisfying the request: 1x Slurm(cpus=4000)' >"$FAKE_SKY/trouble/dryrun"
ends 'ask for other resources: infra, cpus, memory or accelerators' 'infeasible'
echo 'sky.exceptions.ResourcesUnavailableError: Quota exceeded for vCPUs in us-east-1' >"$FAKE_SKY/trouble/launch"
cp "$FAKE_SKY/trouble/launch" "$work/line"
cat "$work/line" "$work/line" "$work/line" >"$FAKE_SKY/trouble/launch"
ends 'larger quota\|other resources' 'quota'
line="sky.exceptions.ClusterOwnerIdentityMismatchError: The cluster 'x' is owned by user 'other', but the activated user is 'me'."
printf '%s\n' "$line" "$line" "$line" >"$FAKE_SKY/trouble/launch"
(nothing_is_up() { :; }; ends 'use another account' "another user's cluster")
[ "$(up)" = 2 ] || bad "another user's clusters were taken down"
[ -z "$(noted)" ] || bad "another user's clusters are in the list: $(noted)"
fake fake-end
echo 'sky.exceptions.APIVersionMismatchError: Client and local API server version mismatch: 0.14.1 and 0.9.0' >"$FAKE_SKY/trouble/dryrun"
ends 'client and a server of one version' 'another version'

# The user's own task with a mistake: its line is said.
printf 'name: experiment\nresources:\n  cpus: 1\nrun: |\n  echo\n bad: [\n' >"$T/experiment.yaml"
printf '\ttask = experiment.yaml\n' >>"$T/.skydeck/config"
ends 'experiment.yaml.*line [0-9]\|experiment.yaml:[0-9]' 'a mistake in the task'

# Nothing that is known: what SkyPilot said is passed on; the session stays open, and its list has what may still be up.
sed -i '/task = /d' "$T/.skydeck/config"
line='RuntimeError: the moon is in the way'
printf '%s\n' "$line" "$line" >"$FAKE_SKY/trouble/launch"
(nothing_is_up() { :; }; ends 'the moon is in the way' 'launches that fail')
for name in $(clusters); do
	noted | grep -qx "$name" || bad "$name is forgotten"
done
wait "$beside" || bad 'the session beside all others'
