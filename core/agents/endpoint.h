/* Where a model is asked, and with which key. The key is read from the environment each time it is needed and kept nowhere. */
#ifndef CORE_AGENTS_ENDPOINT_H
#define CORE_AGENTS_ENDPOINT_H

#include "core/agents/wire.h"
#include "core/base/err.h"
#include "core/data/config.h"

struct endpoint {
	char *url;		/* what is POSTed to */
	char *where;		/* "api.anthropic.com", safe: for sentences */
	char *keyenv;		/* name of the variable; NULL: none is known */
	int needs_key, is_near, is_plain;	/* near: a loopback address; plain: http */
};

/* From the config, and the wire's own where it says nothing. -1: no url, none that can be used, or no model. A base has neither
 * a user in it nor a query; what curl might read otherwise than we do is refused. */
int endpoint_init(struct endpoint *e, const struct wire_ops *wire, const struct config_agent *config, struct err *err);
void endpoint_release(struct endpoint *e);

/* The key as it stands in the environment now; NULL with err untouched: none is needed. -1: it is needed and not there, or may
 * not be sent, because whoever listens on the way could read it. */
int endpoint_key(const struct endpoint *e, const char **key, struct err *err);

/* text without the key, should a server have repeated it. */
void endpoint_hide_key(const struct endpoint *e, char **text);

#endif
