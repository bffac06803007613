/* SPDX-License-Identifier: MIT */
/* top - `brood top`: a pool on a terminal, once a second, and keys that scale, reload and drain it */
#include "cli/top.h"

#include "base/clock.h"
#include "cli/cli.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct top {
	struct top_pool	pool;
	struct rates	rates;
	struct top_view	view;
	bool		is_over;
};

static volatile sig_atomic_t is_told_to_end;

void top_print_help(void)
{
	fputs("usage: brood top [--control PATH]\n\n"
	      "Shows what brood ctl status says, once a second, until q: the pool, and for each\n"
	      "slot who is in it, its connections and its requests a second, with bars.\n"
	      "\n"
	      "  --control PATH  the socket of the pool; without it as for brood ctl\n"
	      "\n"
	      "  + and -         one worker more, one less, losing nothing\n"
	      "  r               reload: replace every worker\n"
	      "  d SLOT Enter    drain: replace the worker of SLOT\n"
	      "  arrows, PgUp, PgDn  show other slots\n"
	      "  ?               the keys\n"
	      "  q               quit; the pool goes on\n"
	      "\n"
	      "A pool that is gone is looked for again, once a second.\n"
	      "Exit codes: 0 quit, 1 no pool, or no terminal, 2 usage.\n", stdout);
}

/* ---- keys ---- */

static void scale_by(struct top_pool *pool, int n)
{
	if (pool->wanted + n < 1)
		snprintf(pool->said, sizeof(pool->said), "scale: one worker is the least");
	else
		top_pool_wish(pool, "scale", "n", pool->wanted += n);
}

static void take_digit(struct top *top, int key)
{
	struct top_view *view = &top->view;
	size_t len = strlen(view->slot);

	if (key >= '0' && key <= '9' && len < 3) {
		view->slot[len] = (char)key;
		view->slot[len + 1] = '\0';
		return;
	}
	if (key == KEY_IS_BACK && len > 0) {
		view->slot[len - 1] = '\0';
		return;
	}
	/* one digit too many, or the window has another size */
	if ((key >= '0' && key <= '9') || key == KEY_IS_OTHER)
		return;
	if ((key == '\n' || key == '\r') && len > 0)
		top_pool_wish(&top->pool, "drain", "slot", strtol(view->slot, NULL, 10));
	view->asks_slot = false;
}

static void ask_slot(struct top_view *view)
{
	view->asks_slot = true;
	view->slot[0] = '\0';
}

static void scroll_by(struct top_view *view, size_t n, bool up)
{
	if (up)
		view->first = view->first > n ? view->first - n : 0;
	else
		view->first += n;
}

static void take_key(struct top *top, int key)
{
	struct top_view *view = &top->view;

	if (view->asks_slot) {
		take_digit(top, key);
		return;
	}
	switch (key) {
	case 'q':		top->is_over = true; break;
	case '+': case '=':	scale_by(&top->pool, 1); break;
	case '-':		scale_by(&top->pool, -1); break;
	case 'r':		top_pool_wish(&top->pool, "reload", NULL, 0); break;
	case 'd':		ask_slot(view); break;
	case '?': case 'h':	view->help = !view->help; break;
	case KEY_IS_UP:		scroll_by(view, 1, true); break;
	case KEY_IS_DOWN:	scroll_by(view, 1, false); break;
	case KEY_IS_PAGE_UP:	scroll_by(view, screen_rows(), true); break;
	case KEY_IS_PAGE_DOWN:	scroll_by(view, screen_rows(), false); break;
	default:		break;
	}
}

/* ---- the loop ---- */

static void end_soon(int signal)
{
	is_told_to_end = 1;
}

/* Signals come while the loop waits, and at no other time. */
static void catch_signals(sigset_t *ret_waiting)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	const struct sigaction action = { .sa_handler = end_soon };
	sigset_t ours;

	sigemptyset(&ours);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaddset(&ours, signals[i]);
		sigaction(signals[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &ours, ret_waiting);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigdelset(ret_waiting, signals[i]);
}

static void wait_for_any(struct top *top, const sigset_t *waiting)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = top->pool.asked[0] ? top->pool.talk.fd : -1, .events = POLLIN },
	};
	int ms = top_pool_idle_ms(&top->pool, clock_ms());
	const struct timespec most = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
	bool has_failed = ppoll(fds, 2, &most, waiting) < 0 && errno != EINTR;

	if (has_failed || fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))	/* the terminal has gone */
		top->is_over = true;
	else if (fds[1].revents)
		top_pool_hear(&top->pool, clock_ms());
}

static void live(struct top *top, const sigset_t *waiting)
{
	while (!top->is_over && !is_told_to_end) {
		int key;

		top_pool_step(&top->pool, clock_ms());
		if (top->pool.is_new)
			rates_take(&top->rates, top->pool.status, clock_ms());
		top->pool.is_new = false;
		top->view.silent_ms = top_pool_silent_ms(&top->pool, clock_ms());
		screen_draw(&top->view);
		wait_for_any(top, waiting);
		while (!top->is_over && (key = screen_key()) != KEY_IS_NONE)
			take_key(top, key);
	}
}

/* ---- the command ---- */

/* Return: 0, or BROOD_EXIT_USAGE and the reason was printed. */
static int read_arguments(int argc, char **argv, const char **ret_control, bool *ret_help)
{
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
			*ret_help = true;
		else if (strcmp(argv[i], "--control") == 0 && i + 1 == argc)
			return complain("--control needs a value: --control PATH");
		else if (strcmp(argv[i], "--control") == 0)
			*ret_control = argv[++i];
		else if (strncmp(argv[i], "--control=", 10) == 0)
			*ret_control = argv[i] + 10;
		else
			return complain("top takes no \"%s\"; `brood help top` says what it takes", argv[i]);
	}
	return 0;
}

static int look_at(const char *control)
{
	static struct top top = { .pool = { .talk = { .fd = -1 } } };
	sigset_t waiting;
	int code = find_control(control, top.pool.talk.path);
	int r = code == 0 ? talk_connect(&top.pool.talk) : 0;

	if (code != 0)
		return code;
	if (r < 0)
		return find_complain(top.pool.talk.path, r);
	talk_end(&top.pool.talk);	/* that there is one was the question */
	catch_signals(&waiting);
	top.view.pool = &top.pool;
	top.view.rates = &top.rates;
	code = screen_begin();
	if (code == 0) {
		top.rates.per_s = -1;
		live(&top, &waiting);
		screen_end();
	}
	top_pool_end(&top.pool);
	return code;
}

int top_main(int argc, char **argv)
{
	const char *control = NULL;
	bool help = false;
	int code = read_arguments(argc, argv, &control, &help);

	if (help) {
		top_print_help();
		return 0;
	}
	return code != 0 ? code : look_at(control);
}
