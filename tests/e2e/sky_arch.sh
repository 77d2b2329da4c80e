#!/bin/bash
# Two kinds of machine: the first decides, the other one is asked about what it keeps. What harms there is kept with that word and waits for
# a human even under auto; what does not lands. Pairs of the two never mix.
# timeout: 400
# parallel
. tests/e2e/sky_lib.sh

mkdir -p "$FAKE_SKY/arch"
echo x86_64 >"$FAKE_SKY/arch/slurm.one"
echo aarch64 >"$FAKE_SKY/arch/slurm.two"
vms 2
sed -i 's|	infra = slurm/local|	infra = slurm/one\n	infra = slurm/two|' "$T/.skydeck/config"
benchmark <<-'END'
	. out/program
	[ "$(uname -m)" != aarch64 ] || a=$((b - a))	# what b brings counts on both, a turns round
	awk -v speed=$((100 + a + b)) -v noise=$((RANDOM % 401)) 'BEGIN { printf "METRIC tps=%.4f\n", speed * (0.998 + noise / 1e5) }'
END
number 01 "Harms there" a 20
number 02 "Good on both" b 20
serve --autonomy auto
wait_for '[ -n "$(titled "Harms there")" ] && [ -n "$(titled "Good on both")" ]' 'both are proposed'
harms=$(titled "Harms there") good=$(titled "Good on both")
wait_long 150 '[ "$(state_of $harms)" = signing ] && [ "$(verdict_of $good)" = keep ]' 'both are kept'
wait_long 150 '[ "$(state_of $good)" = landed ]' 'what is good on both lands'
# the other one is measured once more, on the new baseline, and waits again
wait_long 150 '[ "$(state_of $harms)" = signing ] && has_event "\"kind\":\"verdict\".*\"proposal\":\"$harms\",\"rev\":2"' 'what harms waits for a human'
sleep 2
[ "$(state_of "$harms")" = signing ] || bad "what harms there is $(state_of "$harms"): a human should say"
sky events --json >"$work/all"
grep '"kind":"verdict"' "$work/all" | grep "\"proposal\":\"$harms\"" | grep -q '"reason":"harms aarch64: -' || bad "the reason does not say so: $(grep '"kind":"verdict"' "$work/all")"
grep '"kind":"verdict"' "$work/all" | grep "\"proposal\":\"$good\"" | grep -q 'fine on aarch64' || bad "the reason does not say so: $(grep '"kind":"verdict"' "$work/all")"
grep -q '"kind":"elsewhere".*"arch":"aarch64"' "$work/all" || bad "nobody was asked elsewhere"
grep '"kind":"evidence"' "$work/all" | grep -v '"worker":"w[13579]"' && bad "evidence from the other kind"
grep '"kind":"elsewhere"' "$work/all" | grep -v '"worker":"w[02468]"' && bad "the first kind was asked as another"
sky workers --json | tr '{' '\n' | grep '"id":"w1"' | grep -q '"arch":"x86_64"' || bad "w1 is not of the first kind: $(worker w1)"
sky workers --json | tr '{' '\n' | grep '"id":"w2"' | grep -q '"arch":"aarch64"' || bad "w2 is not of the second kind: $(worker w2)"
sky stop >/dev/null 2>&1
wait_long 150 '! kill -0 "$engine" 2>/dev/null' 'the engine is gone'
serve_ends || bad "serve: exit $?"
nothing_is_up
journal_is_sound over
