/* SPDX-License-Identifier: MIT */
/* public - the functions of brood.h about messages: what this process has said it wants, and its mailbox */
#pragma once

#include "message/mailbox.h"

/* What brood_send() goes through, and when the process's loop is to be told that something gathers; NULL = none. */
void public_set_mailbox(struct mailbox *box);

/* The ops of a worker's mailbox: what brood_on_message() and its like have asked for. */
extern const struct mailbox_ops public_ops;
/* Of those that are anybody's. */
void public_returned(const struct brood_returned *returned, void *arg);
void public_room(void *arg);

/* This worker asks to be replaced; is told to leave. */
void public_tell_suicide(void);
void public_tell_disconnect(void);
