/* What a key can do: one list. The enum, the names in the config and the palette, the words of the footer and the help
 * are made from it. */
#ifndef TUI_ACTION_H
#define TUI_ACTION_H

/* X(id, name, label in the footer, help) */
#define ACTIONS(X) \
	X(NONE, "none", "", "nothing: frees a key of its default") \
	X(QUIT, "quit", "quit", "close what is open over the panes, else leave the cockpit; the engine goes on") \
	X(HELP, "help", "help", "every key of this pane, and what it does") \
	X(PALETTE, "palette", "command", "type an action or a command") \
	X(SEARCH, "search", "search", "search in this pane") \
	X(SEARCH_NEXT, "search-next", "match", "go to the next match") \
	X(SEARCH_PREVIOUS, "search-previous", "match", "go to the match before") \
	X(FOCUS_NEXT, "focus-next", "pane", "go to the next pane") \
	X(FOCUS_PREVIOUS, "focus-previous", "pane", "go to the pane before") \
	X(PANE_1, "pane-1", "reading", "go to the reading list") \
	X(PANE_2, "pane-2", "grid", "go to the grid of workers") \
	X(PANE_3, "pane-3", "metrics", "go to the metrics") \
	X(PANE_4, "pane-4", "review", "go to the review") \
	X(PANE_5, "pane-5", "agent", "go to the agent") \
	X(ZOOM, "zoom", "zoom", "give the focused pane the whole screen, or take it back") \
	X(UP, "up", "move", "one up") \
	X(DOWN, "down", "move", "one down") \
	X(LEFT, "left", "move", "to the left") \
	X(RIGHT, "right", "move", "to the right") \
	X(PAGE_UP, "page-up", "page", "a page up") \
	X(PAGE_DOWN, "page-down", "page", "a page down") \
	X(HALF_PAGE_UP, "half-page-up", "half page", "half a page up") \
	X(HALF_PAGE_DOWN, "half-page-down", "half page", "half a page down") \
	X(FIRST, "first", "first", "to the first") \
	X(LAST, "last", "last", "to the last") \
	X(LINE_START, "line-start", "line start", "to the first column") \
	X(ENTER, "enter", "open", "open what is selected") \
	X(BACK, "back", "back", "one level out; never leaves the cockpit") \
	X(CLICK, "click", "", "select what the mouse points at") \
	X(WHEEL_UP, "wheel-up", "", "scroll up") \
	X(WHEEL_DOWN, "wheel-down", "", "scroll down") \
	X(APPROVE, "approve", "approve", "let the proposal be measured") \
	X(VETO, "veto", "veto", "refuse the proposal, with a reason that the agent reads") \
	X(REVISE, "revise", "ask for changes", "send the comments to the author and wait for another revision") \
	X(COMMENT, "comment", "comment", "comment on this line") \
	X(SIGN, "sign", "sign", "commit the winner to the session's branch") \
	X(WAIVE, "waive", "waive", "wave through what the guard stopped, with a reason") \
	X(RETRY, "retry", "retry", "try it once more") \
	X(CANCEL, "cancel", "cancel", "take the proposal out of the session, and end what runs of it") \
	X(QUARANTINE, "quarantine", "quarantine", "take the worker out, and admit it anew before it measures again") \
	X(RELEASE, "release", "release", "admit a worker that was taken out, or bring one back that is down") \
	X(REPLACE, "replace", "replace", "start another worker, and take this one down") \
	X(SHUT_DOWN, "shut-down", "down", "take the worker down: it costs nothing more") \
	X(SSH, "ssh", "ssh", "log in to the worker; the cockpit comes back at the end") \
	X(PAGER, "pager", "pager", "read the log, or the source, in $PAGER") \
	X(SAVE, "save", "save", "save the log to a file") \
	X(NEXT_METRIC, "next-metric", "metric", "to the next METRIC line of the log") \
	X(PREVIOUS_METRIC, "previous-metric", "metric", "to the METRIC line before") \
	X(NEXT_ERROR, "next-error", "error", "to the next error in the log") \
	X(PREVIOUS_ERROR, "previous-error", "error", "to the error before") \
	X(NEXT_PROPOSAL, "next-proposal", "proposal", "the next proposal of the queue") \
	X(PREVIOUS_PROPOSAL, "previous-proposal", "proposal", "the proposal before in the queue") \
	X(NEXT_HUNK, "next-hunk", "hunk", "to the next hunk") \
	X(PREVIOUS_HUNK, "previous-hunk", "hunk", "to the hunk before") \
	X(NEXT_FILE, "next-file", "file", "to the next file") \
	X(PREVIOUS_FILE, "previous-file", "file", "to the file before") \
	X(INTERDIFF, "interdiff", "between revisions", "show what changed since an earlier revision, or the whole again") \
	X(SIDE_BY_SIDE, "side-by-side", "side by side", "old and new side by side, or one below the other") \
	X(MARK_VIEWED, "mark-viewed", "viewed", "mark the file as viewed") \
	X(SORT, "sort", "sort", "sort by the next column") \
	X(REVERSE, "reverse", "reverse", "turn the order round") \
	X(FILTER, "filter", "filter", "show the next kind only") \
	X(FOLLOW, "follow", "follow", "stay at the end as lines come in") \
	X(WRAP, "wrap", "wrap", "wrap long lines, or cut them") \
	X(PERMIT, "permit", "allow once", "allow what the agent asks for, this once") \
	X(PERMIT_ALWAYS, "permit-always", "allow always", "allow it, and whatever is like it, for as long as the agent lives") \
	X(REFUSE, "refuse", "refuse", "do not allow what the agent asks for") \
	X(REFUSE_ALWAYS, "refuse-always", "refuse always", "do not allow it, nor whatever is like it") \
	X(STOP_TURN, "stop-turn", "stop turn", "end the agent's turn, with a question first") \
	X(STEER, "steer", "tell the agent", "a message that the agent reads at its next turn") \
	X(ADD, "add", "add", "add a source to the reading list") \
	X(DROP, "drop", "drop", "drop it, with a reason that the agent reads") \
	X(QUEUE, "queue", "queue", "have it read, also once more or after it was dropped") \
	X(NOTE, "note", "note", "write a note to the source") \
	X(MOVE_UP, "move-up", "order", "to be read earlier") \
	X(MOVE_DOWN, "move-down", "order", "to be read later") \
	X(BROWSE, "browse", "browser", "open the link in a browser, or show it where there is none") \
	X(YIELD, "yield", "yields", "what came of each kind of source, as a table") \
	X(EVENTS, "events", "events", "what happened, line by line") \
	X(LOG, "log", "log", "the log of a run") \
	X(IDEAS, "ideas", "ideas", "ideas and where they came from") \
	X(BUDGET, "budget", "budget", "what was spent, and on what") \
	X(PAUSE, "pause", "pause", "start nothing new") \
	X(RESUME, "resume", "resume", "go on after a pause") \
	X(AUTONOMY, "autonomy", "autonomy", "who passes the gates: manual, wave or auto") \
	X(MOUSE, "mouse", "mouse", "take the mouse, or leave it to the terminal") \
	X(COPY, "copy", "copy", "copy what is selected to the clipboard") \
	X(THEME, "theme", "theme", "the next theme") \
	X(REDRAW, "redraw", "redraw", "draw the whole screen again") \
	X(SUSPEND, "suspend", "suspend", "back to the shell; fg returns") \
	X(EDIT_ACCEPT, "edit-accept", "run", "take the line as it is") \
	X(EDIT_ABORT, "edit-abort", "abort", "leave the line") \
	X(EDIT_COMPLETE, "edit-complete", "complete", "complete the word") \
	X(EDIT_COMPLETE_BACK, "edit-complete-back", "complete", "the completion before") \
	X(EDIT_OLDER, "edit-older", "history", "the line before in the history") \
	X(EDIT_NEWER, "edit-newer", "history", "the next line in the history") \
	X(EDIT_LEFT, "edit-left", "move", "one character to the left") \
	X(EDIT_RIGHT, "edit-right", "move", "one character to the right") \
	X(EDIT_START, "edit-start", "move", "to the start of the line") \
	X(EDIT_END, "edit-end", "move", "to the end of the line") \
	X(EDIT_DELETE_BACK, "edit-delete-back", "delete", "delete the character before") \
	X(EDIT_DELETE, "edit-delete", "delete", "delete the character under the cursor") \
	X(EDIT_DELETE_WORD, "edit-delete-word", "delete", "delete the word before") \
	X(EDIT_DELETE_START, "edit-delete-start", "delete", "delete up to the start of the line")

enum action {
#define X(id, name, label, help) ACTION_##id,
	ACTIONS(X)
#undef X
	ACTION_COUNT
};

const char *action_name(enum action a);
const char *action_label(enum action a);
const char *action_help(enum action a);
int action_find(const char *name);	/* -1: no such action */

/* Whether the action spends the human's word (approve, sign, waive, permit): the shell asks more of the key then, DESIGN 7. */
int action_is_guarded(enum action a);
int action_is_permit(enum action a);	/* an answer to what the agent asks for: guarded as well, and given in the agent's pane */
int action_is_command(enum action a);	/* ends in a command of the engine, which observers may not give */

#endif
