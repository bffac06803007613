/* SPDX-License-Identifier: MIT */
#include "bridge/privilege.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static int become(const struct config *config)
{
	if (setgroups(1, &config->gid) < 0 || setresgid(config->gid, config->gid, config->gid) < 0)
		return -errno;
	return setresuid(config->uid, config->uid, config->uid) < 0 ? -errno : 0;
}

int privilege_drop(const struct config *config, char *why, size_t size)
{
	int r = config->drop_privileges ? become(config) : 0;

	if (r < 0) {
		snprintf(why, size, "cannot become user %u group %u: %s", config->uid, config->gid, strerror(-r));
		return r;
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (config->drop_privileges) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);	/* a change of user clears it */
		prctl(PR_SET_DUMPABLE, 1);		/* and forbids the core */
	}
	return 0;
}

unsigned privilege_raise_nofile(void)
{
	struct rlimit limit = { 0, 0 };

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur > 1000000 ? 1000000 : (unsigned)limit.rlim_cur;
}
