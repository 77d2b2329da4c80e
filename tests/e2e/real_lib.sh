# What the tests with the real agents share: their packages, model servers, and that no key of theirs stands in a session's files. Sourced
# after lib.sh; not executable, so no test itself.

packages=
install() {	# FOLDER (1: for this run alone) PROGRAMS PACKAGE...: $bin is where their programs are
	local folder=$1 programs=$2 missing= program
	shift 2
	command -v npm >/dev/null || { echo "npm is not installed"; exit 77; }
	packages=$folder; [ "$packages" != 1 ] || packages=$work/packages
	bin=$packages/node_modules/.bin
	for program in node $programs; do [ -x "$bin/$program" ] || missing=1; done
	[ -z "$missing" ] || timeout 600 npm install --no-audit --no-fund --prefix "$packages" node@22 "$@" >"$work/npm" 2>&1 ||
		{ tail -n 5 "$work/npm"; echo "the agents cannot be installed"; exit 77; }
	"$bin/node" --version >/dev/null || { echo "the installed node does not run here"; exit 77; }
}

server=
finish_server() { [ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; }; server=; }
trap 'finish_server; finish' EXIT
start_server() {	# COMMAND...: its URL is in $url
	rm -f "$work/url"
	"$@" >"$work/url" 2>"$work/server.err" &
	server=$!
	wait_for '[ -s "$work/url" ]' 'the model server starts'
	url=$(head -n 1 "$work/url")
}
ends() {	# SECRET: what every session comes to
	journal_is_sound
	sky stop >/dev/null
	serve_ends
	finish_server
	grep -rqs "$1\|not-for-children" "$T"/.skydeck --include='*.log' --include='*.db*' --include=journal* && bad "a secret stands in the session's files"
}
