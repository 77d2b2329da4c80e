/* The session as data: what the events say, folded. Plain, public, read through const. model_apply is total and pure:
 * no clock, no I/O, no failure; live view, attach, restart and replay use that one function.
 *
 * Whatever the journal holds: ids, titles, a source's type and status, a worker's state, a wave's baseline, a run's worker,
 * arm and step, a pair's and a stay's worker and a viewer's role are never NULL; a revision with a commit has a base. Any
 * other text may be NULL. */
#ifndef CORE_DATA_MODEL_H
#define CORE_DATA_MODEL_H

#include "core/data/config.h"
#include "core/data/dialogue.h"
#include "core/data/event.h"
#include "core/data/use.h"

/* Life of a proposal (DESIGN 1); the words are CONTRACT's. */
#define PROPOSAL_STATES(X) \
	X(DRAFTED, "drafted") X(CONFLICT, "conflict") X(STOPPED, "stopped") X(WAITING, "waiting") X(REVISING, "revising") \
	X(APPROVED, "approved") X(QUEUED, "queued") X(RUNNING, "running") X(DONE, "done") X(SIGNING, "signing") \
	X(LANDED, "landed") X(VETOED, "vetoed") X(CANCELLED, "cancelled")
enum proposal_state {
#define X(id, name) STATE_##id,
	PROPOSAL_STATES(X)
#undef X
	PROPOSAL_STATE_COUNT
};
#define VERDICTS(X) \
	X(NONE, "none") X(KEEP, "keep") X(SMALL, "small") X(REJECT, "reject") X(PARK, "park") X(SAME, "same") \
	X(BUILD_FAILED, "build-failed") X(CHECKS_FAILED, "checks-failed") X(CRASH, "crash") X(TIMEOUT, "timeout") \
	X(SUSPECT, "suspect") X(UNREACHED, "unreached")
enum verdict {
#define X(id, name) VERDICT_##id,
	VERDICTS(X)
#undef X
	VERDICT_COUNT
};
const char *proposal_state_name(enum proposal_state s);
const char *verdict_name(enum verdict v);
enum verdict verdict_parse(const char *name);			/* VERDICT_NONE when unknown or NULL */
int proposal_state_parse(const char *name, enum proposal_state *out);

struct source {
	char *id, *type, *title, *key, *url, *authors, *note, *status;	/* key: arXiv:… and the like */
	char *by;				/* who put it there: "user ada", "agent claude"; NULL: the engine, from the settings */
	char *reason;				/* why it is on the list; NULL: not said */
	char *status_reason;			/* why it has that status, such as why it was dismissed or could not be read */
	unsigned year;				/* 0: not known */
	int is_identified;			/* the service that knows vouches for its title and authors */
	unsigned position;			/* from 1: the order in which they are to be read; a list without gaps */
	struct annotation *annotations; size_t annotation_count, annotation_room;
	double usd;				/* what reading it cost */
};
struct idea {
	char *id, *title, *expected;
	char *side, *text;			/* "memory", "compute" or "other"; the reasoning; NULL: not said */
	struct strings sources;
};

/* One judged pair: the proposal's run against the baseline's of the same round. */
struct pair {
	const char *worker;
	unsigned round, phase;
	unsigned stay;				/* index into the wave's stays */
	double ratio;				/* natural log, > 0 is better */
	double value, base_value;		/* of the metric */
	double evidence;			/* after this pair */
	double change_percent;
};
/* What was kept, asked on another architecture: its pairs, which the verdict does not count. */
struct elsewhere {
	char *arch;
	struct pair *pairs;
	size_t pair_count, pair_room;
	double change_percent, low, high, harm;	/* evidence of harm: 10 is enough */
	enum { ELSEWHERE_ASKED, ELSEWHERE_FINE, ELSEWHERE_HARMED } answer;
};
struct revision {
	char *commit;				/* NULL: does not apply */
	char *base;				/* the commit it was made on */
	char *title;
	unsigned files, added, removed;
	struct strings paths;			/* of the changed files; none: more than PATHS_MAX, or not known */
	int64_t time;
};
struct proposal {
	char *id, *title, *agent, *author, *idea;
	char *origin;				/* where the agent has it from: a patch file and its hash; NULL: nowhere */
	struct strings sources;
	struct revision *revisions;		/* revision n is revisions[n - 1] */
	size_t rev, revision_room;		/* rev: the newest */
	enum proposal_state state;
	int64_t since;				/* when it came into that state */
	struct strings reasons;			/* the guard's, of the newest revision */
	int waived, vouched;			/* past the guard; past the plausibility of its values */
	char *conflict;				/* where it does not apply; multi-line */
	char *decision, *decided_by, *decision_reason;	/* approved, vetoed, revise, signed */
	struct comments comments;
	char *signed_by, *approved_by;
	int asked_to_sign;			/* signed: landing is under way */
	enum verdict verdict;
	char *verdict_reason, *verdict_run;	/* a sentence; the run whose log shows it */
	char *self_review;			/* the agent's, of the newest revision; NULL: none */
	unsigned turn;				/* in which its newest revision was proposed; 0: in none */
	double usd;				/* what the time of its runs cost on workers that have a price */
	unsigned wave;				/* of its last measurement; 0: none yet */
	char *baseline;				/* commit of its last measurement */
	struct pair *pairs;			/* of its last measurement */
	size_t pair_count, pair_room;
	double evidence, needed, change_percent, low, high, shrunk_percent;	/* NAN: none yet */
	struct elsewhere *elsewhere;		/* an entry for each other architecture */
	size_t elsewhere_count, elsewhere_room;
	double unpaired;			/* the value of its one run in single mode; NAN: none */
	struct strings workers;			/* of the verdict */
	char *landed, *landing_problem;
};
/* A wave's time on one worker: a phase, or what follows when a worker had to be replaced. */
struct stay {
	unsigned phase, layout;
	const char *worker;			/* interned */
	unsigned admission_round;		/* the worker's, as the stay began: another one now means that it was admitted anew */
	struct reals history;			/* the worker's, as the stay began */
};
struct judged {
	int is_kept;
	size_t begun;				/* how many had been judged when its wave began */
};
struct wave {
	unsigned number;
	size_t judged;				/* candidates judged before it began */
	char *baseline;
	struct strings proposals;
	uint64_t seed;
	int64_t started, ended;			/* ended 0: runs */
	double alpha;				/* level of its candidates (decision rule 3.6) */
	int is_single;				/* one run of the user's own task each, without pairs */
	struct stay *stays;			/* the last one is the present one */
	size_t stay_count, stay_room;
};
struct worker {
	char *id, *runner, *name, *state, *reason;
	char *status, *remedy, *arch, *place;	/* the provider's own word; worker actions that help; NULL: none, not known */
	double noise_percent, usd_per_hour;	/* NAN: unknown */
	double age;				/* seconds since the provider looked, as it was told; NAN: fresh */
	int64_t since;				/* when it came into that state */
	int64_t news;				/* when its state or its reason last became another one */
	double usd;				/* what it cost until… */
	int64_t accrued;			/* …then; worker_usd (query.h) goes on from there */
	char *last_line;			/* of its own log, told beside the events (model_tail) */
	int64_t log_lines;			/* the same: how long that log is by now; 0: not told */
	int admitted;
	struct reals history;			/* magnitudes, oldest first (decision rule 3.4); newest 64 */
	struct reals admission;			/* ratios of the A/A pairs so far */
	unsigned running;			/* index + 1 of the run that executes; 0: none */
	unsigned round;				/* round it is in, 0: none; a round is over when it counted or was voided */
	unsigned round_wave;
	unsigned rounds_done, rounds_wave;	/* the last round that counted, and its wave */
	unsigned admission_round;		/* last A/A round ever */
	char *order;				/* arms of that round, in order, with spaces */
	struct worker_use use;			/* what its time went to */
};
struct run {
	unsigned number;			/* id is "r%u" */
	int exit;
	const char *worker, *arm, *status;	/* interned; status NULL while it runs */
	const char *step;			/* "build", "checks", "measure" */
	unsigned rev, wave, round, layout;
	int64_t started;
	double seconds;				/* NAN while it runs */
	double value;				/* median of the primary metric; NAN: none */
	struct metrics *metrics;		/* packed; NULL: none but the primary one */
	char *reason, *artifact;
	int64_t log_bytes, log_lines;
	int has_log, voided;
	char *last_line;			/* while it runs, told beside the events (model_tail) */
};
struct viewer {
	char *id, *role;
};
/* A line for people about an event, newest last; the newest ACTIVITY_MAX are kept. */
struct activity {
	uint64_t seq;
	int64_t time;
	enum event_kind kind;
	char *by, *text;
	char *proposal;				/* or NULL */
};
enum { ACTIVITY_MAX = 2000, HISTORY_MAX = 64, WAVE_MAX = 4, PATHS_MAX = 64 };

enum session_state { SESSION_NONE, SESSION_OPEN, SESSION_PAUSED, SESSION_ENDED };

struct model {
	uint64_t seq;				/* of the last event */
	int64_t time;
	uint64_t unknown;			/* events of unknown kind, skipped */
	enum session_state state;
	char *session, *target, *branch, *metric, *unit, *harness, *runner, *agent, *ended_reason, *pause_reason;
	int lower_is_better;
	int64_t opened, ended;
	uint64_t seed;
	enum autonomy autonomy;
	double window;				/* seconds of veto under auto */
	double hours;				/* after which the session ends; 0: no limit */
	double limit_usd, vm_usd, api_usd;
	unsigned wave_size;
	char *agent_state, *agent_text;
	struct dialogue dialogue;		/* with the agent: turns, what it is to be told, claims, permissions */
	char *baseline;				/* commit */
	char *notice;				/* what the title bar must say, such as "no sandbox"; NULL */
	struct source *sources; size_t source_count, source_room;
	struct idea *ideas; size_t idea_count, idea_room;
	struct proposal *proposals; size_t proposal_count, proposal_room;
	struct wave *waves; size_t wave_count, wave_room;
	struct worker *workers; size_t worker_count, worker_room;
	struct run *runs; size_t run_count, run_room;		/* in order of number, which need not be dense */
	struct viewer *viewers; size_t viewer_count, viewer_room;
	struct activity *activity; size_t activity_count, activity_room;
	char *last_alert; int64_t alert_time;
	int is_human_due;			/* something waits for the human, and nothing is left to do without (use.h) */
	struct strings names;			/* interned */
	struct judged *judged; size_t judged_count, judged_room;	/* candidates that had a pair, in order (decision rule 3.6) */
	size_t baseline_run;			/* runs before this index were made for an earlier baseline */
};

void model_init(struct model *m);
void model_release(struct model *m);
void model_apply(struct model *m, const struct event *ev);

/* Beside the events: the tail of a running step's log, of a worker's own ("w1") or of the turn that runs ("t7"), told at most ten times a second and
 * kept nowhere. */
void model_tail(struct model *m, const char *run_or_worker, int64_t lines, int64_t bytes, const char *last_line);

struct proposal *model_proposal(const struct model *m, const char *id);	/* NULL: none; also below */
struct worker *model_worker(const struct model *m, const char *id);
struct run *model_run(const struct model *m, const char *id);
struct source *model_source(const struct model *m, const char *id_or_key);
struct idea *model_idea(const struct model *m, const char *id);
struct wave *model_wave(const struct model *m, unsigned number);

#endif
