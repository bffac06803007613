/* SPDX-License-Identifier: MIT */
/* helper - the process and its loop: wait, call the functions, send what they have sent */
#include "helper/helper.h"

#include "base/log.h"
#include "bridge/config.h"
#include "bridge/privilege.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

static void wait_for(int mail_fd, enum helper_state state, int *ret_has_room)
{
	struct pollfd at = { mail_fd, POLLIN, 0 };

	if (state == HELPER_FULL)
		at.events |= POLLOUT;
	(void)poll(&at, 1, state == HELPER_MORE ? 0 : -1);
	*ret_has_room = (at.revents & POLLOUT) != 0;
}

/* One that the parent's death ends like any other program. */
static void let_term_end(void)
{
	sigset_t term;

	signal(SIGTERM, SIG_DFL);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &term, NULL);
}

int helper_main(const struct config *config, int mail_fd, _Atomic uint64_t *progress)
{
	enum helper_state state = HELPER_IDLE;
	struct helper *helper;
	char why[256];
	int has_room = 0;

	prctl(PR_SET_NAME, "brood:callbacks");
	let_term_end();
	if (privilege_drop(config, why, sizeof(why)) < 0) {
		log_error("the process of the callbacks (pid %d): %s", (int)getpid(), why);
		return BROOD_EXIT_NOT_STARTED;
	}
	helper = helper_create(config, mail_fd, progress);
	while (helper && state != HELPER_OVER) {
		wait_for(mail_fd, state, &has_room);
		state = helper_turn(helper, has_room);
	}
	helper_destroy(helper);
	return helper ? 0 : BROOD_EXIT_NOT_STARTED;
}
