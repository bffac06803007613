/* SPDX-License-Identifier: MIT */
/*
 * control - what is said on the control socket: a stream socket, one JSON object (RFC 8259, UTF-8) a line
 *
 *	request	= {"command": NAME [, ARGUMENT: VALUE] [, "version": 1]} "\n"	at most CONTROL_REQUEST_MAX bytes
 *	reply	= {"ok": true, "version": 1, ...} "\n"
 *		| {"ok": false, "version": 1, "error": TEXT} "\n"		at most CONTROL_REPLY_MAX bytes
 *
 *	status				the pool and its slots
 *	scale		"n": 4		to so many workers			-> "wanted"
 *	reload				every worker is to be replaced		-> "reload", its number
 *	drain		"slot": 2	that worker is to be replaced		-> "pid"
 *	kill		"slot": 2	that worker is killed			-> "pid"
 *	stop		["now": true]	drain and end, or end at once
 *	upgrade				to the program that is there now	-> "pid", of the new parent
 *	events				events from now on, each a line, behind the reply
 *	poison				requests in quarantine, and suspected ones
 *	poison-clear	["n": 3]	that one is answered again, or all	-> "cleared", how many
 *
 * Each request has one reply, in order; it says what was begun, not how it ended: ask for the status. A name
 * that is not expected is refused, so that nobody believes in an argument that has no effect. Within a version
 * replies gain fields; one that is gone or means something else makes another version.
 *
 * Behind the reply to events there is no other reply, but the events {"event": NAME, "time": RFC 3339, ...}:
 *
 *	setup				what is in force; first of all, and after each reload
 *	fork online listening suicide	with "slot", "pid", "generation" and "id", which is never used twice
 *	disconnect exit hung		likewise
 *	giveup steer			with "slot"
 *	reload scale upgrade stop	"state": begun, done, failed
 *	poison				"state": refused, answered
 *	missed				"n" events were not taken in time, and are not told
 *
 * The server hears a few clients, its own user and root, cuts one that is silent for CONTROL_IDLE_MS or does
 * not take a reply within CONTROL_TAKE_MS, and to hear one more cuts the one that has been silent longest.
 */
#pragma once

/* What may stand in place of a path: the usual one (base/runtime.h), none. */
#define CONTROL_AUTO		"auto"
#define CONTROL_OFF		"off"

#define CONTROL_VERSION		1
#define CONTROL_REQUEST_MAX	4096
#define CONTROL_REPLY_MAX	(2 << 20)	/* a pool of 512 whose last deaths are told at length */
#define CONTROL_CLIENTS_MOST	8
#define CONTROL_LISTENERS_MOST	4		/* of them may listen to events */
#define CONTROL_BACKLOG_MAX	(256 << 10)	/* of events for one that does not take them */
#define CONTROL_IDLE_MS		30000
#define CONTROL_TAKE_MS		5000
