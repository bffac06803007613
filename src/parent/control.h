/* SPDX-License-Identifier: MIT */
/* control - what the files behind the control socket share: its clients (client.c), its commands (command.c) */
#pragma once

#include "base/control.h"
#include "parent/endpoint.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct crew;

struct client {
	uint32_t	 serial;	/* 0 = this place is free; never used twice */
	uint64_t	 tag;		/* in the epoll set */
	int		 fd;
	uint64_t	 heard_ms;	/* when it came, or last had a request complete */
	uint64_t	 deadline_ms;	/* then it is cut: for a whole request, or for taking a reply; 0 = never */
	bool		 ended;		/* it will be heard no more; what was asked is still answered */
	bool		 listens;	/* to events, and asks nothing any more */
	uint64_t	 n_missed;	/* events that it has not taken in time */
	size_t		 n_in;
	char		 in[CONTROL_REQUEST_MAX];
	char		*out;		/* a reply on its way; NULL = none */
	size_t		 n_out;
	size_t		 n_sent;
};

/* An event for one that listens, with its newline; it may be gone afterwards. */
void client_tell(struct crew *crew, struct client *client, const char *line, size_t len);
/* A turn of @client; it may be gone afterwards. */
void client_on(struct crew *crew, struct client *client);
void client_close(struct client *client);
/* Answers what it has asked, if there is room for that, and closes it. */
void client_leave(struct crew *crew, struct client *client);

/* What a command has to say: fields, or the reason why it did nothing. */
struct answer {
	json_t		*fields;	/* of its reply; NULL when there are none, or no memory */
	bool		 is_short;	/* there was no memory for the fields */
	bool		 listens;	/* who has asked is told of events from now on */
	char		 error[160];	/* empty = done */
};

/*
 * Does what @line, without its newline, asks for. It can be any bytes. *ret_listens: events are asked for.
 * Return: the reply with its newline, to be freed; NULL = no memory.
 */
char *command_run(struct crew *crew, const char *line, size_t len, size_t *ret_len, bool *ret_listens);
/* One line, with its newline, to be freed; NULL = no memory, or too long. */
char *command_print(const json_t *object, size_t *ret_len);

/* control.c */

/*
 * The epoll set must be there. Return: 0, or -errno and the log says why: of a socket that was asked for by name.
 */
int control_create(struct crew *crew);
void control_destroy(struct crew *crew);
/* Its listening socket, to be handed on; borrowed; -1 = none. */
int control_socket(const struct crew *crew);
/* Whether it is the pool's before us, as long as that has not left. */
bool control_is_lent(const struct crew *crew);
/* That pool has left. */
void control_own(struct crew *crew);
/* It is the next pool's from now on; who is being answered still is. */
void control_leave(struct crew *crew);
/* @row, @serial: of the event's tag. */
void on_control(struct crew *crew, unsigned row, uint32_t serial);
/* When control_expire() has work; 0 = never. */
uint64_t control_next_ms(const struct crew *crew);
void control_expire(struct crew *crew);
/* Another one may listen. */
bool control_may_listen(const struct crew *crew);
/* Whether anybody listens. */
bool control_is_heard(const struct crew *crew);
void control_publish(struct crew *crew, const json_t *event);

/* status.c; NULL = no memory */
json_t *status_tell(struct crew *crew);
/* Any bytes, as text that is fit for a line; null when there are none. */
/* As JSON has them. */
json_int_t status_number(uint64_t value);
json_t *status_tell_text(const char *from);
json_t *status_tell_addresses(const struct config *config);
json_t *status_tell_poison(const struct crew *crew);
