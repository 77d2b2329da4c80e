#!/bin/sh
# embed.sh: prints the C source of core/base/embedded.h's list: each file under assets and themes, but for what describes or
# makes them. embed.sh --list prints only the paths. The assembler reads the files (.incbin): a megabyte costs milliseconds.
set -eu
export LC_ALL=C
list() {
	find assets themes -name build -prune -o -type f ! -name '*.o' ! -name '*~' ! -name '.*.sw?' \
		! -path assets/embed.sh ! -path assets/README.md ! -path themes/README.md -print | sort
}
[ "${1:-}" != --list ] || { list; exit; }

files=$(list)
if echo "$files" | grep '[^A-Za-z0-9._/+,@-]' >&2; then
	echo "embed.sh: such a path cannot be embedded: only A-Z a-z 0-9 . _ / + , @ - may stand in it" >&2
	exit 1
fi

cat <<'END'
/* Made by assets/embed.sh. */
#include "core/base/embedded.h"

#include <string.h>

#define FILE_DATA(n, path) \
	__asm__(".section .rodata\n.balign 16\nembedded_" #n ":\n.incbin \"" path "\"\n.byte 0\n.previous"); \
	extern const unsigned char embedded_##n[];
END
n=0
for path in $files; do
	echo "FILE_DATA($n, \"$path\")"
	n=$((n + 1))
done
echo 'const struct embedded embedded_files[] = {'
n=0
[ -z "$files" ] || wc -c $files | while read -r size path; do
	[ "$path" != total ] || continue
	executable=0; [ ! -x "$path" ] || executable=1
	echo "	{ \"$path\", embedded_$n, $size, $executable },"
	n=$((n + 1))
done
echo '	{ NULL, NULL, 0, 0 },'
echo '};'
cat <<'END'
const struct embedded *embedded_find(const char *path)
{
	for (const struct embedded *file = embedded_files; file->path; file++)
		if (!strcmp(file->path, path))
			return file;
	return NULL;
}
END
