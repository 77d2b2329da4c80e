/* What the time of workers goes to, told by short sessions at round moments. */
#include "tests/test.h"

#include <math.h>

#include "core/data/model.h"
#include "core/data/query.h"

static struct model m;

static int64_t at_second(double seconds)
{
	return 1795241212000000 + (int64_t)(seconds * 1e6);
}

static void tell(double seconds, struct event ev)
{
	ev.seq = m.seq + 1;
	ev.time = at_second(seconds);
	model_apply(&m, &ev);
}
#define AT(seconds, ...) tell(seconds, (struct event){ .usd = NAN, .age = NAN, .noise_percent = NAN, __VA_ARGS__ })

static void worker(double seconds, const char *id, const char *state, const char *status)
{
	AT(seconds, .kind = EVENT_WORKER_CHANGED, .worker = id, .runner = "sky", .state = state, .status = status, .usd_per_hour = NAN);
}

static void run_starts(double seconds, const char *run, const char *on, const char *step, int wave)
{
	AT(seconds, .kind = EVENT_RUN_STARTED, .run = run, .worker = on, .arm = "base", .step = step, .wave = wave, .round = 1);
}

static void run_ends(double seconds, const char *run, const char *status)
{
	AT(seconds, .kind = EVENT_RUN_ENDED, .run = run, .status = status, .seconds = NAN);
}

static void propose(double seconds, const char *id)
{
	AT(seconds, .kind = EVENT_PROPOSAL_SUBMITTED, .proposal = id, .rev = 1, .commit = "c", .baseline = "b", .title = "t", .agent = "patches");
}

static int setup(void **state)
{
	(void)state;
	model_init(&m);
	AT(0, .kind = EVENT_SESSION_OPENED, .session = "s", .target = "/t", .metric = "tps", .runner = "sky");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	model_release(&m);
	return 0;
}

static void assert_seconds(const char *id, double now, enum use u, double wanted)
{
	double seconds[USE_COUNT];
	worker_seconds(model_worker(&m, id), at_second(now), seconds);
	if (fabs(seconds[u] - wanted) > 1e-6)
		fail_msg("%s: %s took %g s, not %g", id, use_words(u), seconds[u], wanted);
}

static double paid(double now)
{
	double seconds[USE_COUNT];
	session_seconds(&m, at_second(now), seconds);
	return use_paid(seconds);
}

/* From launch to down, each thing for as many seconds as no other. */
static void a_vm_from_launch_to_down(void **state)
{
	(void)state;
	worker(100, "w1", "starting", "INIT");
	worker(140, "w1", "starting", "UP");
	worker(160, "w1", "admitting", NULL);
	run_starts(161, "r1", "w1", "build", 0);
	run_ends(172, "r1", "ok");
	run_starts(173, "r2", "w1", "measure", 0);
	run_ends(178, "r2", "ok");
	worker(180, "w1", "ready", NULL);
	worker(183, "w1", "busy", NULL);
	run_starts(184, "r3", "w1", "checks", 1);
	run_ends(190, "r3", "ok");
	run_starts(192, "r4", "w1", "measure", 1);
	run_ends(242, "r4", "ok");
	worker(249, "w1", "quarantined", NULL);
	worker(264, "w1", "down", NULL);
	static const double wanted[USE_COUNT] = { [USE_LAUNCH] = 40, [USE_SETUP] = 20, [USE_BUILD] = 11 + 6, [USE_ADMISSION] = 1 + 1 + 5 + 2,
		[USE_MEASURE] = 50, [USE_BETWEEN] = 1 + 2 + 7, [USE_HUMAN] = 0, [USE_IDLE] = 3, [USE_OUT] = 15 };
	for (int u = 0; u < USE_COUNT; u++)
		assert_seconds("w1", 9000, (enum use)u, wanted[u]);
	double seconds[USE_COUNT];
	worker_seconds(model_worker(&m, "w1"), at_second(9000), seconds);
	assert_true(fabs(use_paid(seconds) - 164) < 1e-6);
	assert_true(fabs(use_share(seconds) - 50.0 / 164) < 1e-9);
}

/* What goes on is counted up to the moment that is asked about; builds beside a measurement cost nothing. */
static void what_goes_on_counts_up_to_now(void **state)
{
	(void)state;
	worker(0, "w1", "busy", NULL);
	run_starts(10, "r1", "w1", "measure", 1);
	run_starts(20, "r2", "w1", "build", 1);
	run_starts(20, "r3", "w1", "build", 1);
	assert_seconds("w1", 30, USE_MEASURE, 20);
	run_ends(40, "r1", "ok");
	run_ends(50, "r2", "ok");
	assert_seconds("w1", 60, USE_MEASURE, 30);
	assert_seconds("w1", 60, USE_BUILD, 20);	/* r3 still builds */
	run_ends(70, "r3", "ok");
	assert_seconds("w1", 75, USE_BETWEEN, 15);
	assert_true(fabs(paid(75) - 75) < 1e-6);
	run_starts(80, "r3", "w1", "measure", 1);	/* an id starts once, and ends once */
	run_ends(81, "r1", "ok");
	assert_seconds("w1", 90, USE_MEASURE, 30);
}

static void idle_is_the_humans_when_only_they_can_go_on(void **state)
{
	(void)state;
	worker(0, "w1", "ready", NULL);
	propose(10, "p1");
	propose(10, "p2");
	AT(40, .kind = EVENT_APPROVED, .proposal = "p1", .rev = 1);
	AT(45, .kind = EVENT_CANCELLED, .proposal = "p1");
	AT(50, .kind = EVENT_VETOED, .proposal = "p2", .reason = "no");
	assert_seconds("w1", 60, USE_IDLE, 10 + 5 + 10);
	assert_seconds("w1", 60, USE_HUMAN, 30 + 5);
}

static void what_is_lost_was_for_nothing(void **state)
{
	(void)state;
	worker(0, "w1", "busy", NULL);
	run_starts(0, "r1", "w1", "measure", 1);
	run_ends(30, "r1", "lost");
	worker(30, "w1", "lost", NULL);
	assert_seconds("w1", 500, USE_MEASURE, 0);
	assert_seconds("w1", 500, USE_OUT, 30);
	assert_true(fabs(paid(500) - 30) < 1e-6);	/* nobody bills what has vanished */
}

/* An engine that was killed took its own workers with it; VMs went on. */
static void nobody_pays_for_the_night_between_two_engines(void **state)
{
	(void)state;
	AT(0, .kind = EVENT_WORKER_CHANGED, .worker = "w1", .runner = "local", .state = "busy");
	AT(0, .kind = EVENT_WORKER_CHANGED, .worker = "w2", .runner = "local", .state = "busy");
	worker(0, "w3", "ready", NULL);
	run_starts(5, "r1", "w1", "measure", 1);
	run_starts(10, "r2", "w2", "measure", 1);
	run_ends(30010, "r1", "lost");
	run_ends(30010, "r2", "lost");
	AT(30010, .kind = EVENT_WORKER_CHANGED, .worker = "w1", .runner = "local", .state = "starting");
	assert_true(fabs(paid(30012) - (5 + 2) - (10 + 2) - 30012) < 1e-6);
	assert_seconds("w1", 30012, USE_MEASURE, 0);
	assert_seconds("w2", 30012, USE_MEASURE, 0);
	assert_seconds("w2", 30012, USE_BETWEEN, 10 + 2);
	assert_seconds("w3", 30012, USE_IDLE, 30012);
}

static void losses_come_largest_first(void **state)
{
	double seconds[USE_COUNT] = { [USE_LAUNCH] = 5, [USE_MEASURE] = 100, [USE_BUILD] = 9, [USE_IDLE] = 7, [USE_OUT] = 1 };
	enum use losses[USE_COUNT];
	(void)state;
	assert_int_equal(use_losses(seconds, losses, 2), 2);
	assert_int_equal(losses[0], USE_BUILD);
	assert_int_equal(losses[1], USE_IDLE);
	assert_int_equal(use_losses(seconds, losses, USE_COUNT), 4);
	assert_int_equal(losses[2], USE_LAUNCH);
	assert_int_equal(losses[3], USE_OUT);
	double nothing[USE_COUNT] = {0};
	assert_int_equal(use_losses(nothing, losses, 2), 0);
	assert_true(isnan(use_share(nothing)));
}

static void money_per_winner_and_to_the_end(void **state)
{
	(void)state;
	struct forecast none = forecast_usd(&m, at_second(0));
	assert_true(isnan(none.hours_to_limit) && isnan(none.hours_to_end) && isnan(none.usd_at_end));
	AT(0, .kind = EVENT_SETTINGS, .size = 4, .window = 60, .limit_usd = 10, .hours = 8);
	AT(0, .kind = EVENT_WORKER_CHANGED, .worker = "w1", .runner = "sky", .state = "ready", .usd_per_hour = 2);
	assert_true(isnan(usd_per_win(&m, at_second(3600))));
	propose(1, "p1");
	AT(2, .kind = EVENT_VERDICT, .proposal = "p1", .rev = 1, .verdict = "keep", .pairs = 3, .change_percent = 4, .evidence = 500, .needed = 400);
	assert_true(fabs(usd_per_win(&m, at_second(3600)) - 2) < 1e-9);
	struct forecast f = forecast_usd(&m, at_second(3600));
	assert_true(fabs(f.hours_to_limit - 4) < 1e-9);
	assert_true(fabs(f.hours_to_end - 7) < 1e-9);
	assert_true(fabs(f.usd_at_end - 10) < 1e-9);	/* the limit ends it before */
	AT(3600, .kind = EVENT_SETTINGS, .size = 4, .window = 60, .limit_usd = 100, .hours = NAN);
	f = forecast_usd(&m, at_second(3600));
	assert_true(fabs(f.usd_at_end - 16) < 1e-9 && m.hours == 8);
	AT(3601, .kind = EVENT_VETOED, .proposal = "p1", .reason = "no");
	assert_true(isnan(usd_per_win(&m, at_second(3602))));
	AT(3602, .kind = EVENT_SESSION_ENDED, .reason = "done");
	assert_true(isnan(forecast_usd(&m, at_second(3603)).hours_to_end));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_vm_from_launch_to_down), CASE(what_goes_on_counts_up_to_now), CASE(idle_is_the_humans_when_only_they_can_go_on),
		CASE(what_is_lost_was_for_nothing), CASE(nobody_pays_for_the_night_between_two_engines), CASE(losses_come_largest_first),
		CASE(money_per_winner_and_to_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
