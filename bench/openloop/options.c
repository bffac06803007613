/* SPDX-License-Identifier: MIT */
/* options - the command line, checked */
#include "openloop.h"

#include <err.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_DEFAULT 64
#define CONNECTIONS_DEFAULT_CLOSE 1024

static const char usage[] =
	"usage: openloop --port P [options]\n"
	"  --rate R              requests per second (1000)\n"
	"  --seconds S           recorded (5)\n"
	"  --warm-up S           before that, not recorded (1)\n"
	"  --connections C       kept alive (64); with --close at most so many at a time (1024)\n"
	"  --open-rate R         connections opened per second at the start (all at once)\n"
	"  --pipeline N          outstanding requests per connection (1)\n"
	"  --close               a connection for every request\n"
	"  --arrivals A          uniform or poisson (uniform)\n"
	"  --path /x             what is asked for (/)\n"
	"  --mix PERCENT:/path   so many of the requests ask for this instead; repeatable\n"
	"  --by-worker           count by the pid in the answers' bodies\n"
	"  --slow-read B         bytes per second and connection, at least 100\n"
	"  --timeout S           to wait for answers after the last intended send (5)\n"
	"  --tick US             between two sends; a request leaves at most half of it early (100)\n"
	"  --seed N              of arrivals and mix (1)\n";

static double parse_number(const char *name, const char *text, double least, double most)
{
	char *end;
	double number = strtod(text, &end);

	if (((*text < '0' || *text > '9') && *text != '.') || *end || !isfinite(number))
		errx(2, "--%s: not a number: %s", name, text);
	if (number < least || number > most)
		errx(2, "--%s: %s is not within %.15g..%.15g", name, text, least, most);
	return number;
}

static uint32_t parse_whole(const char *name, const char *text, double least, double most)
{
	double number = parse_number(name, text, least, most);

	if (number != floor(number))
		errx(2, "--%s: not a whole number: %s", name, text);
	return (uint32_t)number;
}

static const char *parse_path(const char *name, const char *text)
{
	if (*text != '/' || strlen(text) > PATH_BYTES_MAX)
		errx(2, "--%s: must begin with / and have at most %d bytes: %s", name, PATH_BYTES_MAX, text);
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~')
			errx(2, "--%s: a path has no spaces, controls or bytes beyond ASCII", name);
	return text;
}

static void parse_mix(struct options *o, char *text)
{
	char *colon = strchr(text, ':');
	double sum = 0;

	if (!colon)
		errx(2, "--mix: PERCENT:/path is wanted: %s", text);
	if (o->n_paths == PATHS_MAX)
		errx(2, "--mix: at most %d", PATHS_MAX - 1);
	*colon = '\0';
	o->paths[o->n_paths].percent = parse_number("mix", text, 0, 100);
	o->paths[o->n_paths++].text = parse_path("mix", colon + 1);
	for (uint32_t i = 1; i < o->n_paths; i++)
		sum += o->paths[i].percent;
	if (sum > 100)
		errx(2, "--mix: more than 100 percent");
	o->paths[0].percent = 100 - sum;
}

static bool parse_arrivals(const char *text)
{
	if (strcmp(text, "uniform") != 0 && strcmp(text, "poisson") != 0)
		errx(2, "--arrivals: uniform or poisson, not %s", text);
	return *text == 'p';
}

static const struct option known[] = {
	{ "port", required_argument, NULL, 'p' },
	{ "rate", required_argument, NULL, 'r' },
	{ "seconds", required_argument, NULL, 's' },
	{ "warm-up", required_argument, NULL, 'w' },
	{ "connections", required_argument, NULL, 'c' },
	{ "open-rate", required_argument, NULL, 'o' },
	{ "pipeline", required_argument, NULL, 'n' },
	{ "close", no_argument, NULL, 'x' },
	{ "arrivals", required_argument, NULL, 'a' },
	{ "path", required_argument, NULL, 'u' },
	{ "mix", required_argument, NULL, 'm' },
	{ "by-worker", no_argument, NULL, 'b' },
	{ "slow-read", required_argument, NULL, 'l' },
	{ "timeout", required_argument, NULL, 't' },
	{ "tick", required_argument, NULL, 'k' },
	{ "seed", required_argument, NULL, 'e' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

static void take_option(struct options *o, int option, const char *name, char *value)
{
	switch (option) {
	case 'p': o->port = (uint16_t)parse_whole(name, value, 1, UINT16_MAX); break;
	case 'r': o->rate = parse_number(name, value, 0.1, 1e7); break;
	case 's': o->seconds = parse_number(name, value, 0.01, 86400); break;
	case 'w': o->warm_up = parse_number(name, value, 0, 86400); break;
	case 'c': o->connections = parse_whole(name, value, 1, CONNECTIONS_MAX); break;
	case 'o': o->open_rate = parse_number(name, value, 1, 1e6); break;
	case 'n': o->pipeline = parse_whole(name, value, 1, PIPELINE_MAX); break;
	case 'x': o->close = true; break;
	case 'a': o->poisson = parse_arrivals(value); break;
	case 'u': o->paths[0].text = parse_path(name, value); break;
	case 'm': parse_mix(o, value); break;
	case 'b': o->by_worker = true; break;
	case 'l': o->slow_read = parse_whole(name, value, 100, 2e7); break;
	case 't': o->timeout = parse_number(name, value, 0, 3600); break;
	case 'k': o->tick_us = parse_whole(name, value, 0, 1e6); break;
	case 'e': o->seed = parse_whole(name, value, 0, UINT32_MAX); break;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	default:
		exit(2);		/* getopt has said why */
	}
}

void options_parse(int argc, char **argv, struct options *ret_options)
{
	struct options o = {
		.rate = 1000, .seconds = 5, .warm_up = 1, .timeout = 5,
		.pipeline = 1, .tick_us = 100, .seed = 1, .n_paths = 1, .paths[0] = { "/", 100 },
	};
	int option, index = 0;

	while ((option = getopt_long(argc, argv, "", known, &index)) != -1)
		take_option(&o, option, known[index].name, optarg);
	if (optind < argc)
		errx(2, "an argument too many: %s", argv[optind]);
	if (o.port == 0)
		errx(2, "--port is missing; --help shows the options");
	if (o.close && o.pipeline > 1)
		errx(2, "--close and --pipeline exclude each other");
	if (o.connections == 0)
		o.connections = o.close ? CONNECTIONS_DEFAULT_CLOSE : CONNECTIONS_DEFAULT;
	*ret_options = o;
}
