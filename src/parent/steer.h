/* SPDX-License-Identifier: MIT */
/* steer - which listeners of a reuseport group get new connections */
#pragma once

struct crew;

/* Attaches to each group who gets new connections, if that has changed. */
void steer_settle(struct crew *crew);
