/* Tools that are not there yet say so. Each is replaced by the one of its name. */
#include "core/engine/state.h"

#include "core/base/fence.h"

#define NOT_YET(function) \
	__attribute__((weak)) void function(struct tool_use *u) \
	{ \
		tool_refuse(u, "this skydeck does not have %s yet", u->name); \
	}
NOT_YET(tool_read_file)
NOT_YET(tool_list_files)
NOT_YET(tool_search_code)
NOT_YET(tool_read_source)
NOT_YET(tool_search_literature)
NOT_YET(tool_add_source)

__attribute__((weak)) struct json *tool_untrusted(const char *from, const char *hash, const char *text, size_t n)
{
	struct json *object = json_object();
	struct buf fenced = {0};
	fence_add(&fenced, from, text, n);
	json_put_bool(object, "untrusted", 1);
	json_put_string(object, "from", from);
	if (hash)
		json_put_string(object, "hash", hash);
	json_put_string(object, "text", buf_str(&fenced));
	buf_release(&fenced);
	return object;
}
