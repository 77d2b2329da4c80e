/* What the `sky` command prints and what SkyPilot's API server answers, made into facts and troubles. Pure: bytes in, facts
 * out, whatever the bytes are; all text that comes out is safe. Used by skypilot.c and its siblings, and where the command is
 * asked once and no engine runs (core/cli/vms.c). */
#ifndef CORE_RUNNERS_SKYPILOT_PARSE_H
#define CORE_RUNNERS_SKYPILOT_PARSE_H

#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/runners/skypilot.h"

/* Adds the text without escape sequences and NUL, every line with a plain newline. */
void skypilot_plain(struct buf *out, const char *bytes, size_t n);

/* The first JSON document that begins a line and stands among other lines (notices, colours, retries). NULL: there is none. */
struct json *skypilot_find_json(const char *text, size_t n);

/* A failure: its kind, and "WHAT: why" as one line. Both return the kind. what: "sky launch w1". */
enum skypilot_trouble skypilot_explain(struct err *says, const char *what, const char *type, const char *message);
enum skypilot_trouble skypilot_explain_output(struct err *says, const char *what, const char *output, size_t n);

/* Of commands that say in words, with exit code 0, that they did nothing: like skypilot_explain_output, or NONE. */
enum skypilot_trouble skypilot_explain_refusal(struct err *says, const char *what, const char *output, size_t n);

long skypilot_find_job(const char *output, size_t n);		/* "Job submitted, ID: 7"; 0: none */
double skypilot_find_price(const char *output, size_t n);	/* per hour, of the row that was chosen; NAN: not said */

/* Of GET /api/health: 0, or -1 with a sentence when it cannot be spoken to. */
struct skypilot_health {
	long api_version;
	char version[64];	/* safe, and fit for a header */
};
int skypilot_read_health(struct skypilot_health *out, int status, const char *body, size_t n, struct err *err);

/* Of GET /api/get: a request that has ended. UNKNOWN: not SkyPilot's shape. */
enum skypilot_reply { SKYPILOT_REPLY_VALUE, SKYPILOT_REPLY_FAILED, SKYPILOT_REPLY_UNKNOWN };
enum skypilot_reply skypilot_read_reply(int status, const char *body, size_t n, const char *what,
					struct json **value, enum skypilot_trouble *trouble, struct err *says);
int skypilot_is_request_id(const char *text);

/* Of `sky api info`: what the client is, and the server that it found. Texts are the info's own; NULL: not said. */
struct skypilot_info {
	char *client, *server, *url, *state;	/* versions; "healthy" */
};
void skypilot_read_info(struct skypilot_info *out, const struct json *v);
int skypilot_info_answers(const struct skypilot_info *info);	/* the server does */
int skypilot_info_is_one(const struct skypilot_info *info);	/* both are of one version, but for its end */
void skypilot_info_release(struct skypilot_info *info);

/* Of `sky check`: the clouds that are enabled in some workspace, each once. -1: not of that shape. */
int skypilot_read_clouds(struct strings *out, const struct json *v);

/* Lists; their texts are the list's own. -1: not of that shape, and the list is empty. */
struct skypilot_vm_list {
	struct vm_facts *at;
	size_t count, room;
};
struct skypilot_job_list {
	struct job_facts *at;
	size_t count, room;
};
struct skypilot_cost_list {
	struct vm_cost *at;
	size_t count, room;
};
int skypilot_read_vms(struct skypilot_vm_list *out, const struct json *v);
int skypilot_read_jobs(struct skypilot_job_list *out, const struct json *v);	/* a queue, or {"1":"RUNNING"} */
int skypilot_read_costs(struct skypilot_cost_list *out, const struct json *v);
void skypilot_vms_release(struct skypilot_vm_list *list);
void skypilot_jobs_release(struct skypilot_job_list *list);
void skypilot_costs_release(struct skypilot_cost_list *list);

enum job_status skypilot_job_status(const char *word);	/* JOB_UNKNOWN for a word that is not known, and for NULL */

/* api_server.NAME of a SkyPilot config file's text. NULL: not said; else the caller's. */
char *skypilot_config_value(const char *yaml, size_t n, const char *name);

#endif
