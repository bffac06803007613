/* SPDX-License-Identifier: MIT */
/* unix_rights - who may connect to a UNIX socket: "unix:/run/app.sock,mode=0660,group=www" */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct unix_rights {
	mode_t	mode;
	uid_t	uid;	/* (uid_t)-1 = as it is */
	gid_t	gid;
};

#define UNIX_RIGHTS_USUAL ((struct unix_rights){ 0660, (uid_t)-1, (gid_t)-1 })
#define UNIX_PREFIX "unix:"

bool unix_rights_follow(const char *text);	/* whether "mode=", "user=" or "group=" begins there */

/*
 * Splits the address @text: what is before the first of them is copied to @out. Names are looked up.
 * Return: 0; -EINVAL: of an address that is none of a UNIX socket, a mode that is none, or a name nobody has;
 * -ENOSPC.
 */
int unix_rights_parse(const char *text, char *out, size_t size, struct unix_rights *ret_rights);
