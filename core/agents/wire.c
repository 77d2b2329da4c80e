/* What any answer of a model API is made of (wire.h). */
#include "core/agents/wire.h"

#include <stdlib.h>

void wire_answer_release(struct wire_answer *a)
{
	for (size_t i = 0; i < a->call_count; i++) {
		struct wire_call *call = &a->calls[i];
		free(call->id);
		free(call->name);
		free(call->arguments);
		free(call->problem);
		json_free(call->args);
	}
	free(a->calls);
	free(a->reason);
	free(a->text);
	free(a->model);
	*a = (struct wire_answer){0};
}
