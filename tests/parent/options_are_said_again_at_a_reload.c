/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

#include "resolve.h"

/* In the parent. */
static unsigned n_created, n_destroyed;

/* With a surge of 7 it cannot start. */
int worker_main(const struct heritage *h)
{
	struct failed_msg failed = { .reason = "seven" };
	const struct brood_options *o = &h->config->options;

	log_info("born with \"%s\", surge %u, model %u", o->text, o->surge, o->model);
	if (o->surge == 7) {
		(void)channel_send(h->channel_fd, CHANNEL_FAILED, &failed, -1);
		return 1;
	}
	part_start(h);
	return part_wait_for_drain(h);
}

static int renew(void *arg, const struct config *now, struct config **ret_config)
{
	struct brood_options options = now->options;
	char text[] = "again ?";

	n_created++;
	text[6] = (char)('0' + n_created);
	options.text = text;			/* copied: it is gone when we are */
	options.restart_limit = 5 + 10 * n_created;
	options.model = BROOD_PREEMPTIVE;
	if (n_created == 2)
		options.surge = 7;
	if (n_created == 3)
		options.surge = 100000;
	return resolve_again(now, &options, ret_config);
}

static void destroy(struct config *config)
{
	n_destroyed++;
	resolve_release(config);
	free(config);
}

static int run(struct play *play)
{
	const struct renewal renewal = { .create = renew, .destroy = destroy };
	int code = parent_run(&play->config, play->reserved_fd, play->claim_fd, &renewal, NULL, NULL);

	log_info("made %u, destroyed %u", n_created, n_destroyed);
	return code;
}

static void begin(struct play *play)
{
	int ends[2];

	alarm(60);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	play->parent = fork();
	if (play->parent == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], STDERR_FILENO);
		exit(run(play));
	}
	close(ends[1]);
	play->log_fd = ends[0];
}

static void options_are_said_again_at_a_reload(void **state)
{
	static struct play play;

	play_prepare(&play, 2);
	play.config.options.text = "first";
	play.config.options.max_head_bytes = 16384;
	begin(&play);
	play_expect(&play, "ready: 2 workers");
	play_expect_times(&play, "born with \"first\", surge 1, model 0", 2);

	play_signal(&play, SIGHUP);
	play_expect(&play, "reload: option model takes effect at the next start");
	play_expect_times(&play, "born with \"again 1\", surge 1, model 0", 2);
	play_expect(&play, "reload: done");

	play_signal(&play, SIGHUP);		/* cannot start: whoever is born later has what was there before */
	play_expect(&play, "2 old workers stay");
	play_expect(&play, "born with \"again 2\", surge 7");
	kill(play_pid(&play, 1), SIGKILL);
	play_expect_times(&play, "born with \"again 1\", surge 1, model 0", 3);

	play_signal(&play, SIGHUP);		/* wrong: nobody is born */
	play_expect(&play, "option surge: 100000 is not from 1 to 512");
	play_expect_never(&play, "again 3");

	play_signal(&play, SIGHUP);
	play_expect_times(&play, "reload: done", 2);
	play_expect_times(&play, "born with \"again 4\"", 2);
	play_signal(&play, SIGTERM);
	play_end(&play, 0);
	play_expect(&play, "made 4, destroyed 3");
}

TEST_MAIN(options_are_said_again_at_a_reload)
