/* The files that are compiled into the program: the demo target and its library, the driver script, the themes.
 * assets/embed.sh writes the list and embedded_find; main, tests and every shelf above this one read it. */
#ifndef CORE_BASE_EMBEDDED_H
#define CORE_BASE_EMBEDDED_H

#include <stddef.h>

struct embedded {
	const char *path;		/* from the root of the source: "assets/demo/target/Makefile" */
	const unsigned char *data;	/* a NUL follows the last byte, so that a text file is a string */
	size_t size;			/* in bytes, without that NUL */
	int executable;
};

/* All files, sorted by path (bytes compared); the path of the last entry is NULL. */
extern const struct embedded embedded_files[];

/* The file of that path, or NULL. */
const struct embedded *embedded_find(const char *path);

#endif
