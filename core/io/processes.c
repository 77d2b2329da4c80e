/* /proc read by hand: a few lines do what a library would. Asked by stop, by doctor, and by an engine that begins. */
#include "core/io/processes.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* Fields 2, 4 and 22 of /proc/PID/stat; the name may hold anything, so the fields are counted from its last ")".
 * -1: gone, or a zombie. */
static int read_stat(pid_t pid, struct process *p, pid_t *parent)
{
	char path[64], state;
	int ppid;
	struct buf b = {0};
	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	int rc = buf_read_file(&b, path, 65536) ? -1 : 0;
	const char *open = rc ? NULL : strchr(buf_str(&b), '('), *close = rc ? NULL : strrchr(buf_str(&b), ')');
	const char *format = " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu";
	int is_read = open && close && sscanf(close + 1, format, &state, &ppid, &p->started) == 3;
	if (!is_read || state == 'Z' || state == 'X') {
		buf_release(&b);
		return -1;
	}
	char *name = text_safe_string(open + 1, (size_t)(close - open - 1), TEXT_LINE);
	snprintf(p->name, sizeof p->name, "%s", name);
	p->pid = pid;
	*parent = ppid;
	free(name);
	buf_release(&b);
	return 0;
}

static int has(const struct processes *list, pid_t pid)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->at[i].pid == pid)
			return 1;
	return 0;
}

static void add(struct processes *list, const struct process *p)
{
	struct process *slot = array_add(&list->at, &list->count, &list->room, sizeof *slot);
	*slot = *p;
}

typedef void process_function(struct processes *list, pid_t pid, const void *data);

static void each_process(process_function *call, struct processes *list, const void *data)
{
	DIR *dir = opendir("/proc");
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (isdigit((unsigned char)entry->d_name[0]))
			call(list, (pid_t)atol(entry->d_name), data);
	if (dir)
		closedir(dir);
}

static void add_child(struct processes *list, pid_t pid, const void *unused)
{
	struct process p;
	pid_t parent;
	(void)unused;
	if (!has(list, pid) && !read_stat(pid, &p, &parent) && has(list, parent))
		add(list, &p);
}

void processes_below(struct processes *list, pid_t pid)
{
	struct process p;
	pid_t parent;
	if (!has(list, pid) && !read_stat(pid, &p, &parent))
		add(list, &p);
	for (size_t before = 0; before != list->count;) {	/* a child may stand before its parent in /proc */
		before = list->count;
		each_process(add_child, list, NULL);
	}
}

static void add_naming(struct processes *list, pid_t pid, const void *data)
{
	const char *path = data;
	char file[64];
	struct stat st;
	struct buf words = {0};
	struct process p;
	pid_t parent;
	snprintf(file, sizeof file, "/proc/%ld/cmdline", (long)pid);
	if (pid != getpid() && !stat(file, &st) && st.st_uid == geteuid() && !buf_read_file(&words, file, 1 << 20))
		for (size_t i = 0; i < words.len; i += strlen(words.data + i) + 1)
			if (!strncmp(words.data + i, path, strlen(path))) {
				if (!has(list, pid) && !read_stat(pid, &p, &parent))
					add(list, &p);
				break;
			}
	buf_release(&words);
}

void processes_naming(struct processes *list, const char *path)
{
	each_process(add_naming, list, path);
}

void processes_drop_ended(struct processes *list)
{
	for (size_t i = list->count; i-- > 0;) {
		struct process now;
		pid_t parent;
		if (read_stat(list->at[i].pid, &now, &parent) || now.started != list->at[i].started)
			array_remove(&list->at, &list->count, i, sizeof *list->at);
	}
}

void processes_release(struct processes *list)
{
	free(list->at);
	*list = (struct processes){0};
}
