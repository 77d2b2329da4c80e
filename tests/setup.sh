#!/bin/sh
# setup.sh [--look] build|check: what `make build` (and demo) or `make check` needs of this machine. Says in one line what is missing and installs
# it with the system's package manager; where it may not, it prints the one command to run and exits 1. With --look it never installs.
# A test that needs one more program says so in a line of its own: "# needs: tmux python3".
# Environment: CC (default cc), SAN (set: the sanitizers' libraries too).
set -u
cd "$(dirname "$0")/.." || exit 1
look=; [ "${1:-}" != --look ] || { look=1; shift; }
for_what=${1:-check}

# One row for each need: when it is needed (build, check, san, or test: when a test names it), how it is seen
# (cmd: a program, pkg: a pkg-config module), and the packages that bring it ("," between several).
#     when   need        seen by         apt                   dnf                  pacman
table='
      build  compiler    compiler        gcc,libc6-dev         gcc,glibc-devel      gcc
      build  pkg-config  cmd:pkg-config  pkg-config            pkgconf-pkg-config   pkgconf
      build  ncurses     pkg:ncursesw    libncurses-dev        ncurses-devel        ncurses
      build  libtermkey  pkg:termkey     libtermkey-dev        libtermkey-devel     libtermkey
      build  cJSON       pkg:libcjson    libcjson-dev          cjson-devel          cjson
      build  libgit2     pkg:libgit2     libgit2-dev           libgit2-devel        libgit2
      build  SQLite      pkg:sqlite3     libsqlite3-dev        sqlite-devel         sqlite
      build  libcurl     pkg:libcurl     libcurl4-openssl-dev  libcurl-devel        curl
      build  libyaml     pkg:yaml-0.1    libyaml-dev           libyaml-devel        libyaml
      build  expat       pkg:expat       libexpat1-dev         expat-devel          expat
      build  bubblewrap  cmd:bwrap       bubblewrap            bubblewrap           bubblewrap
      check  git         cmd:git         git                   git                  git
      check  cmocka      pkg:cmocka      libcmocka-dev         libcmocka-devel      cmocka
      check  libvterm    pkg:vterm       libvterm-dev          libvterm-devel       libvterm
      check  pdftotext   cmd:pdftotext   poppler-utils         poppler-utils        poppler
      san    sanitizers  sanitizers      gcc                   libasan,libubsan     gcc
      test   tmux        cmd:tmux        tmux                  tmux                 tmux
      test   python3     cmd:python3     python3               python3              python
      test   ps          cmd:ps          procps                procps-ng            procps-ng
      test   strace      cmd:strace      strace                strace               strace
'
cc=${CC:-cc}; cc=${cc%% *}
wanted=" build "
if [ "$for_what" = check ]; then
	wanted=" build check ${SAN:+san }"
	set -- tests/fold/* tests/screens/* tests/e2e/*.sh tests/bench/*.sh
	for name in $(grep -hs '^# needs: ' "$@"); do wanted="$wanted$name "; done
fi

has() {	# is there what a row is seen by?
	case $1 in
	cmd:*)	command -v "${1#cmd:}" >/dev/null ;;
	pkg:*)	pkg-config --exists "${1#pkg:}" 2>/dev/null ;;
	compiler)	command -v "$cc" >/dev/null && { [ -e /usr/include/stdio.h ] || echo '#include <stdio.h>' | $cc -E - >/dev/null 2>&1; } ;;
	sanitizers)	echo 'int main(void) { return 0; }' | $cc -fsanitize=address,undefined -xc -o /dev/null - 2>/dev/null ;;
	esac
}
rows() {	# calls a function with each row that is wanted
	while read -r when need seen apt dnf pacman; do
		case $wanted in *" ${when:-none} "* | *" ${need:-none} "*) "$1" ;; esac
	done <<-END
	$table
	END
}
row_module() { case $seen in pkg:*) modules="$modules ${seen#pkg:}" ;; esac }
row_missing() {
	case $seen in pkg:*) [ -z "$modules_found" ] || return 0 ;; esac
	has "$seen" && return
	missing="$missing${missing:+, }$need"
	eval "packages=\"\$packages \$$manager\""
}
look_around() {	# sets missing, and packages for the manager that is here
	missing='' packages='' modules='' modules_found=''
	rows row_module
	pkg-config --exists $modules 2>/dev/null && modules_found=1	# one process instead of one each, when all is well
	rows row_missing
	packages=$(echo $packages | tr , ' ')
}

manager=none none=''
look_around
[ -n "$missing" ] || exit 0
for tool in apt-get:apt dnf:dnf pacman:pacman; do
	if command -v "${tool%:*}" >/dev/null; then manager=${tool#*:}; break; fi
done
look_around
if [ -n "$look" ]; then
	echo "skydeck is missing: $missing. Run: make setup" >&2
	exit 1
fi

case $manager in
apt)	by_hand="apt-get update && apt-get install -y --no-install-recommends $packages" ;;
dnf)	by_hand="dnf install -y $packages" ;;
pacman)	by_hand="pacman -S --needed --noconfirm $packages" ;;
*)	echo "skydeck is missing: $missing. There is no apt, dnf or pacman here: install these with what this system has" >&2; exit 1 ;;
esac
root=
if [ "$(id -u)" != 0 ]; then
	if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
		root=sudo
	else
		echo "skydeck is missing: $missing. Run this as root, then again what you ran:" >&2
		echo "    $by_hand" >&2
		exit 1
	fi
fi

echo "skydeck is missing: $missing. Installing with $manager: $packages"
log=$(mktemp) && trap 'rm -f "$log"' EXIT
quietly() { "$@" >"$log" 2>&1; }	# a package manager's hundred lines are only of interest when it fails
apt_install() {
	quietly $root env DEBIAN_FRONTEND=noninteractive apt-get -y -qq "$@" --no-install-recommends -o Dpkg::Use-Pty=0 install $packages </dev/null
}
case $manager in
apt)	apt_install --simulate && apt_install || { quietly $root apt-get -qq update && apt_install; } ;;
dnf)	quietly $root dnf install -y $packages ;;
pacman)	set -- /var/lib/pacman/sync/*.db	# a fresh container has no lists yet; on a system in use, new lists without an upgrade would break it
	refresh=; [ -e "$1" ] || refresh=y
	quietly $root pacman -S$refresh --needed --noconfirm $packages ;;
esac || { tail -20 "$log" >&2; echo "skydeck: $manager failed. Run this as root, then again what you ran:" >&2; echo "    $by_hand" >&2; exit 1; }
look_around
if [ -n "$missing" ]; then
	echo "skydeck: still missing after the installation: $missing (compiler: $cc)" >&2
	exit 1
fi
