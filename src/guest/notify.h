/* SPDX-License-Identifier: MIT */
/*
 * notify - what a program says of itself, in the words of sd_notify(3)
 *
 * A datagram of lines, NAME=value. Names that are not known here are passed over, as they should be; what is no
 * such line, or has a value that its name cannot have, spoils all of it. Pure.
 */
#pragma once

#include "bridge/stored.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define NOTICE_MOST 4096	/* bytes of a datagram */

struct notice {
	bool	ready;
	bool	reloading;
	bool	stopping;
	bool	watchdog;	/* it lives */
	bool	trigger;	/* it is to be taken for hung */
	bool	store;		/* the descriptors that come along are to be kept, under this name... */
	bool	forget;		/* ...or what is kept under it no longer */
	char	name[STORED_NAME_BYTES];	/* terminated; "stored" when it was not said */
	pid_t	main_pid;	/* 0 = not said */
	bool	has_status;
	char	status[128];	/* cut; terminated */
};

/* Return: whether it is one. */
bool notify_parse(const char *text, size_t len, struct notice *ret_notice);
