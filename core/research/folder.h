/* What stands on this machine as sources: a folder of notes and PDFs (one source each), or a git repository (one source).
 * Files are opened below their folder only (openat2(2), RESOLVE_BENEATH): a link that leaves it is refused. */
#ifndef CORE_RESEARCH_FOLDER_H
#define CORE_RESEARCH_FOLDER_H

#include "core/base/buf.h"
#include "core/research/source.h"

extern const struct source_ops folder_source;

enum { FOLDER_SOURCES = 1000, FOLDER_SOURCE_MAX = 20 << 20, FOLDER_NOTE_MAX = 256 << 10 };

/* Reads one note: header lines "Title: …", "Type:", "Id:", "Url:", "Authors:", "Year:", an empty line, the note. A file
 * without headers is a note named after the file. A PDF is a paper named after its file, whose text is read when it is
 * asked for (pdf.h). Calls found once. */
int folder_note(const char *path, source_found *found, void *data, struct err *err);

/* What `source add PATH` means: a git repository (one source of type fork where it shares history with root's repository,
 * else backend), a folder, or one file. path: absolute, or relative to root. What cannot be used in a folder is passed over;
 * it is an error when nothing is left. */
int folder_add(const char *path, const char *root, source_found *found, void *data, struct err *err);

/* Opens a regular file below folder, at most limit bytes, for reading. A descriptor, or -1 with a sentence. */
int folder_open_file(const char *folder, const char *name, size_t limit, struct err *err);

#endif
