/* Small things with files: folders on the way, copies with their mode. */
#ifndef CORE_ENGINE_FILES_H
#define CORE_ENGINE_FILES_H

#include "core/base/err.h"

int folder_make(const char *path, struct err *err);			/* with the folders above; there already is fine */
int file_copy(const char *from, const char *to, struct err *err);	/* contents and mode; makes to's folder */

#endif
