/* What doctor says of a target's VMs, with a `sky` that answers as a real one did, or as badly as one might. */
#include "tests/test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/cli/vms.h"

static char folder[256], *path_before;
static struct target target;

static void write_file(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, 0755);
	free(path);
}

static char *read_file(const char *name)
{
	struct buf text = {0};
	char *path = xasprintf("%s/%s", folder, name);
	buf_read_file(&text, path, 1 << 20);
	free(path);
	return buf_take(&text);
}

/* Answers with the file of the command's name; ends with what stands in NAME.exit. What it was asked goes to `asked`. A
 * cluster that was taken down is not in the next status. */
static const char fake_sky[] =
	"#!/bin/sh\n"
	"cd \"${0%/*}\" || exit 99\n"
	"echo \"$* ${SKYPILOT_DISABLE_LOCAL_API_SERVER:-starts}\" >>asked\n"
	"cat \"$1\"\n"
	"[ ! -e \"$1.then\" ] || mv \"$1.then\" status\n"
	"[ ! -e \"$1.exit\" ] || exit \"$(cat \"$1.exit\")\"\n";

static const char info[] = "{\n  \"client\": {\n    \"version\": \"0.14.1\"\n  },\n  \"server\": {\n    \"url\": \"http://127.0.0.1:46580\",\n"
			   "    \"status\": \"healthy\",\n    \"version\": \"0.14.1\"\n  },\n  \"user\": \"user\"\n}\n";
static const char clouds[] = "{\n  \"default\": {\n    \"Slurm\": [\n      \"compute\"\n    ],\n    \"AWS\": [\n      \"compute\"\n    ]\n  }\n}\n";
static const char vms[] = "Fetching something\n\033[2mand more\033[0m\n[\n  {\n    \"name\": \"k-w1\",\n    \"status\": \"UP\",\n    \"launched_at\": 1000\n  },\n"
			  "  {\n    \"name\": \"other\",\n    \"status\": \"UP\",\n    \"launched_at\": 1000\n  },\n"
			  "  {\n    \"name\": \"k-w2\",\n    \"status\": \"NEW\\u001b[31mWORD\",\n    \"launched_at\": null\n  }\n]\nthat was all\n";
static const char costs[] = "[\n  {\n    \"name\": \"k-w1\",\n    \"status\": \"UP\",\n    \"duration\": 1800,\n    \"total_cost\": 0.25\n  },\n"
			    "  {\n    \"name\": \"k-w1\",\n    \"status\": \"TERMINATED\",\n    \"duration\": 10,\n    \"total_cost\": 77\n  }\n]\n";

static int setup(void **state)
{
	(void)state;
	static int number;
	char name[32], *path;
	snprintf(name, sizeof name, "vms%d", ++number);
	test_path(folder, sizeof folder, name);
	char *make = xasprintf("mkdir -p %s/.skydeck/sessions/a/sky %s/.skydeck/sessions/b/sky %s/.skydeck/sessions/c", folder, folder, folder);
	assert_int_equal(system(make), 0);
	free(make);
	write_file("sky", fake_sky);
	write_file("api", info);
	write_file("check", clouds);
	write_file("status", vms);
	write_file("cost-report", costs);
	write_file("down", "Terminating\n");
	path_before = xstrdup(getenv("PATH"));
	path = xasprintf("%s:%s", folder, path_before);
	setenv("PATH", path, 1);
	free(path);
	target = (struct target){ xstrdup(folder), xasprintf("%s/.skydeck", folder) };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	setenv("PATH", path_before, 1);
	free(path_before);
	target_release(&target);
	return 0;
}

static const struct finding *find(const struct findings *f, const char *what, const char *part)
{
	struct buf all = {0};
	for (size_t i = 0; i < f->count; i++) {
		if (!strcmp(f->at[i].what, what) && strstr(f->at[i].text, part))
			return buf_release(&all), &f->at[i];
		buf_printf(&all, "\n  %s: %s", f->at[i].what, f->at[i].text);
	}
	fail_msg("nobody says \"%s\" of %s, but:%s", part, what, buf_str(&all));
	return NULL;
}

static void lists_of_all_sessions_count(void **state)
{
	struct strings names = {0};
	struct findings f = {0};
	(void)state;
	write_file(".skydeck/sessions/b/sky/clusters", "k-w2\n\nk-w1\n-rf\nno way\n");
	write_file(".skydeck/sessions/a/sky/clusters", "k-w1\nk-w3");
	vms_noted(&target, &names, &f);
	assert_int_equal(names.count, 3);
	assert_string_equal(names.at[0], "k-w1");
	assert_string_equal(names.at[2], "k-w3");
	assert_int_equal(f.count, 2);
	assert_int_equal(find(&f, "VMs", "\"-rf\" in ")->state, FINDING_WARNING);
	findings_release(&f);
	strings_release(&names);
}

static void look(const char *noted, int holder, struct strings *up, struct findings *f)
{
	struct strings names = {0};
	write_file(".skydeck/sessions/a/sky/clusters", noted);
	vms_noted(&target, &names, f);
	vms_look(&names, holder, up, f);
	strings_release(&names);
}

static void what_runs_without_an_engine_costs_money(void **state)
{
	struct strings up = {0};
	struct findings f = {0};
	(void)state;
	look("k-w1\nk-w2\nk-w3\n", 0, &up, &f);
	assert_int_equal(find(&f, "sky", "SkyPilot 0.14.1")->state, FINDING_OK);
	assert_int_equal(find(&f, "clouds", "enabled: Slurm, AWS")->state, FINDING_OK);
	const struct finding *costly = find(&f, "VMs", "k-w1 is UP, launched ");
	assert_int_equal(costly->state, FINDING_ERROR);
	assert_non_null(strstr(costly->text, "$0.50 an hour, $0.25 so far; k-w2 is NEWWORD: they cost money"));
	assert_string_equal(costly->remedy, "sky down -y k-w1 k-w2");
	assert_null(strstr(costly->text, "other"));
	assert_int_equal(up.count, 2);
	char *asked = read_file("asked");
	assert_non_null(strstr(asked, "status -o json 1"));
	assert_null(strstr(asked, "starts"));		/* nothing that looks may start a server */
	free(asked);
	findings_release(&f);
	strings_release(&up);
}

static void an_engine_looks_after_its_own(void **state)
{
	struct strings up = {0};
	struct findings f = {0};
	(void)state;
	look("k-w1\n", 1, &up, &f);
	assert_int_equal(find(&f, "VMs", "k-w1 is UP")->state, FINDING_OK);
	findings_release(&f);
	strings_release(&up);
}

static void what_nobody_can_tell_is_not_taken_for_gone(void **state)
{
	static const struct {
		const char *file, *answer, *exit, *what, *says;
	} cases[] = {
		{ "api", "No SkyPilot API server is connected\n", "0", "sky", "does not answer" },
		{ "status", "Traceback (most recent call last):\n  File\nRuntimeError: \033[31mboom\033[0m\n\n", "1", "sky", "sky status: boom" },
		{ "status", "[\n  {\n    \"name\": \"k-", "0", "sky", "sky status: it answers in a shape that is not known" },
		{ "status", "{\"detail\":\"no\"}\n", "0", "sky", "sky status: it answers in a shape that is not known" },
		{ "status", "", "3", "sky", "sky status: it failed, and says nothing" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct strings up = {0};
		struct findings f = {0};
		char *name = xasprintf("%s.exit", cases[i].file);
		write_file("api", info);
		write_file(cases[i].file, cases[i].answer);
		write_file(name, cases[i].exit);
		look("k-w1\nk-w2\n", 0, &up, &f);
		find(&f, cases[i].what, cases[i].says);
		const struct finding *unknown = find(&f, "VMs", "k-w1, k-w2: nobody answers whether they still run and cost money");
		assert_int_equal(unknown->state, FINDING_ERROR);
		assert_string_equal(unknown->remedy, "sky down -y k-w1 k-w2");
		assert_int_equal(up.count, 0);
		free(name);
		findings_release(&f);
		strings_release(&up);
	}
}

static void a_missing_sky_and_no_cloud_are_errors(void **state)
{
	struct strings up = {0};
	struct findings f = {0};
	(void)state;
	write_file("check", "{}\n");
	look("", 0, &up, &f);
	assert_int_equal(find(&f, "clouds", "no cloud is enabled")->state, FINDING_ERROR);
	assert_int_equal(find(&f, "VMs", "none of this target's is up")->state, FINDING_OK);
	findings_release(&f);
	setenv("PATH", "/nowhere", 1);
	look("k-w1\n", 0, &up, &f);
	assert_non_null(strstr(find(&f, "sky", "sky")->remedy, "install SkyPilot"));
	assert_int_equal(find(&f, "VMs", "k-w1: nobody answers whether it still runs")->state, FINDING_ERROR);
	findings_release(&f);
	strings_release(&up);
}

static void down_says_what_became_of_each(void **state)
{
	struct strings names = {0};
	struct findings f = {0};
	(void)state;
	write_file(".skydeck/sessions/a/sky/clusters", "k-w1\nk-w2\n");
	write_file(".skydeck/sessions/b/sky/clusters", "k-w2\nk-w3\n");
	write_file("down.then", "[\n  {\n    \"name\": \"k-w2\"\n  }\n]\n");
	vms_noted(&target, &names, &f);
	vms_down(&target, &names, &f);
	assert_int_equal(find(&f, "down", "k-w1 is down")->state, FINDING_OK);
	assert_int_equal(find(&f, "down", "k-w2 is still there")->state, FINDING_ERROR);
	assert_string_equal(find(&f, "down", "k-w2 is still there")->remedy, "sky down -y k-w2");
	assert_int_equal(find(&f, "down", "k-w3 is down")->state, FINDING_OK);
	char *a = read_file(".skydeck/sessions/a/sky/clusters"), *b = read_file(".skydeck/sessions/b/sky/clusters"), *asked = read_file("asked");
	assert_string_equal(a, "k-w2\n");
	assert_string_equal(b, "k-w2\n");
	assert_non_null(strstr(asked, "down -y k-w1 k-w2 k-w3 starts"));	/* a local server that sleeps is started: it alone knows them */
	free(a);
	free(b);
	free(asked);
	findings_release(&f);
	strings_release(&names);
}

static void a_down_that_fails_strikes_nothing(void **state)
{
	struct strings names = {0};
	struct findings f = {0};
	(void)state;
	write_file(".skydeck/sessions/a/sky/clusters", "k-w1\n");
	write_file("status", "no server\n");
	write_file("status.exit", "1");
	vms_noted(&target, &names, &f);
	vms_down(&target, &names, &f);
	assert_int_equal(find(&f, "down", "k-w1 may still run and cost money: sky status: no server")->state, FINDING_ERROR);
	char *a = read_file(".skydeck/sessions/a/sky/clusters");
	assert_string_equal(a, "k-w1\n");
	free(a);
	findings_release(&f);
	strings_release(&names);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(lists_of_all_sessions_count),
		T(what_runs_without_an_engine_costs_money),
		T(an_engine_looks_after_its_own),
		T(what_nobody_can_tell_is_not_taken_for_gone),
		T(a_missing_sky_and_no_cloud_are_errors),
		T(down_says_what_became_of_each),
		T(a_down_that_fails_strikes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
