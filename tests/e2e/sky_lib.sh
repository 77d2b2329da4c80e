# What the tests of sessions on VMs share, on top of lib.sh: SkyPilot is tests/sky-lab/fake-sky (its head says what it can be told), where a
# VM is a folder and its jobs are processes of this machine. `sky` is skydeck on the target here as there; SkyPilot's own is `fake`.
. tests/e2e/lib.sh
export FAKE_SKY=$work/vms SKYPILOT_API_SERVER_ENDPOINT=http://127.0.0.1:1
mkdir -p "$work/bin" "$FAKE_SKY/trouble"
ln -s "$PWD/tests/sky-lab/fake-sky" "$work/bin/sky"
export PATH=$work/bin:$PATH

fake() { "$work/bin/sky" "$@"; }
finish_vms() {
	code=$?
	trap '' INT TERM
	[ -z "$engine" ] || { kill -KILL "$engine" 2>/dev/null; wait "$engine" 2>/dev/null; engine=; }
	fake fake-end
	(exit $code)
	finish
}
trap finish_vms EXIT

# vms VMS [LINE...]: a target whose session runs on so many VMs; each LINE is added to the config of [runner "sky"]
vms() {
	local count=$1
	shift
	target '[session]' '	runner = sky' '[runner "sky"]' '	infra = slurm/local' '	cpus = 1' "	vms = $count" "$@"
	sed -i 's/measuretimeout = .*/measuretimeout = 300/' "$T/.skydeck/config"
}
# The target's benchmark and what it needs become this; $HOME is the VM's own folder, so VMs can be told apart.
benchmark() {	# stdin: autoresearch.sh
	(cd "$T" && cat >autoresearch.sh && git add -A && git commit -q -m 'Another benchmark') || die "cannot change the target"
}
# What a test holds does not pass by while it looks: each arm that changes a waits in its runs until released.
hold_runs() {
	: >"$work/hold"
	benchmark <<-END
		. out/program
		while [ "\$a" != 0 ] && [ -e $work/hold ]; do sleep 0.1; done
		awk -v speed=\$((100 + a + b)) -v noise=\$((RANDOM % 401)) 'BEGIN { printf "METRIC tps=%.4f\n", speed * (0.998 + noise / 1e5) }'
	END
}
release() { rm "$work/hold"; }
slow_runs() {	# SECONDS: so long takes a run
	(cd "$T" && echo "slow=$1" >src/slow.c && git add -A && git commit -q -m 'Runs take a moment') || die "cannot change the target"
}

clusters() { (cd "$FAKE_SKY/clusters" 2>/dev/null && ls -d */status 2>/dev/null | cut -d/ -f1); }
up() { clusters | wc -l; }
noted() { cat "$T"/.skydeck/sessions/*/sky/clusters 2>/dev/null; }
nothing_is_up() {
	[ -z "$(clusters)" ] || bad "these VMs are still up: $(clusters)"
	[ -z "$(noted)" ] || bad "these are still in sky/clusters: $(noted)"
}
cluster_of() { sky workers --json 2>/dev/null | tr '{' '\n' | sed -n "s/.*\"id\":\"$1\".*\"name\":\"\([^\"]*\)\".*/\1/p" | head -n 1; }	# WORKER
worker() { sky workers --json 2>/dev/null | tr '{' '\n' | grep "\"id\":\"$1\""; }				# WORKER: its line
worker_state() { worker "$1" | sed -n 's/.*"state":"\([a-z]*\)".*/\1/p'; }
workers_in() { sky workers --json 2>/dev/null | grep -o "\"state\":\"\($1\)\"" | wc -l; }			# STATE\|STATE: how many
called() { grep -c "^$1" "$FAKE_SKY/calls" 2>/dev/null; }							# COMMAND [MORE]: how often
launches() { grep -c "^launch .*-c $1 " "$FAKE_SKY/calls"; }							# CLUSTER
has_event() { sky events --json 2>/dev/null | grep -q -e "$1"; }
wait_long() {	# SECONDS CONDITION WHAT
	local until=$((SECONDS + $1))
	while [ $SECONDS -lt $until ]; do
		eval "$2" && return
		sleep 0.2
	done
	sky workers 2>/dev/null
	tail -n 5 "$FAKE_SKY/calls"
	die "in vain for $1 s: $3"
}
