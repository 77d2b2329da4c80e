/* The engine as its own files see it. Nobody outside core/engine includes this. */
#ifndef CORE_ENGINE_STATE_H
#define CORE_ENGINE_STATE_H

#include "core/agents/agent.h"
#include "core/base/random.h"
#include "core/data/brief.h"
#include "core/data/config.h"
#include "core/data/model.h"
#include "core/engine/engine.h"
#include "core/engine/target.h"
#include "core/io/git.h"
#include "core/io/journal.h"
#include "core/io/loop.h"
#include "core/io/worker.h"
#include "core/judge/admission.h"
#include "core/judge/rule.h"
#include "core/link/server.h"
#include "core/research/research.h"
#include "core/runners/runner.h"

struct pending_step;
struct arm_job;
struct arm_result;
struct engine;
struct wave_run;
struct landing;
struct admission_run;
struct bundle;
struct single_run;
struct reading;
struct tool_use;
struct tool_counts;
struct turns;
struct self_review;
struct profile;

struct engine {
	struct loop *loop;
	struct engine_options options;
	struct target target;
	struct config config;
	int lock;			/* descriptor of .skydeck/lock */
	int is_new;			/* this engine made the session */
	struct journal *journal;
	struct model model;
	struct server *server;
	struct worker_thread *git_thread;
	struct git *git;		/* touched by jobs on git_thread only, once it runs */
	const struct runner_ops *runner_ops;
	struct runner *runner;
	const struct agent_ops *agent_ops;
	struct agent *agent;
	struct rule rule;
	struct strings harness;		/* paths of the harness in the target, frozen below the session's folder */
	char *measure, *checks;		/* commands */
	char *folder;			/* the session's, as the runner borrows it */
	int agent_finished, agent_failed;
	struct turns *turns;		/* of an agent that takes turns; NULL: none does */
	struct self_review *reviews;	/* of patches by their author, under way */
	struct tool_use *uses;		/* tools that are at work */
	struct tool_counts *tool_counts;	/* what bounds how often they are used */
	struct tool_uses {
		struct tool_use **at;
		size_t count, room;
	} held_patches;			/* that wait for the profile */
	struct reading *reading;	/* what is fetched and read */
	struct profile *profile;	/* how far it is; NULL: not begun */
	struct server *tools_server;	/* answers tools, and nothing else */
	unsigned next_proposal, next_run, intake_waiting;
	struct wave_run *waves;		/* those that run, each on a worker of its own */
	struct single_run *singles;	/* in single mode: one on each worker that is busy */
	struct admission_run *admissions;	/* workers that are tried, or wait for it */
	struct place place;		/* the limit at which the next worker is admitted */
	struct arm_job *arm_jobs;	/* arms that are getting ready */
	struct base_site *sites;	/* the baseline's tree, on each host */
	struct bundle *bundles;		/* commits that stand in a file for workers that keep their trees */
	int is_closing;			/* the session has ended, and workers are still coming down… */
	int64_t closing_until;		/* …which is waited for until then (wall) */
	char *full;			/* why the pool starts no further worker; NULL: it may */
	uint64_t changes;		/* goes up with what moves things on and states nothing */
	unsigned lost;			/* times running that something could not be executed, for no fault of its own */
	uint64_t pass, lost_pass;	/* goes up each time that all is moved on; where it stood when such a time was counted */
	struct landing *landing;	/* the one under way; NULL: none */
	int preparing;			/* a git job readies the next wave, or revisions after a landing */
	struct loop_timer *timer;
	struct job *jobs;		/* given to git_thread and not back yet */
	struct pending_step *steps;	/* given to the runner and not ended yet */
	size_t step_count, step_room;
	uint64_t durable;		/* seq of the newest event on disk */
	struct buf line;		/* of the event being stated */
	enum { JOURNAL_FINE, JOURNAL_FAILED, JOURNAL_WAITS } broken;	/* it could not be written: in this turn; before, and nothing is done until it can */
	struct err why_broken;
	int64_t retry;			/* wall: when it is tried again */
	int64_t idle_since;		/* wall; 0: not idle */
	struct buf held;		/* lines for options.line, until the turn is durable */
	int stopping;
	int exit_code;
	struct err fatal;
};

/* A worker_changed that says nothing but the state; the rest is filled in. */
struct event worker_event(const char *worker, const char *state);
void state_worker(struct engine *e, const char *worker, const char *state);
/* engine.c: states a fact. The only way. */
void engine_emit(struct engine *e, struct event *ev);
void engine_alert(struct engine *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
void engine_end_session(struct engine *e, const char *reason);
void engine_fail(struct engine *e, const struct err *err);	/* nothing can ever run: the session ends, exit 1 */
void engine_fail_baseline(struct engine *e, const char *what);	/* the same, since of the baseline WHAT: "does not build: …" */
char *engine_path(const struct engine *e, const char *name);	/* below the session's folder */
char *engine_log_path(const struct engine *e, const char *id);	/* of a run's, a worker's or a turn's log: "r12", "w1", "t7" */
int engine_may_run(const struct engine *e);			/* open, not paused, not broken */
void engine_pause(struct engine *e, const char *reason);
void engine_give_up(struct engine *e, const char *reason);	/* pauses; where the engine is there for its session alone it leaves, exit 1 */
/* Something could not be executed (no tree, no log, a worker that went): it is tried again, but not for ever. A success
 * ends the row: what NULL. */
void engine_lost(struct engine *e, const char *what, const char *why);
size_t engine_experiments_left(const struct engine *e);		/* of session.experiments; SIZE_MAX: no limit */

/* actions.c and queries.c */
void actions_command(void *data, struct request *request, const char *by, const char *name, const struct json *args);
void queries_query(void *data, struct request *request, const char *name, const struct json *args);
int action_approve(struct engine *e, const char *by, struct proposal *p, struct err *err);
int action_sign(struct engine *e, const char *by, struct proposal *p, struct err *err);

/* intake.c: drafts become commits and proposals. request NULL: nobody waits for the answer. */
void intake_draft(struct engine *e, const struct draft *d, const char *agent, const char *by, struct request *request);
/* The same for an agent that waits for the answer, and reviews its patch first, once: review (NULL: it is asked for one). */
struct intake_answer {
	const char *proposal, *state, *conflict, *review;
	const struct strings *reasons;	/* the guard's */
	unsigned rev;
	const char *problem;		/* a sentence: nothing was submitted; else NULL */
};
typedef void intake_told(void *data, const struct intake_answer *answer);
void intake_patch(struct engine *e, const struct draft *d, const char *agent, const char *by, const char *review, intake_told *told, void *data);
void intake_commit(struct engine *e, const char *revision, const char *title, const struct strings *sources, const char *by, struct request *request);
void intake_broken(struct engine *e, const char *agent, const char *origin, const char *title, const char *why);
int intake_knows(const struct engine *e, const char *origin);
int intake_may_revise(const struct proposal *p);	/* what is measured, kept or decided gets no revision unless changes are asked for */
/* Puts the named proposals on the model's baseline: new revisions that are approved as the old ones were, or conflicts. */
void intake_rebase(struct engine *e, const struct strings *proposals);

/* jobs.c: git's work, on its thread. A job embeds this first; work runs on the thread and may touch engine->git, target
 * and harness only; done runs on the loop, always, and frees the job; dropped: its owner is gone. */
struct job {
	struct engine *engine;
	void *owner;
	int dropped;
	void (*work)(struct job *job);
	void (*done)(struct job *job);
	struct job *next;
};
void jobs_do(struct engine *e, struct job *job);
void jobs_drop(struct engine *e, const void *owner);	/* marks all of the owner's jobs; owner NULL: every job */

/* Writes a commit's tree with the harness laid over into trees/<name>, then calls done (problem NULL: fine). */
typedef void checkout_done(struct engine *e, void *owner, const char *name, const char *problem);
void trees_checkout(struct engine *e, const char *commit, const char *name, checkout_done *done, void *owner);
char *tree_path(const struct engine *e, const char *name);	/* caller frees */

/* steps.c: one execution of build, checks or measure, from submit to its run_ended. run is NULL in done where the step
 * never began. */
struct step_plan;
typedef void step_done(struct engine *e, void *owner, const struct step_plan *plan, const struct run *run, const struct step_result *result);
struct step_plan {
	const char *arm, *worker, *tree, *label;	/* tree: name below trees/ */
	const char *commit, *same_as;	/* as in struct step; these are not in the plan that comes back */
	const char *experiment, *description;	/* NULL: those of the wave */
	enum step_kind kind;
	unsigned rev, wave, round, layout;
	unsigned padding;		/* bytes of environment, by the wave's generator (decision rule 3.3) */
	void (*began)(struct engine *e, void *owner, const struct step_plan *plan);	/* before its run_started is stated; may be NULL */
};
/* A step that the runner still holds from before the engine was restarted is taken up, not begun again. */
void steps_submit(struct engine *e, const struct step_plan *plan, step_done *done, void *owner);
int steps_are_held(const struct engine *e, const struct step_plan *plan);	/* the runner holds one like it */
void steps_drop(struct engine *e, const void *owner);	/* cancels the owner's steps and calls it no more; owner NULL: every step */
void steps_cancel(struct engine *e, const void *owner, const char *arm, enum step_kind kind);	/* done still comes, with RUN_CANCELLED */
void steps_clear(struct engine *e);			/* after the runner is closed: no step of it will end */
int steps_advance(struct engine *e);			/* tells the end of one that the runner did not take; 0: there was none */
int steps_use_tree(const struct engine *e, const char *worker, const char *tree);	/* one waits for it or executes in it on that worker's host, its owner gone or not */
const struct runner_listener *steps_listener(void);

/* arms.c: an arm gets ready: its tree, its build, its checks. */
enum arm_outcome { ARM_READY, ARM_SAME, ARM_BUILD_FAILED, ARM_CHECKS_FAILED, ARM_GONE };
struct arm_result {
	enum arm_outcome outcome;
	char run[16];			/* whose log shows it; "" none */
	const char *reason;		/* a sentence, or NULL */
	const char *artifact;		/* of the build, or NULL */
};
typedef void arm_done(struct engine *e, void *owner, const char *arm, const struct arm_result *result);
struct arm_plan {
	const char *arm, *commit, *tree, *worker;
	unsigned rev, wave, layout;
	int with_checks;
	const char *same_as;		/* an artifact: equal to it is ARM_SAME, and no checks are run; NULL: not compared */
	int is_built, is_checked;	/* the journal has a good run of it; a build is believed when its tree says so, too */
	const char *artifact;		/* of that build */
};
void arms_prepare(struct engine *e, const struct arm_plan *plan, arm_done *done, void *owner);
void arms_cancel(struct engine *e, const void *owner, const char *arm);	/* done follows, with ARM_GONE */
void arms_advance(struct engine *e);
int arms_are_given(const struct engine *e, const void *owner, const char *arm);	/* to a worker that does what follows only when the arm is ready */
void arms_drop(struct engine *e, const void *owner);	/* with its steps and jobs; owner NULL: every arm */

/* The baseline's tree, which admission and waves share, on each host. prepare does nothing while one is under way or the
 * tree is in use: ask again at the next turn. A baseline that does not build or pass ends it all (engine_fail). */
struct base_site {
	char *host;
	char commit[GIT_ID];		/* what stands there built and checked; "": nothing known */
	unsigned layout;
	char *artifact;			/* of it; NULL: nothing to compare */
	char wanted[GIT_ID];		/* what is getting ready there; "": nothing */
	unsigned wanted_layout;
	struct base_site *next;
};
const struct base_site *base_site(const struct engine *e, const char *worker);	/* NULL: nothing was there yet */
int base_is_ready(const struct engine *e, const char *worker, unsigned layout);
int base_is_given(const struct engine *e, const char *worker, unsigned layout);	/* as arms_are_given */
void base_prepare(struct engine *e, const char *worker, unsigned wave, unsigned layout);
void base_forget(struct engine *e, const char *worker);	/* what stood there is gone with its machine */
void sites_free(struct engine *e);

/* bundles.c: 1 when all the commits stand in files that workers can be given; else they are being written: ask again. */
int bundles_have(struct engine *e, const char *const *commits, size_t count);
const char *bundle_path(const struct engine *e, const char *commit);	/* NULL: it stands in none */
void bundles_free(struct engine *e);

/* rounds.c: rounds under way on one worker, oldest first. One is stated when its first run begins; what never began leaves
 * no trace. */
enum { ARMS_MAX = 5 };
struct round_arm {
	char id[16], tree[16];
	const char *commit;		/* borrowed */
	unsigned rev;
	int ran;			/* ended, in one way or another */
	enum run_status status;
	double value, seconds;
	unsigned run;
	char reason[256];
	struct metrics metrics;
};
struct round {
	unsigned number;
	struct round_arm arms[ARMS_MAX];
	size_t count, ended;
	int has_begun;
	char order[96];
	char blameless[128];		/* why it does not count although no arm failed; "": it does */
	struct round *next;
};
struct rounds {
	struct engine *engine;
	struct round *first;
	const char *worker;		/* borrowed; fixed while any is under way */
	unsigned wave, phase, layout;
	uint64_t seed;			/* of order, labels and padding */
	unsigned attempt;		/* rounds that did not count: another one of the same number is shuffled anew */
};
void rounds_submit(struct rounds *rs, unsigned number, const struct round_arm *arms, size_t count);
/* The oldest one when it has ended; it is the caller's until rounds_release. NULL: none has. */
struct round *rounds_take(struct rounds *rs);
void round_release(struct round *r);		/* NULL allowed */
void rounds_void(struct rounds *rs, struct round *r, const char *why);	/* states it, if it had begun */
size_t rounds_count(const struct rounds *rs);
unsigned rounds_last(const struct rounds *rs);	/* its number; 0: none is under way */
/* Cancels what is under way. The rounds end, and do not count, for that reason. */
void rounds_cancel(struct rounds *rs, const char *why);
void rounds_drop(struct rounds *rs, const char *why);	/* at once: voids those that began (why NULL: states nothing) and forgets all */
/* How many more should be submitted now; seconds: what one takes, NAN unknown. */
size_t rounds_wanted(const struct rounds *rs, double seconds);

/* admission.c: workers are tried before they measure. */
void admission_enqueue(struct engine *e, const char *worker);
void admission_readmit(struct engine *e, const char *worker, double noise_percent, const char *why);
void admission_advance(struct engine *e);
void admission_abort(struct engine *e);

/* pool.c: which workers there are: started, replaced, taken down. */
void pool_start(struct engine *e);			/* the runner has just been opened */
void pool_worker_changed(struct engine *e, const struct worker_report *report);
void pool_noisy(struct engine *e, const char *worker, double noise_percent, const char *why);	/* replaced where that can be, else tried again */
int pool_action(struct engine *e, const char *by, const struct worker *w, const char *action, struct err *err);
void pool_advance(struct engine *e);
int64_t pool_deadline(const struct engine *e);		/* wall: when the money is spent at the present rate; INT64_MAX: never */
void pool_leave(struct engine *e);			/* the engine leaves an open session: says what it leaves behind */
void pool_close(struct engine *e);			/* the session has ended: everything down */
int pool_keeps_trees(const struct engine *e);
size_t pool_kinds(const struct engine *e);		/* of machines: [runner "sky"] infra; the first one's architecture decides */
size_t pool_kind(const struct engine *e, const char *worker);
int pool_is_leaving(const struct engine *e, const struct worker *w);	/* it is being taken down */
size_t pool_coming(const struct engine *e);		/* workers that come up or are tried: there soon */

/* wave.c */
void wave_advance(struct engine *e);			/* starts, resumes or moves on the wave */
void wave_proposal_gone(struct engine *e, const struct proposal *p);	/* vetoed or cancelled while it was measured */
int64_t wave_waits_until(const struct engine *e);		/* wall: when gathered approvals become a wave; 0: nothing waits */
void wave_abort(struct engine *e);			/* forgets the waves' state in memory; a later advance resumes it */

/* single.c: the user's own task, once for each proposal. */
int single_mode(const struct engine *e);
void single_advance(struct engine *e);
void single_proposal_gone(struct engine *e, const struct proposal *p);
void single_abort(struct engine *e);

/* landing.c */
void landing_advance(struct engine *e);
void landing_abort(struct engine *e);
void landing_settle(struct engine *e);			/* waits for a branch that is being moved: then it landed, or did not */
void landing_recover(struct engine *e);			/* states what landed when the engine died between the branch and the journal */
int landing_is_due(const struct engine *e);		/* one is under way, or will be without a human's further word */

/* turns.c: the agent's turns: when one begins, what it is told, what comes of it. */
const struct agent_listener *turns_listener(void);
void turns_open(struct engine *e);		/* the agent is there: closes what a former engine left open */
void turns_advance(struct engine *e);
int turns_stop(struct engine *e, const char *why);	/* -1: none runs */
void turns_end(struct engine *e);		/* the session ends: so does what the agent is in */
void turns_close(struct engine *e);		/* before the agent is closed */
struct brief_target turns_target(const struct engine *e);
double turns_usd_left(const struct engine *e);	/* of the session's money and the agent's own; INFINITY: no limit */
int turns_may_fix(struct engine *e);		/* a patch of this turn may be sent back by its own review: not for ever */

/* self_review.c: review NULL: there is none. done is called once, also when it is dropped. -1: there is nobody to ask. */
typedef void self_review_done(void *data, const char *review, int wants_fix);
int self_review(struct engine *e, const char *title, const char *diff, size_t diff_size, const struct strings *findings, self_review_done *done, void *data);
void self_reviews_drop(struct engine *e);

/* tools.c: the tools of agents (core/agents/tool.h), wherever they are called from. done comes once, now or later, unless
 * dropped; text: what the agent reads, one JSON object. */
typedef void tool_done(void *data, const char *text, int is_error);
void tools_call(struct engine *e, const char *agent, const char *name, const struct json *args, tool_done *done, void *data);
void tools_drop(struct engine *e, const void *data);		/* nobody waits for it. data NULL: every one, and all who wait are told so */
int tools_open(struct engine *e, struct err *err);		/* the socket for tools, beside e->server's */
void tools_advance(struct engine *e);			/* what waited for a pause to end */
void tools_close(struct engine *e);				/* when nothing works for a tool any more */

/* For those who do the work. args were checked against the schema. */
struct tool_use {
	struct engine *engine;
	const char *agent, *by;		/* "claude", "agent claude" */
	const struct json *args;	/* an object */
	void *work;			/* the tool's own, while it takes time… */
	void (*cancel)(struct tool_use *u);	/* …and how that ends when nobody waits any more; NULL: it takes none */
	/* tools.c's */
	unsigned waits_in;		/* the turn in which it waits for a pause to end; 0: it does not */
	char *names[2];
	const char *name;
	struct json *taken;
	tool_done *done;
	void *data;
	struct tool_use *next;
};
typedef void tool_function(struct tool_use *u);		/* answers once, now or later */
void tool_answer(struct tool_use *u, struct json *result_taken);	/* each frees u */
void tool_refuse(struct tool_use *u, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Text from outside as a member of an answer: {"untrusted": true, "from", "hash", "text"}; the text stands between lines that say
 * so, and that it cannot forge. */
struct json *tool_untrusted(const char *from, const char *hash, const char *text, size_t n);
tool_function tool_read_file, tool_list_files, tool_search_code;			/* tools_code.c */
tool_function tool_read_source, tool_search_literature, tool_add_source;		/* tools_reading.c */
tool_function tool_propose_idea, tool_read_results, tool_read_log, tool_note;	/* tools_proposals.c */
tool_function tool_propose_patch;						/* tools_patch.c */
void tools_patch_advance(struct engine *e);

/* reading.c: the reading list at work: sources are identified, fetched, and read by a call without tools. */
int reading_open(struct engine *e, struct err *err);
void reading_close(struct engine *e);			/* who waits is told so; what was being read is taken up by the next engine */
void reading_end(struct engine *e);			/* the session ends: nothing is read any more */
void reading_advance(struct engine *e);			/* what is queued is read */
struct research *reading_research(struct engine *e);
/* Puts what a word names on the list (research.h, research_parse), or finds it there: its id. Its title comes later. */
int reading_add(struct engine *e, const char *by, const char *word, const char *reason, const char *note, char id[16], struct err *err);
/* Its claims, read first if it was not yet: problem NULL is fine. The source may be read with none to show for it. */
typedef void reading_done(void *data, const char *source, const char *problem);
void reading_read(struct engine *e, const char *source, reading_done *done, void *data);
void reading_drop(struct engine *e, const void *data);
/* Its text as it was fetched, for quotations and search in it. done may be called at once. */
typedef void reading_text(void *data, const char *source, const struct source_text *text);
void reading_fetch(struct engine *e, const char *source, reading_text *done, void *data);

/* profile.c: where the time goes, and the roofline: once for each baseline. */
void profile_advance(struct engine *e);
int profile_is_settled(const struct engine *e);		/* stated, or nothing more can be learned now */
void profile_abort(struct engine *e);

#endif
