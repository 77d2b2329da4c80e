/* Where the time goes: not measured yet. */
#include "core/engine/state.h"

void profile_advance(struct engine *e)
{
	(void)e;
}

int profile_is_settled(const struct engine *e)
{
	(void)e;
	return 1;
}

void profile_abort(struct engine *e)
{
	(void)e;
}
