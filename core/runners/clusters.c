/* The list is short and changes a few times an hour, so it is written anew each time. What cannot be noted is not launched: a VM that nobody knows of costs until somebody looks. */
#include "core/runners/clusters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/hash.h"
#include "core/io/file.h"

int clusters_read(const char *folder, struct strings *out, struct err *err)
{
	struct buf text = {0};
	char *path = xasprintf("%s/clusters", folder);
	int rc = buf_read_file(&text, path, CLUSTERS_MAX);
	if (rc && errno == ENOENT)
		rc = 0;
	else if (rc)
		err_set(err, "cannot read %s, which lists VMs that may still run: %s", path, strerror(errno));
	for (char *line = text.data, *end; line && *line; line = end) {
		size_t n = strcspn(line, "\n");
		end = line + n + (line[n] == '\n');
		line[n] = '\0';
		if (*line && !strings_have(out, line))
			strings_add(out, line);
	}
	buf_release(&text);
	free(path);
	return rc;
}

static int write_list(const char *folder, const struct strings *names, struct err *err)
{
	struct buf text = {0};
	char *path = xasprintf("%s/clusters", folder);
	for (size_t i = 0; i < names->count; i++)
		buf_printf(&text, "%s\n", names->at[i]);
	int rc = file_write(path, buf_str(&text), text.len, 0666, err);
	if (rc)
		err_prefix(err, "without a list of VMs none is started");
	buf_release(&text);
	free(path);
	return rc;
}

int clusters_add(const char *folder, const char *name, struct err *err)
{
	struct strings names = {0};
	int rc = clusters_read(folder, &names, err);
	if (!rc && !strings_have(&names, name)) {
		strings_add(&names, name);
		rc = write_list(folder, &names, err);
	}
	strings_release(&names);
	return rc;
}

int clusters_remove(const char *folder, const char *name, struct err *err)
{
	struct strings names = {0};
	int rc = clusters_read(folder, &names, err);
	size_t i = 0;
	while (i < names.count && strcmp(names.at[i], name))
		i++;
	if (!rc && i < names.count) {
		free(names.at[i]);
		array_remove(&names.at, &names.count, i, sizeof *names.at);
		rc = write_list(folder, &names, err);
	}
	strings_release(&names);
	return rc;
}

static char *name_prefix(const char *root, const char *session)
{
	char *whole = xasprintf("%s\n%s", root, session);
	uint64_t hash = hash_string(whole);
	free(whole);
	return xasprintf("skydeck-%06" PRIx64 "-", (hash ^ hash >> 24 ^ hash >> 48) & 0xffffff);
}

char *cluster_name(const char *root, const char *session, const char *worker)
{
	char *prefix = name_prefix(root, session), *name = xasprintf("%s%s", prefix, worker);
	free(prefix);
	return name;
}

const char *cluster_worker(const char *name, const char *root, const char *session)
{
	char *prefix = name_prefix(root, session);
	size_t n = strlen(prefix);
	int is_ours = !strncmp(name, prefix, n) && name[n];
	free(prefix);
	return is_ours ? name + n : NULL;
}
