/* Settings: every key takes what its type allows and says what is allowed when it does not. */
#include "tests/test.h"

#include <math.h>

#include "core/base/buf.h"
#include "core/data/config.h"

enum type { STRING, CHOICE, LIST, WHOLE, REAL, FLAG };
static const struct {
	const char *section, *key;
	enum type type;
	const char *otherwise, *help;
} keys[] = {
#define X(section, key, type, otherwise, help) { #section, #key, type, otherwise, help },
	CONFIG_KEYS(X)
#undef X
};
enum { KEY_COUNT = sizeof keys / sizeof *keys };

static const char *name_of(size_t i)
{
	static char name[64];
	int is_runner = !strcmp(keys[i].section, "local") || !strcmp(keys[i].section, "sky");
	snprintf(name, sizeof name, "%s%s.%s", is_runner ? "runner." : "", keys[i].section, keys[i].key);
	return name;
}

static void defaults_are_contracts(void **state)
{
	struct config c;
	(void)state;
	config_init(&c);
	assert_string_equal(c.session_autonomy, "manual");
	assert_true(c.session_vetowindow == 60 && c.session_wave == 4 && c.session_budget == 30);
	assert_int_equal(config_timeout(&c, "build"), 1800);
	assert_int_equal(config_timeout(&c, "checks"), 300);
	assert_int_equal(config_timeout(&c, "measure"), 300);
	assert_int_equal(c.target_maxlines, 400);
	assert_int_equal(c.local_slots, 1);
	assert_true(c.local_sandbox && c.ui_animations && !c.target_incremental);
	assert_true(c.sky_vms == 4 && c.sky_autostop == 10);
	assert_string_equal(c.target_direction, "higher");
	assert_null(c.target_measure);
	assert_int_equal(c.target_scope.count, 0);
	config_release(&c);
}

/* Texts that a machine reads have a form of their own. */
static const char *good_text(const char *name)
{
	return !strcmp(name, "runner.sky.cpus") ? "4+" : !strcmp(name, "runner.sky.memory") ? "16GB" : "x y";
}

/* What is a good and a bad value follows from the type; a bad one is named with its key, and nothing is taken over. */
static void every_key_is_checked(void **state)
{
	static const char *const good[] = { NULL, NULL, "src/*.c", "3", "0.5", "yes" };
	static const char *const bad[] = { NULL, "no-such-word", NULL, "-3", "much", "maybe" };
	static const char *const allowed[] = { NULL, "it must be ", NULL, "whole number", "number", "true or false" };
	struct config c;
	struct err err;
	(void)state;
	config_init(&c);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		char word[64];
		snprintf(word, sizeof word, "%.*s", (int)strcspn(keys[i].help, "|:"), keys[i].help);
		const char *value = keys[i].type == CHOICE ? word : keys[i].type == STRING ? good_text(name_of(i)) : good[keys[i].type];
		assert_ok(config_set(&c, name_of(i), value, &err), &err);
		if (!bad[keys[i].type])
			continue;
		assert_error(config_set(&c, name_of(i), bad[keys[i].type], &err), &err, allowed[keys[i].type]);
		assert_non_null(strstr(err.text, keys[i].key));
		assert_non_null(strstr(err.text, bad[keys[i].type]));
	}
	assert_true(c.session_wave == 3 && c.session_budget == 0.5 && c.target_incremental == 1);
	assert_string_equal(c.target_measure, "x y");
	config_release(&c);
}

static void choices_are_the_words_of_their_help(void **state)
{
	static const char *const words[] = { "manual", "wave", "auto" };
	struct config c;
	struct err err;
	(void)state;
	config_init(&c);
	for (size_t i = 0; i < 3; i++) {
		assert_ok(config_set(&c, "session.autonomy", words[i], &err), &err);
		assert_string_equal(c.session_autonomy, words[i]);
	}
	assert_error(config_set(&c, "session.autonomy", "Auto", &err), &err, "manual|wave|auto");
	assert_error(config_set(&c, "session.autonomy", "", &err), &err, "manual|wave|auto");
	assert_error(config_set(&c, "session.autonomy", "manual|wave", &err), &err, "manual|wave|auto");
	assert_string_equal(c.session_autonomy, "auto");
	config_release(&c);
}

static void numbers_are_strict(void **state)
{
	static const char *const bad_wholes[] = { "3x", "1.5", "0x10 ", "99999999999999999999", " " };
	static const char *const bad_reals[] = { "nan", "inf", "1e999", "-0.5", "5 %" };
	struct config c;
	struct err err;
	(void)state;
	config_init(&c);
	for (size_t i = 0; i < 5; i++)
		assert_error(config_set(&c, "target.maxlines", bad_wholes[i], &err), &err, "whole number");
	for (size_t i = 0; i < 5; i++)
		assert_error(config_set(&c, "session.budget", bad_reals[i], &err), &err, "number");
	assert_int_equal(c.target_maxlines, 400);
	assert_true(c.session_budget == 30);
	assert_ok(config_set(&c, "judge.mineffect", "0.5%", &err), &err);
	assert_true(fabs(c.judge_mineffect - 0.005) < 1e-12);
	config_release(&c);
}

static void a_wave_is_one_to_four(void **state)
{
	struct config c;
	struct err err;
	(void)state;
	config_init(&c);
	assert_ok(config_set(&c, "session.wave", "1", &err), &err);
	assert_error(config_set(&c, "session.wave", "5", &err), &err, "1 to 4");
	assert_error(config_set(&c, "session.wave", "0", &err), &err, "1 to 4");
	config_release(&c);
}

static void machines_are_asked_for_in_skypilots_words(void **state)
{
	static const struct {
		const char *name, *good[6], *bad[10], *allowed;
	} all[] = {
		{ "runner.sky.cpus", { "4", "4+", "0.5", "", "16" }, { "four", "0", "-2", "4++", "+", "4GB", "0x10", "nan", "1e2" }, "or 4+ for at least" },
		{ "runner.sky.memory", { "4", "4+", "16GB", "16gb+", "0.5" }, { "much", "0", "-1", "16 GB", "16XB", "16+GB", "3x", ".", "16B" }, "16GB" },
		{ "runner.sky.infra", { "aws", "slurm/local/debug", "k8s/arn:aws:eks:eu:1:cluster/a_b@c", "*/us-east-1" },
			{ "aws, gcp", "aws gcp", "aws,gcp", "$(reboot)" }, "repeat the key" },
		{ "runner.sky.vms", { "1", "64" }, { "0", "", "257" }, "1 to 256" },
		{ "runner.sky.autostop", { "1", "60" }, { "0", "", "10081" }, "minutes" },
		{ "runner.sky.retries", { "0", "5" }, { "-1", "often" }, "whole number" },
		{ "runner.sky.replacements", { "0", "5" }, { "-1", "1.5" }, "whole number" },
		{ "runner.sky.maxhourly", { "0", "2.5" }, { "-1", "$3" }, "number" },
	};
	struct config c;
	struct err err;
	(void)state;
	config_init(&c);
	assert_true(c.sky_retries == 2 && c.sky_replacements == 4 && !c.sky_infra.count);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		for (size_t k = 0; k < 6 && all[i].good[k]; k++)
			assert_ok(config_set(&c, all[i].name, all[i].good[k], &err), &err);
		for (size_t k = 0; k < 10 && all[i].bad[k]; k++)
			assert_error(config_set(&c, all[i].name, all[i].bad[k], &err), &err, all[i].allowed);
	}
	config_release(&c);
}

static void places_repeat(void **state)
{
	struct config c;
	struct err err;
	(void)state;
	config_init(&c);
	assert_ok(config_set(&c, "runner.sky.infra", "aws/us-east-1", &err), &err);
	assert_ok(config_set(&c, "runner.sky.infra", "gcp", &err), &err);
	assert_int_equal(c.sky_infra.count, 2);
	assert_string_equal(c.sky_infra.at[0], "aws/us-east-1");
	assert_string_equal(c.sky_infra.at[1], "gcp");
	config_release(&c);
}

static void lists_repeat_and_texts_replace(void **state)
{
	struct config c;
	struct err err;
	(void)state;
	config_init(&c);
	assert_ok(config_set(&c, "target.scope", "src", &err), &err);
	assert_ok(config_set(&c, "target.scope", "include", &err), &err);
	assert_ok(config_set(&c, "target.scope", "", &err), &err);
	assert_int_equal(c.target_scope.count, 2);
	assert_ok(config_set(&c, "target.build", "make", &err), &err);
	assert_ok(config_set(&c, "target.build", "ninja", &err), &err);
	assert_string_equal(c.target_build, "ninja");
	assert_ok(config_set(&c, "target.build", "", &err), &err);
	assert_null(c.target_build);
	config_release(&c);
}

static void agents_sources_and_keys_have_names(void **state)
{
	struct config c;
	struct err err;
	(void)state;
	config_init(&c);
	assert_null(config_agent_find(&c, NULL));
	assert_ok(config_set(&c, "agent.my.ideas.kind", "patches", &err), &err);	/* a name may hold dots */
	assert_ok(config_set(&c, "agent.my.ideas.dir", "../ideas", &err), &err);
	assert_ok(config_set(&c, "agent.my.ideas.budget", "2.5", &err), &err);
	const struct config_agent *a = config_agent_find(&c, NULL);
	assert_non_null(a);
	assert_string_equal(a->name, "my.ideas");
	assert_string_equal(a->dir, "../ideas");
	assert_true(a->budget == 2.5);
	assert_true(a->replies == 40 && a->calls == 80 && a->minutes == 30 && a->tokens == 16000 && !a->turns && !a->env.count);
	assert_ok(config_set(&c, "agent.my.ideas.env", "A_1", &err), &err);
	assert_ok(config_set(&c, "agent.my.ideas.env", "B", &err), &err);
	assert_error(config_set(&c, "agent.my.ideas.env", "A=1", &err), &err, "name of a variable");
	assert_int_equal(config_agent_find(&c, NULL)->env.count, 2);
	assert_ok(config_set(&c, "agent.other.kind", "chat", &err), &err);
	assert_null(config_agent_find(&c, NULL));	/* two: it must be said which */
	assert_ptr_equal(config_agent_find(&c, "other"), &c.agents[1]);
	assert_ok(config_set(&c, "source.library.url", "lib", &err), &err);
	assert_string_equal(c.sources[0].url, "lib");
	assert_ok(config_set(&c, "keys.review.approve", "A", &err), &err);
	assert_ok(config_set(&c, "keys.review.approve", "<C-a>", &err), &err);
	assert_int_equal(c.binding_count, 2);
	assert_string_equal(c.bindings[1].key, "<C-a>");
	config_release(&c);
}

static void wrong_names_say_what_is_allowed(void **state)
{
	static const struct { const char *name, *value, *says; } wrong[] = {
		{ "session.autonmy", "auto", "autonomy agent reader runner" },
		{ "target.frob", "1", "measure checks" },
		{ "sesion.wave", "4", "the sections are" },
		{ "wave", "4", "the sections are" },
		{ "local.slots", "2", "the sections are" },
		{ "runner.moon.slots", "2", "the sections are" },
		{ "runner.local.slts", "2", "slots cpus sandbox" },
		{ "agent.x.kind", "oracle", "patches|api|chat|acp" },
		{ "agent.x.colour", "red", "kind dir command url model" },
		{ "agent.x.budget", "much", "number" },
		{ "source.x.kind", "oracle", "folder|arxiv" },
		{ "source.x.path", "lib", "kind url keyenv" },
	};
	struct config c;
	struct err err;
	(void)state;
	config_init(&c);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_error(config_set(&c, wrong[i].name, wrong[i].value, &err), &err, wrong[i].says);
	config_release(&c);
}

/* git-config(1): a key without "=" is read as "true" before it comes here. */
static void an_empty_flag_is_false(void **state)
{
	struct config c;
	struct err err;
	(void)state;
	config_init(&c);
	assert_ok(config_set(&c, "ui.mouse", "1", &err), &err);
	assert_ok(config_set(&c, "ui.mouse", "", &err), &err);
	assert_ok(config_set(&c, "ui.animations", "OFF", &err), &err);
	assert_ok(config_set(&c, "ui.ascii", "True", &err), &err);
	assert_int_equal(c.ui_mouse, 0);
	assert_int_equal(c.ui_animations, 0);
	assert_int_equal(c.ui_ascii, 1);
	config_release(&c);
}

static void the_description_names_every_key(void **state)
{
	struct buf out = {0};
	(void)state;
	config_describe(&out);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		char line[400];
		snprintf(line, sizeof line, "%s\t%s\t%s\n", name_of(i), keys[i].otherwise, keys[i].help);
		assert_non_null(strstr(buf_str(&out), line));
	}
	assert_non_null(strstr(buf_str(&out), "\nagent.NAME.kind\t\tpatches|api|chat|acp: "));
	assert_non_null(strstr(buf_str(&out), "\nagent.NAME.tokens\t16000\t"));
	assert_non_null(strstr(buf_str(&out), "\nsource.NAME.keyenv\t\t"));
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_contracts),
		cmocka_unit_test(every_key_is_checked),
		cmocka_unit_test(choices_are_the_words_of_their_help),
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(a_wave_is_one_to_four),
		cmocka_unit_test(machines_are_asked_for_in_skypilots_words),
		cmocka_unit_test(places_repeat),
		cmocka_unit_test(lists_repeat_and_texts_replace),
		cmocka_unit_test(agents_sources_and_keys_have_names),
		cmocka_unit_test(wrong_names_say_what_is_allowed),
		cmocka_unit_test(an_empty_flag_is_false),
		cmocka_unit_test(the_description_names_every_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
