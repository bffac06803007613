/* SPDX-License-Identifier: MIT */
#include "logged.h"

#include <signal.h>

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	logged_begin();
	close(logged_read_fd);
	log_info("nobody reads this");
	hold(log_n_lost() == 1);
	close(STDERR_FILENO);
	log_info("nor this");
	hold(log_n_lost() == 2);
	return 0;
}
