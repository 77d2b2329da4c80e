/* SkyPilot's words: every reader against what SkyPilot 0.14.1 really printed and answered (tests/sky-lab/fixtures), and
 * against what it might. */
#include "core/runners/skypilot_parse.h"

#include "tests/test.h"

#include <dirent.h>
#include <math.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/runners/skypilot_log.h"
#include "tests/fuzz/skypilot_properties.h"

#define FIXTURES "tests/sky-lab/fixtures/"

static struct buf fixture(const char *name)
{
	struct buf b = {0};
	char *path = xasprintf(FIXTURES "%s", name);
	if (buf_read_file(&b, path, 1 << 20))
		fail_msg("cannot read %s", path);
	free(path);
	return b;
}

/* A recorded answer: its status, and b its body. */
static int recorded(const char *name, struct buf *b)
{
	char *file = xasprintf("rest/%s.http", name);
	int status = 0;
	*b = fixture(file);
	sscanf(b->data, "HTTP/1.1 %d", &status);
	const char *body = strstr(b->data, "\r\n\r\n");
	buf_consume(b, (size_t)(body + 4 - b->data));
	free(file);
	return status;
}

/* stdout and stderr of a recorded command, as one. */
static struct buf printed(const char *name)
{
	char *out = xasprintf("cli/%s.stdout", name), *err = xasprintf(FIXTURES "cli/%s.stderr", name);
	struct buf b = fixture(out);
	buf_read_file(&b, err, 1 << 20);
	free(out);
	free(err);
	return b;
}

/* --- failures -------------------------------------------------------------------------------------------------------- */

static void explains_recorded_failures(void **state)
{
	(void)state;
	static const struct { const char *name; enum skypilot_trouble trouble; const char *says; } cases[] = {
		{ "launch-infeasible-cpus", SKYPILOT_INFEASIBLE, "WHAT: Catalog does not contain any instances satisfying the request: 1x Slurm(cpus=64, region=local)." },
		{ "launch-infeasible-gpu", SKYPILOT_INFEASIBLE, "WHAT: Catalog does not contain any instances satisfying the request: 1x Slurm({'H100': 9}, region=local)." },
		{ "launch-unknown-gpu", SKYPILOT_INFEASIBLE, "WHAT: Catalog does not contain any instances satisfying the request: 1x Slurm({'Z9000': 1}, region=local)." },
		{ "launch-unknown-infra", SKYPILOT_INFEASIBLE, "WHAT: Cluster nowhere not found in Slurm config. Slurm only supports cluster names as regions. Available clusters: ['local']" },
		{ "yaml-syntax-error", SKYPILOT_BAD_TASK, "WHAT: YAML Error: while parsing a flow mapping in \"bad-syntax.yaml\", line 2, column 12 did not find expected ',' or '}' in \"bad-syntax.yaml\", line 3, column 4" },
		{ "yaml-missing-file", SKYPILOT_BAD_TASK, "WHAT: 'nosuch.yaml' looks like a yaml path but does not exist. Please check if the path is correct." },
		{ "yaml-unknown-field", SKYPILOT_BAD_TASK, "WHAT: Invalid task YAML: Instead of 'resourcs', did you mean 'resources'?" },
		{ "exec-missing-cluster", SKYPILOT_GONE, "WHAT: Cluster 'nope' does not exist." },
		{ "logs-missing-cluster", SKYPILOT_GONE, "WHAT: Cluster 'nope' does not exist." },
		{ "queue-missing", SKYPILOT_GONE, "WHAT: Cluster 'nope' does not exist. {}" },
		{ "cancel-missing-cluster", SKYPILOT_GONE, "WHAT: Cluster 'nope' does not exist." },
		{ "server-down-no-autostart", SKYPILOT_NO_SERVER, "WHAT: No SkyPilot API server endpoint is configured, and starting a local API server on this machine is disabled (SKYPILOT_DISABLE_LOCAL_API_SERVER=1). To connect to a SkyPilot API server, run: sky api login -e <endpoint>" },
		{ "server-down-other-endpoint", SKYPILOT_NO_SERVER, "WHAT: Could not connect to SkyPilot API server at http://127.0.0.1:46999. Please ensure that the server is running. Try: curl http://127.0.0.1:46999/api/health" },
		{ "usage-error", SKYPILOT_VERSION, "WHAT: No such option: --no-such-option Did you mean --no-use-spot?" },
		{ "launch-setup-fails", SKYPILOT_SETUP_FAILED, NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = printed(cases[i].name);
		struct err says;
		enum skypilot_trouble trouble = skypilot_explain_output(&says, "WHAT", b.data, b.len);
		if (trouble != cases[i].trouble)
			fail_msg("%s is taken for %d: %s", cases[i].name, trouble, says.text);
		if (cases[i].says)
			assert_string_equal(says.text, cases[i].says);
		buf_release(&b);
	}
}

static void explains_other_failures(void **state)
{
	(void)state;
	static const struct { const char *output; enum skypilot_trouble trouble; const char *part; } cases[] = {
		{ "W: Quota exceeded for quota 'CPUS' in us-central1\nsky.exceptions.ResourcesUnavailableError: Failed to provision all possible launchable resources.\n",
		  SKYPILOT_QUOTA, "Quota exceeded for quota 'CPUS'" },
		{ "sky.exceptions.ResourcesUnavailableError: VcpuLimitExceeded: You have requested more vCPU capacity than your current limit\n", SKYPILOT_QUOTA, "more vCPU" },
		{ "sky.exceptions.ClusterOwnerIdentityMismatchError: w1 (aws) is owned by account ['x'], but the active account is ['y'].\n", SKYPILOT_NOT_OURS, "is owned by" },
		{ "sky.exceptions.NoCloudAccessError: No cloud access is set up. Run: sky check\n", SKYPILOT_NO_CLOUD, "No cloud access" },
		{ "ValueError: Task requires AWS which is not enabled. Run sky check\n", SKYPILOT_NO_CLOUD, "AWS" },
		{ "sky.exceptions.ApiServerAuthenticationError: Authentication required for SkyPilot API server at http://h. Please run:\n  sky api login -e http://h\n", SKYPILOT_NO_LOGIN, "sky api login" },
		{ "RuntimeError: \033[33mYour SkyPilot client version is too old: 0.9\033[0m\n", SKYPILOT_VERSION, "too old" },
		{ "something new\033[31m happened\n", SKYPILOT_OTHER, "WHAT: something new happened" },
		{ "", SKYPILOT_OTHER, "says nothing" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err says;
		enum skypilot_trouble trouble = skypilot_explain_output(&says, "WHAT", cases[i].output, strlen(cases[i].output));
		if (trouble != cases[i].trouble || !strstr(says.text, cases[i].part))
			fail_msg("%s is taken for %d: %s", cases[i].output, trouble, says.text);
	}
}

static void sees_that_nothing_was_done(void **state)
{
	(void)state;
	static const struct { const char *name; enum skypilot_trouble trouble; const char *part; } cases[] = {
		{ "autostop-unsupported", SKYPILOT_UNSUPPORTED, "Autostop is not supported on Slurm" },
		{ "stop-unsupported", SKYPILOT_UNSUPPORTED, "not supported for slurm" },
		{ "down", SKYPILOT_NONE, "" }, { "down-missing-cluster", SKYPILOT_NONE, "" }, { "down-after-cancelled-launch", SKYPILOT_NONE, "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = printed(cases[i].name);
		struct err says = {0};
		assert_int_equal(skypilot_explain_refusal(&says, "WHAT", b.data, b.len), cases[i].trouble);
		assert_non_null(strstr(says.text, cases[i].part));
		buf_release(&b);
	}
	struct err says;
	static const char failed[] = "Terminating cluster w1...failed. \nReason: [sky.exceptions.ClusterOwnerIdentityMismatchError] w1 is owned by account x.\nCluster(s) failed. See details above.\n";
	assert_int_equal(skypilot_explain_refusal(&says, "WHAT", failed, sizeof failed - 1), SKYPILOT_NOT_OURS);
}

/* A remedy for each, and words of a hostile server are shown, not done. */
static void says_safe_things(void **state)
{
	(void)state;
	struct err says;
	skypilot_explain(&says, "WHAT", "Evil\033]0;x\a", "\033[2J\xe2\x80\xae\nx\r\ny");
	assert_true(text_is_valid(says.text, strlen(says.text)));
	assert_null(strpbrk(says.text, "\033\n\r\a"));
	assert_string_equal(skypilot_remedy(SKYPILOT_NO_SERVER), "start its API server: sky api start");
	assert_string_equal(skypilot_remedy((enum skypilot_trouble)99), "");
	assert_true(skypilot_is_passing(SKYPILOT_NO_SERVER) && !skypilot_is_passing(SKYPILOT_BAD_TASK));
}

/* --- what actions say ------------------------------------------------------------------------------------------------ */

static void finds_the_job(void **state)
{
	(void)state;
	static const struct { const char *name; long job; } cases[] = { { "launch", 1 }, { "exec-detach", 8 }, { "launch-dryrun", 0 } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = printed(cases[i].name);
		assert_int_equal(skypilot_find_job(b.data, b.len), cases[i].job);
		buf_release(&b);
	}
}

static double price(const char *table)
{
	return skypilot_find_price(table, strlen(table));
}

static void finds_the_price(void **state)
{
	(void)state;
	struct buf b = printed("launch-dryrun");
	assert_true(skypilot_find_price(b.data, b.len) == 0.1);
	buf_release(&b);
	assert_true(price(" INFRA        INSTANCE    vCPUs   GPUS   COST ($)   CHOSEN\n"
			  " GCP (us-a)   n2-std-2    2       -      0.09               \n"
			  " AWS (us-b)   m6i.large   2       -      1,234.50      \xe2\x9c\x94\n") == 1234.5);
	assert_true(price("| CLOUD | \xe6\x97\xa5\xe6\x9c\xac | COST ($) | CHOSEN |\n| AWS   | x    |     2.50 | \xe2\x9c\x94 |\n") == 2.5);	/* wide characters, right-aligned */
	assert_true(price(" INFRA  COST ($)\n AWS    0.50\n") == 0.5);		/* the only one is the chosen one */
	assert_true(isnan(price(" INFRA  COST ($)\n AWS    0.50\n GCP    0.70\n")));
	assert_true(isnan(price(" INFRA  COST ($)  CHOSEN\n AWS    -         \xe2\x9c\x94\n")));
	assert_true(isnan(price("no table")));
}

static void finds_json_among_lines(void **state)
{
	(void)state;
	static const char *const names[] = { "status", "status-missing", "status-empty", "status-refresh", "queue", "queue-missing", "queue-two",
					     "cost-report", "server-down-autostart", "api-info", "check", "gpus-list" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct buf b = printed(names[i]);
		struct json *v = skypilot_find_json(b.data, b.len);
		if (!v)
			fail_msg("%s: no JSON is found", names[i]);
		json_free(v);
		buf_release(&b);
	}
	static const char noise[] = "[sky] a notice\n{half\n\033[2mdim\033[0m\n{\"a\":\"]}\\\"\"} trailing\nHint: {x}\n";
	struct json *v = skypilot_find_json(noise, sizeof noise - 1);
	assert_string_equal(json_string(json_get(v, "a"), ""), "]}\"");
	json_free(v);
	struct buf b = printed("server-down-api-info");
	assert_null(skypilot_find_json(b.data, b.len));
	buf_release(&b);
}

/* --- what the server says -------------------------------------------------------------------------------------------- */

static int health(const char *body, int status, struct err *err)
{
	struct skypilot_health h;
	return skypilot_read_health(&h, status, body, strlen(body), err);
}

static void reads_health(void **state)
{
	(void)state;
	struct skypilot_health h;
	struct err err;
	struct buf b;
	int status = recorded("health", &b);
	assert_ok(skypilot_read_health(&h, status, b.data, b.len, &err), &err);
	assert_int_equal(h.api_version, 62);
	assert_string_equal(h.version, "0.14.1");
	buf_release(&b);
	assert_ok(health("{\"api_version\":24,\"version\":\"0.11.0\"}", 200, &err), &err);
	assert_error(health("{\"api_version\":\"23\"}", 200, &err), &err, "too old");
	assert_error(health("{\"api_version\":\"62x\"}", 200, &err), &err, "unknown version");
	assert_error(health("<html>", 200, &err), &err, "not JSON");
	assert_error(health("", 401, &err), &err, "login");
	static const char evil[] = "{\"api_version\":62,\"version\":\"1\\r\\nX: y\"}";
	assert_ok(skypilot_read_health(&h, 200, evil, sizeof evil - 1, &err), &err);
	assert_string_equal(h.version, "");
}

static void reads_replies(void **state)
{
	(void)state;
	static const struct { const char *name; enum skypilot_reply reply; enum skypilot_trouble trouble; const char *part; } cases[] = {
		{ "status-get", SKYPILOT_REPLY_VALUE, SKYPILOT_NONE, "" }, { "job-status-get", SKYPILOT_REPLY_VALUE, SKYPILOT_NONE, "" },
		{ "queue-get", SKYPILOT_REPLY_VALUE, SKYPILOT_NONE, "" }, { "cost-report-get", SKYPILOT_REPLY_VALUE, SKYPILOT_NONE, "" },
		{ "logs-finished-get", SKYPILOT_REPLY_VALUE, SKYPILOT_NONE, "" },
		{ "queue-missing-get", SKYPILOT_REPLY_FAILED, SKYPILOT_GONE, "WHAT: Cluster 'nope' does not exist." },
		{ "logs-missing-cluster-get", SKYPILOT_REPLY_FAILED, SKYPILOT_GONE, "WHAT: Cluster 'nope' does not exist." },
		{ "down-missing-get", SKYPILOT_REPLY_FAILED, SKYPILOT_GONE, "WHAT: Cluster 'nope' does not exist." },
		{ "launch-infeasible-get", SKYPILOT_REPLY_FAILED, SKYPILOT_INFEASIBLE, "cpus=64, region=local)." },
		{ "stop-unsupported-get", SKYPILOT_REPLY_FAILED, SKYPILOT_UNSUPPORTED, "WHAT: Stopping cluster 'vm-03'... skipped. Stopping is currently not supported" },
		{ "cancelled-launch-get", SKYPILOT_REPLY_FAILED, SKYPILOT_INTERRUPTED, "cancelled" },
		{ "validate-bad", SKYPILOT_REPLY_FAILED, SKYPILOT_BAD_TASK, "did you mean 'resources'?" },
		{ "version-too-old", SKYPILOT_REPLY_FAILED, SKYPILOT_VERSION, "too old" },
		{ "get-unknown", SKYPILOT_REPLY_UNKNOWN, SKYPILOT_NONE, "" }, { "no-such-path", SKYPILOT_REPLY_UNKNOWN, SKYPILOT_NONE, "" },
		{ "bad-json", SKYPILOT_REPLY_UNKNOWN, SKYPILOT_NONE, "" }, { "bad-type", SKYPILOT_REPLY_UNKNOWN, SKYPILOT_NONE, "" },
		{ "status", SKYPILOT_REPLY_UNKNOWN, SKYPILOT_NONE, "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b;
		struct json *value;
		enum skypilot_trouble trouble;
		struct err says = {0};
		int status = recorded(cases[i].name, &b);
		enum skypilot_reply reply = skypilot_read_reply(status, b.data, b.len, "WHAT", &value, &trouble, &says);
		if (reply != cases[i].reply || trouble != cases[i].trouble || !strstr(says.text, cases[i].part))
			fail_msg("%s: %d, trouble %d, %s", cases[i].name, reply, trouble, says.text);
		assert_true((value != NULL) == (reply == SKYPILOT_REPLY_VALUE));
		json_free(value);
		for (size_t cut = 0; cut < b.len; cut += b.len / 50 + 1) {	/* half-written */
			assert_int_equal(skypilot_read_reply(status, b.data, cut, "WHAT", &value, &trouble, &says), SKYPILOT_REPLY_UNKNOWN);
			assert_null(value);
		}
		buf_release(&b);
	}
	assert_true(skypilot_is_request_id("8ba60040-6799-47ce-b0ad-7c2366337382"));
	assert_false(skypilot_is_request_id("a&x=1"));
	assert_false(skypilot_is_request_id(""));
}

static struct json *value_of(const char *name)
{
	struct buf b;
	struct json *value;
	enum skypilot_trouble trouble;
	int status = recorded(name, &b);
	assert_int_equal(skypilot_read_reply(status, b.data, b.len, "", &value, &trouble, NULL), SKYPILOT_REPLY_VALUE);
	buf_release(&b);
	return value;
}

static void reads_vms(void **state)
{
	(void)state;
	struct skypilot_vm_list vms = {0};
	struct json *v = value_of("status-init-get");
	assert_int_equal(skypilot_read_vms(&vms, v), 0);
	json_free(v);
	assert_string_equal(vms.at[0].cluster, "vm-03");
	assert_int_equal(vms.at[0].is, VM_INIT);
	assert_string_equal(vms.at[0].word, "INIT");
	assert_int_equal(vms.at[0].autostop, -1);
	assert_true(vms.at[0].updated == INT64_C(1795235413000000));
	assert_true(vms.at[0].launched == INT64_C(1795235413000000));
	assert_string_equal(vms.at[0].place, "local");
	assert_string_equal(vms.at[0].resources, "1x(cpus=2, mem=2, ...)");
	assert_string_equal(vms.at[0].event, "Provisioning on slurm in local");
	skypilot_vms_release(&vms);
	static const char odd[] = "[{\"name\":\"a\",\"status\":\"DREAMING\",\"to_down\":true,\"autostop\":\"9\",\"zone\":\"z1\",\"region\":\"r\"},{},7,{\"name\":\"b\"}]";
	v = json_parse(odd, sizeof odd - 1, NULL);
	assert_int_equal(skypilot_read_vms(&vms, v), 0);
	assert_int_equal(vms.count, 2);
	assert_int_equal(vms.at[0].is, VM_OTHER);
	assert_string_equal(vms.at[0].word, "DREAMING");
	assert_string_equal(vms.at[0].place, "z1");
	assert_int_equal(vms.at[0].autostop, 9);
	assert_true(vms.at[0].autodown);
	assert_string_equal(vms.at[1].word, "?");
	skypilot_vms_release(&vms);
	json_free(v);
	assert_int_equal(skypilot_read_vms(&vms, NULL), -1);
}

static void reads_jobs(void **state)
{
	(void)state;
	struct skypilot_job_list jobs = {0};
	struct json *v = value_of("job-status-get");
	assert_int_equal(skypilot_read_jobs(&jobs, v), 0);
	assert_int_equal(jobs.count, 2);
	assert_int_equal(jobs.at[1].id, 5);
	assert_int_equal(jobs.at[1].is, JOB_FAILED);
	skypilot_jobs_release(&jobs);
	json_free(v);
	struct buf b = printed("queue-pending");
	v = skypilot_find_json(b.data, b.len);
	assert_int_equal(skypilot_read_jobs(&jobs, json_get(v, "vm-01")), 0);
	assert_int_equal(jobs.count, 9);
	assert_int_equal(jobs.at[0].is, JOB_WAITING);
	assert_int_equal(jobs.at[1].is, JOB_RUNNING);
	assert_int_equal(jobs.at[3].is, JOB_FAILED_SETUP);
	assert_string_equal(jobs.at[1].name, "long");
	skypilot_jobs_release(&jobs);
	json_free(v);
	buf_release(&b);
	assert_true(job_has_ended(JOB_CANCELLED) && job_has_ended(JOB_SUCCEEDED) && !job_has_ended(JOB_RUNNING) && !job_has_ended(JOB_UNKNOWN));
	assert_int_equal(skypilot_job_status("NEW_WORD"), JOB_UNKNOWN);
}

static void adds_up_costs(void **state)
{
	(void)state;
	struct skypilot_cost_list costs = {0};
	struct buf b = printed("cost-report");
	struct json *v = skypilot_find_json(b.data, b.len);
	assert_int_equal(skypilot_read_costs(&costs, v), 0);
	assert_int_equal(costs.count, 2);
	for (size_t i = 0; i < costs.count; i++)
		assert_true(fabs(costs.at[i].usd_per_hour - 0.1) < 1e-9);
	assert_true(fabs(costs.at[0].usd_alive - 0.0109444) < 1e-6 && costs.at[0].usd > 0.017);	/* two of that name came before it */
	assert_string_equal(costs.at[1].cluster, "vm-01");
	assert_true(costs.at[1].seconds > 433);
	skypilot_costs_release(&costs);
	json_free(v);
	v = value_of("cost-report-get");
	assert_int_equal(skypilot_read_costs(&costs, v), 0);
	assert_true(costs.count > 2);
	skypilot_costs_release(&costs);
	json_free(v);
	buf_release(&b);
	/* The price is that of the one that lives, whatever the order. */
	static const char two[] = "[{\"name\":\"a\",\"status\":\"UP\",\"duration\":36,\"total_cost\":1},{\"name\":\"a\",\"status\":null,\"duration\":3600,\"total_cost\":5}]";
	v = json_parse(two, sizeof two - 1, NULL);
	assert_int_equal(skypilot_read_costs(&costs, v), 0);
	assert_true(costs.at[0].usd == 6 && costs.at[0].usd_alive == 1 && costs.at[0].seconds == 3636 && costs.at[0].usd_per_hour == 100);
	skypilot_costs_release(&costs);
	json_free(v);
}

static struct json *printed_json(const char *name)
{
	struct buf b = printed(name);
	struct json *v = skypilot_find_json(b.data, b.len);
	buf_release(&b);
	return v;
}

static void tells_what_costs_on(void **state)
{
	(void)state;
	struct skypilot_cost_list costs = {0};
	struct json *v = printed_json("cost-report-terminated");
	assert_int_equal(skypilot_read_costs(&costs, v), 0);
	assert_int_equal(costs.count, 4);
	for (size_t i = 0; i < costs.count; i++)
		assert_true(costs.at[i].usd > 0 && isnan(costs.at[i].usd_alive));
	skypilot_costs_release(&costs);
	json_free(v);
}

static void reads_what_is_set_up(void **state)
{
	(void)state;
	struct skypilot_info info;
	struct strings clouds = {0};
	struct json *v = printed_json("api-info");
	skypilot_read_info(&info, v);
	assert_true(skypilot_info_answers(&info) && skypilot_info_is_one(&info));
	assert_string_equal(info.client, "0.14.1");
	assert_string_equal(info.server, "0.14.1");
	assert_string_equal(info.url, "http://127.0.0.1:46580");
	skypilot_info_release(&info);
	json_free(v);
	skypilot_read_info(&info, NULL);	/* as of the recorded server-down-api-info, which holds no JSON */
	assert_false(skypilot_info_answers(&info));
	static const char other[] = "{\"client\":{\"version\":\"0.14.1\"},\"server\":{\"status\":\"unhealthy\",\"version\":\"1.2\"}}";
	v = json_parse(other, sizeof other - 1, NULL);
	skypilot_read_info(&info, v);
	assert_false(skypilot_info_answers(&info) || skypilot_info_is_one(&info));
	assert_string_equal(info.state, "unhealthy");
	skypilot_info_release(&info);
	json_free(v);

	v = printed_json("check");
	assert_int_equal(skypilot_read_clouds(&clouds, v), 0);
	assert_int_equal(clouds.count, 1);
	assert_string_equal(clouds.at[0], "Slurm");
	json_free(v);
	static const char two[] = "{\"default\":{\"AWS\":[\"compute\"],\"GCP\":[]},\"team\":{\"AWS\":[\"storage\"],\"Slurm\":[1]},\"odd\":7}";
	v = json_parse(two, sizeof two - 1, NULL);
	assert_int_equal(skypilot_read_clouds(&clouds, v), 0);
	assert_int_equal(clouds.count, 2);
	assert_string_equal(clouds.at[1], "AWS");
	strings_release(&clouds);
	json_free(v);
	assert_int_equal(skypilot_read_clouds(&clouds, NULL), -1);
}

static void reads_the_config(void **state)
{
	(void)state;
	static const char yaml[] = "# c\njobs:\n  endpoint: wrong\napi_server:\n  # x\n  endpoint: \"http://h:1/\"  # here\n  service_account_token: sky_a #b\nother: 1\n";
	char *endpoint = skypilot_config_value(yaml, sizeof yaml - 1, "endpoint"), *token = skypilot_config_value(yaml, sizeof yaml - 1, "service_account_token");
	assert_string_equal(endpoint, "http://h:1/");
	assert_string_equal(token, "sky_a");
	assert_null(skypilot_config_value(yaml, sizeof yaml - 1, "other"));
	free(endpoint);
	free(token);
}

/* --- logs ------------------------------------------------------------------------------------------------------------ */

static void hear(void *data, enum log_part part, const char *line, size_t n)
{
	struct buf *heard = data;
	buf_printf(heard, "%c ", "TSK"[part]);
	buf_add(heard, line, n);
}

static struct skypilot_log new_log(struct buf *heard)
{
	return (struct skypilot_log){ .line = hear, .data = heard };
}

static void feed(struct skypilot_log *log, const char *text)
{
	skypilot_log_feed(log, text, strlen(text));
}

/* The body of a recorded stream. */
static struct buf chunks(const char *name)
{
	struct buf raw = fixture(name), body = {0};
	const char *at = strstr(raw.data, "\r\n\r\n") + 4;
	size_t n;
	while ((n = strtoul(at, NULL, 16))) {
		at = strstr(at, "\r\n") + 2;
		buf_add(&body, at, n);
		at += n + 2;
		if (at >= raw.data + raw.len)
			break;
	}
	buf_release(&raw);
	return body;
}

static void splits_a_recorded_log(void **state)
{
	(void)state;
	struct buf heard = {0}, body = chunks("rest/logs-finished.rawhttp");
	struct skypilot_log log = new_log(&heard);
	skypilot_log_feed(&log, body.data, body.len);
	skypilot_log_end(&log);
	assert_non_null(strstr(heard.data, "\nS cc (Debian 12.2.0-14+deb12u1) 12.2.0\nT EXPERIMENT_START: exp-rest\nT STEP 1/10\n"));
	assert_non_null(strstr(heard.data, "T EXPERIMENT_STATUS: done\nK "));
	assert_string_equal(log.finished, "SUCCEEDED");
	skypilot_log_release(&log);
	buf_release(&heard);
	buf_release(&body);
}

static void takes_off_prefixes_only(void **state)
{
	(void)state;
	struct buf heard = {0};
	struct skypilot_log log = new_log(&heard);
	feed(&log, "\033[36m(t, pid=1)\033[0m \033[31mred\033[0m\n\033[36m(head, rank=0, pid=2)\033[0m (x, pid=9) y\n"
		   "\033[36m(worker1, rank=1, pid=2, ip=10.0.0.2)\033[0m \n\033[36m(setup pid=3, ip=1.2.3.4)\033[0m s\n\033[36m(a (b) c, pid=4)\033[0m  two\n"
		   "(sky-cmd, pid=5) plain\n(not a prefix) pid=5\n\033[36m(setup, pid=6)\033[0m a task of this name\n"
		   "<sky-payload>\"<heartbeat></heartbeat>\"</sky-payload>\n\033[36m(t, pid=1)\033[0m \xe2\x9c\x93 Job finished (status: FAILED)\n");
	assert_string_equal(buf_str(&heard), "T \033[31mred\033[0m\nT (x, pid=9) y\nT \nS s\nT  two\nT plain\nK (not a prefix) pid=5\nT a task of this name\n"
			    "T \xe2\x9c\x93 Job finished (status: FAILED)\n");
	assert_string_equal(log.finished, "");
	skypilot_log_release(&log);
	buf_release(&heard);
}

/* Wherever the streams are cut, and however often: each line once, in order, none lost. */
static void survives_cuts(void **state)
{
	(void)state;
	static const char first[] = "INFO: Waiting 1s for the logs\n", whole[] =
		"Waiting for task resources on 1 node.\n\033[36m(setup pid=1)\033[0m s\n\033[36m(t, pid=1)\033[0m a\n\033[36m(t, pid=1)\033[0m a\n"
		"srun: x\nsrun: x\n\033[36m(t, pid=1)\033[0m b\nERROR: e\n\033[32m\xe2\x9c\x93 Job finished (status: FAILED).\033[0m\n";
	static const char told[] = "K INFO: Waiting 1s for the logs\nK Waiting for task resources on 1 node.\nS s\nT a\nT a\nK srun: x\nK srun: x\nT b\nK ERROR: e\n"
		"K \033[32m\xe2\x9c\x93 Job finished (status: FAILED).\033[0m\n";
	for (size_t cut = 0; cut < sizeof whole; cut++)
		for (size_t again = 0; again < sizeof whole; again += 7) {
			struct buf heard = {0};
			struct skypilot_log log = new_log(&heard);
			feed(&log, first);
			skypilot_log_feed(&log, whole, cut);
			skypilot_log_restart(&log);
			skypilot_log_feed(&log, whole, again);
			skypilot_log_restart(&log);
			for (size_t i = 0; i < sizeof whole - 1; i++)
				skypilot_log_feed(&log, whole + i, 1);
			skypilot_log_end(&log);
			assert_string_equal(buf_str(&heard), told);
			skypilot_log_release(&log);
			buf_release(&heard);
		}
}

/* The tail's own carrier may complain when it is cut: that is no line of the log, and hides none. */
static void is_not_misled_by_remarks(void **state)
{
	(void)state;
	struct buf heard = {0};
	struct skypilot_log log = new_log(&heard);
	feed(&log, "\033[36m(t, pid=1)\033[0m a\nsrun: Force Terminated\n");
	skypilot_log_restart(&log);
	feed(&log, "\033[36m(t, pid=1)\033[0m a\n\033[36m(t, pid=1)\033[0m b\n");
	assert_string_equal(buf_str(&heard), "T a\nK srun: Force Terminated\nT b\n");
	skypilot_log_release(&log);
	buf_release(&heard);
}

/* As recorded: what the commands print last has no newline, and SkyPilot goes on in the same line. */
static void parts_glued_words(void **state)
{
	(void)state;
	static const char last[] = "\033[36m(t, pid=1)\033[0m b \033[1m\033[0m\033[32m\xe2\x9c\x93 Job finished (status: FAILED).\033[0m\033[0m\n";
	struct buf heard = {0};
	struct skypilot_log log = new_log(&heard);
	feed(&log, "\033[36m(t, pid=1)\033[0m a\n");
	feed(&log, last);
	skypilot_log_restart(&log);
	assert_string_equal(log.finished, "");
	feed(&log, "\033[36m(t, pid=1)\033[0m a\n");
	feed(&log, last);
	assert_string_equal(buf_str(&heard), "T a\nT b \033[1mK \033[0m\033[32m\xe2\x9c\x93 Job finished (status: FAILED).\033[0m\033[0m\n");
	assert_string_equal(log.finished, "FAILED");
	buf_truncate(&heard, 0);	/* words in the prefix are none */
	feed(&log, "\033[36m(\033[32m\xe2\x9c\x93 Job finished (status: X, pid=1)\033[0m c\n");
	assert_string_equal(buf_str(&heard), "T c\n");
	skypilot_log_release(&log);
	buf_release(&heard);
}

/* A running job's log has CR where the same log, read after its end, has LF. */
static void counts_returns_as_lines(void **state)
{
	(void)state;
	struct buf heard = {0};
	struct skypilot_log log = new_log(&heard);
	feed(&log, "\033[36m(t, pid=1)\033[0m 10%\r\033[36m(t, pid=1)\033[0m 20%\r");
	feed(&log, "\n\033[36m(t, pid=1)\033[0m c\n");
	skypilot_log_restart(&log);
	feed(&log, "\033[36m(t, pid=1)\033[0m 10%\n\033[36m(t, pid=1)\033[0m 20%\n\033[36m(t, pid=1)\033[0m c\n\033[36m(t, pid=1)\033[0m no newline");
	skypilot_log_end(&log);
	assert_string_equal(buf_str(&heard), "T 10%\rT 20%\r\nT c\nT no newline");
	skypilot_log_release(&log);
	buf_release(&heard);
}

static void tells_long_lines_in_pieces(void **state)
{
	(void)state;
	enum { LONG = 3 * SKYPILOT_LINE_MAX };
	struct buf heard = {0}, text = {0};
	struct skypilot_log log = new_log(&heard);
	buf_puts(&text, "\033[36m(t, pid=1)\033[0m ");
	for (int i = 0; i < LONG; i++)
		buf_putc(&text, 'x');
	buf_puts(&text, "\n\033[36m(t, pid=1)\033[0m end\n");
	skypilot_log_feed(&log, text.data, 2 * SKYPILOT_LINE_MAX);
	assert_true(log.pending.len <= SKYPILOT_LINE_MAX);
	skypilot_log_restart(&log);
	for (size_t i = 0; i < text.len; i += 5000)
		skypilot_log_feed(&log, text.data + i, text.len - i < 5000 ? text.len - i : 5000);
	size_t count = 0;
	for (size_t i = 0; i < heard.len; i++)
		count += heard.data[i] == 'x';
	assert_int_equal(count, LONG);
	assert_string_equal(heard.data + heard.len - 6, "T end\n");
	skypilot_log_release(&log);
	buf_release(&heard);
	buf_release(&text);
}

/* --- all of it ------------------------------------------------------------------------------------------------------- */

/* Every recording, through every reader, cut at different places. */
static void holds_for_all_recordings(void **state)
{
	(void)state;
	static const char *const folders[] = { FIXTURES "cli", FIXTURES "rest" };
	int count = 0;
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		DIR *dir = opendir(folders[i]);
		for (struct dirent *entry; (entry = readdir(dir)); count++) {
			char *name = xasprintf("%s/%s", folders[i] + strlen(FIXTURES), entry->d_name);
			if (*entry->d_name == '.') {
				free(name);
				continue;
			}
			struct buf b = fixture(name), input = {0};
			char seed[2] = { (char)(37 * count), (char)(101 * count) };
			buf_add(&input, seed, 2);
			buf_add(&input, b.data, b.len);
			const char *broken = skypilot_property((const uint8_t *)input.data, input.len);
			if (broken)
				fail_msg("%s breaks: %s", name, broken);
			buf_release(&b);
			buf_release(&input);
			free(name);
		}
		closedir(dir);
	}
	assert_true(count > 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(explains_recorded_failures),
		cmocka_unit_test(explains_other_failures),
		cmocka_unit_test(sees_that_nothing_was_done),
		cmocka_unit_test(says_safe_things),
		cmocka_unit_test(finds_the_job),
		cmocka_unit_test(finds_the_price),
		cmocka_unit_test(finds_json_among_lines),
		cmocka_unit_test(reads_health),
		cmocka_unit_test(reads_replies),
		cmocka_unit_test(reads_vms),
		cmocka_unit_test(reads_jobs),
		cmocka_unit_test(adds_up_costs),
		cmocka_unit_test(tells_what_costs_on),
		cmocka_unit_test(reads_what_is_set_up),
		cmocka_unit_test(reads_the_config),
		cmocka_unit_test(splits_a_recorded_log),
		cmocka_unit_test(takes_off_prefixes_only),
		cmocka_unit_test(survives_cuts),
		cmocka_unit_test(is_not_misled_by_remarks),
		cmocka_unit_test(parts_glued_words),
		cmocka_unit_test(counts_returns_as_lines),
		cmocka_unit_test(tells_long_lines_in_pieces),
		cmocka_unit_test(holds_for_all_recordings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
