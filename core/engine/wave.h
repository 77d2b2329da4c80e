/* A wave that runs, as the files of core/engine/wave*.c see it. Nobody else includes this. */
#ifndef CORE_ENGINE_WAVE_H
#define CORE_ENGINE_WAVE_H

#include "core/engine/state.h"
#include "core/judge/architecture.h"
#include "core/judge/trial.h"

enum { WATCHES_MAX = 8 };

struct arm {
	char id[16];			/* "base", "p3" */
	char tree[16];
	char *commit;
	unsigned rev;
	int is_ready, is_preparing;
	int is_out;			/* has a verdict, or was taken out */
	int has_switched;		/* waits for phase 2 */
	int is_kept;			/* by its trial; other architectures are asked before it is said */
	int is_answered;		/* by the present one of these */
	struct architecture elsewhere;	/* what that one showed */
	unsigned failures, suspicions;	/* rounds running */
	struct trial trial;		/* not of the baseline */
};
struct wave_run {
	unsigned number, phase, layout;
	uint64_t seed;
	char *worker;
	struct arm arms[ARMS_MAX];	/* [0] is the baseline */
	size_t count;
	char *arch;			/* of phase 3: another architecture than the wave's own; else NULL */
	int has_place;			/* the worker is this wave's; not while it waits for another one */
	struct rounds rounds;
	struct history histories[1 + WATCHES_MAX];
	char watches[WATCHES_MAX][64];	/* names of secondary metrics */
	size_t watch_count;
	char *artifact[3];		/* the baseline's, by layout */
	const char *commits[ARMS_MAX];	/* those of the arms */
	struct wave_run *next;
};

/* wave.c */
const struct wave *wave_of(const struct engine *e, const struct wave_run *w);	/* what the model holds of it; may be NULL */
struct arm *wave_arm(struct wave_run *w, const char *id);			/* NULL: it has none of that name */
void wave_enter_stay(struct wave_run *w, const struct stay *stay, const struct model *m);
void wave_ask_anew(struct wave_run *w);						/* another architecture is asked */
int wave_wants(const struct wave_run *w, const struct arm *arm);		/* whether it is measured in the present phase */
size_t wave_round_arms(const struct wave_run *w, struct round_arm *arms);	/* those of the next round, at most ARMS_MAX */
void wave_aim_rounds(struct wave_run *w);					/* at the present worker, phase and layout */
unsigned wave_next_number(const struct engine *e, const struct wave_run *w);	/* of a round */
void wave_set_relinked(struct wave_run *w);
void wave_prepare_arm(struct engine *e, struct wave_run *w, struct arm *arm);

/* wave_place.c: the worker that a wave has. but: not that one; NULL: any. */
int worker_is_fit(const struct worker *w);
int worker_is_there(const struct worker *w);							/* fit, or about to be */
int worker_is_of_arch(const struct engine *e, const struct worker *worker, const char *arch);	/* NULL: of the one that decides */
int wave_worker_is_fit(const struct engine *e, const struct wave_run *w);			/* to go on where its stay is */
const struct worker *wave_quietest_worker(const struct engine *e, const struct wave_run *wave, const char *but);	/* wave NULL: for a new one */
size_t wave_count_places(const struct engine *e);
void wave_leave_place(struct engine *e, struct wave_run *w, const char *why);
void wave_start_phase(struct engine *e, struct wave_run *w, unsigned phase);	/* on a worker, when one is free: else asked again */

/* wave_judge.c: what measured values mean. */
void wave_finish_round(struct engine *e, struct wave_run *w, struct round *r);	/* all of its runs have ended */
void wave_state_verdict(struct engine *e, struct wave_run *w, struct arm *arm, enum verdict verdict, const char *run, const char *reason);
void wave_watch_secondary(struct engine *e, struct wave_run *w, struct arm *arm, const struct metrics *values, const struct metrics *base);
void wave_settle(struct wave_run *w, struct arm *arm, enum decision decision);
enum architecture_verdict wave_add_elsewhere(struct engine *e, struct wave_run *w, struct arm *arm, double d);

/* wave_resume.c: one that the journal has open, from the model. */
void wave_take_up(struct engine *e, const struct wave *wave);

#endif
