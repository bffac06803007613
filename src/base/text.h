/* SPDX-License-Identifier: MIT */
/* text - what anyone may have sent, made fit for one line of a log */
#pragma once

#include <stddef.h>

enum text_style {
	TEXT_PLAIN,	/* control characters and broken UTF-8 become \n, \t or \x1b */
	TEXT_JSON,	/* the inside of a JSON string; broken UTF-8 becomes \ufffd */
};

/*
 * Writes @text to @out, cut between characters where it does not fit.
 * Return: bytes written; not terminated.
 */
size_t text_escape(const char *text, enum text_style style, char *out, size_t size);
