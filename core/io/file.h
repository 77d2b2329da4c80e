/* Whole files: written so that whoever reads sees the old one or the new one, and never a part. */
#ifndef CORE_IO_FILE_H
#define CORE_IO_FILE_H

#include <stddef.h>

#include "core/base/err.h"

/* Writes the file anew: to a temporary name beside it, to the disk, and then under its own name. Its folder is there. */
int file_write(const char *path, const void *bytes, size_t size, int mode, struct err *err);

/* Puts the file from under the name to as well (a hard link, or a copy where that cannot be), in place of what is there. */
int file_bring(const char *from, const char *to, struct err *err);

#endif
