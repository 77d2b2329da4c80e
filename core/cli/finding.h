/* What doctor finds: each is a thing, how it is, and what to do about it. */
#ifndef CORE_CLI_FINDING_H
#define CORE_CLI_FINDING_H

#include <stddef.h>

enum finding_state { FINDING_OK, FINDING_WARNING, FINDING_ERROR };

struct finding {
	const char *what;		/* a constant */
	enum finding_state state;
	char *text, *remedy;		/* safe text; remedy NULL: nothing to do */
};
struct findings {
	struct finding *at;
	size_t count, room;
};

void findings_add(struct findings *f, const char *what, enum finding_state state, const char *text, const char *remedy);	/* copies, made safe */
void findings_release(struct findings *f);

#endif
