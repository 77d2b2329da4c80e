/* What must hold for any bytes that SkyPilot prints or answers; see properties.h. Replayed over its recorded outputs by
 * tests/unit/runners_skypilot_parse_test.c. */
#ifndef TESTS_FUZZ_SKYPILOT_PROPERTIES_H
#define TESTS_FUZZ_SKYPILOT_PROPERTIES_H

#include "core/runners/skypilot_log.h"
#include "core/runners/skypilot_parse.h"
#include "tests/fuzz/properties.h"

static inline const char *skypilot_is_safe(const char *s)
{
	struct buf again = {0};
	MUST(!s || text_is_valid(s, strlen(s)));
	MUST(!s || !text_safe(&again, s, strlen(s), TEXT_LINE));
	buf_release(&again);
	return NULL;
}

/* Any JSON is a list of each kind, or none; what it says is safe to show. */
static inline const char *skypilot_lists_property(const struct json *v)
{
	struct skypilot_vm_list vms = {0};
	struct skypilot_job_list jobs = {0};
	struct skypilot_cost_list costs = {0};
	struct skypilot_info info;
	struct strings clouds = {0};
	const char *broken = NULL;
	skypilot_read_info(&info, v);
	skypilot_read_clouds(&clouds, v);
	skypilot_read_vms(&vms, v);
	skypilot_read_jobs(&jobs, v);
	skypilot_read_costs(&costs, v);
	for (size_t i = 0; i < vms.count && !broken; i++)
		if (!(broken = skypilot_is_safe(vms.at[i].cluster)) && !(broken = skypilot_is_safe(vms.at[i].word)))
			broken = skypilot_is_safe(vms.at[i].event);
	for (size_t i = 0; i < jobs.count && !broken; i++)
		broken = skypilot_is_safe(jobs.at[i].word);
	for (size_t i = 0; i < costs.count && !broken; i++)
		broken = skypilot_is_safe(costs.at[i].cluster);
	for (size_t i = 0; i < clouds.count && !broken; i++)
		broken = skypilot_is_safe(clouds.at[i]);
	const char *texts[] = { info.client, info.server, info.url, info.state };
	for (size_t i = 0; i < sizeof texts / sizeof *texts && !broken; i++)
		broken = skypilot_is_safe(texts[i]);
	skypilot_info_release(&info);
	strings_release(&clouds);
	skypilot_vms_release(&vms);
	skypilot_jobs_release(&jobs);
	skypilot_costs_release(&costs);
	return broken;
}

static inline void skypilot_hear(void *data, enum log_part part, const char *line, size_t n)
{
	buf_putc(data, "TSK"[part]);
	buf_add(data, line, n);
}

/* Wherever the stream is cut, and however it arrives, the log is the same. */
static inline const char *skypilot_log_property(const char *text, size_t len, size_t cut, size_t step)
{
	struct buf at_once = {0}, in_pieces = {0};
	struct skypilot_log one = { .line = skypilot_hear, .data = &at_once }, two = { .line = skypilot_hear, .data = &in_pieces };
	skypilot_log_feed(&one, text, len);
	skypilot_log_end(&one);
	skypilot_log_feed(&two, text, cut < len ? cut : len);
	skypilot_log_restart(&two);
	for (size_t i = 0; i < len; i += step)
		skypilot_log_feed(&two, text + i, len - i < step ? len - i : step);
	skypilot_log_end(&two);
	MUST(at_once.len == in_pieces.len && (!at_once.len || !memcmp(at_once.data, in_pieces.data, at_once.len)));
	MUST(!strcmp(one.finished, two.finished));
	skypilot_log_release(&one);
	skypilot_log_release(&two);
	buf_release(&at_once);
	buf_release(&in_pieces);
	return NULL;
}

/* The first two bytes say where a stream is cut, and in what pieces it comes. */
static inline const char *skypilot_property(const uint8_t *bytes, size_t len)
{
	if (len < 2)
		return NULL;
	char *text = xmalloc(len - 2 ? len - 2 : 1);	/* of its exact size, so that a read past its end is seen */
	size_t n = len - 2;
	memcpy(text, bytes + 2, n);
	struct err says = {0};
	struct json *value;
	enum skypilot_trouble trouble;
	struct skypilot_health health;
	skypilot_explain_output(&says, "x", text, n);
	const char *broken = skypilot_is_safe(says.text);
	skypilot_explain_refusal(&says, "x", text, n);
	skypilot_read_health(&health, 200, text, n, &says);
	skypilot_read_reply(bytes[0] & 1 ? 200 : 500, text, n, "x", &value, &trouble, &says);
	MUST(skypilot_find_job(text, n) >= 0);
	double price = skypilot_find_price(text, n);
	MUST(isnan(price) || price >= 0);
	free(skypilot_config_value(text, n, "endpoint"));
	json_free(value);
	value = skypilot_find_json(text, n);
	if (!broken)
		broken = skypilot_lists_property(value);
	json_free(value);
	if (!broken)
		broken = skypilot_log_property(text, n, (size_t)bytes[0] * n / 255, 1 + bytes[1] % 32);
	free(text);
	return broken;
}

#endif
