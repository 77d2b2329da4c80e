# What the sessions on VMs share, on top of tests/e2e/lib.sh (where `sky` is skydeck on the target; SkyPilot's own command is skypilot here).
# Everything that a session launched is taken down at the end, by the names that it noted. Sourced; not executable, so no test itself.
. tests/e2e/lib.sh

skypilot() { command sky "$@" </dev/null; }

# The clusters that sessions of the target noted, or that the journal tells of: all that may be up.
ours() {
	{
		cat "$T"/.skydeck/sessions/*/sky/clusters 2>/dev/null
		sky workers --json 2>/dev/null | grep -o '"name":"skydeck-[^"]*"' | cut -d'"' -f4
		cat "$work/launched" 2>/dev/null
	} | sort -u | tee "$work/launched.new"
	mv "$work/launched.new" "$work/launched"
}
# Those of them that SkyPilot has, "NAME LAUNCHED_AT" a line. It is an error if nobody can say.
up() {
	ours >"$work/ours"
	skypilot status -o json >"$work/status" 2>"$work/status.wrong" || die "sky status: $(tail -n 3 "$work/status.wrong")"
	sed -n '/^\[/,$p' "$work/status" | awk '
		/^    "name":/ { gsub(/[",]/, ""); name = $2 }
		/^    "launched_at":/ { gsub(/,/, ""); print name, $2 }
	' | grep -F -f "$work/ours" || true
}
nothing_is_up() { [ -z "$(up)" ]; }

finish_vms() {
	code=$?
	trap '' INT TERM	# twice is once
	[ -z "$engine" ] || { kill -KILL "$engine" 2>/dev/null; wait "$engine" 2>/dev/null; engine=; }
	# of a run that is not told as it should, all that is told
	[ ! -s "$work/unsound" ] || grep -n -F -e "$(sed -n 's/^run \(r[0-9]*\|"r[0-9]*"\) .*/\1/p' "$work/unsound" | tr -d '"' | sed 's/.*/"run":"&"/')" "$work/events"
	names=$(up | cut -d' ' -f1)
	[ -z "$names" ] || skypilot down -y $names >/dev/null 2>&1 || echo "FAILED: these may still be up: $names"
	(exit $code)
	finish
}
trap finish_vms EXIT

# vms LINE...: a target whose runs take a moment and say so, on three VMs of the lab; each LINE is added to its config
vms() {
	target '[runner "sky"]' '	infra = slurm/local' '	cpus = 1' '	memory = 1' '	vms = 3' "$@"
	(
		cd "$T" || exit 1
		echo slow=0.1 >src/slow.c
		cat >autoresearch.sh <<-'END'
			. out/program
			noise=401
			case "$HOME:$PWD:" in *-"${noisy:-none}"[-/:]*) noise=60001 ;; esac
			for i in 1 2 3 4 5; do echo "tick $i"; sleep "$slow"; done
			awk -v speed=$((100 + a + b)) -v noise=$(((RANDOM * 32768 + RANDOM) % noise)) 'BEGIN { printf "METRIC tps=%.4f\n", speed * (0.998 + noise / 1e5) }'
		END
		git add -A && git commit -q -m 'Runs take a moment'
	) || die "cannot make the target"
	sed -i 's/measuretimeout = .*/measuretimeout = 600/' "$T/.skydeck/config"
}

# What takes seconds where nothing else runs may take minutes where all else does: a `sky` command is seconds of a CPU, a launch half a minute.
patience=4
wait_long() {	# SECONDS CONDITION WHAT; the seconds are a quiet machine's, doubled
	local until=$((SECONDS + patience * $1))
	while [ $SECONDS -lt $until ]; do
		eval "$2" && return
		sleep 0.5
	done
	sky workers 2>/dev/null
	die "in vain for $((patience * $1)) s: $3"
}
has_event() { sky events --json 2>/dev/null | grep -q -e "$1"; }
count_workers() { sky workers --json 2>/dev/null | grep -o "\"state\":\"\($1\)\"" | wc -l; }	# STATE\|STATE
