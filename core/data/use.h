/* What the time of workers goes to, from the moment one starts until it is down or lost: that is the time paid for.
 * Followed in the fold, a step a change; pure. Utilisation is the share of it that measured runs took. */
#ifndef CORE_DATA_USE_H
#define CORE_DATA_USE_H

#include <stddef.h>
#include <stdint.h>

/* X(id, words for people). All but `measuring` are losses. */
#define USES(X) \
	X(LAUNCH, "launch")			/* starts, until its provider says that it is up */ \
	X(SETUP, "set-up")			/* is up and gets ready */ \
	X(BUILD, "builds")			/* builds and checks */ \
	X(ADMISSION, "admission")		/* measures the baseline against itself, or is about to */ \
	X(MEASURE, "measuring")			/* runs of a wave */ \
	X(BETWEEN, "between runs")		/* a wave is on it, and nothing executes */ \
	X(HUMAN, "waiting for you")		/* idle, with nothing to do but what waits for the human */ \
	X(IDLE, "idle") \
	X(OUT, "out")				/* in quarantine, or in runs that were lost */
enum use {
#define X(id, words) USE_##id,
	USES(X)
#undef X
	USE_COUNT
};
const char *use_words(enum use u);

/* Of one worker, in struct worker; the fold keeps it. */
struct worker_use {
	double seconds[USE_COUNT];	/* until `since`… */
	int64_t since;			/* …when it came to… */
	int is_paid;
	enum use now;			/* …this, if it is paid for */
	unsigned builds, trials, measured;	/* runs that execute on it: builds and checks, admission, waves */
};

struct event;
struct model;
struct worker;
struct run;

/* In the fold. use_run: a run began (+1) or ended (-1) on w. use_follow: after an event was applied. */
void use_run(struct worker *w, const struct run *r, int change);
void use_follow(struct model *m, const struct event *ev);

/* Seconds by what they went to, until `now` (wall clock, microseconds); of a worker and of all of them. */
void worker_seconds(const struct worker *w, int64_t now, double out[USE_COUNT]);
void session_seconds(const struct model *m, int64_t now, double out[USE_COUNT]);
double use_paid(const double seconds[USE_COUNT]);		/* sum: seconds paid for */
double use_share(const double seconds[USE_COUNT]);		/* measuring / paid, 0..1; NAN: nothing is paid for yet */
size_t use_losses(const double seconds[USE_COUNT], enum use *out, size_t most);	/* largest first, none of 0; how many */

/* What a winner that was kept cost on the average, VM and API money together; NAN: none yet. */
double usd_per_win(const struct model *m, int64_t now);

/* Where the money goes at the present price. NAN: no limit, nothing costs anything, or no end is set. */
struct forecast {
	double hours_to_limit;		/* until the limit stops everything; 0: it is reached */
	double hours_to_end;		/* until session.hours are over */
	double usd_at_end;		/* spent by then; at most the limit */
};
struct forecast forecast_usd(const struct model *m, int64_t now);

#endif
