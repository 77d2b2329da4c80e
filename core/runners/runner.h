/* Where runs happen. A runner brings workers up and executes steps on them; it decides nothing about proposals.
 * To add one: a file that ends in one `const struct runner_ops`, listed in core/runners/runners.c. */
#ifndef CORE_RUNNERS_RUNNER_H
#define CORE_RUNNERS_RUNNER_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/data/metric.h"
#include "core/io/loop.h"

/* A profile runs what a measured run does, with a tool that looks on; its log ends in PROFILE lines (assets/driver.sh). Only where
 * trees are here. */
enum step_kind { STEP_BUILD, STEP_CHECKS, STEP_MEASURE, STEP_PROFILE, STEP_KINDS };
const char *step_name(enum step_kind kind);	/* "build", "checks", "measure", "profile" */

/* One thing to execute. Everything is borrowed for the call that takes it; the runner copies what it keeps. */
struct step {
	const char *run;	/* id, unique for ever in the session: "r12" */
	const char *worker;	/* "w1" */
	const char *arm;	/* "base", "aa", "p3" */
	enum step_kind kind;
	const char *tree;	/* folder with the arm's files, the harness already laid over it; NULL where the worker keeps the trees */
	const char *tree_name;	/* "base", "p3": arms may share one ("base" and "aa"); a worker that keeps the trees knows them by it */
	const char *commit, *bundle;	/* there: what the tree holds, and a file of the engine's that brings it (of a build) */
	const char *same_as;	/* of a build there: an artifact; a build that makes it again ends what the arm still had to do. May be NULL */
	const char *log;	/* file that gets the raw output */
	const char *label;	/* SKYDECK_ARM: "a", "b", … anonymous */
	const char *experiment, *description;	/* EXPERIMENT_ID, EXPERIMENT_DESC: those of the wave */
	unsigned wave, rev;
	unsigned round, layout;	/* SKYDECK_ROUND, SKYDECK_LAYOUT */
	unsigned padding;	/* bytes of SKYDECK_PADDING: 0-4095, drawn anew for each measured run by the wave's generator */
};

/* How a step ended; also run_ended's status. */
#define RUN_STATUSES(X) \
	X(RUN_OK, "ok")			/* exit 0; a measured run also printed a finite METRIC */ \
	X(RUN_FAILED, "failed")		/* non-zero exit */ \
	X(RUN_KILLED, "killed")		/* by a signal */ \
	X(RUN_TIMEOUT, "timeout") \
	X(RUN_NO_METRIC, "no-metric")	/* a measured run that exits 0 without one finite METRIC of the target's metric */ \
	X(RUN_LOST, "lost")		/* the engine or the worker went away */ \
	X(RUN_CANCELLED, "cancelled")
enum run_status {
#define X(id, name) id,
	RUN_STATUSES(X)
#undef X
};
const char *run_status_name(enum run_status status);

struct step_result {
	const char *run;
	enum run_status status;
	int exit_code;			/* or the signal's number when killed */
	double seconds;			/* wall clock of the step itself, without the sandbox's start where known */
	const struct metrics *metrics;	/* of a measured run; NULL else */
	const char *artifact;		/* of a build: one hash over what it made, NULL where nothing is to compare */
	const char *reason;		/* a sentence for people: "benchmark failed (exit 3)"; NULL when ok */
	uint64_t log_bytes, log_lines;
};

struct worker_report {
	const char *worker, *name;	/* "w1"; what people know it by: "cpu 1", a cluster's name */
	const char *state;		/* "starting", "ready", "lost", "down" */
	double usd_per_hour;		/* NAN: not known (any more than before) */
	double usd;			/* what it cost so far, by whoever sends the bill; NAN: not known */
	const char *why;		/* a sentence, or NULL */
	const char *remedy;		/* what helps, as worker actions: "retry down"; NULL: nothing is wrong */
	const char *status;		/* the provider's own word for its state: "UP"; NULL: none */
	double age;			/* seconds since the provider looked, when that is too long ago; NAN: it is fresh */
	const char *arch, *place;	/* "x86_64"; "us-east-1a"; NULL: not known (any more than before) */
};

/* What the runner tells, always from the loop's thread. */
struct runner_listener {
	void (*worker_changed)(void *data, const struct worker_report *report);
	void (*step_started)(void *data, const char *run);	/* it left the queue and executes now */
	void (*step_ended)(void *data, const struct step_result *result);
	/* The log of a running step grew (at most ten times a second per run): its last whole or partial line, made safe. */
	void (*step_output)(void *data, const char *run, uint64_t lines, uint64_t bytes, const char *last_line);
	/* The same of a worker's own log (logs/w1.log: how it comes up, its set-up). */
	void (*worker_output)(void *data, const char *worker, uint64_t lines, uint64_t bytes, const char *last_line);
	/* No worker can ever start here, whatever is tried: no `sky`, no cloud, resources that do not exist, a broken task file. */
	void (*failed)(void *data, const char *why);
};

struct runner_setup {
	struct loop *loop;
	const struct config *config;
	const char *root;		/* the target's root */
	const char *folder;		/* .skydeck/sessions/<id> */
	const char *metric;		/* the target's primary metric; NULL: the first one that a run prints */
	const char *session;		/* its name */
	const char *measure, *checks;	/* commands relative to the target's root; checks may be NULL */
	const struct runner_listener *listener;
	void *data;			/* for the listener */
};

struct runner;

struct runner_ops {
	const char *name;
	int costs_money;
	/* NULL with a sentence when this machine cannot (no bubblewrap, bad cpus). */
	struct runner *(*open)(const struct runner_setup *setup, struct err *err);
	/* How many workers there can be; ids are given by the caller. */
	size_t (*capacity)(const struct runner *r);
	/* Brings a worker up; the answer comes as worker_changed. host: workers on one host share a value. */
	int (*start_worker)(struct runner *r, const char *worker, struct err *err);
	void (*stop_worker)(struct runner *r, const char *worker);
	const char *(*host)(const struct runner *r, const char *worker);
	/* Queues a step. Steps of one worker are executed in the order given, but builds and checks may run side by side.
	 * Every step that was taken gets exactly one step_ended. */
	int (*submit)(struct runner *r, const struct step *step, struct err *err);
	void (*cancel)(struct runner *r, const char *run);	/* step_ended with RUN_CANCELLED follows */
	void (*close)(struct runner *r);			/* kills what runs here; no callbacks any more */
	/* Trees live on the worker: steps name commits, not folders, and go on when the engine ends. NULL: no. */
	int (*keeps_trees)(const struct runner *r);
	/* How many rounds should be under way at once, when one takes that many seconds (NAN: nobody knows yet). NULL: 1. */
	size_t (*ahead)(const struct runner *r, const char *worker, double round_seconds);
	/* Of steps that were taken before the engine ended: the run id of the one like this (worker, arm, kind, wave, round,
	 * layout, commit), whose end is still to come; NULL: there is none. It must not be submitted. NULL: nothing outlives. */
	const char *(*holds)(const struct runner *r, const struct step *step);
	int (*has)(const struct runner *r, const char *run);	/* the same by its id */
	/* Workers that are not down, or not known to be: what may still cost. NULL: closing the runner ends them all. */
	size_t (*count_up)(const struct runner *r);
	/* What people must keep in sight, for the title bar: "sandbox off". NULL: nothing. */
	const char *(*caution)(const struct runner *r);
};

const struct runner_ops *runner_find(const char *name);
extern const struct runner_ops *const runners[];	/* NULL-terminated */

#endif
