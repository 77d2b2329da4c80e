/* Small things with files: folders on the way, copies with their mode. */
#ifndef CORE_ENGINE_FILES_H
#define CORE_ENGINE_FILES_H

#include "core/base/err.h"

int folder_make(const char *path, struct err *err);			/* with the folders above; there already is fine */
int file_copy(const char *from, const char *to, struct err *err);	/* contents and mode; makes to's folder */
/* Copies from to root/name (relative, no ".."). Nothing outside of root is written: whatever stands in the way as a link
 * or a file, where the name wants a folder, is replaced by one. */
int file_lay(const char *from, const char *root, const char *name, struct err *err);

#endif
