/* The cockpit as its script sees it. Nobody else includes this. */
#ifndef TUI_COCKPIT_STATE_H
#define TUI_COCKPIT_STATE_H

#include <stdio.h>

#include "core/data/model.h"
#include "tui/cockpit.h"

struct script;
struct child;

struct cockpit {
	const struct cockpit_options *options;
	struct loop *loop;
	struct client *client;		/* NULL: the engine is gone */
	struct model model;
	struct model *again;		/* after the engine came back: its history, until it is whole; NULL: none */
	struct keymap *keymap;
	struct term *term;		/* NULL: none */
	struct ui *ui;			/* NULL until the first picture */
	struct theme look;
	struct script *script;		/* NULL: a human */
	struct child *typed;		/* a command line at work; NULL: none */
	struct child *saver;		/* writes a log to a file; NULL: none */
	struct child *browser;		/* starts one beside us; NULL: none */
	FILE *save;
	char *save_path;
	int save_failed;		/* errno; 0: not */
	struct loop_timer *reconnect;
	int64_t retry;
	int64_t turn_tail;		/* monotonic: when the running turn was heard of last */
	uint64_t caught_up_at;		/* the engine's seq when it said welcome */
	int has_settings, ascii, mouse, bell;
	char *theme, *colors;
	char *complaint;		/* about the settings */
	char *why_closed;
	char last_kind[64];
};

#endif
