/* Writing a tree of files into a folder, one level at a time: what stands in the way is replaced, what is the same
 * already keeps its time (so that make sees no change), and no symlink is ever followed. */
#ifndef CORE_IO_FOLDER_H
#define CORE_IO_FOLDER_H

#include <stddef.h>

#include "core/base/err.h"

enum folder_kind { FOLDER_FILE, FOLDER_EXECUTABLE, FOLDER_SYMLINK };

/* Opens a folder, made with its parents where missing; path may lead over symlinks. A file descriptor, or -1. */
int folder_open(const char *path, struct err *err);

/* Opens the folder `name` in dir, made where missing; what else has that name is replaced. A descriptor or -1. */
int folder_enter(int dir, const char *name, struct err *err);

/* Makes `name` in dir a file (or a symlink to the bytes) with these contents. Untouched when it is that already. */
int folder_put(int dir, const char *name, enum folder_kind kind, const void *bytes, size_t size, struct err *err);

/* Removes `name` in dir with everything below it; fine when there is none. */
int folder_remove(int dir, const char *name, struct err *err);

/* The same for a path of several names; fine when a folder on the way is missing or is none. */
int folder_remove_path(int dir, const char *path, struct err *err);

/* Removes every entry of dir that keep does not want (keep gets its name and the payload). */
int folder_prune(int dir, int (*keep)(const char *name, const void *payload), const void *payload, struct err *err);

#endif
