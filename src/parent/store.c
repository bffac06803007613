/* SPDX-License-Identifier: MIT */
/*
 * store - descriptors that programs have left with us, for those who come after them in their slot
 *
 * We do nothing with them but hold them. What a close could make us wait for, a file of a network or of another
 * process's making, is not taken: sockets, pipes and memory (memfd_create(2)) are.
 *
 * Fails by: a full store; what comes then is closed, and the log says so once.
 */
#include "parent/store.h"

#include "base/log.h"
#include "bridge/rights.h"
#include "parent/crew.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_harmless(int fd)
{
	struct stat about;

	return fstat(fd, &about) == 0 &&
	       (S_ISSOCK(about.st_mode) || S_ISFIFO(about.st_mode) || fcntl(fd, F_GET_SEALS) >= 0);
}

/* Of a pipe both ends are the same file. */
static bool is_same(int a, int b)
{
	struct stat one, other;

	return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_ino == other.st_ino &&
	       one.st_dev == other.st_dev && (fcntl(a, F_GETFL) & O_ACCMODE) == (fcntl(b, F_GETFL) & O_ACCMODE);
}

static bool has(const struct slot *slot, int fd)
{
	for (unsigned i = 0; i < slot->n_stored; i++)
		if (is_same(slot->stored[i].fd, fd))
			return true;
	return false;
}

bool store_add(struct slot *slot, const char *name, int fd)
{
	if (!is_harmless(fd) || has(slot, fd))
		return false;
	if (slot->n_stored == STORED_MOST) {
		if (!slot->store_told)
			log_warn("slot %u: its program stores over %u descriptors; those are closed", slot->index,
				 STORED_MOST);
		slot->store_told = true;
		return false;
	}
	slot->stored[slot->n_stored].fd = fd;
	memcpy(slot->stored[slot->n_stored].name, name, STORED_NAME_BYTES);
	slot->n_stored++;
	return true;
}

void store_forget(struct slot *slot, const char *name)
{
	unsigned n = 0;

	for (unsigned i = 0; i < slot->n_stored; i++) {
		if (strcmp(slot->stored[i].name, name) == 0)
			rights_discard(slot->stored[i].fd);
		else
			slot->stored[n++] = slot->stored[i];
	}
	slot->n_stored = n;
}

void store_clear(struct slot *slot)
{
	while (slot->n_stored > 0)
		rights_discard(slot->stored[--slot->n_stored].fd);
}
