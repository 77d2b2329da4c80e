/* The inside of the shell, for the three files that are it: ui.c (panes, intents, actions), ui_input.c (what is typed) and
 * ui_screen.c (the terminal, drawing, time). Nobody else includes this. */
#ifndef TUI_UI_STATE_H
#define TUI_UI_STATE_H

#include "tui/layout.h"
#include "tui/prompt.h"
#include "tui/ui.h"

enum {
	GRACE = 400000, FRAME = 100000, SECOND = 1000000, MINUTE = 60 * SECOND,		/* microseconds */
	OVERLAYS_MAX = 8, READ_SIZE = 4096, BATCH_MAX = 512,
};

enum prompt_use { FOR_NOTHING, FOR_PALETTE, FOR_SEARCH, FOR_PANE, FOR_STEER };

/* A query or command on its way, and who asked: a pane, or the shell (NULL). */
struct asked {
	uint64_t tag, pane_tag;
	struct pane *pane;
	int is_query;
};

struct ui {
	struct ui_options options;
	struct keys *keys;
	struct grid grid;
	struct pane main[LAYOUT_PANES];
	struct pane *overlays[OVERLAYS_MAX];
	int overlay_count, focus, zoomed;
	struct prompt prompt;
	enum prompt_use prompt_use;
	struct pane *prompt_pane;
	enum action prompt_action;
	struct strings lines, searches, answers;	/* histories */
	char *search;					/* last text searched */
	char *message, *replaying;
	struct asked *asked;
	size_t asked_count, asked_room;
	uint64_t next_tag;
	int dirty, urgent, connected, ticking, unfocused, busy, left, mouse;
	size_t waited;					/* how many waited for the human when last looked */
	int64_t subject_since;				/* monotonic; a change of focus begins it anew */
	int64_t stray, drawn;
	char *subject;					/* as drawn */
	struct loop_timer *timer, *escape;
	struct errand *errand;				/* a program that has the terminal; NULL: we have it */
	char theme[32];
	struct input *batch;
	size_t batch_count, batch_room;
};

int64_t ui_now(const struct ui *ui);		/* monotonic */
int64_t ui_shown_time(const struct ui *ui);	/* wall clock */
struct pane *ui_top(struct ui *ui);		/* the pane that keys go to */
void ui_touch(struct ui *ui);			/* to be drawn at the end of the turn, without delay */
struct layout ui_layout(const struct ui *ui);
void ui_focus_pane(struct ui *ui, int i);
void ui_focus_changed(struct ui *ui);
void ui_leave(struct ui *ui);
void ui_suspend(struct ui *ui);
int ui_refuses(struct ui *ui, enum action a);	/* an observer's command: refused, and said so */
int ui_end_search(struct ui *ui);		/* whether there was one */
int ui_pane_act(struct ui *ui, struct pane *p, const struct act *act);	/* whether the pane took it */
void ui_carry_out(struct ui *ui, struct pane *p, struct intent *want);	/* and clears it */
void ui_send_command(struct ui *ui, const char *name, struct json *args_taken);
uint64_t ui_remember_asked(struct ui *ui, struct pane *p, uint64_t pane_tag, int is_query);
void ui_end_prompt(struct ui *ui);

void ui_note_subject(struct ui *ui);		/* the frame that was drawn is on the screen */
struct strings ui_candidates(const struct ui *ui);	/* what completes the line being typed */
void ui_join_loop(struct ui *ui);

#endif
