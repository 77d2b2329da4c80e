/* Names, labels and help of the actions, all from the one list in the header. */
#include "tui/action.h"

#include <assert.h>
#include <string.h>

static const struct {
	const char *name, *label, *help;
} actions[ACTION_COUNT] = {
#define X(id, name, label, help) { name, label, help },
	ACTIONS(X)
#undef X
};

const char *action_name(enum action a)
{
	assert(a < ACTION_COUNT);
	return actions[a].name;
}

const char *action_label(enum action a)
{
	assert(a < ACTION_COUNT);
	return actions[a].label;
}

const char *action_help(enum action a)
{
	assert(a < ACTION_COUNT);
	return actions[a].help;
}

int action_find(const char *name)
{
	for (int i = 0; i < ACTION_COUNT; i++)
		if (!strcmp(actions[i].name, name))
			return i;
	return -1;
}

int action_is_command(enum action a)
{
	switch (a) {
	case ACTION_VETO: case ACTION_REVISE: case ACTION_COMMENT: case ACTION_RETRY: case ACTION_CANCEL: case ACTION_STEER:
	case ACTION_QUARANTINE: case ACTION_RELEASE: case ACTION_REPLACE: case ACTION_SHUT_DOWN:
	case ACTION_ADD: case ACTION_DROP: case ACTION_QUEUE: case ACTION_NOTE: case ACTION_MOVE_UP: case ACTION_MOVE_DOWN: case ACTION_STOP_TURN:
	case ACTION_PAUSE: case ACTION_RESUME: case ACTION_AUTONOMY:
		return 1;
	default:
		return action_is_guarded(a);
	}
}

int action_is_permit(enum action a)
{
	return a == ACTION_PERMIT || a == ACTION_PERMIT_ALWAYS || a == ACTION_REFUSE || a == ACTION_REFUSE_ALWAYS;
}

int action_is_guarded(enum action a)
{
	return a == ACTION_APPROVE || a == ACTION_SIGN || a == ACTION_WAIVE || action_is_permit(a);
}
