/* SPDX-License-Identifier: MIT */
/* message - what a worker says, and whether it may say that now */
#pragma once

struct child;
struct crew;

/* Handles a bounded number of messages of @child. */
void on_channel(struct crew *crew, struct child *child);
/* Handles all that a dead child has left in its channel. */
void hear_last_words(struct crew *crew, struct child *child);
