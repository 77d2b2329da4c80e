/* A VM, and the fleet, as fleet.c and the fleet_*.c see them. Nobody else includes this. */
#ifndef CORE_RUNNERS_FLEET_VM_H
#define CORE_RUNNERS_FLEET_VM_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/io/logs.h"
#include "core/io/loop.h"
#include "core/runners/fleet.h"
#include "core/runners/kinds.h"
#include "core/runners/outbox.h"
#include "core/runners/skypilot.h"

#ifndef FLEET_SECOND
#define FLEET_SECOND 1000000LL		/* of the fleet's clocks; tests make time pass faster */
#endif
#define BILL_EVERY (60 * FLEET_SECOND)
enum { SILENCES = 3 };			/* polls running that bring nothing, until that is said */

enum phase { PHASE_LEFT, PHASE_PRICING, PHASE_LOOKING, PHASE_LAUNCHING, PHASE_SETTING_UP, PHASE_READY, PHASE_LOST, PHASE_STOPPING, PHASE_DOWN };

/* What the engine was told last, or is to be told. */
struct word {
	char *state, *why, *remedy, *status, *arch, *place;
	double usd_per_hour, usd;
	int is_stale;
};

struct vm {
	struct fleet *fleet;
	char *worker, *cluster;
	size_t kind;
	enum phase phase;
	int has_cluster;		/* it is in the list: it may cost */
	int is_final;			/* LOST for a reason that no retry helps */
	unsigned tries;			/* launches, since it was last well */
	int is_without_autostop;	/* the task must not ask for it here */
	struct skypilot_call *call;	/* an action on it */
	struct skypilot_call *job;	/* its first job, followed */
	struct loop_timer *timer;	/* the next action */
	char *problem;			/* why it is tried again */
	char last_setup[256];		/* line of its set-up, safe */

	enum vm_status is;		/* by the newest poll */
	int64_t seen;			/* when that began; monotonic */
	unsigned absent;		/* polls running */
	unsigned unanswered;		/* questions for its jobs, running */
	int64_t acted, ready_since, init_since, used, down_said;	/* monotonic; 0: never */
	int64_t updated;		/* wall clock, by SkyPilot; 0: not said */
	int was_up, lacks_autostop, autodowns;
	int is_late;			/* STOPPING while its launch was under way, which SkyPilot may go on with */
	struct skypilot_call *autodown;

	struct word now, told;
	int64_t told_usd;
	struct log_writer *log;
	struct loop_timer *log_timer;
};

struct fleet {
	struct fleet_setup setup;
	struct kinds *kinds;
	struct vm **at;
	size_t count, room;
	struct skypilot_call *poll, *bill;
	struct loop_timer *poll_timer, *bill_timer;
	int64_t poll_began, refreshed, bill_began;
	int wants_refresh, was_ever_ready, has_failed;
	unsigned silences;		/* polls running that brought nothing */
	char *silence;			/* and why */
};

const struct config *fleet_config(const struct fleet *v);
struct loop *fleet_loop(const struct fleet *v);
struct vm *fleet_find(const struct fleet *v, const char *worker);	/* NULL: there never was that worker */
int fleet_has_clusters(const struct fleet *v);
void fleet_fail(struct fleet *v, const char *why);	/* no VM can ever be had; said once, and only before one was ready */

/* fleet.c */
int64_t vm_pause(const struct vm *vm);		/* before its next try */
void vm_drop_calls(struct vm *vm);		/* ends what is under way for it */
void vm_say_gone(struct vm *vm, enum run_status status, const char *why);	/* to the runner: what ran there has ended so */
void vm_lose(struct vm *vm, const char *why, int is_final);	/* both, and it is LOST; is_final: for a reason that no retry helps */
void vm_forget_cluster(struct vm *vm);		/* it is not there: off the list */

/* fleet_tell.c */
void vm_log(struct vm *vm, const char *bytes, size_t n);		/* into its own log */
void vm_note(struct vm *vm, const char *text);				/* a line there */
void vm_output(void *data, const char *bytes, size_t n);		/* skypilot_output of a vm */
void vm_tell(struct vm *vm, const char *why);				/* why NULL: nothing, but what stands against it */
void vm_tell_on(struct vm *vm);						/* with what was last said about why */
int vm_is_stale(const struct vm *vm);					/* SkyPilot has not looked for too long */

/* fleet_up.c */
void vm_come_up(struct vm *vm);
void vm_launch(struct vm *vm);
void vm_retry(struct vm *vm, const char *why, int is_passing);		/* is_passing: once more may help */
void vm_look_at_jobs(struct vm *vm);					/* it stands: goes on by what became of its first job */
int vm_is_within_limit(const struct vm *vm, struct err *err);		/* runner.sky.maxhourly, with this one */
void fleet_priced(void *data, size_t kind);				/* of kinds_setup */

/* fleet_down.c */
void vm_take_down(void *data);			/* the vm; also as a timer's */
void vm_not_down(struct vm *vm, const char *why);	/* that came to nothing: once more, or it is said */
void vm_confirm_down(struct vm *vm);		/* a poll that began after `sky down` does not know it any more */
void vm_finish_down(struct vm *vm);
void fleet_bill(void *data);			/* the fleet's, now; also as a timer's */
void fleet_bill_in_time(struct fleet *v);

/* fleet_watch.c: the next status poll is due as soon as it may. */
void fleet_poll(struct fleet *v);

#endif
