/* A folder of notes as sources: one file each. */
#ifndef CORE_RESEARCH_FOLDER_H
#define CORE_RESEARCH_FOLDER_H

#include "core/research/source.h"

extern const struct source_ops folder_source;

/* Reads one note: header lines "Title: …", "Type:", "Id:", "Url:", "Authors:", "Year:", an empty line, the note. A file
 * without headers is a note named after the file. Calls found once. */
int folder_note(const char *path, source_found *found, void *data, struct err *err);

#endif
