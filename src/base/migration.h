/* SPDX-License-Identifier: MIT */
/*
 * migration - have the kernel give what waits for a closing listener to another of its group
 *
 * net.ipv4.tcp_migrate_req is the network namespace's, so it is set for a moment only, and only by who may.
 * Kernels before 6.18 may give connections away without waking who gets them: all should look.
 */
#pragma once

/* Return: for migration_end(), which must follow at once; -1 = on anyway, or not allowed. */
int migration_begin(void);
void migration_end(int begun);
