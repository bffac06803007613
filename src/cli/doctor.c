/* SPDX-License-Identifier: MIT */
/* doctor - `brood doctor`: what a pool with these options would meet here */
#include "doctor/doctor.h"

#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

void doctor_print_help(void)
{
	fputs("usage: brood doctor [--json] [OPTIONS]\n"
	      "\n"
	      "Examines what this machine, or container, allows a pool that `brood serve` would\n"
	      "make of the same OPTIONS, environment and file; of them --listen, --workers,\n"
	      "--engine, --model, --balance, --backlog, --max-connections, --cache-size, --user\n"
	      "and --drain-timeout matter. It changes nothing, and is to be run where, and as\n"
	      "whom, the pool is to run.\n"
	      "\n"
	      "A line for each thing: ok, warn or bad, its name, and what there is. Unless it is\n"
	      "ok, below it: what it means, and how to have it otherwise, wherever that can be\n"
	      "said: in docker run, in a compose file, in a unit of systemd, ...\n"
	      "\n"
	      "  --json    all of it as one JSON object\n"
	      "\n"
	      "Exit codes: 0 nothing is bad, 1 something is, 2 usage.\n", stdout);
}

/* Takes --json out of the arguments, because it is no option of `brood serve`. */
static bool take_json(int *argc, char **argv)
{
	bool json = false;
	int n = 0;

	for (int i = 0; i < *argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else
			argv[n++] = argv[i];
	}
	*argc = n;
	return json;
}

int doctor_main(int argc, char **argv)
{
	struct serve_options options;
	struct patient patient;
	bool json = take_json(&argc, argv);
	int code = options_read(FOR_SERVE, argc, argv, &options);

	if (code != 0) {
		complain("%s", options.error);
	} else if (options.help) {
		doctor_print_help();
	} else {
		patient_init(&patient, &options.pool, options.listen, options.n_listen);
		code = doctor_report(&patient, json, stdout) ? BROOD_EXIT_NOT_STARTED : 0;
	}
	options_free(&options);
	return code;
}
