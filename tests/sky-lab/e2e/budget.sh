#!/bin/bash
# The money of VMs is a hard stop: two VMs at $2.55 an hour each and ten cents to spend end the session after about 70 s, with exit 5 and
# every VM down.
# timeout: 1200
. tests/sky-lab/e2e/lib.sh

vms '	vms = 2' '	accelerators = H100:1' '[session]' '	budget = 0.1'
for i in 1 2 3 4; do number 0$i "Same $i" a 0; done
for i in 5 6 7 8; do patch 0$i "Slow $i" "echo slow=3 >src/slow.c; echo $i >>notes.txt"; done
timeout 800 "$SKYDECK" -C "$T" run --plain --autonomy auto >"$work/out" 2>"$work/wrong"
code=$?
ours >/dev/null
[ $code = 5 ] || bad "exit $code, it should be 5: $(tail -n 5 "$work/out" "$work/wrong")"
has_event '"kind":"session_ended".*budget' || bad "the session did not end by its budget"
# What taking them down takes is paid, too, and not foreseen.
moment() { date -d "$(sky events --json | grep "$1" | tail -n 1 | sed 's/.*"time":"\([^"]*\)".*/\1/')" +%s; }
going=$(($(moment '"state":"down"') - $(moment '"kind":"session_ended"')))
spent=$(sky status --json | sed -n 's/.*"vm_usd":\([0-9.e-]*\).*/\1/p')
awk -v spent="$spent" -v going="$going" 'BEGIN { exit !(spent >= 0.09 && spent < 0.15 + going * 2 * 2.55 / 3600) }' || bad "spent $spent of 0.1, $going s to go down"
nothing_is_up || bad "after the end these are up: $(up)"
timeout 400 "$SKYDECK" -C "$T" doctor >"$work/said" 2>&1
grep -q '^error .*VMs' "$work/said" && bad "doctor: $(cat "$work/said")"
journal_is_sound over
exit 0
