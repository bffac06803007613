/* SPDX-License-Identifier: MIT */
/* parent - the process that keeps the workers: what brood.c uses of it */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct activation;
struct address;
struct config;
struct program;
struct takeover;

#define HOLDER_TEXT_BYTES 128

/* reserve.c */

/* Who may listen on an address beside us. */
enum sharing {
	NOT_SHARED,		/* nobody: the reserved socket is the one that will listen */
	SHARED_BY_WORKERS,	/* our workers: it never listens, and lets theirs in (SO_REUSEPORT) */
	SHARED_WITH_ANY,	/* and whoever else of this user lets others in */
};

/* What holds an address while no worker does: the caller's, to be kept open while the pool lives. */
struct reservation {
	int	fd;		/* bound */
	int	claim_fd;	/* keeps other pools from starting there (claim.c); -1 = it could not be had */
	char	holder[HOLDER_TEXT_BYTES];	/* who is there, "nginx (pid 812)"; empty = not known */
};

/*
 * Takes *address for the pool: refuses one that another pool has claimed or on which anybody listens, then binds a
 * socket. Port 0 becomes the kernel's choice in *address.
 * @ret_reservation: .holder is set in any case, the descriptors are -1 on failure.
 * Return: 0, -EADDRINUSE, -EADDRNOTAVAIL, -EACCES or another -errno.
 */
int reserve_address(struct address *address, enum sharing sharing, struct reservation *ret_reservation);

/* activation.c */

/* What a service manager has passed to us (LISTEN_FDS); *ret_activation = NULL: nothing. Return: 0 or -ENOMEM. */
int activation_create(struct activation **ret_activation);
/* Whether a socket of @address was, and is not taken yet. */
bool activation_has(struct activation *activation, const struct address *address);
/* Such a socket, the caller's now. */
int activation_take(struct activation *activation, const struct address *address);
/* The address of the first that is not taken. Return: false when all are. */
bool activation_next(struct activation *activation, struct address *ret_address);
/* Closes those that are not taken, and says so. */
void activation_discard(struct activation *activation);
void activation_destroy(struct activation *activation);

/* claim.c */

/*
 * Makes @fd, a .claim_fd that another parent has taken and given to us, say our number when asked who has it.
 * The claim lasts until each process that holds a copy of @fd has closed it.
 */
void claim_adopt(int fd);

/* program.c */

/* What this process was started as, to be started anew; the caller's. Return: 0 or -errno. */
int program_learn(struct program **ret_program);
void program_destroy(struct program *program);

/* takeover_ask.c */

/*
 * Asks the pool that has started us, if one did, what it leaves to us.
 * ret_takeover: the caller's; NULL = nobody did.
 * Return: 0, -ENOMEM, or -EPROTO: it left nothing that can be used, and one log line said why.
 */
int takeover_create(const struct config *config, struct takeover **ret_takeover);
/*
 * The address config->listen[@index], if it is among what we take over; its port is put in. Return: whether it is.
 */
bool takeover_address(struct takeover *takeover, struct config *config, unsigned index,
		      struct reservation *ret_reservation);
/*
 * The memory of the shared state and what wakes those who watch it, the caller's from here on. Return: 0, -ENOENT
 * (the old one has none, or does not give it), or another -errno.
 */
int takeover_state(struct takeover *takeover, int ret_fds[2]);
void takeover_destroy(struct takeover *takeover);

/* Where a new config comes from at a reload. */
struct renewal {
	/* Return: 0 and *ret_config is to be destroyed, or -errno and one log line has said why. */
	int	(*create)(void *arg, const struct config *now, struct config **ret_config);
	void	(*destroy)(struct config *config);
	void	*arg;
};

/* parent.c */

/*
 * Keeps config->options.workers workers until told to stop or until they cannot be kept.
 * @reserved_fd: of each of config->listen; they hold the addresses while no worker does. The caller's, but
 * what had to be closed with the pool is -1 afterwards.
 * @claim_fd: of each of them, or -1; given up when the pool begins to stop, then -1.
 * @renewal: NULL = a reload changes no option.
 * @program: what an upgrade starts; NULL = not known. @takeover: NULL = there was no pool before us. Both borrowed.
 * Return: an exit code, BROOD_EXIT_*.
 */
int parent_run(const struct config *config, int reserved_fd[], int claim_fd[], const struct renewal *renewal,
	       const struct program *program, struct takeover *takeover);
