/* Events: the facts of a session, in the order in which they became true. One list of fields, one list of kinds; the
 * codec, the names and the documentation come from them (CONTRACT, "JSON", events).
 *
 * A kind names the fields it has. A text that is NULL, a number that is NAN and an empty list are absent in JSON;
 * whole numbers of a kind are always present. Text is safe text (core/base/text.h) before it gets here. */
#ifndef CORE_DATA_EVENT_H
#define CORE_DATA_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/data/metric.h"

struct comment {
	char *file;		/* NULL: on the proposal as a whole */
	int64_t line;		/* of the new side; 0: none */
	char *text, *by;
};
struct comments {
	struct comment *at;
	size_t count, room;
};
void comments_add(struct comments *list, const char *file, int64_t line, const char *text, const char *by);
void comments_release(struct comments *list);

struct log_reference {
	char *file;		/* relative to the session's folder; NULL: no log */
	int64_t bytes, lines;
};

/* TEXT const char *, WHOLE int64_t, REAL double, LIST struct strings, REALS struct reals, METRICS, COMMENTS, LOG */
#define EVENT_FIELDS(X) \
	X(session, TEXT) X(target, TEXT) X(branch, TEXT) X(metric, TEXT) X(unit, TEXT) X(direction, TEXT) X(harness, TEXT) \
	X(runner, TEXT) X(agent, TEXT) X(autonomy, TEXT) X(reason, TEXT) X(commit, TEXT) X(text, TEXT) X(what, TEXT) \
	X(source, TEXT) X(type, TEXT) X(title, TEXT) X(id, TEXT) X(url, TEXT) X(authors, TEXT) X(status, TEXT) X(idea, TEXT) \
	X(expected, TEXT) X(origin, TEXT) X(proposal, TEXT) X(author, TEXT) X(baseline, TEXT) X(worker, TEXT) X(name, TEXT) X(state, TEXT) \
	X(run, TEXT) X(arm, TEXT) X(step, TEXT) X(artifact, TEXT) X(verdict, TEXT) X(viewer, TEXT) X(role, TEXT) X(order, TEXT) X(arch, TEXT) X(place, TEXT) X(remedy, TEXT) X(mode, TEXT) \
	X(stage, TEXT) X(side, TEXT) X(claim, TEXT) X(quote, TEXT) X(hash, TEXT) X(model, TEXT) X(tool, TEXT) X(permission, TEXT) \
	X(sources, LIST) X(reasons, LIST) X(proposals, LIST) X(workers, LIST) X(paths, LIST) X(options, LIST) X(magnitudes, REALS) \
	X(comments, COMMENTS) X(metrics, METRICS) X(log, LOG) \
	X(rev, WHOLE) X(wave, WHOLE) X(round, WHOLE) X(phase, WHOLE) X(pairs, WHOLE) X(seed, WHOLE) X(size, WHOLE) \
	X(files, WHOLE) X(added, WHOLE) X(removed, WHOLE) X(exit, WHOLE) X(layout, WHOLE) \
	X(turn, WHOLE) X(year, WHOLE) X(position, WHOLE) X(calls, WHOLE) X(tokens_in, WHOLE) X(tokens_read, WHOLE) X(tokens_written, WHOLE) X(tokens_out, WHOLE) \
	X(usd, REAL) X(usd_per_hour, REAL) X(limit_usd, REAL) X(noise_percent, REAL) X(window, REAL) X(seconds, REAL) X(ratio, REAL) X(value, REAL) \
	X(base_value, REAL) X(evidence, REAL) X(needed, REAL) X(change_percent, REAL) X(low, REAL) X(high, REAL) X(shrunk_percent, REAL) X(alpha, REAL) X(age, REAL) X(hours, REAL) X(moved, REAL) X(bandwidth, REAL)

enum event_field {
#define X(name, type) FIELD_##name,
	EVENT_FIELDS(X)
#undef X
	EVENT_FIELD_COUNT
};

/* X(ID, "kind", "what it says", fields…) */
#define EVENT_KINDS(X) \
	X(SESSION_OPENED, "session_opened", F(session) F(target) F(branch) F(metric) F(unit) F(direction) F(harness) F(runner) F(agent) F(seed)) \
	X(SESSION_ENDED, "session_ended", F(reason)) \
	X(METRIC_SET, "metric_set", F(metric)) \
	X(SETTINGS, "settings", F(size) F(window) F(limit_usd) F(hours) F(text)) \
	X(PAUSED, "paused", F(reason)) \
	X(RESUMED, "resumed",) \
	X(AUTONOMY_SET, "autonomy_set", F(autonomy)) \
	X(BASELINE_SET, "baseline_set", F(commit)) \
	X(STEERED, "steered", F(text)) \
	X(ALERT, "alert", F(text)) \
	X(SPENT, "spent", F(usd) F(what) F(turn) F(source)) \
	X(SOURCE_ADDED, "source_added", F(source) F(type) F(title) F(id) F(url) F(authors) F(year) F(reason) F(text)) \
	X(SOURCE_IDENTIFIED, "source_identified", F(source) F(type) F(title) F(url) F(authors) F(year) F(text)) \
	X(SOURCE_CHANGED, "source_changed", F(source) F(status) F(reason)) \
	X(SOURCE_MOVED, "source_moved", F(source) F(position)) \
	X(SOURCE_NOTED, "source_noted", F(source) F(text)) \
	X(CLAIM_ADDED, "claim_added", F(claim) F(source) F(text) F(quote) F(place) F(hash) F(model)) \
	X(IDEA_ADDED, "idea_added", F(idea) F(title) F(expected) F(sources) F(side) F(text)) \
	X(PROFILED, "profiled", F(commit) F(what) F(side) F(text) F(moved) F(bandwidth) F(reason) F(run)) \
	X(STAGE_SET, "stage_set", F(stage) F(reason)) \
	X(TURN_STARTED, "turn_started", F(turn) F(agent) F(stage) F(model) F(size)) \
	X(TURN_ENDED, "turn_ended", F(turn) F(status) F(reason) F(seconds) F(tokens_in) F(tokens_read) F(tokens_written) F(tokens_out) F(calls) F(text) F(log)) \
	X(TOOL_CALLED, "tool_called", F(turn) F(agent) F(tool) F(text) F(status)) \
	X(NOTED, "noted", F(text)) \
	X(SELF_REVIEWED, "self_reviewed", F(proposal) F(rev) F(text)) \
	X(PERMISSION_ASKED, "permission_asked", F(permission) F(agent) F(title) F(text) F(options)) \
	X(PERMISSION_ANSWERED, "permission_answered", F(permission) F(status) F(reason)) \
	X(AGENT_CHANGED, "agent_changed", F(agent) F(state) F(text)) \
	X(PROPOSAL_SUBMITTED, "proposal_submitted", F(proposal) F(rev) F(commit) F(title) F(sources) F(idea) F(agent) F(author) F(origin) F(baseline) F(files) F(added) F(removed) F(paths) F(state)) \
	X(PROPOSAL_CONFLICT, "proposal_conflict", F(proposal) F(rev) F(text) F(title) F(sources) F(idea) F(agent) F(author) F(origin)) \
	X(GUARD_STOPPED, "guard_stopped", F(proposal) F(rev) F(reasons)) \
	X(GUARD_WAIVED, "guard_waived", F(proposal) F(rev) F(reason)) \
	X(APPROVED, "approved", F(proposal) F(rev)) \
	X(VETOED, "vetoed", F(proposal) F(reason)) \
	X(REVISION_ASKED, "revision_asked", F(proposal) F(rev) F(comments)) \
	X(CANCELLED, "cancelled", F(proposal)) \
	X(RETRIED, "retried", F(proposal) F(rev)) \
	X(SIGNED, "signed", F(proposal) F(rev)) \
	X(LANDED, "landed", F(proposal) F(commit) F(branch)) \
	X(LANDING_FAILED, "landing_failed", F(proposal) F(state) F(verdict) F(reason) F(run)) \
	X(WAVE_STARTED, "wave_started", F(wave) F(baseline) F(proposals) F(seed) F(alpha) F(mode)) \
	X(WAVE_ENDED, "wave_ended", F(wave)) \
	X(WORKER_CHANGED, "worker_changed", F(worker) F(runner) F(name) F(state) F(noise_percent) F(usd_per_hour) F(usd) F(status) F(age) F(remedy) F(arch) F(place) F(reason)) \
	X(ADMISSION_PAIR, "admission_pair", F(worker) F(round) F(ratio)) \
	X(SCALE_LEARNED, "scale_learned", F(worker) F(magnitudes)) \
	X(RUN_STARTED, "run_started", F(run) F(worker) F(arm) F(rev) F(step) F(round) F(wave) F(layout)) \
	X(RUN_ENDED, "run_ended", F(run) F(status) F(exit) F(seconds) F(metrics) F(artifact) F(reason) F(log)) \
	X(ROUND_STARTED, "round_started", F(round) F(worker) F(wave) F(phase) F(order)) \
	X(ROUND_VOIDED, "round_voided", F(round) F(worker) F(wave) F(reason)) \
	X(EVIDENCE, "evidence", F(proposal) F(worker) F(round) F(phase) F(ratio) F(value) F(base_value) F(pairs) F(evidence) F(needed) F(change_percent) F(low) F(high)) \
	X(ELSEWHERE, "elsewhere", F(proposal) F(worker) F(arch) F(round) F(ratio) F(value) F(base_value) F(pairs) F(evidence) F(change_percent) F(low) F(high) F(verdict)) \
	X(PHASE_STARTED, "phase_started", F(wave) F(phase) F(worker) F(layout)) \
	X(VERDICT, "verdict", F(proposal) F(rev) F(verdict) F(pairs) F(change_percent) F(low) F(high) F(shrunk_percent) F(evidence) F(needed) F(workers) F(reason) F(run) F(baseline)) \
	X(VIEWER_JOINED, "viewer_joined", F(viewer) F(role)) \
	X(VIEWER_LEFT, "viewer_left", F(viewer))

enum event_kind {
#define X(id, name, fields) EVENT_##id,
	EVENT_KINDS(X)
#undef X
	EVENT_UNKNOWN, EVENT_KIND_COUNT = EVENT_UNKNOWN
};

struct reals {
	double *at;
	size_t count, room;
};
void reals_add(struct reals *list, double v);

struct event {
	uint64_t seq;		/* from 1 without gaps; set by engine_emit */
	int64_t time;		/* wall clock, microseconds; set by engine_emit */
	enum event_kind kind;
	const char *by;		/* "engine", "user NAME", "agent NAME"; NULL: engine */
	const char *kind_name;	/* only for EVENT_UNKNOWN */
#define TEXT const char *
#define WHOLE int64_t
#define REAL double
#define LIST struct strings
#define REALS struct reals
#define METRICS struct metrics
#define COMMENTS struct comments
#define LOG struct log_reference
#define X(name, type) type name;
	EVENT_FIELDS(X)
#undef X
#undef TEXT
#undef WHOLE
#undef REAL
#undef LIST
#undef REALS
#undef METRICS
#undef COMMENTS
#undef LOG
	struct json *document;	/* of a parsed event: owns its texts */
};

const char *event_name(enum event_kind kind);
int event_has(enum event_kind kind, enum event_field field);

/* Adds the event as one JSON object without a newline. */
void event_print(const struct event *ev, struct buf *out);

/* Reads one back; an unknown kind is EVENT_UNKNOWN, unknown members are passed over. The event owns its contents then. */
int event_parse(struct event *ev, const char *line, size_t len, struct err *err);
int event_from_json(struct event *ev, struct json *document_taken, struct err *err);
void event_release(struct event *ev);	/* of a parsed event */

#endif
