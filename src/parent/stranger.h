/* SPDX-License-Identifier: MIT */
/* stranger - who has joined one of our SO_REUSEPORT groups, and takes part of the connections */
#pragma once

struct crew;

/* A worker is ready: is anybody else in its groups? */
void stranger_look(struct crew *crew);
