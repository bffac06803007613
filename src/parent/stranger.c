/* SPDX-License-Identifier: MIT */
/*
 * stranger - who has joined one of our SO_REUSEPORT groups, and takes part of the connections
 *
 * The kernel lets every process of our user in, at any time. Nothing can be done about it but to say so, once, by
 * name, and to leave the balance to the hash: the order of the group is not ours any more. We look when a worker
 * got ready, because an idle pool should sleep, and at most once a second.
 *
 * Fails by: a socket of ours that only a worker holds, and that is not known here: then nothing is said.
 */
#include "parent/stranger.h"

#include "base/address.h"
#include "base/diag.h"
#include "base/log.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/holder.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>

#define PAUSE_MS 1000

struct look {
	const struct crew	*crew;
	const struct address	*address;
	bool			 found;
	struct diag_socket	 stranger;
};

static bool is_in_custody(const struct crew *crew, uint32_t inode)
{
	struct stat about;

	slot_each(crew, slot)
		for (unsigned i = 0; i < crew->config->n_listeners; i++)
			if (slot->listen_fd[i] >= 0 && fstat(slot->listen_fd[i], &about) == 0 &&
			    about.st_ino == inode)
				return true;
	return false;
}

static void compare(const struct diag_socket *socket, void *arg)
{
	struct look *look = arg;

	if (look->found || !address_overlaps(&socket->address, look->address) ||
	    is_in_custody(look->crew, socket->inode))
		return;
	look->stranger = *socket;
	look->found = true;
}

static bool is_child(const struct crew *crew, pid_t pid)
{
	child_each(crew, child)
		if (child->pid == pid)
			return true;
	return false;
}

/* Reading all of /proc takes a while, so it is done once in the life of a pool. */
static void tell(struct crew *crew, const struct look *look)
{
	pid_t pid = holder_of_socket(look->stranger.inode);
	char ours[ADDRESS_TEXT_BYTES], theirs[ADDRESS_TEXT_BYTES];
	char name[HOLDER_TEXT_BYTES] = "a process that is not visible to this user";

	if (is_child(crew, pid))
		return;
	if (pid > 0)
		holder_name(pid, name);
	address_format(look->address, ours);
	address_format(&look->stranger.address, theirs);
	log_warn("%s: %s listens on %s as well, and takes a part of our connections", ours, name, theirs);
}

void stranger_look(struct crew *crew)
{
	const struct config *config = crew->config;
	struct look look = { .crew = crew };

	if (config->options.model != BROOD_REUSEPORT || config->options.join || !crew->was_ready ||
	    crew->stopping || crew->stranger_told || crew->now_ms < crew->stranger_ms)
		return;
	crew->stranger_ms = crew->now_ms + PAUSE_MS;
	for (unsigned i = 0; i < config->n_listeners && !look.found; i++) {
		look.address = &config->listen[i];
		if (!config_has_handshakes(config, i))
			continue;
		/* not seen is not there */
		(void)diag_each(address_port(look.address), 1 << TCP_LISTEN, compare, &look);
	}
	if (!look.found)
		return;
	crew->stranger_told = true;
	crew->steer_due = true;		/* there may be a program on the group, which it has no part in */
	tell(crew, &look);
}
