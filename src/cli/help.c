/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdio.h>

void help_print(void)
{
	fputs("usage: brood serve [OPTIONS] [DIR]           serve the files under DIR (.)\n"
	      "       brood serve [OPTIONS] --text STRING   answer every request with STRING\n"
	      "       brood serve [OPTIONS] --handler F.so  answer with a handler of your own\n"
	      "       brood run [OPTIONS] -- PROG ARG...    have a program be every worker\n"
	      "       brood ctl [OPTIONS] COMMAND           ask or tell a running pool\n"
	      "       brood top [--control PATH]            look at a running pool, live\n"
	      "       brood doctor [OPTIONS]                what is allowed here, and remedies\n"
	      "       brood help [COMMAND]                  this, or what COMMAND takes\n"
	      "       brood version\n"
	      "\n"
	      "A pool of worker processes, each with its own SO_REUSEPORT socket, behind a\n"
	      "thin parent that replaces the ones that die. See brood(1).\n", stdout);
}

static void print_option(const struct option *option)
{
	static const struct serve_options nothing_said = { .pool = BROOD_OPTIONS_INIT };
	char usual[VALUE_TEXT_BYTES] = ":8080";
	char flag[64];

	if (option->parse != parse_listen)
		value_format(option, &nothing_said, usual);
	if (!option->form)
		usual[0] = '\0';
	snprintf(flag, sizeof(flag), "--%s %s", option->flag, option->form ? option->form : "");
	printf("  %-24s %s%s%s%s\n", flag, option->help, usual[0] ? " (" : "", usual, usual[0] ? ")" : "");
}

static void print_usage(enum audience command)
{
	if (command == FOR_SERVE) {
		fputs("usage: brood serve [OPTIONS] [DIR | --text STRING | --handler F.so]\n", stdout);
		return;
	}
	fputs("usage: brood run [OPTIONS] -- PROG ARG...\n"
	      "\nPROG gets its listening sockets from descriptor 3 on (LISTEN_FDS), reports as to\n"
	      "systemd (NOTIFY_SOCKET: READY=1; STOPPING=1 to be replaced first; WATCHDOG=1),\n"
	      "and finds BROOD_SLOT, BROOD_GENERATION, BROOD_ID and BROOD_CHANNEL_FD (messages\n"
	      "to others, brood_message(3)) in its environment. {slot} in PROG, ARG and --env\n"
	      "is the number of its slot.\n", stdout);
}

void help_print_command(enum audience command)
{
	print_usage(command);
	for (const struct option *o = option_table; o < option_table + option_table_len; o++) {
		if (!o->flag && (o->only == FOR_BOTH || o->only == command))
			printf("\n%s:\n", o->help);
		else if (o->flag && !option_refusal(o, command))
			print_option(o);
	}
	fputs("\nEach is also a variable of the environment, --drain-timeout is\n"
	      "BROOD_DRAIN_TIMEOUT, and a line of the file, drain-timeout = 9s. Addresses are\n"
	      "separated by commas there. An argument is stronger than the environment, that\n"
	      "than the file.\n"
	      "\nTERM, INT and QUIT drain and end; a second one ends at once. HUP replaces every\n"
	      "worker, TTIN adds one, TTOU takes one away.\n"
	      "Exit codes: 0 drained, 1 could not start, 2 usage, 3 connections were cut,\n"
	      "4 workers died too often.\n", stdout);
}
