/* SPDX-License-Identifier: MIT */
/* transfer - connections on their way from one worker to another */
#pragma once

struct child;
struct crew;
struct slot;

/* Makes the inbox of @slot, if it has none. Return: 0 or -errno. */
int transfer_open(struct slot *slot);
/* Tells @child, which is to drain, where its idle connections go, if anybody serves on; else it closes them. */
void transfer_name_heir(const struct crew *crew, struct child *child);
/* Our workers' connections are not for another pool any more. */
void transfer_disinherit(struct crew *crew);
/* The pool is left for another, who gets what slot @index was given and nobody takes out of @take_fd any more. */
void transfer_leave(const struct crew *crew, unsigned index, int take_fd);
/* Nothing more can be given to @slot; what has been is there to be taken. */
void transfer_end(const struct slot *slot);
/* What is left goes to somebody who serves. */
void transfer_close(struct crew *crew, struct slot *slot);
/* Gives what is in the inboxes of orphans to others. */
void transfer_settle(struct crew *crew);
/* The pool stops: nobody gives any more, and what has been given has a reader, if anybody serves. */
void transfer_stop(struct crew *crew);
/* Closes every inbox. Return: how many connections were left in them. */
unsigned transfer_destroy(struct crew *crew);
/* Has the heavy give to the light. */
void transfer_look(struct crew *crew);
