/* SkyPilot as seen from outside: the only file that knows its words and shapes. What changes things goes through the `sky`
 * command; what is polled or streamed through its API server's REST, and through the command where the server's REST is
 * missing or of an unknown shape. Nothing here blocks: every call ends in one callback, from the loop, never from inside
 * the call itself. Unknown fields are passed over, unknown states are handed on as the words they are.
 *
 * Facts: SkyPilot 0.12 to 0.14 (API version 24 to 62); see the head of skypilot.c for the sources. */
#ifndef CORE_RUNNERS_SKYPILOT_H
#define CORE_RUNNERS_SKYPILOT_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/data/config.h"
#include "core/io/loop.h"

struct skypilot;
struct skypilot_call;		/* one that is under way */

/* What went wrong, as far as a client can do something about it; the sentence says the rest. */
#define SKYPILOT_TROUBLES(X) \
	X(NONE, "") \
	X(NOT_INSTALLED, "install SkyPilot (pip install \"skypilot[...]\"), so that `sky` is found in PATH") \
	X(NO_SERVER, "start its API server: sky api start") \
	X(NO_LOGIN, "log in: sky api login") \
	X(NO_CLOUD, "enable a cloud: sky check says how") \
	X(VERSION, "use a client and a server of one version: sky api info shows both") \
	X(INFEASIBLE, "ask for other resources: infra, cpus, memory or accelerators in [runner \"sky\"]") \
	X(QUOTA, "ask for fewer or other machines, or for a larger quota") \
	X(BAD_TASK, "mend the task file") \
	X(NOT_OURS, "end that cluster, or use another account") \
	X(GONE, "launch it again") \
	X(UNSUPPORTED, "") \
	X(SETUP_FAILED, "mend target.setup: its output stands in the worker's log") \
	X(INTERRUPTED, "") \
	X(TIMED_OUT, "look at: sky api status") \
	X(OTHER, "")
enum skypilot_trouble {
#define X(id, remedy) SKYPILOT_##id,
	SKYPILOT_TROUBLES(X)
#undef X
};
const char *skypilot_remedy(enum skypilot_trouble trouble);	/* what a user can do; "" where only the sentence helps */
int skypilot_is_passing(enum skypilot_trouble trouble);		/* trying again may help: no server, timed out, gone, other */

struct skypilot_answer {
	enum skypilot_trouble trouble;
	const char *problem;	/* one line of safe text, without colours; NULL when there is none */
	long job;		/* of launch and exec: its id; 0: none */
	double usd_per_hour;	/* of price; NAN: not said */
};
typedef void skypilot_answered(void *data, const struct skypilot_answer *answer);
typedef void skypilot_output(void *data, const char *bytes, size_t n);	/* raw, as it comes; NULL where nobody reads it */

/* NULL with a sentence when there is no `sky` in PATH. Looks for the server as sky does (SKYPILOT_API_SERVER_ENDPOINT,
 * SKYPILOT_API_SERVER_LOCAL_PORT, ~/.sky/config.yaml's api_server.endpoint, 127.0.0.1:46580), and starts none. */
struct skypilot *skypilot_open(struct loop *loop, struct err *err);
/* sky, and a server that it starts and that stays, are not given the keys of agents and sources. */
void skypilot_withhold_keys(struct skypilot *s, const struct config *config);
void skypilot_close(struct skypilot *s);	/* ends what is under way here (not on the VMs); no callback any more; NULL allowed */
const char *skypilot_how(const struct skypilot *s);	/* "REST of 0.14.1 at http://127.0.0.1:46580", "the sky command: no server at …", for people */

/* What goes over the task file's words. */
struct skypilot_extras {
	const char *const *env;		/* "K=V", NULL-terminated; NULL: none */
	const char *workdir;		/* NULL: the file's */
	long autostop;			/* of launch: idle minutes until it goes down; 0: the file's */
};

/* Actions, by the command. output gets its words for people (the provisioning log); cancel only forgets the call and ends
 * the command here: SkyPilot goes on. */
struct skypilot_call *skypilot_price(struct skypilot *s, const char *cluster, const char *task, skypilot_answered *done, void *data);	/* a dry run: also says what is wrong with the task */
struct skypilot_call *skypilot_launch(struct skypilot *s, const char *cluster, const char *task, const struct skypilot_extras *extras,
				      skypilot_output *output, skypilot_answered *done, void *data);	/* detached; extras may be NULL */
struct skypilot_call *skypilot_exec(struct skypilot *s, const char *cluster, const char *task, const struct skypilot_extras *extras,
				    skypilot_output *output, skypilot_answered *done, void *data);	/* detached */
struct skypilot_call *skypilot_cancel(struct skypilot *s, const char *cluster, long job, skypilot_answered *done, void *data);	/* one that has ended is fine */
struct skypilot_call *skypilot_down(struct skypilot *s, const char *cluster, skypilot_answered *done, void *data);	/* one that is not there is fine */
struct skypilot_call *skypilot_autodown(struct skypilot *s, const char *cluster, long minutes, skypilot_answered *done, void *data);
void skypilot_forget(struct skypilot_call *call);	/* NULL allowed */

/* Polled. The lists are borrowed for the callback; on trouble they are empty. */
enum vm_status { VM_ABSENT, VM_INIT, VM_UP, VM_STOPPED, VM_OTHER };
struct vm_facts {
	const char *cluster;
	enum vm_status is;
	const char *word;		/* SkyPilot's own: "UP" */
	int64_t updated, launched;	/* wall clock, microseconds; 0: not said */
	long autostop;			/* minutes; -1: none */
	int autodown;
	const char *place;		/* "us-east-1a", "local/debug"; NULL: not said */
	const char *resources;		/* for people; NULL: not said */
	const char *owner;		/* user name; NULL: not said */
	const char *event;		/* SkyPilot's last word about it; NULL: none */
};
typedef void skypilot_vms(void *data, const struct vm_facts *vms, size_t n, const struct skypilot_answer *answer);
struct skypilot_call *skypilot_status(struct skypilot *s, int refresh, skypilot_vms *done, void *data);	/* all clusters of this user */

enum job_status { JOB_UNKNOWN, JOB_WAITING, JOB_SETTING_UP, JOB_RUNNING, JOB_SUCCEEDED, JOB_FAILED, JOB_FAILED_SETUP, JOB_CANCELLED };
int job_has_ended(enum job_status status);
struct job_facts {
	long id;
	const char *name;
	enum job_status is;
	const char *word;
};
typedef void skypilot_jobs(void *data, const struct job_facts *jobs, size_t n, const struct skypilot_answer *answer);
struct skypilot_call *skypilot_queue(struct skypilot *s, const char *cluster, skypilot_jobs *done, void *data);	/* newest first or last: any order */

struct vm_cost {
	const char *cluster;
	double usd, seconds;		/* so far; of clusters of one name that followed one another: together */
	double usd_alive;		/* of the one among them that is there now; NAN: none is */
	double usd_per_hour;		/* NAN: not known */
};
typedef void skypilot_costs(void *data, const struct vm_cost *costs, size_t n, const struct skypilot_answer *answer);
struct skypilot_call *skypilot_cost_report(struct skypilot *s, skypilot_costs *done, void *data);

/* A job's log, followed to its end: each line once and in order, whatever connections break. The end is believed when the
 * job's status says so, not when the stream ends. */
enum log_part { LOG_TASK, LOG_SETUP, LOG_SKYPILOT };	/* what the user's commands print; its set-up; SkyPilot's own words */
struct skypilot_listener {
	void (*line)(void *data, enum log_part part, const char *line, size_t n);	/* without prefix; with its newline */
	void (*trouble)(void *data, const char *problem);	/* the stream is broken and tried again; NULL: it is well again */
	void (*ended)(void *data, enum job_status status, const char *word);	/* once: an end, or JOB_UNKNOWN when the job or its VM is gone */
};
struct skypilot_call *skypilot_follow(struct skypilot *s, const char *cluster, long job, const struct skypilot_listener *listener, void *data);

#endif
