/* The processes of this machine, as /proc (proc(5)) shows them. */
#ifndef CORE_IO_PROCESSES_H
#define CORE_IO_PROCESSES_H

#include <stddef.h>
#include <sys/types.h>

struct process {
	pid_t pid;
	unsigned long long started;	/* ticks after boot: with it a pid means one process for ever */
	char name[32];			/* made safe */
};
struct processes {
	struct process *at;
	size_t count, room;
};

/* Adds the process and all below it that are not in the list yet. */
void processes_below(struct processes *list, pid_t pid);

/* Adds those of this user with a word in their command line that begins with `path`. */
void processes_naming(struct processes *list, const char *path);

void processes_drop_ended(struct processes *list);
void processes_release(struct processes *list);

#endif
